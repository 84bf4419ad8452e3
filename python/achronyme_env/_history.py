"""What was done in a session: commits, and the events they are made of."""

from __future__ import annotations

import datetime
import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ._report import count_of, plain, size_of

if TYPE_CHECKING:
    from . import _native
    from ._decode import Context

# Commits that a log shows: the last ones.
SHOWN = 20
# Changes that a line of it shows.
SHOWN_CHANGES = 4

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def time_of(nanoseconds: int) -> datetime.datetime:
    try:
        return _EPOCH + datetime.timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)


class Change(NamedTuple):
    """One thing that was done.

    `what` is "set", "remove", "rename", "clear", "mark", "undo", "redo", "restore", "set cell",
    "message" or "other". `name` is the variable or mark, `new` the new name of a rename, `to` the
    sequence that an undo, redo or restore leads to.
    """

    what: str
    name: str | None = None
    new: str | None = None
    to: int | None = None

    def __str__(self) -> str:
        if self.what == "rename":
            return plain(f"rename {self.name} to {self.new}")
        if self.what == "set cell":
            return f"set cell {self.to}"
        parts = [self.what, self.name, None if self.to is None else f"to {self.to}"]
        return plain(" ".join(part for part in parts if part))


def change_of(row: _native._Change) -> Change:
    what, name, more, to = row
    return Change(what, name, more if what == "rename" else None, to)


@dataclass(frozen=True)
class Commit:
    """One commit: all of it is there, or nothing.

    `sequence` numbers it, for `restore_at`. `bytes` are those of the values it wrote. `counts` is
    false of what was undone.
    """

    sequence: int
    time: datetime.datetime
    changes: list[Change]
    bytes: int
    counts: bool

    def _cells(self) -> tuple[str, ...]:
        shown = [str(change) for change in self.changes[:SHOWN_CHANGES]]
        if len(self.changes) > SHOWN_CHANGES:
            shown.append(f"and {len(self.changes) - SHOWN_CHANGES} more")
        when = self.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        size = size_of(self.bytes) if self.bytes else ""
        return str(self.sequence), when, size, ", ".join(shown) + ("" if self.counts else " (undone)")


def commit_of(row: _native._Entry) -> Commit:
    sequence, nanoseconds, changes, size, counts = row
    return Commit(sequence, time_of(nanoseconds), [change_of(change) for change in changes], size, counts)


class Log(list[Commit]):
    """Commits, oldest first."""

    def __repr__(self) -> str:
        lines = [f"<log, {count_of(len(self), 'commit')}>"]
        shown = [commit._cells() for commit in self[-SHOWN:]]
        if len(self) > SHOWN:
            lines.append(f"  {len(self) - SHOWN} earlier ...")
        widths = [max(map(len, column)) for column in zip(*shown)]
        for number, when, size, changes in shown:
            line = f"  {number.rjust(widths[0])}  {when}  {size.rjust(widths[2])}  {changes}"
            lines.append(line.rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{title}</th>" for title in ("sequence", "time", "size", "changes"))
        rows = (map(html.escape, commit._cells()) for commit in self[-SHOWN:])
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
        caption = count_of(len(self), "commit")
        if len(self) > SHOWN:
            caption += f", the last {SHOWN}"
        return (
            f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


@dataclass(frozen=True)
class Event:
    """One thing that was done, and the value that was set by it."""

    sequence: int
    time: datetime.datetime
    change: Change
    ends_commit: bool
    _event: _native.Event = field(repr=False, compare=False)
    _context: Context = field(repr=False, compare=False)

    @property
    def value(self) -> Any:
        """The value that was set, read now; None of an event that sets none."""
        return self._event.value(self._context)


def event_of(event: _native.Event, context: Context) -> Event:
    change = change_of(event.change)
    return Event(event.sequence, time_of(event.time), change, event.ends_commit, event, context)


def commits_of(events: list[_native.Event]) -> Log:
    """The commits that events make. Of values it is not known how long they are."""
    log, changes = Log(), []
    for event in events:
        changes.append(change_of(event.change))
        if event.ends_commit:
            log.append(Commit(event.sequence, time_of(event.time), changes, 0, True))
            changes = []
    return log


@dataclass(frozen=True)
class Travelled:
    """Where an undo, redo or restore led.

    `to` is the sequence of the state that counts again, `sequence` that of the commit that says so,
    `changed` the names of the variables that are not what they were, those that are gone included.
    """

    to: int
    sequence: int
    changed: list[str]

    def __str__(self) -> str:
        names = ", ".join(map(plain, self.changed[:SHOWN])) or "nothing"
        return f"went to {self.to}; changed: {names}"

    __repr__ = __str__
