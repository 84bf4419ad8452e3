"""A file open for work: what is set is in the journal beside it, and safe."""

from __future__ import annotations

import datetime
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Union

from . import _native
from ._decode import Context
from ._encode import Describer
from ._errors import (
    ClosedError,
    ForkedChildError,
    InvalidValueError,
    LossWarning,
    LossyError,
    NotFoundError,
    SliceError,
    WrongKindError,
)
from ._history import Commit, Event, Log, Travelled, commit_of, event_of
from ._progress import Progress, telling
from ._report import Lost, SaveReport, plain, size_of
from ._save import _attributes
from ._session_attributes import SessionAttributes, _name
from ._workspace import MMap, Types, Workspace, _no_such

# When a commit is on the disk; a number is that of seconds for which commits are gathered.
Durability = Union[Literal["commit", "group", "os"], float]

# Where `restore_at` goes: a mark, a sequence, a commit of the log, a time.
Moment = Union[str, int, Commit, datetime.datetime]

GROUP_SECONDS = 1.0
GROUP_COMMITS = 64


def session(
    path: str | os.PathLike[str],
    *,
    create: bool = True,
    durability: Durability = "commit",
    keep_history: bool = False,
    strict: bool = False,
    fold_below: int = 64 << 20,
    checkpoint_at: float | None = 0.5,
    mmap: MMap = "auto",
    types: Types = (),
    pickle: bool = False,
    check: bool = True,
) -> Session:
    """Open a file for work: `with ach.session("run.ach") as s: s["x"] = x`.

    Each assignment, removal and rename is a commit of its own, appended to a journal beside the
    file, so that it costs what changed and not what there is; when it returns, it survives the end
    of the process, however it ends. `s.update({...})` makes one commit of several, and so does
    `with s.transaction():`, which takes all back on an error. Leaving the `with` block closes the
    session; an error in it takes nothing back that was committed.

    There is one writer at a time (`SessionLockedError` names it); others read with `open` and
    `follow`.

    create: make the file if there is none. durability: "commit" waits for the disk at each commit;
    "group" for several together, when 64 wait or one waits for a second (or for as many seconds as
    are given as a number) and another follows; "os" leaves it to the system: what is then lost in a
    power cut is the last commits, and nothing when only the process ends. keep_history: keep what
    checkpoints fold, so that history reaches back to the beginning. strict: refuse a value that
    cannot be kept as it is; otherwise a `LossWarning` tells. fold_below: files of up to so many
    bytes are written anew at the end, and no journal is left. checkpoint_at: a checkpoint is made
    by itself when more than this share of the bytes, and more than 64 MiB, are of values that were
    replaced or removed; history then begins anew. None for never. mmap, types, pickle and check: see
    `open`; pickle also keeps what has no other form, as in `save`.
    """
    return Session(
        path,
        create=create,
        durability=durability,
        keep_history=keep_history,
        strict=strict,
        fold_below=fold_below,
        checkpoint_at=checkpoint_at,
        mmap=mmap,
        types=types,
        pickle=pickle,
        check=check,
    )


@dataclass(frozen=True)
class Closed:
    """What closing a session left: the journal that holds commits which the file does not, if any."""

    path: str
    journal: str | None
    journal_len: int

    def __str__(self) -> str:
        if self.journal is None:
            return f"closed {plain(self.path)}; it holds everything"
        return (
            f"closed {plain(self.path)}; its journal {plain(self.journal)} ({size_of(self.journal_len)}) belongs "
            f"to it: `ach checkpoint {plain(self.path)}` folds it"
        )

    __repr__ = __str__


