"""Promise: what is larger than memory is written in place and variable by variable; the file appears
whole or not at all, and no array that is kept can change it or end the process."""

from __future__ import annotations

import errno
import gc
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import achronyme_env as ach

ROOT = pathlib.Path(os.environ.get("ACH_DOCUMENTS", pathlib.Path(__file__).parents[2]))
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits on data are those of Linux")
POSIX = pytest.mark.skipif(os.name != "posix", reason="the system cannot set memory free")


def run(script, **options):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=120, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "c8", "c16"])
def test_an_array_computed_in_place_is_the_one_that_save_writes(dtype, tmp_path):
    values = (np.arange(70_000) % 251).astype(dtype).reshape(7, 100, 100)
    with ach.create(tmp_path / "a.ach", "a", dtype, values.shape, attrs={"units": "K"}) as array:
        assert array.dtype == values.dtype and array.shape == values.shape
        assert array.flags.c_contiguous and array.flags.writeable and not array.any()
        array[...] = values
    ws = ach.open(tmp_path / "a.ach")
    assert ws["a"].dtype == values.dtype and np.array_equal(ws["a"], values)
    assert ws.attrs["a"] == {"units": "K"} and ws.verify()


def test_floats_that_numpy_has_not_are_those_of_ml_dtypes(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    with ach.create(tmp_path / "a.ach", "a", ml_dtypes.bfloat16, 5) as array:
        array[:] = 1.5
    assert not array.flags.writeable
    found = ach.open(tmp_path / "a.ach")["a"]
    assert found.dtype == ml_dtypes.bfloat16 and found.tolist() == [1.5] * 5


@pytest.mark.parametrize("shape", [(), 0, 3, (4, 0), (2, 3, 4), np.int64(5), [np.int32(2), 2]])
def test_every_shape_can_be_created(shape, tmp_path):
    with ach.create(tmp_path / "a.ach", "a", "f4", shape) as array:
        array[...] = 2
    found = ach.open(tmp_path / "a.ach")["a"]
    assert found.shape == np.empty(shape).shape and (found == 2).all()


def test_nobody_sees_the_file_before_the_end_and_an_error_leaves_the_old_one(tmp_path):
    path = tmp_path / "a.ach"
    with ach.create(path, "a", "f8", 10) as array:
        array[:] = 1
        assert not path.exists()
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), ach.create(path, "a", "f8", 10**6) as array:
        array[:] = 2
        assert path.read_bytes() == before
        1 / 0
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.ach"]
    # What was computed is still there for whoever holds it, and is no file.
    assert array.sum() == 2e6


@POSIX
def test_arrays_that_are_kept_keep_their_values_and_never_change_the_file(tmp_path):
    path = tmp_path / "a.ach"
    with ach.writer(path) as out:
        array = out.create("a", "f8", (1000, 100))
        array[...] = 1
        rows, flat, view = array[10:20], array.reshape(-1), memoryview(array)
        small = out.create("small", "i4", 3)
        part = small[1:]
    before = path.read_bytes()
    assert not array.flags.writeable and not small.flags.writeable
    with pytest.raises(ValueError):
        array[0, 0] = 2
    with pytest.raises(ValueError):
        array.flags.writeable = True
    # Views from before are memory of their own.
    rows[...], flat[-1], part[:] = -1, -2, -3
    view[0, 0] = -4.0
    del view
    assert rows.sum() == -1000 and array[999, 99] == -2 and small.tolist() == [0, -3, -3]
    assert path.read_bytes() == before
    ws = ach.open(path)
    assert ws.verify() and (ws["a"] == 1).all() and ws["small"].tolist() == [0, 0, 0]
    path.unlink()
    del ws
    gc.collect()
    assert rows[0, 0] == -1 and array[500, 0] == 1


@POSIX
def test_threads_that_go_on_writing_cannot_spoil_the_sums(tmp_path):
    path = tmp_path / "a.ach"
    stop = threading.Event()
    with ach.create(path, "a", "i8", 1 << 20) as array:
        rest = array[:]

        def write() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                rest[...] = number

        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads:
            thread.start()
    before = path.read_bytes()
    assert ach.open(path).verify()
    stop.set()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == before and ach.open(path).verify()


