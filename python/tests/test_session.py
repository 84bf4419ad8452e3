"""Promise: a session is a mapping whose changes are committed as they are made, cost what changed, and
can be gone back to."""

from __future__ import annotations

import dataclasses
import datetime
import os
import threading
import warnings

import numpy as np
import pytest
from conftest import same

import achronyme_env as ach


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ach"


def test_the_example_of_the_documents(path):
    x = np.arange(12.0)
    with ach.session(path) as s:
        s["x"] = x
        s.mark("before")
        s["x"] = x + 1
        went = s.undo()
        assert went.changed == ["x"] and same(s["x"], x)
        s.undo()
        assert list(s) == []
        s.redo()
    assert same(ach.load(path, "x"), x)
    assert sorted(os.listdir(path.parent)) == ["run.ach", "run.ach-lock"]


def test_it_is_a_mapping_in_the_order_of_definition(path):
    with ach.session(path) as s:
        s.update({"b": 1, "a": 2}, c=3)
        assert list(s) == ["b", "a", "c"] and len(s) == 3 and "a" in s and "z" not in s and 3 not in s
        s["b"] = 10
        del s["a"]
        s.rename("c", "d")
        s["a"] = 4
        assert dict(s) == {"b": 10, "d": 3, "a": 4}
        assert s.pop("b") == 10 and s.setdefault("e", 5) == 5 and s.get("none") is None
        assert s.names("[de]") == ["d", "e"]
        assert list(s.keys()) == ["d", "a", "e"]
        with pytest.raises(KeyError, match="did you mean"):
            del s["ee"]
        with pytest.raises(ach.DuplicateNameError):
            s.rename("d", "a")
        s.clear()
        assert dict(s) == {} and s.undo() and dict(s) == {"d": 3, "a": 4, "e": 5}
    assert ach.load(path) == {"d": 3, "a": 4, "e": 5}


VALUES = {
    "none": None,
    "text": "x" * 10_000,
    "bytes": b"\0" * 5000,
    "tuple": (1, 2.5, ("a", {1, 2})),
    "dict": {1: "a", None: [1, {"k": np.float32(3)}]},
    "record": {"lr": 1e-3, "layers": [np.arange(3), np.zeros((2, 2), order="F")]},
    "empty": np.zeros((0, 3)),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(20)[::3],
    "big": np.arange(300_000).reshape(1000, 300),
    "strings": np.array(["a", "longer", ""]),
    "dates": np.array(["2026-01-01", "NaT"], "M8[D]"),
    "date": datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc),
    "huge": 1 << 200,
}


@pytest.mark.parametrize("mmap", [True, False])
def test_values_come_back_as_from_a_file(path, mmap):
    with ach.session(path, mmap=mmap, fold_below=0) as s:
        s.update(VALUES)
        for name, value in VALUES.items():
            want = value if name != "strided" else np.ascontiguousarray(value)
            assert same(s[name], want) and same(s.load(name), want), name
        assert not s["big"].flags.writeable and s.load("big").flags.writeable
        assert s["big", 10:12, ::100].tolist() == VALUES["big"][10:12, ::100].tolist()
        assert s.at("record.layers[0][1]") == 1 and s.at("dict") == VALUES["dict"]
        kept = s["big"]
    with ach.session(path, mmap=mmap, fold_below=0) as s:
        assert all(same(s[name], VALUES[name]) for name in VALUES if name != "strided")
        report = s.checkpoint()
        assert report.bindings == len(VALUES)
        assert all(same(s[name], VALUES[name]) for name in VALUES if name != "strided")
    assert same(kept, VALUES["big"])
    assert ach.open(path).verify()


def test_what_is_read_of_the_journal_outlives_session_and_checkpoint(path):
    with ach.session(path, fold_below=0) as s:
        s["x"] = np.arange(100_000)
        x = s["x"]
        s["x"] = np.zeros(3)
        s.checkpoint()
    assert same(x, np.arange(100_000))


def test_an_array_that_is_set_again_is_not_written_again(path):
    big = np.arange(1 << 20, dtype=np.float64)
    with ach.session(path, fold_below=0, checkpoint_at=None) as s:
        s["big"] = big
        written = s.journal_len
        assert written > big.nbytes
        s["big"] = big
        s["copy"] = big.copy()
        s["model"] = {"weights": big, "rate": 0.1}
        s.set_at("model.rate", 0.2)
        s["again"] = s["big"]
        assert s.journal_len < written + 10_000
        big[12345] = -1
        s["big"] = big
        assert s.journal_len > written + big.nbytes
        assert s["big"][12345] == -1 and s["copy"][12345] == 12345 and s.at("model.weights[12345]") == 12345
    with ach.session(path, fold_below=0, checkpoint_at=None) as s:
        before = s.journal_len
        s["third"] = big
        assert s.journal_len < before + 10_000 and same(s["third"], big)
        s.checkpoint()
        s["fourth"] = big
        assert s.journal_len < 10_000 and same(s["fourth"], big)


