"""Looking on while another process works."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import NamedTuple

from ._history import Log, commits_of
from ._workspace import MMap, Types, Workspace


class State(NamedTuple):
    """A state of a session, and the commits that led to it from the one before.

    Of commits that a checkpoint folded meanwhile nothing is known but what they left.
    """

    workspace: Workspace
    commits: Log


def follow(
    path: str | os.PathLike[str],
    *,
    timeout: float | None = None,
    mmap: MMap = "auto",
    types: Types = (),
    pickle: bool = False,
    check: bool = True,
) -> Iterator[State]:
    """The states of a session that another process writes, as they come: the last committed one at
    once, then each newer one.

    `for ws, commits in ach.follow("run.ach"): print(ws["loss"])`. A state that is kept stays as it
    is. When commits come faster than they are looked at, several make one step. Takes no lock, and
    never makes the writer wait.

    timeout: seconds without a commit after which it ends; None for never. The others: see `open`.
    """
    reader = Workspace(path, mmap, types=types, pickle=pickle, check=check)
    return _states(reader, timeout)


def _states(reader: Workspace, timeout: float | None) -> Iterator[State]:
    with reader:
        yield State(reader._as_it_is(), Log())
        before = reader.sequence
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if not reader.wait(left):
                return
            commits = commits_of(reader._events(before))
            before = reader.sequence
            yield State(reader._as_it_is(), commits)
            # Time that the caller took does not count.
            deadline = None if timeout is None else time.monotonic() + timeout