@LINUX
def test_where_memory_is_limited_an_array_that_is_kept_is_a_copy_in_a_file(tmp_path):
    told = run(
        f"""
        import os, resource, numpy as np, achronyme_env as ach
        used = [int(l.split()[1]) << 10 for l in open("/proc/self/status") if l.startswith("VmData")][0]
        resource.setrlimit(resource.RLIMIT_DATA, (used + (32 << 20),) * 2)
        path = {str(tmp_path / "a.ach")!r}
        with ach.create(path, "a", "u1", 128 << 20) as array:
            array[::4096] = 7
            rest = array[1:]
        kept = [l for l in open("/proc/self/maps") if {str(tmp_path)!r} in l]
        assert kept and all("rw-s" in l and "(deleted)" in l for l in kept), kept
        rest[...] = 1
        assert array[0] == 7 and int(array[-1]) == 1
        ws = ach.open(path)
        assert ws.verify() and int(ws["a"].sum()) == 7 * (128 << 20) // 4096
        bytes(8 << 20)
        print(os.listdir({str(tmp_path)!r}))
        """
    )
    assert told == "['a.ach']\n"


@LINUX
def test_a_full_disk_is_an_error_before_anything_is_computed(tmp_path):
    free = os.statvfs(tmp_path)
    size = free.f_bavail * free.f_frsize
    with pytest.raises(ach.DiskFullError, match="bytes are needed"), ach.create(
        tmp_path / "a.ach", "a", "u1", 2 * size
    ):
        raise AssertionError("there is no room")
    assert os.listdir(tmp_path) == []
    # A writer goes on without it.
    with ach.writer(tmp_path / "a.ach") as out:
        with pytest.raises(OSError):
            out.create("a", "f8", (1 << 40, 1 << 10))
        out.add("b", 1)
    assert list(ach.open(tmp_path / "a.ach")) == ["b"]


@LINUX
def test_a_limit_on_the_length_of_files_is_an_error_and_no_signal(tmp_path):
    told = run(
        f"""
        import resource, os, signal, achronyme_env as ach
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        try:
            with ach.create({str(tmp_path / "a.ach")!r}, "a", "f8", 1 << 20) as array:
                array[:] = 1
        except OSError as error:
            print(type(error).__name__, error.errno)
        print(os.listdir({str(tmp_path)!r}))
        """
    )
    assert told == f"IoError {errno.EFBIG}\n[]\n"


@pytest.mark.parametrize(
    ("dtype", "shape", "error", "words"),
    [
        ("M8[s]", 3, ach.DTypeError, "create an int64"),
        ("U5", 3, ach.DTypeError, "only numbers and booleans"),
        (object, 3, ach.DTypeError, "only numbers and booleans"),
        ([("a", "f8")], 3, ach.DTypeError, "only numbers and booleans"),
        ("g", 3, ach.DTypeError, "only numbers and booleans"),
        (">f8" if sys.byteorder == "little" else "<f8", 3, ach.DTypeError, "byte order"),
        ("f8", -1, ach.InvalidValueError, "not negative"),
        ("f8", 1.5, ach.WrongKindError, "integers are expected"),
        ("f8", (1 << 62, 1 << 62), ach.AchError, "'a'"),
        ("f8", (1,) * 65, ach.InvalidValueError, "larger than any array"),
    ],
)
def test_what_cannot_be_created_is_an_error_that_names_it(dtype, shape, error, words, tmp_path):
    with pytest.raises(error, match=words), ach.create(tmp_path / "a.ach", "a", dtype, shape):
        pass
    assert os.listdir(tmp_path) == []


# Writers