def test_a_checkpoint_that_fails_by_itself_is_told(path):
    text = "a" * 40_000 + "here" + "b" * 40_000
    with ach.session(path) as s:
        s["text"] = text
    data = path.read_bytes()
    path.write_bytes(data.replace(b"here", b"Here"))
    with ach.session(path, durability="os") as s:
        s["big"] = np.zeros(9 << 20)
        assert s.notes == []
        s["big"] = 0
        (note,) = s.notes
        assert note.startswith("the journal was not folded: ") and "damaged" in note, note
        del s["text"]
        s.checkpoint()
        assert s.notes == []


def test_what_is_committed_is_the_array_as_it_was_when_it_was_set(path):
    for length in (10, 100_000, 1_000_000):
        a = np.zeros(length)
        with ach.session(path, fold_below=0) as s:
            s["a"] = a
            with s.transaction():
                s["b"] = a
                a += 1
            assert s["a"].sum() == 0 and s["b"].sum() == 0


def test_a_transaction_is_one_commit(path):
    with ach.session(path) as s:
        s["gone"] = 0
        before = s.sequence
        with s.transaction() as t:
            assert t is s
            s["a"], s["b"] = 1, np.arange(3)
            del s["gone"]
            s.attrs["a"]["units"] = "K"
            assert list(s) == ["a", "b"] and len(s) == 2 and "gone" not in s
            assert s["b", 1] == 1 and s.at("b[2]") == 2 and s.load("b").flags.writeable
            assert dict(s.attrs["a"]) == {"units": "K"}
            assert s.sequence == before and dict(ach.open(path)) == {"gone": 0}
            with pytest.raises(KeyError):
                s["gone"]
            with pytest.raises(IndexError):
                s["b", 7]
        assert len(s.log()) == 2 and list(ach.open(path)) == ["a", "b"]
        s.undo()
        assert dict(s) == {"gone": 0}


def test_an_error_in_a_transaction_takes_all_of_it_back(path):
    with ach.session(path) as s:
        s["x"] = 1
        sequence = s.sequence
        for error in (ValueError, KeyboardInterrupt):
            with pytest.raises(error), s.transaction():
                s["x"], s["y"] = 2, 3
                raise error
            assert dict(s) == {"x": 1} and s.sequence == sequence
        with s.transaction():
            s["x"] = 2
            s.commit()
            s["x"] = 3
            s.rollback()
            assert s["x"] == 2
        for forbidden in (s.undo, s.redo, s.checkpoint, s.close, lambda: s.mark("m"), lambda: s.restore_at(0)):
            with pytest.raises(ach.InvalidValueError, match="transaction"), s.transaction():
                forbidden()
        with pytest.raises(ach.InvalidValueError), s.transaction(), s.transaction():
            pass
        assert dict(s) == {"x": 2}


def test_an_error_in_the_with_block_takes_nothing_back(path):
    with pytest.raises(ZeroDivisionError), ach.session(path) as s:
        s["x"] = 1
        1 / 0
    assert ach.load(path) == {"x": 1}


def test_history_is_gone_back_to_by_mark_sequence_commit_and_time(path):
    with ach.session(path) as s:
        for n in range(5):
            s["x"] = n
            if n == 1:
                s.mark("one")
        log = s.log()
        sets = [commit for commit in log if commit.changes[0].what == "set"]
        for moment, value in [("one", 1), (sets[2].sequence, 2), (sets[3], 3), (sets[0].time, 0)]:
            s.restore_at(moment)
            assert s["x"] == value, moment
        assert s.undo().changed == ["x"] and s["x"] == 3
        assert s.undo(to="one").to and s["x"] == 1
        local = sets[4].time.astimezone().replace(tzinfo=None)
        s.restore_at(local)
        assert s["x"] == 4
        with pytest.raises(ach.NoSuchMarkError, match="did you mean 'one'") as caught:
            s.restore_at("onne")
        assert isinstance(caught.value, KeyError) and caught.value.name == "onne"
        with pytest.raises(ach.HistoryEndsError):
            s.restore_at(10_000)
        with pytest.raises(ach.HistoryEndsError):
            s.restore_at(datetime.datetime(2000, 1, 1))
        for wrong in (1.5, None, True, -1):
            with pytest.raises(ach.WrongKindError):
                s.restore_at(wrong)
        s.checkpoint()
        with pytest.raises(ach.HistoryEndsError):
            s.undo()
        with pytest.raises(ach.HistoryEndsError):
            s.redo()


