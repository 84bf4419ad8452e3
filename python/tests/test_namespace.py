"""Promise: a session comes back writable and lazy, and the file does not change."""

from __future__ import annotations

import collections
import os
import subprocess
import sys
import textwrap
import types

import numpy as np
import pytest

import achronyme_env as ach
import sparse


class Thing:
    pass


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run.ach"
    values = {
        "big": np.arange(200_000, dtype=np.float64),
        "alias": np.arange(200_000, dtype=np.float64),
        "small": np.arange(5),
        "nested": {"a": np.ones(50_000), "b": [np.zeros(3)]},
        "cold": np.zeros(100_000),
        "text": np.array(["a", "b"]),
        "dates": np.arange(100_000).astype("M8[s]"),
        "objects": np.array([1, [2]], dtype=object),
    }
    ach.save(path, values, cold=["cold"])
    return path


@pytest.mark.parametrize("mmap", [True, False])
def test_loaded_arrays_are_writable_and_the_file_stays(path, mmap):
    before = path.read_bytes()
    loaded = ach.load(path, mmap=mmap)
    for name in ("big", "alias", "small", "cold"):
        loaded[name] += 1
    loaded["nested"]["a"] *= 5
    loaded["nested"]["b"][0][:] = 1
    loaded["text"][0] = "z"
    loaded["dates"] += np.timedelta64(1, "s")
    loaded["objects"][0] = None
    assert path.read_bytes() == before
    assert loaded["big"][0] == 1 and loaded["alias"][0] == 1
    again = ach.load(path, mmap=mmap)
    assert again["big"][0] == 0 and again["nested"]["a"][0] == 1 and again["text"].tolist() == ["a", "b"]


def test_two_loads_of_one_variable_are_apart(path):
    first, second = ach.load(path, "big"), ach.load(path, "big")
    first[:] = 7
    assert second[1] == 1 and not np.shares_memory(first, second)


def test_two_names_for_one_array_come_back_apart(tmp_path):
    array = np.zeros(100_000)
    ach.save(tmp_path / "a.ach", {"a": array, "b": array})
    loaded = ach.load(tmp_path / "a.ach")
    loaded["a"] += 1
    assert loaded["b"][0] == 0