def test_a_writer_takes_all_that_save_takes_and_writes_the_same(tmp_path):
    values = {
        "w": np.arange(3_000_000.0),
        "cfg": {"lr": 1e-3, "tags": ["a", None], "layers": (64, 32)},
        "again": np.arange(3_000_000.0),
        "strings": np.array(["a", "bc"]),
        "when": np.arange(5).astype("M8[D]"),
        "cold": np.zeros(1 << 21),
    }
    attrs = {"w": {"units": "K", "range": (1, 2)}}
    options = {"description": "third", "tags": ["t"], "custom": {"k": "v"}, "cold": "cold"}
    ach.save(tmp_path / "a.ach", values, attrs=attrs, **options)
    with ach.writer(tmp_path / "b.ach", **options) as out:
        for name, value in values.items():
            out.add(name, value, attrs=attrs.get(name))
        assert out.names == list(values) and out.report is None
    a, b = ach.open(tmp_path / "a.ach"), ach.open(tmp_path / "b.ach")
    assert list(a) == list(b) and b.verify()
    for name in a:
        assert np.array_equal(a[name], b[name]) if isinstance(a[name], np.ndarray) else a[name] == b[name]
        assert a.attrs[name] == b.attrs[name]
    assert (b.info.description, b.info.tags, b.info.custom) == ("third", ["t"], {"k": "v"})
    assert b.info.compressed and out.report.bindings == 6
    # The compressed one is next to nothing.
    assert out.report.file_len < 2 * 8 * 3_000_000 + (1 << 20)


def test_a_value_may_be_changed_as_soon_as_it_was_added(tmp_path):
    sizes = [10, 100_000, 1 << 19, (1 << 20) - 1, 1 << 20, 3 << 20]
    with ach.writer(tmp_path / "a.ach") as out:
        for size in sizes:
            values = np.zeros(size)
            for step in range(5):
                values[:] = step
                out.add(f"{size}/{step}", {"values": values, "list": [values]})
            values[:] = -1
    ws = ach.open(tmp_path / "a.ach")
    assert ws.verify()
    for size in sizes:
        for step in range(5):
            value = ws[f"{size}/{step}"]
            assert (value["values"] == step).all() and (value["list"][0] == step).all()


def test_what_a_writer_cannot_keep_is_told_or_refused(tmp_path):
    with ach.writer(tmp_path / "a.ach") as out:
        out.add("f", np.mean)
        out.add("part", {"f": np.mean, "x": 1})
        out.add("x", 1, attrs={"f": np.mean, 3: 4})
        assert {item.name for item in out.lost} == {"f", "part", "x"}
    assert out.report.lost == out.lost and len(out.lost) == 4
    ws = ach.open(tmp_path / "a.ach")
    assert list(ws) == ["part", "x"] and ws["part"]["x"] == 1
    with ach.writer(tmp_path / "b.ach", strict=True) as out:
        with pytest.raises(ach.LossyError) as caught:
            out.add("f", {"g": [np.mean]})
        assert caught.value.lost[0].path == ".g[0]"
        with pytest.raises(ach.LossyError):
            out.create("c", "f8", 3, attrs={"f": np.mean})
        with pytest.raises(ach.LossyError):
            out.add("y", 1, attrs={"f": {"g": np.mean}})
        out.add("x", 1)
    assert list(ach.open(tmp_path / "b.ach")) == ["x"]


def test_names_are_looked_at_before_anything_is_written(tmp_path):
    with ach.writer(tmp_path / "a.ach") as out:
        out.add("x", 1)
        out.create("y", "f8", 3)
        for name in ("x", "y"):
            with pytest.raises(ach.DuplicateNameError, match=f"'{name}' already"):
                out.add(name, 2)
            with pytest.raises(ach.DuplicateNameError):
                out.create(name, "f8", 3)
        with pytest.raises(ach.WrongKindError):
            out.add(3, 1)
        with pytest.raises(ach.NameTooLongError):
            out.add("n" * 4097, 1)
        with pytest.raises(ach.InvalidValueError):
            out.add("\ud800", 1)
    assert list(ach.open(tmp_path / "a.ach")) == ["x", "y"]


def test_a_cold_pattern_on_a_created_array_is_an_error(tmp_path):
    with ach.writer(tmp_path / "a.ach", cold="r*") as out:
        with pytest.raises(ach.InvalidValueError, match="cold"):
            out.create("raw", "f8", 3)
        out.add("raw", np.zeros(3))
    assert ach.open(tmp_path / "a.ach")["raw"].tolist() == [0, 0, 0]


