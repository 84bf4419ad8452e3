"""Writing what is larger than memory: variable by variable, and arrays computed in the file."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, SupportsIndex, Union

import numpy as np

from . import _dtypes, _native
from ._encode import Describer
from ._errors import (
    ClosedError,
    DuplicateNameError,
    DTypeError,
    ForkedChildError,
    InvalidValueError,
    LossyError,
    WrongKindError,
)
from ._progress import Progress, telling
from ._report import Lost, SaveReport, plain
from ._save import _attributes, _checked_name, _options

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from ._native import _Finding

Shape = Union[SupportsIndex, Iterable[SupportsIndex]]


def writer(
    path: str | os.PathLike[str],
    *,
    description: str | None = None,
    tags: Iterable[str] = (),
    custom: Mapping[str, str] | None = None,
    cold: Iterable[str] = (),
    compress: bool = False,
    auto_cold: float | None = None,
    level: int = 3,
    overwrite: bool = True,
    strict: bool = False,
    durable: bool = True,
    seal: bool = False,
    pickle: bool = False,
    discard_journal: bool = False,
    progress: Progress = None,
) -> Writer:
    """Begin a file that is written variable by variable, which together may be more than memory.

    with ach.writer("steps.ach") as out:
        for step in range(1000):
            out.add(f"step{step}", compute(step))     # written, and let go of
        field = out.create("field", np.float32, (200_000, 1000))
        field[...] = ...                              # computed in the file

    The file is put in its place at the end of the block, atomically; an exception in it, or Ctrl-C,
    leaves the old file and nothing else. The options are those of `save`.
    """
    options = _options(
        description=description,
        tags=tags,
        custom=custom,
        cold=cold,
        compress=compress,
        auto_cold=auto_cold,
        level=level,
        overwrite=overwrite,
        strict=strict,
        durable=durable,
        seal=seal,
        discard_journal=discard_journal,
    )
    return Writer(path, options, pickle, progress)


@contextmanager
def create(
    path: str | os.PathLike[str],
    name: str,
    dtype: DTypeLike,
    shape: Shape,
    *,
    attrs: Mapping[str, Any] | None = None,
    description: str | None = None,
    tags: Iterable[str] = (),
    custom: Mapping[str, str] | None = None,
    overwrite: bool = True,
    durable: bool = True,
    seal: bool = False,
    discard_journal: bool = False,
    progress: Progress = None,
) -> Iterator[np.ndarray]:
    """A file of one array that is computed in place, and may be larger than memory.

    with ach.create("field.ach", "field", np.float32, (200_000, 100_000)) as field:
        for row in range(len(field)):
            field[row] = compute(row)

    The array is zero at first and in C order. Its space is reserved before, so that a full disk is a
    `DiskFullError` here and not later. At the end of the block the file is summed and put in its
    place, atomically; an exception, or Ctrl-C, leaves the old file and nothing else. For several
    arrays, and what is said of dtypes and of arrays that are kept, see `writer` and `Writer.create`.
    """
    with writer(
        path,
        description=description,
        tags=tags,
        custom=custom,
        overwrite=overwrite,
        strict=True,
        durable=durable,
        seal=seal,
        discard_journal=discard_journal,
        progress=progress,
    ) as out:
        yield out.create(name, dtype, shape, attrs=attrs)


class Writer:
    """A file that is being written; see `writer`. Threads may share it."""

    def __init__(
        self, path: str | os.PathLike[str], options: dict[str, Any], pickle: bool, progress: Progress
    ) -> None:
        self._path = os.fsdecode(os.fspath(path))
        # Asked now, since nobody wants to hear of it after hours of work.
        with telling("writing", self._path, progress):
            self._progress = progress
        self._strict = bool(options["strict"])
        self._describe = Describer(pickle)
        self._names: dict[str, None] = {}
        self._lost: list[Lost] = []
        self._notes: list[Lost] = []
        self._created: list[weakref.ref[np.ndarray]] = []
        self._process = os.getpid()
        self._report: SaveReport | None = None
        self._native: _native.Writer | None = _native.Writer(self._path, options)

    @property
    def path(self) -> str:
        """The file that is written."""
        return self._path

    @property
    def names(self) -> list[str]:
        """The names of what was added so far."""
        return list(self._names)

    @property
    def lost(self) -> list[Lost]:
        """What was not kept as it was, so far."""
        return list(self._lost)

    @property
    def report(self) -> SaveReport | None:
        """What `save` would return, once the file is published; None before."""
        return self._report

    def add(self, name: str, value: Any, *, attrs: Mapping[str, Any] | None = None) -> None:
        """Write a variable. What it holds is read before this returns, and may be changed after it.

        A value that cannot be kept is left out, and told of in `lost`; with `strict` it is a
        `LossyError`, and the file goes on without it.
        """
        writer = self._open()
        name = self._new_name(name)
        given, lost = self._attributes_of(name, attrs)
        try:
            findings = writer.add(name, value, given, self._describe)
        except LossyError as error:
            error.lost = [Lost(*entry) for entry in error.lost]
            raise
        self._note(findings, lost)
        if not any(entry[0] == name and not entry[1] and entry[3] == "lost" for entry in findings):
            self._names[name] = None

    def create(
        self, name: str, dtype: DTypeLike, shape: Shape, *, attrs: Mapping[str, Any] | None = None
    ) -> np.ndarray:
        """A writable array over its place in the unpublished file, zero at first, in C order.

        It may be larger than memory; its space is reserved, so that a full disk is a `DiskFullError`
        here. It is never compressed: a pattern of `cold` that matches its name is an error. dtype:
        booleans, integers, floats and complex numbers in the byte order of this machine, bfloat16 and
        the two 8-bit floats of ml_dtypes; for others, add the array as a value.

        An array that is kept after the file was published is read-only. Views of it that were taken
        before stay writable: they are memory of their own then, and what is written to them is in
        no file. Processes forked meanwhile share the array, and must be done with it before the end.
        """
        writer = self._open()
        name = self._new_name(name)
        ours, theirs = _dtype_of(name, dtype)
        extent = _shape_of(name, shape)
        given, lost = self._attributes_of(name, attrs)
        array: np.ndarray
        try:
            array, findings = writer.create(name, ours, extent, given, self._describe)
        except LossyError as error:
            error.lost = [Lost(*entry) for entry in error.lost]
            raise
        self._note(findings, lost)
        self._names[name] = None
        self._created.append(weakref.ref(array))
        if theirs is not None:
            array = array.view(theirs)
            self._created.append(weakref.ref(array))
        return array

    def finish(self) -> SaveReport:
        """Sum what was created and put the file in its place; the end of the `with` block does it."""
        writer = self._open()
        self._native = None
        try:
            with telling("writing", self._path, self._progress) as told:
                file_len, count, findings = writer.finish(told)
        except LossyError as error:
            error.lost = [Lost(*entry) for entry in error.lost]
            raise
        finally:
            self._end()
        self._note(findings, [])
        self._report = SaveReport(self._path, count, file_len, self._lost, self._notes)
        return self._report

    def discard(self) -> None:
        """Give the file up: nothing is left of it, and the old one is as it was."""
        writer, self._native = self._native, None
        if writer is not None:
            writer.discard()
        self._end()

    def __enter__(self) -> Writer:
        self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.discard()
        elif self._native is not None:
            self.finish()

    def __repr__(self) -> str:
        if self._native is None:
            return f"<writer of {plain(self._path)}, {'given up' if self._report is None else 'published'}>"
        return f"<writer of {plain(self._path)}, {len(self._names)} so far>"

    def _open(self) -> _native.Writer:
        if os.getpid() != self._process:
            raise ForkedChildError(
                f"{self._path} is written by process {self._process}, from which this one was forked"
            )
        if self._native is None:
            raise ClosedError(f"{self._path} was published or given up; begin a new writer")
        return self._native

    def _new_name(self, name: str) -> str:
        name = _checked_name(name)
        if name in self._names:
            error = DuplicateNameError(f"{self._path} has a variable {name!r} already")
            error.path, error.name = self._path, name
            raise error
        return name

    def _attributes_of(self, name: str, given: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, list[Lost]]:
        if given is None:
            return None, []
        lost: list[Lost] = []
        kept = _attributes(name, given, lost)
        if lost and self._strict:
            error = LossyError(f"cannot add {name!r} to {self._path} without loss: {lost[0]}")
            error.path, error.name, error.lost = self._path, name, lost
            raise error
        return kept, lost

    def _note(self, findings: list[_Finding], lost: list[Lost]) -> None:
        self._lost += lost
        for name, where, kind, outcome, why in findings:
            entry = Lost(name, where, kind, why)
            (self._lost if outcome in ("lost", "unresolved") else self._notes).append(entry)

    def _end(self) -> None:
        # So that a mistake is an error, and not a change that no file ever sees.
        for reference in self._created:
            array = reference()
            if array is not None:
                array.flags.writeable = False
        self._created.clear()


def _dtype_of(name: str, given: DTypeLike) -> tuple[str, np.dtype | None]:
    """The name of a dtype in the format; and that of ml_dtypes, where NumPy has none."""
    dtype = np.dtype(given)
    ours = _dtypes.FORMAT_NAMES.get(dtype.name)
    if ours is not None and _dtypes.is_ml_dtype(dtype):
        return ours, dtype
    if dtype.kind in "biufc" and dtype.isnative and dtype.char not in "gG" and dtype.num < 24:
        return dtype.name, None
    what = "it is not of the byte order of this machine"
    if dtype.isnative or dtype.kind not in "iufc":
        what = "only numbers and booleans are computed in place"
        if dtype.kind in "mM":
            what += "; create an int64, and say in its attributes what it counts"
    error = DTypeError(f"cannot create {name!r} with dtype {dtype}: {what}")
    error.name = name
    raise error


def _shape_of(name: str, given: Shape) -> list[int]:
    try:
        lengths = [given] if isinstance(given, SupportsIndex) else list(given)
        shape = [length.__index__() for length in lengths]
    except (TypeError, AttributeError):
        raise WrongKindError(f"the shape of {name!r} is {given!r}, where integers are expected") from None
    if any(length < 0 for length in shape):
        raise InvalidValueError(f"the shape of {name!r} is {tuple(shape)}: lengths are not negative")
    if any(length >= 1 << 63 for length in shape) or len(shape) > 64:
        raise InvalidValueError(f"the shape of {name!r} is {tuple(shape)}, larger than any array")
    return shape
