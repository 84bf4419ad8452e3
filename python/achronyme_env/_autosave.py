"""Saving the variables of an interactive session after each cell: what changed, and nothing else."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import numpy as np

from . import _native
from ._encode import Describer
from ._errors import CommitNotDurableError, JournalClosedError
from ._report import Lost, plain
from ._session import Session

# A journal of more bytes than this and than the file is folded in the background.
FOLDED_FROM_BYTES = 256 << 20

# Looking for changes for longer than this is told of, once.
LONG_SECONDS = 1.0

class Autosave:
    """Keeps a session as the variables of a namespace are.

    `names` says which variables are the user's; `tell` shows a line.
    """

    def __init__(
        self,
        session: Session,
        namespace: MutableMapping[str, Any],
        names: Callable[[], list[str]],
        tell: Callable[[str], None],
    ) -> None:
        self.session = session
        self.namespace = namespace
        self.names = names
        self.tell = tell
        self.process = os.getpid()
        # Of each variable that is in the session: its digest, and the value when it cannot change.
        self.known: dict[str, tuple[int, Any]] = {}
        # What was told already of a variable.
        self.told: set[tuple[str, str, str, str]] = set()
        self.was_long = False
        self.folding: threading.Thread | None = None

    @property
    def path(self) -> str:
        return self.session.path

    def adopt(self, names: list[str]) -> None:
        """Takes variables as they are for what the session has of them."""
        values = [(name, self.namespace[name]) for name in names if name in self.namespace]
        found = _native.digests(values, Describer())
        for (name, value), (digest, _) in zip(values, found):
            self.known[name] = digest, _still(value)

    def compare(self) -> None:
        """Finds the variables that the session has as they are here."""
        names = [name for name in self._names() if name in self.session]
        values = [(name, self.namespace[name]) for name in names]
        differs = self.session._archive.differs(values, Describer())
        self.adopt([name for name, other in zip(names, differs) if other is False])

    def look(self) -> int:
        """Commits what changed since the last look; how many variables that were."""
        if os.getpid() != self.process:
            # A forked process, in which the session is not at home.
            return 0
        begun = time.monotonic()
        names = self._names()
        values = [(name, self.namespace[name]) for name in names if not self._is_still(name)]
        found = _native.digests(values, Describer())
        changes: list[tuple[Any, ...]] = []
        known: dict[str, tuple[int, Any]] = {}
        lost: set[str] = set()
        for (name, value), (digest, findings) in zip(values, found):
            if any(outcome == "lost" and not where for _, where, _, outcome, _ in findings):
                lost.add(name)
            elif name not in self.known or self.known[name][0] != digest:
                changes.append(("set", name, value, None))
                known[name] = digest, _still(value)
            self._tell(findings)
        here = set(names) - lost
        # A name that is gone, or stands for something now that cannot be kept: what the session has
        # of it is no longer true.
        gone = [name for name in self.known if name not in here]
        changes += [("remove", name) for name in gone if name in self.session]
        self._tell_if_long(time.monotonic() - begun)
        if changes:
            self.session._change(changes)
        self.known.update(known)
        for name in gone:
            del self.known[name]
        self._fold_if_large()
        return len(changes)

    def close(self) -> None:
        """Closes the session, after a fold that is under way."""
        if self.folding is not None:
            self.folding.join()
        self.session.close()

    def after_cell(self, *_: Any) -> None:
        """For `post_run_cell`. Never raises: the cell was run, whatever comes of saving."""
        try:
            self.look()
        except KeyboardInterrupt:
            self.tell(f"autosave: interrupted; what changed is saved after the next cell ({plain(self.path)})")
        except (CommitNotDurableError, JournalClosedError) as error:
            self.tell(f"autosave has ended: {error}")
            self.names = list
            self.known.clear()
        except Exception as error:  # noqa: BLE001: values of the user's may raise anything
            self.tell(f"autosave: {type(error).__name__}: {error}")

    def _names(self) -> list[str]:
        return [name for name in self.names() if name in self.namespace]

    def _is_still(self, name: str) -> bool:
        known = self.known.get(name)
        return known is not None and known[1] is not None and known[1] is self.namespace[name]

    def _tell(self, findings: list[tuple[str, str, str, str, str]]) -> None:
        for name, where, kind, outcome, why in findings:
            if outcome in ("lost", "unresolved") and (name, where, kind, why) not in self.told:
                self.told.add((name, where, kind, why))
                self.tell(f"autosave: not kept: {Lost(name, where, kind, why)}")

    def _fold_if_large(self) -> None:
        if self.folding is not None and self.folding.is_alive():
            return
        length = self.session.journal_len
        if length > FOLDED_FROM_BYTES and length > self.session._archive.file_len:
            # Not in the way of the next cell.
            self.folding = threading.Thread(target=self._fold, name="ach-fold", daemon=True)
            self.folding.start()

    def _fold(self) -> None:
        try:
            self.session.checkpoint(progress=False)
        except Exception as error:  # noqa: BLE001: nobody waits for this thread
            self.tell(f"autosave: the journal could not be folded: {error}")

    def _tell_if_long(self, seconds: float) -> None:
        if seconds > LONG_SECONDS and not self.was_long:
            self.was_long = True
            self.tell(
                f"autosave: looking for changes took {seconds:.1f} s, and does after each cell; "
                "`%ach autosave off` ends it"
            )


def _still(value: Any) -> Any:
    """The value if it is an array that nobody can change: a view of a file that is open."""
    base = value
    while type(base) is np.ndarray and not base.flags.writeable:
        base = base.base
    kind = type(base)
    return value if (kind.__module__, kind.__name__) == ("achronyme_env._native", "Lease") else None