def test_a_writer_that_is_done_or_given_up_says_so(tmp_path):
    path = tmp_path / "a.ach"
    out = ach.writer(path)
    out.add("x", 1)
    out.discard()
    out.discard()
    assert os.listdir(tmp_path) == [] and "given up" in repr(out)
    for use in (lambda: out.add("y", 1), out.finish, out.__enter__):
        with pytest.raises(ach.ClosedError, match="published or given up"):
            use()
    with ach.writer(path) as out:
        report = out.finish()
    assert report is out.report and report.bindings == 0 and "published" in repr(out)
    out = ach.writer(tmp_path / "b.ach")
    out.create("a", "f8", 1000)
    del out
    gc.collect()
    assert os.listdir(tmp_path) == ["a.ach"]


def test_the_options_of_save_hold_for_writers(tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {"old": 1})
    with pytest.raises(ach.AlreadyExistsError), ach.writer(path, overwrite=False) as out:
        out.add("x", 1)
    with ach.session(path, fold_below=0) as s:
        s["y"] = 2
    with pytest.raises(ach.UnfoldedJournalError), ach.create(path, "a", "f8", 3):
        pass
    with ach.create(path, "a", "f8", 3, discard_journal=True):
        pass
    assert list(ach.open(path)) == ["a"]


def test_progress_is_told_and_a_callback_that_raises_leaves_nothing(tmp_path):
    told = []
    with ach.create(tmp_path / "a.ach", "a", "u1", 40 << 20, progress=lambda *counts: told.append(counts)):
        pass
    assert told[-1] == (40 << 20, 40 << 20) and told == sorted(told)

    def fail(done, total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"), ach.create(
        tmp_path / "b.ach", "a", "u1", 40 << 20, progress=fail
    ):
        pass
    assert os.listdir(tmp_path) == ["a.ach"]
    with pytest.raises(ach.WrongKindError), ach.create(tmp_path / "b.ach", "a", "u1", 4, progress=3):
        pass


