"""Promise: what is not asked for is not read, and what is mapped is shared."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import achronyme_env as ach

LINUX = pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="memory is read from /proc")


def run(script):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


PRIVATE = """
def private():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) << 10
"""


@LINUX
def test_saving_copies_no_array(tmp_path):
    run(
        f"""
        import numpy as np, achronyme_env as ach, resource
        a = np.ones(25_000_000)
        f = np.asfortranarray(np.ones((5000, 1000)))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        ach.save({str(tmp_path / "a.ach")!r}, {{"a": a, "b": {{"c": a[:20_000_000], "f": f}}}}, durable=False)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 40_000, grown
        """
    )


@LINUX
def test_a_restored_session_uses_memory_for_what_it_changes(tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {"w": np.ones(25_000_000), "v": np.ones(1_000_000)}, durable=False)
    run(
        PRIVATE
        + textwrap.dedent(
            f"""
            import achronyme_env as ach
            space = {{}}
            before = private()
            ach.restore_env({str(path)!r}, into=space)
            space["w"].sum()
            assert private() - before < 8 << 20, private() - before
            space["w"][: 1 << 20] += 1
            grown = private() - before
            assert 8 << 20 <= grown < 24 << 20, grown
            """
        )
    )
    assert ach.open(path)["w"][0] == 1


@LINUX
def test_a_slice_of_a_compressed_array_unpacks_its_blocks_only(tmp_path):
    path = tmp_path / "a.ach"
    days = (np.arange(30_000_000) % 1000).astype("M8[s]")
    ach.save(path, {"n": days.view("i8"), "t": days}, compress=True, durable=False)
    del days
    run(
        f"""
        import achronyme_env as ach, resource
        ws = ach.open({str(path)!r})
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert ws["n", 29_999_999] == 999 and ws["t", 10_000_000:10_000_010].astype(int).tolist() == list(range(10))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 30_000, grown
        """
    )


@LINUX
def test_closing_and_letting_go_unmaps(tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {"w": np.ones(1_000_000)})

    def maps():
        with open("/proc/self/maps") as lines:
            return sum(str(path) in line for line in lines)

    ws = ach.open(path, mmap=True)
    array, loaded = ws["w"], ach.load(path, "w")
    assert maps() >= 2
    ws.close()
    assert array[0] == 1
    del array, loaded, ws
    assert maps() == 0


def reads(work):
    """What `work` gives, and how many bytes it reads."""

    def read():
        lines = open("/proc/thread-self/io").read().splitlines()
        return int(next(line for line in lines if line.startswith("rchar:")).split()[1])

    first, before = read(), read()
    result = work()
    return result, read() - before - (before - first)


@LINUX
@pytest.mark.parametrize("archive_only", [False, True])
def test_a_lazy_table_is_read_as_it_is_used(tmp_path, archive_only):
    path = tmp_path / "many.ach"
    ach.save(path, {f"variable {n:06}": n for n in range(50_000)}, durable=False)

    def one(lazy_table):
        with ach.open(path, mmap=False, archive_only=archive_only, lazy_table=lazy_table) as workspace:
            return workspace["variable 033333"]

    full, of_full = reads(lambda: one(False))
    lazy, of_lazy = reads(lambda: one(True))
    assert full == lazy == 33_333
    assert of_full > path.stat().st_size - 4096
    assert of_lazy < 40 * 4096
    for mmap in [False, True]:
        with ach.open(path, mmap, archive_only=archive_only, lazy_table=True) as workspace:
            assert "variable 049999" in workspace
            assert "variable 050000" not in workspace
            assert list(workspace)[-1] == "variable 049999"
            with pytest.raises(ach.NotFoundError):
                workspace["variable 050000"]


def test_a_lazy_table_that_is_damaged_is_told_when_it_is_used(tmp_path):
    path = tmp_path / "many.ach"
    ach.save(path, {f"variable {n:06}": n for n in range(10_000)}, durable=False)
    data = bytearray(path.read_bytes())
    # An entry in the middle of them.
    data[64 + 256 + 170_000] ^= 1
    path.write_bytes(data)
    with pytest.raises(ach.DamagedError):
        ach.open(path)
    with ach.open(path, lazy_table=True) as workspace:
        assert workspace["variable 000001"] == 1
        for use in (list, lambda w: "nothing" in w, lambda w: w["nothing"]):
            with pytest.raises(ach.DamagedError):
                use(workspace)
        assert workspace.verify().faults