class Session(Workspace, MutableMapping[str, Any]):
    """A file open for work: a mapping of names to values that can be set; see `session`.

    Reading is that of `Workspace`. Arrays are read-only; what was taken stays as it is when the
    session goes on.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool = True,
        durability: Durability = "commit",
        keep_history: bool = False,
        strict: bool = False,
        fold_below: int = 64 << 20,
        checkpoint_at: float | None = 0.5,
        mmap: MMap = "auto",
        types: Types = (),
        pickle: bool = False,
        check: bool = True,
    ) -> None:
        mapped = self._begin(path, mmap, types, pickle, check)
        self._strict = strict
        self._process = os.getpid()
        self._native: _native.Session | None = _native.Session(
            self._path,
            mapped,
            self._check,
            create,
            _durability(durability),
            keep_history,
            fold_below,
            checkpoint_at,
        )
        self._at = -1
        self._pending = False
        self.closed: Closed | None = None

    @property
    def _writer(self) -> _native.Session:
        if self._native is None:
            raise ClosedError(f"the session of {self._path} was closed; open it again")
        if os.getpid() != self._process:
            error = ForkedChildError(
                f"the session of {self._path} belongs to process {self._process}, from which this process "
                f"({os.getpid()}) was forked; open the file here, with ach.open to read it"
            )
            error.path = self._path
            raise error
        return self._native

    @property
    def _archive(self) -> _native.Archive:
        writer = self._writer
        sequence = writer.sequence
        archive = self._open
        if archive is None or sequence != self._at:
            archive = writer.archive()
            self._open, self._at, self._names = archive, sequence, None
        return archive

    # Reading, with what waits for the end of a transaction.

    def __getitem__(self, key: str | tuple[Any, ...]) -> Any:
        if not self._pending:
            return super().__getitem__(key)
        name, index = (key[0], key[1:]) if isinstance(key, tuple) and key else (key, ())
        if not isinstance(name, str):
            raise _no_such(self._path, key)
        value = self._writer.get(_name(name), self._context)
        try:
            return value[index if len(index) > 1 else index[0]] if index else value
        except IndexError as error:
            outside = SliceError(f"variable {name!r} of {self._path}: {error}")
            outside.path, outside.name = self._path, name
            raise outside from None

    def __iter__(self) -> Iterator[str]:
        if self._pending:
            return iter(self._writer.names())
        # `super().__iter__` would look at names of an earlier state.
        self._archive
        return super().__iter__()

    def __len__(self) -> int:
        return len(self._writer.names()) if self._pending else super().__len__()

    def __contains__(self, name: object) -> bool:
        if not self._pending:
            return super().__contains__(name)
        try:
            return isinstance(name, str) and self._writer.contains(name)
        except UnicodeEncodeError:
            return False

    def _value_at(self, path: str) -> Any:
        if self._pending:
            return self._writer.at(path, self._context)
        return super()._value_at(path)

    def load(self, name: str, *, check: bool = True) -> Any:
        """The value of a variable, its arrays writable; the session does not change by that."""
        if not self._pending:
            return super().load(name, check=check)
        return self._writer.load(name, Context(self._types, self._pickle, writable=True))

    # Changing.

    def __setitem__(self, name: str, value: Any) -> None:
        self._warn(self._change([("set", _name(name), value, None)]))

    def set(self, name: str, value: Any, *, attrs: Mapping[str, Any] | None = None) -> list[Lost]:
        """Set a variable, and what is said of it when `attrs` are given. What was not kept is returned."""
        lost: list[Lost] = []
        given = None if attrs is None else _attributes(name, attrs, lost)
        return lost + self._change([("set", _name(name), value, given)])

    def set_at(self, path: str, value: Any) -> None:
        """Replace what stands at a path inside a variable: `cfg.lr`, `models[2]`.

        A field of a dict is added if it is new. Arrays are replaced as a whole, and of them only
        those that changed are written.
        """
        self._warn(self._change([("set at", _name(path), value)]))

    def update(self, *given: Any, **named: Any) -> None:
        """Set several variables in one commit: after a crash all of them are there, or none."""
        changes = [("set", _name(name), value, None) for name, value in dict(*given, **named).items()]
        self._warn(self._change(changes))

    def __delitem__(self, name: str) -> None:
        if not isinstance(name, str):
            raise _no_such(self._path, name)
        self._change([("remove", _name(name))])

    def rename(self, old: str, new: str) -> None:
        """Give a variable another name. It keeps its place, and is not written again."""
        self._change([("rename", _name(old), _name(new))])

    def clear(self) -> None:
        """Remove all variables, in one commit."""
        self._change([("clear",)])

    @property
    def attrs(self) -> SessionAttributes:  # type: ignore[override]
        """The attributes of each variable: `s.attrs["weights"]["units"] = "K"` is a commit."""
        return SessionAttributes(self)

    def _change(self, changes: list[tuple[Any, ...]], skip: bool = False) -> list[Lost]:
        writer = self._writer
        if not changes:
            return []
        try:
            _, findings = writer.change(changes, Describer(self._pickle), not self._pending, self._strict, skip)
        except LossyError as error:
            error.lost = [Lost(*entry) for entry in error.lost]
            raise
        rows = ((name, where, kind, why, outcome) for name, where, kind, outcome, why in findings)
        return [Lost(*row) for *row, outcome in rows if outcome in ("lost", "unresolved")]

    def _warn(self, lost: list[Lost]) -> None:
        for item in lost:
            warnings.warn(f"not kept as it is: {item}", LossWarning, stacklevel=3)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """What is done in the block is one commit at its end; an error takes all of it back.

        Arrays are copied when they are set, since they are written later: set very large ones outside.
        """
        self._outside("transaction")
        writer = self._writer
        self._pending = True
        try:
            yield self
            writer.commit()
        except BaseException:
            if self._native is not None and os.getpid() == self._process:
                writer.rollback()
            raise
        finally:
            self._pending = False

    def _outside(self, what: str) -> None:
        if self._pending:
            raise InvalidValueError(f"{what} in a transaction of {self._path}: end the transaction first")

    def commit(self) -> int:
        """Commit what a transaction did so far; outside of one everything is committed. The sequence
        of the last commit.
        """
        return self._writer.commit() if self._pending else self._writer.sequence

    def rollback(self) -> None:
        """Take back what a transaction did since the last commit."""
        self._writer.rollback()

    def sync(self) -> None:
        """Wait until all commits are on the disk, whatever `durability` is."""
        self._writer.sync()

    # History.

    @property
    def sequence(self) -> int:
        """The number of the last commit. It never goes back."""
        return self._writer.sequence

    def mark(self, name: str) -> int:
        """Give the state a name, to which `restore_at` leads back. The sequence of the mark."""
        self._outside("a mark")
        return self._writer.mark(_name(name))

    def undo(self, to: Moment | None = None) -> Travelled:
        """Go back by one commit, or to a moment as `restore_at` does. Commits that only set a mark are
        passed over. Nothing is cut off: an undo is a commit too, and `redo` takes it back.
        """
        if to is not None:
            return self.restore_at(to)
        self._outside("undo")
        return Travelled(*self._writer.undo())

    def redo(self) -> Travelled:
        """Take the last undo back; `HistoryEndsError` when something was committed since."""
        self._outside("redo")
        return Travelled(*self._writer.redo())

    def restore_at(self, moment: Moment) -> Travelled:
        """Go to the state at a mark, at a sequence or commit of the log, or at a time.

        A time without a zone is local. `undo` takes it back.
        """
        self._outside("restore_at")
        if isinstance(moment, Commit):
            moment = moment.sequence
        if isinstance(moment, str):
            went = self._writer.restore_at("mark", _name(moment))
        elif isinstance(moment, datetime.datetime):
            # Times of the log have no nanoseconds: the commit of that microsecond is meant.
            after = moment.astimezone(datetime.timezone.utc) - _EPOCH
            micros = max(after // datetime.timedelta(microseconds=1), 0)
            went = self._writer.restore_at("time", micros * 1000 + 999)
        elif isinstance(moment, int) and not isinstance(moment, bool) and 0 <= moment < 1 << 64:
            went = self._writer.restore_at("sequence", moment)
        else:
            raise WrongKindError(f"{moment!r} is no mark, sequence, commit or datetime")
        return Travelled(*went)

    def log(self) -> Log:
        """The commits since the last checkpoint, or since the beginning with `keep_history`."""
        return Log(map(commit_of, self._writer.log()))

    def replay(self) -> Iterator[Event]:
        """What was done, event by event; values are read when they are asked for."""
        context = Context(self._types, self._pickle, told=False)
        return (event_of(event, context) for event in self._writer.replay())

    # The files.

    @property
    def notes(self) -> list[str]:
        """What is to be known of the files: damage that was moved aside, and why the journal was not
        folded when it should have been by itself."""
        writer = self._writer
        notes = [
            f"what could not be read of the journal was moved to {os.fsdecode(file)}"
            for file in writer.set_aside()
        ]
        if (error := writer.checkpoint_error()) is not None:
            notes.append(f"the journal was not folded: {error}")
        return notes

    @property
    def journal_len(self) -> int:
        """Bytes of commits in the journal, without what a checkpoint is folding."""
        return self._writer.journal_len

    def checkpoint(self, *, progress: Progress = None) -> SaveReport | None:
        """Fold the journal into a new file, which takes the place of the old one; None when there was
        nothing to fold. Arrays that did not change are copied as they stand. History begins anew
        unless `keep_history`. Other threads may go on committing meanwhile.

        Ctrl-C gives it up: the old file and the journal stay. progress: as in `save`.
        """
        self._outside("checkpoint")
        with telling("folding", self._path, progress) as told:
            done = self._writer.checkpoint(told)
        self._open = None
        return None if done is None else SaveReport(self._path, done[1], done[0])

    def refresh(self) -> bool:
        """False: a session always shows its last commit."""
        self._writer
        return False

    def wait(self, timeout: float | None = None) -> NoReturn:
        raise InvalidValueError("nobody else commits to a session that is open for writing; wait with ach.open")

    def close(self) -> None:
        """End the session; `closed` then says whether a journal is left. Arrays stay as they are."""
        if self._native is None:
            return
        writer = self._writer
        self._outside("close")
        left = writer.close()
        # Not before: when closing fails the session can be closed again.
        self._open, self._native = None, None
        if left is not None:
            journal, length = left
            self.closed = Closed(self._path, None if journal is None else os.fsdecode(journal), length)

    def __enter__(self) -> Session:
        self._writer
        return self

    def __exit__(self, *_: object) -> None:
        # A forked process leaves the session to the one that opened it.
        if os.getpid() == self._process:
            self.close()

    def __reduce__(self) -> NoReturn:
        raise WrongKindError("a session cannot be sent to another process: send its path, and open it there")

    def _head(self) -> str:
        return f"session {plain(self._path)}"

    def _repr_html_(self) -> str:
        if self._native is not None:
            self._archive
        return super()._repr_html_()

    def __repr__(self) -> str:
        if self._native is None:
            return f"<closed session {plain(self._path)}>"
        self._archive
        return super().__repr__()


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def _durability(given: Any) -> tuple[str, float, int]:
    if given in ("commit", "os"):
        return given, 0.0, 0
    if given == "group":
        return "group", GROUP_SECONDS, GROUP_COMMITS
    if isinstance(given, (int, float)) and not isinstance(given, bool) and given > 0:
        return "group", float(given), GROUP_COMMITS
    raise InvalidValueError(f'durability is {given!r}, where "commit", "group", "os" or seconds are expected')


def backup(
    source: str | os.PathLike[str], destination: str | os.PathLike[str], *, overwrite: bool = False
) -> SaveReport:
    """Write what a file and its journal hold to one new file, also while a session works on it.

    It is the state of one commit. overwrite: whether `destination` may be replaced.
    """
    file = os.fsdecode(os.fspath(destination))
    file_len, count = _native.backup(os.fsdecode(os.fspath(source)), file, overwrite)
    return SaveReport(file, count, file_len)
