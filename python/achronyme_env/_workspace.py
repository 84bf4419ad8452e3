"""An open file as a mapping of names to values."""

from __future__ import annotations

import datetime
import html
import itertools
import os
import re
import time
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any, Literal, Union

from . import _native
from ._decode import Context
from ._errors import (
    ClosedError,
    ForeignJournalError,
    InvalidValueError,
    JournalGapError,
    NoSuchPartError,
    NotFoundError,
    SliceError,
    WrongKindError,
)
from ._history import Log, commit_of
from ._info import Fault, Info, VerifyReport
from ._progress import Progress, telling
from ._report import count_of
from ._report import plain as _plain
from ._stand_in import StandIn
from ._table import html_table, text_table

if TYPE_CHECKING:
    import numpy as np

    from ._native import _Row

# How a file is read, and the classes that may be made of what it holds; see `open`.
MMap = Union[bool, Literal["auto"]]
Types = Union[Iterable[type], Mapping[str, type]]

TEXT_ROWS = 20

# Seconds between two looks for Ctrl-C.
WAITED_AT_ONCE = 0.1

HTML_ROWS = 100


def open(  # noqa: A001: the name that such functions have
    path: str | os.PathLike[str],
    mmap: MMap = "auto",
    *,
    types: Types = (),
    pickle: bool = False,
    check: bool = True,
    archive_only: bool = False,
    lazy_table: bool = False,
) -> Workspace:
    """Open a file: at once, whatever its size. Nothing but its table of contents is read.

    mmap: True maps the file, so that arrays are views of it that processes share; False reads
    arrays when they are asked for; "auto" maps unless the file lies on a network file system.
    The contract of a map is that of `numpy.memmap`: nobody may change the file in place, or cut it
    short, while an array of it lives. Saving with this package never does; it puts a new file in
    the place of the old one, which stays readable for whoever has it open.

    types: classes of enums, dataclasses and named tuples that may be made of what the file holds;
    a mapping gives the name they were saved under. Without its class such a value is a `StandIn`.
    pickle: whether values kept as pickles are read, which runs whatever code they name.
    check: False does not compare what is read with its sums, for files that were verified already:
    damage since then gives wrong numbers. The table of contents always is checked.
    lazy_table: True checks of the table of contents only what is used: opening 100,000 variables and
    loading one then costs about as much as opening 10. All of it is checked when names are listed, a
    name is not there, or a journal says something over the file.

    What a session committed to the journal beside the file belongs to it, and is shown, as of the
    last commit: `refresh` and `wait` go on to newer ones. archive_only: leave the journal out.
    """
    return Workspace(
        path,
        mmap,
        types=types,
        pickle=pickle,
        check=check,
        archive_only=archive_only,
        lazy_table=lazy_table,
    )


