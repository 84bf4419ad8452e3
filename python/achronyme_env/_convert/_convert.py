"""Which format is read and written by which module, and the way there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .._errors import (
    AchError,
    AlreadyExistsError,
    FileMissingError,
    InvalidValueError,
    LossyError,
    NotAFileError,
    UnsupportedError,
)
from .._report import Lost, count_of, plain, size_of
from .._workspace import Workspace
from .._writer import writer
from . import _hdf5, _matlab, _netcdf3, _numpy, _tables, _torch, _zarr
from ._source import Source
from ._target import Target

# Bytes of an array that are in memory at once.
CHUNK = 64 << 20

READ: dict[str, Callable[[str, Target, str], None]] = {
    ".arrow": _tables.read,
    ".feather": _tables.read,
    ".h5": lambda path, target, _: _hdf5.read(path, target),
    ".mat": lambda path, target, _: _matlab.read(path, target),
    ".npy": _numpy.read_npy,
    ".npz": lambda path, target, _: _numpy.read_npz(path, target),
    ".parquet": _tables.read,
    ".pt": _torch.read,
    ".safetensors": lambda path, target, _: _numpy.read_safetensors(path, target),
    ".zarr": _zarr.read,
    ".nc": lambda path, target, _: _netcdf(path, target),
}
WRITTEN: dict[str, Callable[[str, Source], None]] = {
    ".arrow": _tables.write,
    ".feather": _tables.write,
    ".h5": _hdf5.write,
    ".mat": _matlab.write,
    ".npz": _numpy.write_npz,
    ".parquet": _tables.write,
    ".zarr": _zarr.write,
}
SAME = {
    ".hdf5": ".h5",
    ".he5": ".h5",
    ".hdf": ".h5",
    ".nc4": ".nc",
    ".cdf": ".nc",
    ".pth": ".pt",
    ".pq": ".parquet",
    ".ipc": ".arrow",
    ".arrows": ".arrow",
}
# What the command `ach` reads and writes itself.
PACKED = (".csv", ".tsv", ".json")


def _netcdf(path: str, target: Target) -> None:
    with open(path, "rb") as file:
        head = file.read(4)
    (_netcdf3 if head in _netcdf3.SIGNATURES else _hdf5).read(path, target)


@dataclass(frozen=True)
class ConvertReport:
    """What a conversion did. `lost` is what was not kept as it was, and where it was."""

    path: str
    variables: int
    file_len: int
    lost: list[Lost] = field(default_factory=list)
    notes: list[Lost] = field(default_factory=list)

    def __str__(self) -> str:
        head = f"wrote {count_of(self.variables, 'variable')} to {plain(self.path)}, {size_of(self.file_len)}"
        if self.lost:
            head += f"; {len(self.lost)} not kept as they were"
        return "\n".join([head, *(f"  {item}" for item in [*self.lost, *self.notes])])

    __repr__ = __str__


def convert(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    only: Iterable[str] = (),
    name: str | None = None,
    overwrite: bool = False,
    strict: bool = False,
    chunk: int = CHUNK,
    cold: Iterable[str] = (),
    compress: bool = False,
    progress: Callable[[str], Any] | None = None,
) -> ConvertReport:
    """Make an archive of a file of another format, or a file of another format of an archive.

    Formats are told by the extensions: .h5, .nc, .mat, .parquet, .arrow, .feather, .pt, .zarr, .npy,
    .npz and .safetensors are read; .h5, .mat, .parquet, .arrow, .feather, .npz and .zarr are written.
    Each needs its library; a `MissingLibraryError` says how to install it. docs/converting.md says what
    becomes of what.

    only: patterns of names of variables; others are left out. name: of what has none in its file, such
    as a table; by default that of the file. chunk: bytes of an array that are in memory at once, so
    that a dataset may be larger than memory. cold, compress: as in `save`; what is compressed goes
    through memory whole. progress: called with the
    name of each variable. strict: a `LossyError`, and no file, when something cannot be kept as it is.
    """
    path, out = (os.fsdecode(os.fspath(each)) for each in (source, output))
    texts = [only] if isinstance(only, str) else list(only)
    if chunk < 1:
        raise InvalidValueError(f"chunk is {chunk}, where a number of bytes is expected")
    if not os.path.exists(path):
        error = FileMissingError(f"cannot open {path}: there is no such file")
        error.path = path
        raise error
    if not overwrite and os.path.lexists(out):
        error_ = AlreadyExistsError(f"{out} exists already; overwrite it (--overwrite), or choose another name")
        error_.path = out
        raise error_
    theirs, ours = _extension(path), _extension(out)
    if theirs == ".ach" and ours in WRITTEN:
        return _export(path, out, WRITTEN[ours], texts, chunk, strict, progress)
    if ours == ".ach" and theirs in READ:
        if os.path.isdir(path) and theirs != ".zarr":
            raise NotAFileError(f"{path} is a directory")
        name = name or os.path.splitext(os.path.basename(path.rstrip("/")))[0]
        return _import(path, out, READ[theirs], texts, name, chunk, strict, progress, cold, compress, overwrite)
    raise UnsupportedError(_unknown(path, out, theirs, ours))


def _extension(path: str) -> str:
    extension = os.path.splitext(path.rstrip("/"))[1].lower()
    return SAME.get(extension, extension)


def _unknown(path: str, out: str, theirs: str, ours: str) -> str:
    if theirs in PACKED and ours == ".ach":
        return f"{theirs} files are read by the command `ach`; run `ach pack {path} -o {out}`"
    if theirs == ours == ".ach":
        return f"both are archives; run `ach convert {path} -o {out}`"
    if theirs == ".ach":
        return f"{ours or 'a file without an extension'} is not written; what is: {', '.join(sorted(WRITTEN))}"
    if ours == ".ach":
        return f"{theirs or 'a file without an extension'} is not read; what is: {', '.join(sorted(READ))}"
    return f"one of {path} and {out} must be an archive, .ach"


def _import(
    path: str,
    out: str,
    read: Callable[[str, Target, str], None],
    only: list[str],
    name: str,
    chunk: int,
    strict: bool,
    progress: Callable[[str], Any] | None,
    cold: Iterable[str],
    compress: bool,
    overwrite: bool,
) -> ConvertReport:
    cold = [cold] if isinstance(cold, str) else list(cold)
    packed = ["*"] if compress else cold
    with writer(out, cold=cold, compress=compress, overwrite=overwrite, progress=False) as writing:
        target = Target(writing, only, chunk, packed, progress)
        try:
            read(path, target, name)
        except (AchError, MemoryError):
            raise
        except Exception as error:
            # Each library has errors of its own for a file that is not what it says.
            raise InvalidValueError(f"{path} cannot be read: {_one_line(error)}") from error
        lost = [*target.lost, *writing.lost]
        _refuse(path, lost, strict, target.unmet())
        report = writing.finish()
    return ConvertReport(out, report.bindings, report.file_len, [*target.lost, *report.lost], report.notes)


def _export(
    path: str,
    out: str,
    write: Callable[[str, Source], None],
    only: list[str],
    chunk: int,
    strict: bool,
    progress: Callable[[str], Any] | None,
) -> ConvertReport:
    folder = os.path.dirname(os.path.abspath(out))
    with Workspace(path) as workspace, tempfile.TemporaryDirectory(dir=folder, prefix=".ach-convert-") as scratch:
        source = Source(workspace, only, chunk, progress)
        made = os.path.join(scratch, os.path.basename(out.rstrip("/")))
        try:
            write(made, source)
        except (AchError, MemoryError):
            raise
        except Exception as error:
            raise InvalidValueError(f"{out} cannot be written: {_one_line(error)}") from error
        _refuse(path, source.lost, strict, source.unmet())
        length = _length(made)
        if os.path.isdir(made) and os.path.isdir(out):
            # A directory takes the place of none that holds something.
            shutil.move(out, os.path.join(scratch, "replaced"))
        os.replace(made, out)
    return ConvertReport(out, source.count, length, source.lost)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _refuse(path: str, lost: list[Lost], strict: bool, unmet: list[str]) -> None:
    if unmet:
        raise InvalidValueError(f"{path} has no variable that {unmet[0]!r} matches")
    if strict and lost:
        error = LossyError(f"cannot convert {path} without loss: {'; '.join(map(str, lost[:3]))}")
        error.path, error.lost = path, lost
        raise error


def _length(path: str) -> int:
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)
