"""Promise: Ctrl-C stops long work soon, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import achronyme_env as ach

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent otherwise there")


def interrupted(body, path, after=0.3):
    """Runs `body` in a process that is sent Ctrl-C when it is at it, and says what it did then."""
    script = f"""
import signal, sys
import numpy as np, achronyme_env as ach
# A job in the background is started with the signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
path = {str(path)!r}
values = None
def begun():
    print("begun", flush=True)
try:
{textwrap.indent(textwrap.dedent(body), "    ")}
    print("ended", flush=True)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "begun\n"
        time.sleep(after)
        child.send_signal(signal.SIGINT)
        return child.stdout.readline().strip()


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """An array of 256 MiB that takes no room."""
    path = tmp_path_factory.mktemp("sparse") / "a.ach"
    ach.save(path, {"cold": np.zeros(1 << 28, np.uint8), "x": 1}, cold=["cold"], durable=False)
    return path


READS = {
    "verify": "while True: ws.verify()",
    "one array": "while True: ws['cold'].sum()",
    "a slice": "while True: ws['cold', 1:].sum()",
    "load": "while True: ach.load(path, 'cold')",
    "a session": "while True: ach.restore_env(path, into={})",
}


@pytest.mark.parametrize("what", READS)
def test_reading_is_stopped(what, sparse):
    assert interrupted(f"ws = ach.open(path)\nbegun()\n{READS[what]}", sparse) == "stopped"


def test_a_read_that_was_stopped_can_be_asked_for_again(sparse):
    body = """
    ws = ach.open(path)
    begun()
    try:
        while True:
            ws["cold"], ws.verify()
    except KeyboardInterrupt:
        pass
    assert ws["cold"].sum() == 0 and ws.verify() and ws["x"] == 1
    """
    assert interrupted(body, sparse) == "ended"


SAVES = {
    "values": "values = {'a': list(range(1 << 23))}\nbegun()\nwhile True: ach.save(path, values, durable=False)",
    "a set": "values = {'a': set(range(1 << 21))}\nbegun()\nach.save(path, values, durable=False)",
    "steps": "values = {'a': np.zeros((3000, 6000))[:, ::2]}\nbegun()\nwhile True: ach.save(path, values)",
    "compressing": """values = {'a': np.random.default_rng(0).random(20_000_000)}
begun()
ach.save(path, values, compress=True, level=19)""",
}


@pytest.mark.parametrize("what", SAVES)
def test_a_save_is_stopped_and_leaves_the_old_file_or_the_new_one(what, tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {"old": 1})
    assert interrupted(SAVES[what], path) == "stopped"
    assert os.listdir(tmp_path) == ["a.ach"]
    ws = ach.open(path)
    assert list(ws) in (["old"], ["a"]) and ws.verify()