class Workspace(Mapping[str, Any]):
    """An open file: a mapping of names to values, in the order they were saved.

    Arrays are read-only and keep the file open for themselves. Values are made each time they are
    asked for. Reading from several threads is safe.
    """

    _reader: _native.Reader | None
    _open: _native.Archive | None
    _names: list[str] | None

    def __init__(
        self,
        path: str | os.PathLike[str],
        mmap: MMap = "auto",
        *,
        types: Types = (),
        pickle: bool = False,
        check: bool = True,
        archive_only: bool = False,
        lazy_table: bool = False,
    ) -> None:
        mapped = self._begin(path, mmap, types, pickle, check)
        self._archive_only = archive_only
        self._lazy_table = bool(lazy_table)
        if archive_only:
            self._open = _native.Archive(self._path, mapped, self._check, self._lazy_table)
            return
        try:
            self._reader = _native.Reader(self._path, mapped, self._check, self._lazy_table)
        except (ForeignJournalError, JournalGapError) as error:
            error.args = (f"{error}; archive_only=True opens the file without it",)
            raise
        self._open = self._reader.archive()

    def _begin(
        self, path: str | os.PathLike[str], mmap: MMap, types: Types, pickle: bool, check: bool
    ) -> bool:
        """Keeps what was asked for, and says whether to map."""
        self._path = os.path.abspath(os.fsdecode(os.fspath(path)))
        if mmap not in (True, False, "auto"):
            raise InvalidValueError(f'mmap is {mmap!r}, where "auto", True or False is expected')
        self._mmap = mmap
        self._types = dict(types) if isinstance(types, Mapping) else tuple(types)
        self._pickle = pickle
        self._check = bool(check)
        self._context = Context(self._types, pickle, told=False)
        self._archive_only = False
        self._lazy_table = False
        self._reader = None
        # Of a state without a reader, which stays as it is.
        self._shown = 0
        self._open = None
        self._names = None
        return not _native.is_network(self._path) if mmap == "auto" else bool(mmap)

    @property
    def _archive(self) -> _native.Archive:
        if self._open is None:
            raise ClosedError(f"{self._path} was closed; open it again")
        return self._open

    @property
    def path(self) -> str:
        """The file, as an absolute path."""
        return self._path

    @property
    def mapped(self) -> bool:
        """Whether the file is mapped."""
        return self._archive.mapped

    def __getitem__(self, key: str | tuple[Any, ...]) -> Any:
        try:
            if isinstance(key, str):
                return self._archive.get(key, self._context)
            if isinstance(key, tuple) and key and isinstance(key[0], str):
                return self._part(key[0], key[1:])
        except UnicodeEncodeError:
            # Half a character, which no name holds.
            raise _no_such(self._path, key) from None
        raise _no_such(self._path, key)

    def _part(self, name: str, index: tuple[Any, ...]) -> Any:
        if not index:
            return self[name]
        part = self._archive.part(name, index, self._context)
        if part is not None:
            return part
        value = self[name]
        try:
            return value[index if len(index) > 1 else index[0]]
        except IndexError as error:
            outside = SliceError(f"variable {name!r} of {self._path}: {error}")
            outside.path, outside.name = self._path, name
            raise outside from None

    def __iter__(self) -> Iterator[str]:
        if self._names is None:
            self._names = self._archive.names()
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._archive)

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and name in self._archive
        except UnicodeEncodeError:
            return False

    # What a mapping's views show would be the whole table, once more.
    def keys(self) -> KeysView[str]:
        return _Names(self)

    def values(self) -> ValuesView[Any]:
        return _Values(self)

    def items(self) -> ItemsView[str, Any]:
        return _Items(self)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    # A mapping is compared by its items, which would read everything.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def at(self, path: str) -> Any:
        """The value at a path: `cfg.lr`, `models[2].weights`, `data[1000:2000, :, 3]`.

        A name that is the whole path wins; otherwise the longest name that `.` or `[` follows.
        """
        try:
            return self._value_at(path)
        except (NoSuchPartError, WrongKindError) as error:
            found = self._walk(path, error)
        return found

    def _value_at(self, path: str) -> Any:
        return self._archive.at(path, self._context)

    def _walk(self, path: str, error: Exception) -> Any:
        """A path into values that are Python's own, such as a tuple or a dataclass."""
        ends = [at for at, sign in enumerate(path) if sign in ".["]
        name = next((path[:at] for at in reversed(ends) if path[:at] in self), None)
        if name is None:
            raise error
        value = self[name]
        for field, index in _STEP.findall(path[len(name) :]):
            try:
                value = _field(value, field) if field else value[_index(index)]
            except (LookupError, AttributeError, TypeError, ValueError):
                raise error from None
        return value

    def load(self, name: str, *, check: bool = True) -> Any:
        """The value of a variable, its arrays writable; see `load`."""
        context = Context(self._types, self._pickle, writable=True)
        return self._archive.load(name, context, check)

    def get_many(self, names: Iterable[str] | None = None, *, progress: Progress = None) -> dict[str, Any]:
        """The values of several variables, or of all, their arrays read and checked on all cores.

        As `ws[name]` of each, but those of a file that is not mapped, and compressed ones, are read
        on as many threads as there are processors. progress: as in `save`; what it raises, and Ctrl-C,
        gives the reading up.
        """
        wanted = list(self) if names is None else _listed(names)
        with telling("reading", self._path, progress) as told:
            values = _native.get_many(self._archive, wanted, self._context, told)
        return dict(zip(wanted, values))

    def prefetch(self, names: Iterable[str]) -> int:
        """Tell the system that these variables will be read soon, so that it begins now.

        A hint, and nothing more: names that are not there are passed over. Returns for how many bytes
        of the file it was taken.
        """
        return _native.prefetch(self._archive, _listed(names))

    def blocks(self, name: str, max_bytes: int = 8 << 20) -> Iterator[tuple[tuple[slice, ...], np.ndarray]]:
        """Walk an array that may be larger than memory: pairs of an index and the read-only part there.

        for index, part in ws.blocks("field"):
            total += part.sum()                       # part is ws["field"][index]

        A part is as many whole rows as `max_bytes` hold, or where one is larger, as much of a row; of
        an array in Fortran order, columns. Each is checked and, where the file is not mapped or the
        array is compressed, read anew, so that what is not kept takes no memory. (A compressed array
        is unpacked 256 KiB at a time.)
        """
        try:
            outline = _native.outline(self._archive, name)
        except UnicodeEncodeError:
            raise _no_such(self._path, name) from None
        if outline is None:
            raise WrongKindError(f"variable {name!r} of {_plain(self._path)} is no array that is read in parts")
        shape, size, fortran = outline
        if max_bytes < size:
            raise InvalidValueError(f"blocks of {max_bytes} bytes: an element of {name!r} has {size}")
        # Of one state, whatever comes to the file meanwhile.
        archive, context = self._archive, self._context
        return (
            (index, archive.part(name, (*index, ...), context))
            for index in _block_indices(shape, size, fortran, max_bytes)
        )

    def names(self, pattern: str | None = None) -> list[str]:
        """The names, in the order they were saved; or those that a pattern matches, sorted.

        `*` also crosses `.` and `/`: `sim/*`, `layer?.bias`, `{a,b}_*`.
        """
        return list(self) if pattern is None else self._archive.matching(pattern)

    @property
    def attrs(self) -> Attributes:
        """The attributes of each variable: `ws.attrs["weights"]["units"]`."""
        return Attributes(self)

    @property
    def info(self) -> Info:
        """What the file says about itself."""
        told = self._archive.metadata()
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        try:
            told["created_at"] = epoch + datetime.timedelta(seconds=told["created_at"])
        except OverflowError:
            told["created_at"] = datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)
        return Info(path=self._path, **told)

    @property
    def sequence(self) -> int:
        """The number of the last commit that is shown; 0 of a file to which no session committed."""
        self._archive
        return self._shown if self._reader is None else self._reader.sequence

    @property
    def notes(self) -> list[str]:
        """What is to be known of the files, such as a journal that is damaged at its end."""
        self._archive
        return [] if self._reader is None else self._reader.damage()

    def refresh(self) -> bool:
        """Go to the last commit of the session that writes the file. Whether there is a newer one.

        Values that were taken stay as they are.
        """
        return self._moved(self._following().refresh())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a newer commit and go to it; False when none came within `timeout` seconds."""
        reader = self._following()
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            # In pieces, since Ctrl-C is looked for between them.
            left = WAITED_AT_ONCE if deadline is None else min(deadline - time.monotonic(), WAITED_AT_ONCE)
            if self._moved(reader.wait(max(left, 0.0))):
                return True
            if left < WAITED_AT_ONCE:
                return False

    def log(self) -> Log:
        """The commits in the journal, oldest first: those that the file itself does not hold."""
        return Log(map(commit_of, self._following().log()))

    def _following(self) -> _native.Reader:
        self._archive
        if self._reader is None:
            why = "was opened with archive_only=True" if self._archive_only else "is shown as it was at one moment"
            raise InvalidValueError(f"{self._path} {why}: open it to see what comes")
        return self._reader

    def _moved(self, moved: bool) -> bool:
        if moved and self._reader is not None:
            self._open, self._names = self._reader.archive(), None
        return moved

    def _events(self, sequence: int) -> list[_native.Event]:
        return self._following().events(sequence)

    def _as_it_is(self) -> Workspace:
        """The state, which stays when this one goes on."""
        kept = Workspace.__new__(Workspace)
        kept.__dict__.update(self.__dict__, _open=self._archive, _reader=None, _shown=self.sequence)
        return kept

    def verify(self, name: str | None = None, *, progress: Progress = None) -> VerifyReport:
        """Read and check everything, or everything of one variable. The faults are in the report.

        progress: as in `save`; of one variable nothing is told.
        """
        if name is None:
            with telling("checking", self._path, progress) as told:
                faults = self._archive.verify(told)
            return VerifyReport([Fault(*fault) for fault in faults])
        from ._errors import DamagedError

        try:
            self._archive.verify_one(name)
        except DamagedError as error:
            return VerifyReport([Fault(str(error), [name])])
        return VerifyReport([])

    def close(self) -> None:
        """Let go of the file. Arrays that were taken from it stay as they are."""
        self._open, self._reader = None, None

    def __enter__(self) -> Workspace:
        self._archive
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        # By path: another process maps the same file, and shares its pages.
        return _reopen, (
            self._path,
            self._mmap,
            self._types,
            self._pickle,
            self._check,
            self._archive_only,
            self._lazy_table,
        )

    def _rows(self, count: int) -> tuple[list[_Row], int]:
        return self._archive.listing(0, count), max(len(self) - count, 0)

    def _head(self) -> str:
        journal = self._reader is not None and self._reader.unfolded
        return f"workspace {_plain(self._path)}" + (" and its journal" if journal else "")

    def __repr__(self) -> str:
        if self._open is None:
            return f"<closed workspace {_plain(self._path)}>"
        rows, more = self._rows(TEXT_ROWS)
        head = f"{self._head()}, {count_of(len(self), 'variable')}"
        return text_table(head, rows, more, self.notes)

    def _repr_html_(self) -> str:
        if self._open is None:
            return html.escape(repr(self))
        rows, more = self._rows(HTML_ROWS)
        return html_table(f"{self._head().partition(' ')[2]}, {count_of(len(self), 'variable')}", rows, more)


def _listed(names: Iterable[str]) -> list[str]:
    listed = [names] if isinstance(names, str) else list(names)
    for name in listed:
        if not isinstance(name, str):
            raise WrongKindError(f"{name!r} is no name: names are str")
    return listed


def _block_indices(shape: list[int], size: int, fortran: bool, max_bytes: int) -> Iterator[tuple[slice, ...]]:
    """Indices of parts of at most `max_bytes` that stand together, in their order."""
    if 0 in shape:
        return
    # Axes from the slowest to the fastest; `held` bytes lie behind one step along the one that is cut.
    axes = list(range(len(shape)))
    if fortran:
        axes.reverse()
    held, cut = size, len(axes)
    while cut > 0 and held * shape[axes[cut - 1]] <= max_bytes:
        cut -= 1
        held *= shape[axes[cut]]
    index = [slice(0, length) for length in shape]
    if cut == 0:
        yield tuple(index)
        return
    outer, axis = axes[: cut - 1], axes[cut - 1]
    step = max_bytes // held
    for place in itertools.product(*(range(shape[each]) for each in outer)):
        for each, at in zip(outer, place):
            index[each] = slice(at, at + 1)
        for start in range(0, shape[axis], step):
            index[axis] = slice(start, min(start + step, shape[axis]))
            yield tuple(index)


def _no_such(path: str, key: object) -> NotFoundError:
    error = NotFoundError(f"{_plain(path)} has no variable {key!r}: names are str")
    error.path = path
    return error


def _reopen(
    path: str,
    mmap: MMap,
    types: Types,
    pickle: bool,
    check: bool = True,
    archive_only: bool = False,
    lazy_table: bool = False,
) -> Workspace:
    return Workspace(
        path,
        mmap,
        types=types,
        pickle=pickle,
        check=check,
        archive_only=archive_only,
        lazy_table=lazy_table,
    )


class _Names(KeysView[str]):
    def __repr__(self) -> str:
        return f"<names {list(self)}>"


class _Values(ValuesView[Any]):
    def __repr__(self) -> str:
        return f"<values of {_plain(_path_of(self))}>"


class _Items(ItemsView[str, Any]):
    def __repr__(self) -> str:
        return f"<items of {_plain(_path_of(self))}>"


def _path_of(view: Any) -> str:
    # Where the views of `collections.abc` keep what they are of.
    return str(view._mapping.path)


class Attributes(Mapping[str, dict[str, Any]]):
    """The attributes of the variables of a workspace, by name."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __getitem__(self, name: str) -> dict[str, Any]:
        workspace = self._workspace
        if name not in workspace:
            raise _no_such(workspace.path, name)
        return workspace._archive.attributes(name, workspace._context)

    def __iter__(self) -> Iterator[str]:
        return iter(self._workspace)

    def __len__(self) -> int:
        return len(self._workspace)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return f"<attributes of the variables of {_plain(self._workspace.path)}>"


_STEP = re.compile(r"\.([^.\[\]]+)|\[([^\]]*)\]")


def _field(value: Any, name: str) -> Any:
    if isinstance(value, Mapping) or type(value).__module__.startswith("pandas"):
        return value[name]
    if name.startswith("_"):
        raise AttributeError(name)
    if isinstance(value, StandIn):
        return value._fields()[name]
    return getattr(value, name)


def _index(text: str) -> Any:
    def axis(part: str) -> Any:
        part = part.strip()
        if part == "...":
            return Ellipsis
        if ":" not in part:
            return int(part)
        return slice(*(int(end) if end.strip() else None for end in part.split(":")))

    axes = tuple(axis(part) for part in text.split(","))
    return axes[0] if len(axes) == 1 else axes