def test_a_loaded_array_outlives_the_file_and_its_replacement(path):
    big = ach.load(path, "big")
    ach.save(path, {"big": np.zeros(3)})
    assert big[-1] == 199_999
    os.remove(path)
    big += 1
    assert big[0] == 1


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="memory is read from /proc")
def test_a_session_larger_than_memory_is_restored_and_changed_where_it_is_touched(tmp_path):
    path = tmp_path / "large.ach"
    sparse.zeros(path, 100 << 30)
    script = textwrap.dedent(
        f"""
        import achronyme_env as ach

        def own():
            with open("/proc/self/smaps_rollup") as lines:
                return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))

        ach.open({str(path)!r})["x"]
        space, before = {{}}, own()
        ach.restore_env({str(path)!r}, into=space)
        big = space["big"]
        assert big.shape == (100 << 30,) and space["x"] == 1
        for place in (0, 50 << 30, (100 << 30) - 1):
            big[place] += 7
        assert big[50 << 30] == 7 and big[(50 << 30) + 1] == 0
        assert own() - before < 4096, (before, own())
        assert ach.open({str(path)!r})["big", 50 << 30] == 0
        """
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_save_env_takes_what_is_the_users(tmp_path):
    space = {
        "__name__": "__main__",
        "os": os,
        "x": 1,
        "_hidden": 2,
        "f": lambda: 0,
        "Thing": Thing,
        "thing": Thing(),
        "a": np.arange(3),
    }
    report = ach.save_env(space, tmp_path / "s.ach")
    assert {entry.name for entry in report.lost} == {"f", "Thing", "thing"}
    assert list(ach.open(tmp_path / "s.ach")) == ["x", "_hidden", "a"]


def test_save_env_leaves_out_what_ipython_keeps(tmp_path):
    def ipythons():
        pass

    ipythons.__module__ = "IPython.core.interactiveshell"
    space = {
        "get_ipython": len,
        "In": [""],
        "Out": {},
        "_": 1,
        "__": 2,
        "_i": "",
        "_i12": "",
        "_3": 4,
        "_ih": [],
        "exit": 1,
        "open": ipythons,
        "x": 1,
        "_mine": 2,
        "index": 3,
    }
    report = ach.save_env(space, tmp_path / "s.ach")
    assert list(ach.open(tmp_path / "s.ach")) == ["x", "_mine", "index"] and report.lost == []
    report = ach.save_env({"get_ipython": len, "open": lambda: 0}, tmp_path / "s.ach")
    assert [entry.name for entry in report.lost] == ["open"]


def test_an_open_file_in_a_session_is_told_of_as_one(path, tmp_path):
    report = ach.save_env({"ws": ach.open(path), "mean": np.mean, "sin": np.sin}, tmp_path / "s.ach")
    assert "open it again" in report.lost[0].why
    assert all("functions are code" in entry.why for entry in report.lost[1:]) and len(report.lost) == 3


def test_save_env_with_patterns(tmp_path):
    space = {"a1": 1, "a2": 2, "b": 3}
    ach.save_env(space, tmp_path / "s.ach", include=["a*"], exclude="a2")
    assert list(ach.open(tmp_path / "s.ach")) == ["a1"]
    ach.save_env(space, tmp_path / "s.ach", include="{a1,b}")
    assert list(ach.open(tmp_path / "s.ach")) == ["a1", "b"]


def test_a_pattern_that_matches_nothing_is_told_of(tmp_path):
    path = tmp_path / "s.ach"
    report = ach.save_env({"model": 1, "b": 2}, path, include=["modle", "b"], exclude=["c*"])
    assert report.lost == [] and {note.name for note in report.notes} == {"modle", "c*"}
    assert "did you mean 'model'?" in str(report)
    report = ach.restore_env(path, into={}, include="bb")
    assert report.restored == [] and "did you mean 'b'?" in str(report)
    with pytest.raises(ach.PathSyntaxError):
        ach.restore_env(path, into={}, include="[")


def test_merging_keeps_what_is_there_unless_told_otherwise(path):
    space = {"big": "mine", "other": 1}
    report = ach.restore_env(path, into=space)
    assert space["big"] == "mine" and space["other"] == 1 and report.kept == ["big"]
    assert "big" in str(report) and "small" in report.restored
    ach.restore_env(path, into=space, overwrite=True)
    assert space["big"][1] == 1


def test_replacing_clears_what_a_save_would_save(path):
    space = {"old": 1, "os": os, "f": len, "__name__": "x"}
    ach.restore_env(path, into=space, mode="replace")
    assert "old" not in space and space["os"] is os and space["f"] is len and space["__name__"] == "x"
    assert "big" in space


def test_a_namespace_is_never_put_over_a_variable(path):
    space = {"run": 1}
    with pytest.raises(ach.NameTakenError):
        ach.restore_env(path, into=space, mode="namespace")
    ach.restore_env(path, into=space, mode="namespace", namespace="old")
    assert space["run"] == 1 and space["old"]["small"].tolist() == [0, 1, 2, 3, 4]


def test_a_restore_that_fails_leaves_the_session_as_it_was(tmp_path):
    path = tmp_path / "a.ach"
    marker = np.full(100_000, 0x5A5A5A5A, np.int32)
    ach.save(path, {"first": 1, "bad": marker})
    path.write_bytes(path.read_bytes().replace(marker[:100].tobytes(), bytes(400)))
    for mode in ("merge", "replace", "namespace"):
        space = {"mine": 1}
        with pytest.raises(ach.DamagedError):
            ach.restore_env(path, into=space, mode=mode)
        assert space == {"mine": 1}
    with pytest.raises(ach.InvalidValueError):
        ach.restore_env(path, into={}, mode="other")


def test_a_damaged_variable_is_named_with_the_way_around_it(tmp_path):
    path = tmp_path / "a.ach"
    marker = np.full(100_000, 0x5A5A5A5A, np.int32)
    ach.save(path, {f"v{number}": number for number in range(20)} | {"bad": marker})
    path.write_bytes(path.read_bytes().replace(marker[:100].tobytes(), bytes(400)))
    with pytest.raises(ach.DamagedError, match="exclude='bad' restores the others") as caught:
        ach.restore_env(path, into={})
    assert caught.value.name == "bad"
    space = {}
    ach.restore_env(path, into=space, exclude="bad")
    assert len(space) == 20 and space["v19"] == 19


def test_a_mapping_that_takes_nothing_is_refused_before_it_is_changed(path):
    space = {"mine": 1}
    for mode in ("merge", "replace", "namespace"):
        with pytest.raises(ach.WrongKindError):
            ach.restore_env(path, into=types.MappingProxyType(space), mode=mode)
    assert space == {"mine": 1}


def test_a_mapping_that_refuses_in_the_middle_is_left_as_it_was(path):
    class Picky(collections.UserDict):
        def __setitem__(self, name, value):
            if name == "text":
                raise RuntimeError("not that")
            super().__setitem__(name, value)

    for mode in ("merge", "replace"):
        space = Picky({"mine": 1, "big": 2})
        with pytest.raises(RuntimeError, match="not that"):
            ach.restore_env(path, into=space, mode=mode, overwrite=True)
        assert dict(space) == {"mine": 1, "big": 2}


def test_a_class_that_is_missing_is_reported(tmp_path):
    import fractions
    from collections import namedtuple

    point = namedtuple("Point", "x y")
    ach.save(tmp_path / "a.ach", {"p": point(1, 2), "q": fractions.Fraction(1, 2)})
    space = {}
    report = ach.restore_env(tmp_path / "a.ach", into=space)
    assert report.lost[0].name == "p" and space["p"].x == 1 and space["q"] == fractions.Fraction(1, 2)


def test_a_whole_interpreter_and_back(tmp_path):
    path = tmp_path / "s.ach"
    save = f"import numpy as np, achronyme_env as ach; w = np.ones((300, 300)); cfg = dict(lr=1)\nach.save_env(globals(), {str(path)!r})"
    restore = f"import achronyme_env as ach\nprint(ach.restore_env({str(path)!r}, into=globals()))\nw += 1\nassert w.sum() == 180000 and cfg == {{'lr': 1}}"
    subprocess.run([sys.executable, "-c", save], check=True)
    done = subprocess.run([sys.executable, "-c", restore], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("restored 2 variables")
