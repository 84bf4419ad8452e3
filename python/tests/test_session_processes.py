"""Promise: one process writes a session, a killed one loses nothing that was committed, a forked one is
refused, and Ctrl-C stops what takes long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from test_interrupt import interrupted

import achronyme_env as ach

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent otherwise there")


def run(body, path):
    script = f"import os, signal, sys, numpy as np, achronyme_env as ach\npath = {str(path)!r}\n{body}"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)


def test_what_was_committed_is_there_after_sigkill(tmp_path):
    path = tmp_path / "run.ach"
    body = """
s = ach.session(path)
for n in range(50):
    s["x"] = np.full(10_000, n)
with s.transaction():
    s["x"] = 0
    s["half"] = 1
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(body, path).returncode == -signal.SIGKILL
    assert os.path.exists(f"{path}-journal")
    assert (ach.load(path, "x") == 49).all() and "half" not in ach.open(path)
    with ach.session(path) as s:
        assert list(s) == ["x"] and s.undo() and (s["x"] == 48).all()


def test_a_second_writer_is_told_who_the_first_is(tmp_path):
    path = tmp_path / "run.ach"
    with ach.session(path) as s:
        s["x"] = 1
        done = run("ach.session(path)", path)
        assert "SessionLockedError" in done.stderr and f"process {os.getpid()}" in done.stderr
        assert run("print(ach.open(path)['x'])", path).stdout == "1\n"
    assert run("ach.session(path)['y'] = 2", path).returncode == 0
    assert ach.load(path, "y") == 2


def test_a_forked_child_is_refused_and_harms_nothing(tmp_path):
    path = tmp_path / "run.ach"
    body = """
with ach.session(path, fold_below=0) as s:
    s["x"] = 1
    child = os.fork()
    if child == 0:
        for use in (lambda: s.update(x=2), lambda: s["x"], s.undo, s.close, s.checkpoint):
            try:
                use()
            except ach.ForkedChildError as error:
                assert isinstance(error, RuntimeError) and error.path == path
            else:
                os._exit(3)
        print(ach.open(path)["x"], flush=True)
        # And leaves the block as anything does.
        s.__exit__(None, None, None)
        del s
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    s["y"] = 2
print(sorted(ach.load(path)))
"""
    done = run(body, path)
    assert (done.returncode, done.stdout) == (0, "1\n['x', 'y']\n"), done.stderr


LONG = {
    "a commit": """
s = ach.session(path, fold_below=0)
big = np.zeros(1 << 25)
n = 0
begun()
while True:
    n += 1
    big[:] = n
    s["big"] = big
    s.checkpoint(progress=False)
""",
    "following": """
ach.session(path).close()
begun()
for state in ach.follow(path):
    pass
""",
    "waiting": """
ach.session(path).close()
begun()
ach.open(path).wait()
""",
    "backups": """
with ach.session(path, fold_below=0) as s:
    s["big"] = np.zeros(1 << 24)
    begun()
    while True:
        ach.backup(path, path + ".copy", overwrite=True)
""",
}


@pytest.mark.parametrize("what", LONG)
def test_ctrl_c_stops_it_and_leaves_a_committed_state(what, tmp_path):
    path = tmp_path / "run.ach"
    assert interrupted(LONG[what], path) == "stopped"
    ws = ach.open(path)
    if "big" in ws:
        assert len(set(ws["big"][:: 1 << 18].tolist())) == 1
    assert ws.verify()
    left = {name.partition("run.ach")[2] for name in os.listdir(tmp_path)}
    assert left <= {"", "-lock", "-journal", ".copy"} or all(name.startswith("-journal") for name in left - {"", "-lock"})
    with ach.session(path) as s:
        s["after"] = 1
    assert ach.load(path, "after") == 1


def test_the_interpreter_goes_on_while_a_commit_is_written(tmp_path):
    import threading

    with ach.session(tmp_path / "run.ach", fold_below=0, checkpoint_at=None) as s:
        ended, counted = threading.Event(), []

        def count():
            while not ended.is_set():
                counted.append(None)

        thread = threading.Thread(target=count)
        thread.start()
        before = len(counted)
        s["x"] = np.arange(1 << 22)
        s.checkpoint()
        after = len(counted)
        ended.set()
        thread.join()
        assert after > before