@POSIX
def test_ctrl_c_leaves_nothing(tmp_path):
    script = f"""
import signal, numpy as np, achronyme_env as ach
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with ach.create({str(tmp_path / "a.ach")!r}, "a", "f8", 1 << 22) as array:
        print("begun", flush=True)
        while True:
            array[:] += 1
except KeyboardInterrupt:
    print("stopped", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "begun\n"
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "stopped\n"
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_writes_its_share_and_leaves_the_file_to_its_parent(tmp_path):
    run(
        f"""
        import os, achronyme_env as ach
        with ach.writer({str(tmp_path / "a.ach")!r}) as out:
            array = out.create("a", "f8", (2, 1000))
            child = os.fork()
            if child == 0:
                array[1] = 2
                try:
                    out.add("x", 1)
                except ach.ForkedChildError:
                    os._exit(0)
                finally:
                    del out
                os._exit(1)
            assert os.waitpid(child, 0)[1] == 0
            array[0] = 1
        ws = ach.open({str(tmp_path / "a.ach")!r})
        assert ws.verify() and ws["a"].sum() == 3000
        """
    )


# Reading in parts


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("cold", ["", "a"])
def test_blocks_are_all_of_the_array_once(order, mmap, cold, tmp_path):
    values = np.asarray(np.random.default_rng(0).random((6, 40, 50)), order=order)
    ach.save(tmp_path / "a.ach", {"a": values, "s": np.full((), 3.0), "e": np.zeros((3, 0))}, cold=cold)
    ws = ach.open(tmp_path / "a.ach", mmap=mmap)
    for most in (8 * 7, 8 * 50, 8 * 120, 8 * 2000, 8 * 4001, 1 << 30):
        seen = np.zeros(values.shape, int)
        for index, part in ws.blocks("a", most):
            assert part.nbytes <= most and not part.flags.writeable
            assert np.array_equal(part, values[index])
            seen[index] += 1
        assert (seen == 1).all()
    assert [part.tolist() for _, part in ws.blocks("s")] == [3.0] and list(ws.blocks("e")) == []


def test_blocks_of_dates_are_dates_and_of_other_things_an_error(tmp_path):
    days = np.arange(1000).astype("M8[D]")
    ach.save(tmp_path / "a.ach", {"d": days, "x": 1, "s": np.array(["a"])})
    ws = ach.open(tmp_path / "a.ach")
    assert np.array_equal(np.concatenate([part for _, part in ws.blocks("d", 800)]), days)
    for name in ("x", "s"):
        with pytest.raises(ach.WrongKindError, match="read in parts"):
            ws.blocks(name)
    with pytest.raises(ach.NotFoundError):
        ws.blocks("y")
    with pytest.raises(ach.InvalidValueError, match="an element"):
        ws.blocks("d", 7)


def test_blocks_find_damage(tmp_path):
    path = tmp_path / "a.ach"
    values = np.arange(1_000_000.0)
    ach.save(path, {"a": values})
    data = bytearray(path.read_bytes())
    data[data.find(values[500_000:500_010].tobytes()) + 3] ^= 1
    path.write_bytes(data)
    for mmap in (True, False):
        with pytest.raises(ach.DamagedError, match="'a'"):
            for _ in ach.open(path, mmap=mmap).blocks("a", 1 << 18):
                pass


def test_many_are_read_at_once(tmp_path):
    values = {f"v{i}": np.full(200_000, float(i)) for i in range(10)}
    ach.save(tmp_path / "a.ach", {**values, "cfg": {"a": values["v1"], "n": 1}}, cold=["v?"])
    for mmap in (True, False):
        ws = ach.open(tmp_path / "a.ach", mmap=mmap)
        told = []
        found = ws.get_many(["v3", "cfg", "v1"], progress=lambda *counts: told.append(counts))
        assert list(found) == ["v3", "cfg", "v1"]
        assert (found["v3"] == 3).all() and (found["cfg"]["a"] == 1).all() and found["cfg"]["n"] == 1
        assert told[-1] == (3 * 1_600_000, 3 * 1_600_000)
        assert list(ws.get_many()) == list(ws) and ws.get_many([]) == {}
        assert list(ws.get_many("v1")) == ["v1"]
        with pytest.raises(ach.NotFoundError, match="'y'"):
            ws.get_many(["v1", "y"])
        with pytest.raises(ach.WrongKindError):
            ws.get_many([1])

        def fail(done, total):
            raise RuntimeError("enough")

        with pytest.raises(RuntimeError, match="enough"):
            ws.get_many(progress=fail)
        assert ws.prefetch(["v1", "none"]) >= 0 and ws.prefetch("v1") >= 0


def test_a_load_tells_how_far_it_is_and_stops_when_told(tmp_path):
    ach.save(tmp_path / "a.ach", {f"v{i}": np.zeros(1000) for i in range(5)})
    told = []
    assert len(ach.load(tmp_path / "a.ach", progress=lambda *counts: told.append(counts))) == 5
    assert told == [(8000 * i, 40_000) for i in range(1, 6)]

    def fail(done, total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        ach.load(tmp_path / "a.ach", progress=fail)


# Examples


@LINUX
@pytest.mark.parametrize(
    ("example", "shown"),
    [
        ("larger_than_memory_tensor", "256 MiB in one tensor, 64 MiB of memory for data\nverified: no faults\n"),
        (
            "larger_than_memory_statistics",
            "256 MiB in 16 variables, 64 MiB of memory for data\n"
            "min 0.0, max 2097166.0, mean 1048583.0, deviation 605395.6\n",
        ),
    ],
)
def test_the_examples_keep_within_their_limit_and_the_ordinary_way_does_not(example, shown, tmp_path):
    program = ROOT / "python" / "examples" / f"{example}.py"
    if not program.exists():
        pytest.skip("ACH_DOCUMENTS does not name the repository")
    command = [sys.executable, "-B", str(program), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, shown), done.stderr
    done = subprocess.run([*command, "at-once"], capture_output=True, text=True, timeout=300)
    assert done.returncode != 0 and "allocate" in done.stderr
    assert os.listdir(tmp_path) == []
