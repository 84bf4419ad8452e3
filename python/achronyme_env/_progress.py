"""Telling how far long work has come."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Union

from ._errors import WrongKindError

# Whether a line is shown (None: on terminals and in notebooks), or what is called with bytes done
# and total instead.
Progress = Union[bool, Callable[[int, int], Any], None]


@contextmanager
def telling(doing: str, file: str, progress: Progress) -> Iterator[Callable[[int, int], Any] | None]:
    """What to call with bytes done and total while the block runs."""
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        raise WrongKindError(f"progress is a {type(progress).__name__}, where a function or a bool is expected")
    if callable(progress):
        yield progress
    elif progress or progress is None and _is_watched():
        bar = Bar(doing, file, after=0.0 if progress else 1.0)
        try:
            yield bar
        finally:
            bar.close()
    else:
        yield None


def _is_watched() -> bool:
    try:
        return "ipykernel" in sys.modules or bool(sys.stderr and sys.stderr.isatty())
    except (OSError, ValueError):
        return False


class Bar:
    """One line that is written over, and wiped at the end."""

    def __init__(self, doing: str, file: str, after: float = 1.0) -> None:
        self.head = f"{doing} {os.path.basename(file)}"
        self.after = after
        self.begun = time.monotonic()
        self.shown = 0.0
        self.width = 0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.begun < self.after or now - self.shown < 0.1:
            return
        self.shown = now
        speed = done / max(now - self.begun, 1e-3) / 1e6
        state = f"{100 * done // total} %, {speed:.0f} MB/s" if done < total else "waiting for the disk"
        line = f"{self.head}: {state}"
        if self._write("\r" + line.ljust(self.width)):
            self.width = len(line)

    def close(self) -> None:
        if self.width:
            self._write("\r" + " " * self.width + "\r")

    def _write(self, text: str) -> bool:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            # A terminal that has gone is no reason to give up the work.
            self.after = float("inf")
            return False
        return True