def test_kept_history_reaches_over_checkpoints(path):
    for n in range(3):
        with ach.session(path, keep_history=True) as s:
            s["x"] = n
            s.mark(f"m{n}")
    with ach.session(path, keep_history=True) as s:
        assert [str(c) for commit in s.log() for c in commit.changes if c.what == "mark"] == [
            "mark m0",
            "mark m1",
            "mark m2",
        ]
        s.restore_at("m0")
        assert s["x"] == 0


def test_the_log_and_the_events_say_what_was_done(path):
    with ach.session(path) as s:
        s["x"] = np.arange(3)
        with s.transaction():
            s["y"] = {"a": 1}
            s.rename("x", "z")
            del s["y"]
        s.mark("m")
        s.undo()
        s.redo()
        s.clear()
        log = s.log()
        done = [[str(change) for change in commit.changes] for commit in log]
        assert done[0] == ["set x"] and "rename x to z" in done[1] and done[2] == ["mark m"]
        assert done[3][0].startswith("undo to ") and done[4][0].startswith("redo to ") and done[5] == ["clear"]
        assert [commit.sequence for commit in log] == sorted(commit.sequence for commit in log)
        assert log[-1].sequence == s.sequence
        assert abs(log[0].time - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(hours=1)
        assert "set x" in repr(log) and repr(log).startswith("<log, 6 commits>")
        assert "<td>set x</td>" in log._repr_html_()
        events = list(s.replay())
        assert same(events[0].value, np.arange(3)) and events[0].ends_commit
        assert [event.change.what for event in events[:2]] == ["set", "set"] and events[-1].value is None


def test_undone_commits_are_marked_in_the_log(path):
    with ach.session(path) as s:
        s["x"] = 1
        s["x"] = 2
        s.undo()
        assert [commit.counts for commit in s.log()] == [True, False, True]
        assert "(undone)" in repr(s.log())


def test_attributes_are_set_one_by_one_and_as_a_whole(path):
    with ach.session(path) as s:
        s.set("t", 1.5, attrs={"units": "K", "range": (0, 1)})
        s["t"] = 2.5
        assert dict(s.attrs["t"]) == {"units": "K", "range": (0, 1)}
        s.attrs["t"]["units"] = "mK"
        del s.attrs["t"]["range"]
        assert s.attrs["t"] == {"units": "mK"} and len(s.attrs) == 1 and "K" in repr(s.attrs["t"])
        s.attrs["t"] = {"a": 1}
        assert s.attrs["t"] == {"a": 1}
        with pytest.raises(KeyError):
            s.attrs["none"]
        with pytest.raises(KeyError):
            s.attrs["none"] = {}
    assert ach.open(path).attrs["t"] == {"a": 1}


def test_parts_are_replaced_by_their_path(path):
    with ach.session(path) as s:
        s["cfg"] = {"lr": 0.1, "layers": [{"n": 1}, {"n": 2}]}
        s.set_at("cfg.lr", 0.2)
        s.set_at("cfg.layers[1].n", (3, 4))
        s.set_at("cfg.new", None)
        s.set_at("whole", 1)
        assert s["cfg"] == {"lr": 0.2, "layers": [{"n": 1}, {"n": (3, 4)}], "new": None} and s["whole"] == 1
        with pytest.raises(ach.AchError):
            s.set_at("cfg.layers[7].n", 1)


def test_a_value_that_cannot_be_kept_is_refused_and_a_part_is_told_of(path):
    with ach.session(path) as s:
        s["x"] = 1
        with pytest.raises(ach.LossyError, match="functions are code") as caught:
            s["x"] = len
        assert caught.value.lost[0].name == "x" and s["x"] == 1
        with pytest.raises(ach.LossyError):
            s.update({"y": 1, "z": (n for n in "abc")})
        assert list(s) == ["x"]
        with pytest.warns(ach.LossWarning, match=r"l\[1\]"):
            s["l"] = [1, len]
        lost = s.set("l", {"a": {"b": len}})
        assert [item.path for item in lost] == [".a.b"]
    with ach.session(path, strict=True) as s, pytest.raises(ach.LossyError):
        s["l"] = [1, len]
    with ach.session(path, pickle=True) as s, warnings.catch_warnings():
        warnings.simplefilter("error")
        s["l"] = [1, len]
        assert s["l"] == [1, len]


def test_names_that_cannot_be_are_refused(path):
    with ach.session(path) as s:
        for name, error in [(1, TypeError), ("\ud800", ValueError), ("x" * 5000, ValueError), (("x", 1), TypeError)]:
            with pytest.raises(error):
                s[name] = 1
        for name in (1, "\ud800", ("x", 0)):
            with pytest.raises((KeyError, ValueError)):
                s[name]
        assert s.sequence == 0


@dataclasses.dataclass
class Point:
    x: float
    y: float


def test_classes_come_back_when_they_are_passed(path):
    with ach.session(path, types=[Point]) as s:
        s["p"] = Point(1.0, 2.0)
        assert s["p"] == Point(1.0, 2.0)
        assert next(iter(s.replay())).value == Point(1.0, 2.0)


def test_opening_includes_the_journal_and_says_so(path):
    ach.save(path, {"old": 1})
    with ach.session(path, fold_below=0) as s:
        s["new"] = np.arange(100_000)
        del s["old"]
    assert "its journal" in str(s.closed) and s.closed.journal == f"{path}-journal" and "ach checkpoint" in str(s.closed)
    ws = ach.open(path)
    assert list(ws) == ["new"] and "and its journal" in repr(ws) and "and its journal" in ws._repr_html_()
    assert ws.sequence == 2 and len(ws.log()) == 2 and ws.notes == []
    assert list(ach.open(path, archive_only=True)) == ["old"]
    assert "journal" not in repr(ach.open(path, archive_only=True))
    assert list(ach.load(path)) == ["new"]
    space = {}
    assert ach.restore_env(path, into=space).restored == ["new"]
    space["new"][0] = -1
    assert ach.load(path, "new")[0] == 0


def test_a_journal_of_another_file_is_told_of(path, tmp_path):
    with ach.session(path, fold_below=0) as s:
        s["x"] = 1
    other = tmp_path / "other.ach"
    ach.save(other, {"y": 2})
    os.replace(other, path)
    with pytest.raises(ach.ForeignJournalError, match="archive_only=True"):
        ach.open(path)
    assert dict(ach.open(path, archive_only=True)) == {"y": 2}
    with pytest.raises(ach.ForeignJournalError):
        ach.session(path)


def test_a_save_over_commits_that_are_not_folded_is_refused(path):
    with ach.session(path, fold_below=0) as s:
        s["x"] = 1
        with pytest.raises(ach.SessionLockedError):
            ach.save(path, {"y": 2})
    with pytest.raises(ach.UnfoldedJournalError, match="discard_journal=True"):
        ach.save(path, {"y": 2})
    assert dict(ach.open(path)) == {"x": 1}
    ach.save(path, {"y": 2}, discard_journal=True)
    assert dict(ach.open(path)) == {"y": 2}


def test_damage_behind_the_last_commit_is_told_of_and_moved_aside(path):
    with ach.session(path, fold_below=0) as s:
        s["x"] = 1
    with open(f"{path}-journal", "ab") as file:
        file.write(b"\x01" * 500)
    ws = ach.open(path)
    assert dict(ws) == {"x": 1} and "note: " in repr(ws) and len(ws.notes) == 1
    with ach.session(path) as s:
        assert dict(s) == {"x": 1} and "rejected" in s.notes[0]


def test_a_backup_is_the_last_commit_in_one_file(path, tmp_path):
    with ach.session(path, fold_below=0) as s:
        s["x"] = np.arange(100_000)
        report = ach.backup(path, tmp_path / "copy.ach")
        s["x"] = 1
        assert report.bindings == 1 and same(ach.load(tmp_path / "copy.ach", "x"), np.arange(100_000))
        with pytest.raises(ach.AlreadyExistsError):
            ach.backup(path, tmp_path / "copy.ach")
        ach.backup(path, tmp_path / "copy.ach", overwrite=True)
    assert dict(ach.open(tmp_path / "copy.ach", archive_only=True)) == {"x": 1}


def test_a_closed_session_says_so(path):
    s = ach.session(path)
    s["x"] = np.arange(3)
    x = s["x"]
    s.close()
    s.close()
    assert "closed" in repr(s) and s.closed.journal is None and x.sum() == 3
    for use in (lambda: s["x"], lambda: list(s), lambda: s.update(y=1), s.log, s.checkpoint, lambda: len(s)):
        with pytest.raises(ach.ClosedError):
            use()


@pytest.mark.parametrize("durability", ["commit", "group", "os", 0.5, 3])
def test_every_durability_commits(path, durability):
    with ach.session(path, durability=durability) as s:
        for n in range(100):
            s["n"] = n
        s.sync()
        assert ach.open(path)["n"] == 99


def test_options_that_cannot_be_are_refused(path):
    for durability in ("always", 0, -1, True, None):
        with pytest.raises(ach.InvalidValueError):
            ach.session(path, durability=durability)
    with pytest.raises(ach.FileMissingError):
        ach.session(path, create=False)
    assert os.listdir(path.parent) == []


def test_threads_share_a_session(path):
    with ach.session(path, durability="os") as s:

        def work(number):
            for n in range(20):
                s[f"v{number}"] = np.full(1000, n)
                assert s[f"v{number}"][0] == n

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        [thread.start() for thread in threads]
        s.checkpoint()
        [thread.join() for thread in threads]
        assert len(s) == 4 and len(ach.open(path)) == 4
    assert ach.open(path).verify()
