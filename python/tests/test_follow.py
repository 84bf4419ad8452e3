"""Promise: others see committed states of a session while it is written, one after the other."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

import achronyme_env as ach

WRITER = """
import sys, achronyme_env as ach, numpy as np
with ach.session(sys.argv[1], durability="os") as s:
    for n in range(1, 301):
        s.update(n=n, a=np.full(n, n))
        if n % 100 == 0:
            s.checkpoint()
"""


def test_states_follow_each_other_and_are_whole(tmp_path):
    path = tmp_path / "run.ach"
    ach.session(path).close()
    seen = [0]
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)]) as writer:
        for ws, commits in ach.follow(path, timeout=60):
            if "n" not in ws:
                continue
            n = ws["n"]
            assert n >= seen[-1] and ws["a"].shape == (n,) and (ws["a"] == n).all()
            assert all(commit.sequence <= ws.sequence for commit in commits)
            seen.append(n)
            if n == 300:
                break
    assert writer.returncode == 0 and len(seen) > 2


def test_a_state_that_is_kept_stays_as_it_is(tmp_path):
    path = tmp_path / "run.ach"
    with ach.session(path) as s:
        s["x"] = 1
        states = ach.follow(path, timeout=5)
        first, commits = next(states)
        assert commits == [] and first["x"] == 1
        s["x"] = 2
        s.rename("x", "y")
        second, commits = next(states)
        assert [str(change) for commit in commits for change in commit.changes] == ["set x", "rename x to y"]
        s.checkpoint()
        assert first["x"] == 1 and second["y"] == 2 and first.sequence < second.sequence
        with pytest.raises(ach.InvalidValueError):
            first.refresh()
        states.close()


def test_following_ends_when_nothing_comes(tmp_path):
    path = tmp_path / "run.ach"
    ach.save(path, {"x": 1})
    assert [ws["x"] for ws, _ in ach.follow(path, timeout=0.2)] == [1]
    with pytest.raises(ach.FileMissingError):
        ach.follow(tmp_path / "none.ach")


def test_a_workspace_goes_on_when_it_is_told_to(tmp_path):
    path = tmp_path / "run.ach"
    with ach.session(path) as s:
        s["x"] = np.arange(3)
        ws = ach.open(path)
        old = ws["x"]
        s["x"] = np.zeros(2)
        s["y"] = 1
        assert list(ws) == ["x"] and ws["x"].sum() == 3
        assert ws.refresh() and not ws.refresh() and list(ws) == ["x", "y"] and ws["x"].shape == (2,)
        assert not ws.wait(0.05)
        s["z"] = 1
        assert ws.wait(5) and "z" in ws and old.sum() == 3
        s.checkpoint()
        del s["y"]
        assert ws.refresh() and list(ws) == ["x", "z"] and ws.load("x").flags.writeable
        again = pickle.loads(pickle.dumps(ws))
        assert list(again) == ["x", "z"] and not again.refresh()
        with pytest.raises(TypeError, match="path"):
            pickle.dumps(s)
        with pytest.raises(ach.InvalidValueError):
            ach.open(path, archive_only=True).refresh()


def test_writable_arrays_are_those_of_the_state_that_is_shown(tmp_path):
    path = tmp_path / "run.ach"
    with ach.session(path) as s:
        s["x"] = np.full(100_000, 1)
        s.checkpoint()
        ws = ach.open(path)
        s["x"] = np.full(100_000, 2)
        s.checkpoint()
        # The archive at the path is another one now.
        assert (ws.load("x") == 1).all()
        ws.refresh()
        mine = ws.load("x")
        assert (mine == 2).all()
        mine[:] = 0
        assert (s.load("x") == 2).all() and (s["x"] == 2).all() and (ach.load(path, "x") == 2).all()
