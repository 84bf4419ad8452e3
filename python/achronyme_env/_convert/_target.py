"""The archive that a file of another format becomes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import _native
from .._errors import AchError, DTypeError, InvalidValueError
from .._report import Lost
from .._writer import Writer, _dtype_of

# The name of the attributes of a whole file.
ROOT = "/"


class Target:
    """Takes the variables of a file, one after the other, and notes what could not be kept."""

    def __init__(
        self,
        writer: Writer,
        only: Sequence[str],
        chunk: int,
        packed: Sequence[str],
        progress: Callable[[str], Any] | None,
    ) -> None:
        self.writer = writer
        self.packed = [_native.Pattern(text) for text in packed]
        self.patterns = [(text, _native.Pattern(text)) for text in only]
        self.met: set[str] = set()
        self.chunk = chunk
        self.progress = progress
        self.lost: list[Lost] = []

    def wants(self, name: str) -> bool:
        """Whether a variable was asked for."""
        if not self.patterns:
            return True
        met = [text for text, pattern in self.patterns if pattern.matches(name)]
        self.met.update(met)
        return bool(met)

    def unmet(self) -> list[str]:
        """Patterns that no variable of the file matched."""
        return [text for text, _ in self.patterns if text not in self.met]

    def lose(self, name: str, kind: str, why: str, path: str = "") -> None:
        """Notes something that is not in the archive, or not as it was."""
        self.lost.append(Lost(name, path, kind, why))

    def add(self, name: str, value: Any, attrs: dict[str, Any] | None = None) -> None:
        """A value that is in memory, or a map."""
        if self.progress is not None:
            self.progress(name)
        self.writer.add(name, value, attrs=attrs or None)

    def copy(
        self,
        name: str,
        read: Callable[[tuple[slice, ...]], np.ndarray],
        shape: Sequence[int],
        dtype: np.dtype,
        attrs: dict[str, Any] | None = None,
        chunks: Sequence[int] | None = None,
    ) -> None:
        """An array that is read part by part, each not much larger than `chunk` bytes.

        chunks: parts in which the other file holds it, each of which is read once.
        """
        shape = tuple(int(length) for length in shape)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        everything = tuple(slice(0, length) for length in shape)
        try:
            native = dtype.newbyteorder("=")
            _dtype_of(name, native)
            in_place = size > self.chunk
        except DTypeError:
            # What the format has no elements for goes through memory.
            in_place = False
        # What is computed in place is not compressed.
        in_place = in_place and not any(pattern.matches(name) for pattern in self.packed)
        if not in_place:
            self.add(name, np.asarray(read(everything)), attrs)
            return
        if self.progress is not None:
            self.progress(name)
        parts = _parts(shape, dtype.itemsize, self.chunk, chunks)
        # Read before there is room made for it: what cannot be read at all is not in the archive.
        first = next(parts)
        values = read(first)
        array = self.writer.create(name, native, shape, attrs=attrs or None)
        array[first] = values
        del values
        try:
            for part in parts:
                array[part] = read(part)
        except (OSError, ValueError, RuntimeError) as error:
            if isinstance(error, AchError):
                raise
            # Half of it stands in the archive already.
            raise InvalidValueError(
                f"variable {name!r} cannot be read whole ({error}); leave it out with --only"
            ) from error

    def described(self, name: str, attrs: dict[str, Any]) -> None:
        """The attributes of a group, or of the whole file: of an empty record of its name."""
        self.add(name, {}, attrs)


def _parts(
    shape: tuple[int, ...], size: int, most: int, chunks: Sequence[int] | None
) -> Iterator[tuple[slice, ...]]:
    """Parts of an array of about `most` bytes whose edges are those of chunks."""
    steps = [min(max(int(step), 1), length) for step, length in zip(chunks or [1] * len(shape), shape)]
    # From the last axis on, as many chunks as fit.
    held = size * int(np.prod(steps, dtype=object))
    for axis in reversed(range(len(shape))):
        step = steps[axis]
        fits = min(max(most // held, 1), -(-shape[axis] // step))
        steps[axis] = min(step * fits, shape[axis])
        held = held // step * steps[axis]
    starts = (range(0, length, step) for length, step in zip(shape, steps))
    for place in itertools.product(*starts):
        yield tuple(slice(at, min(at + step, length)) for at, step, length in zip(place, steps, shape))


def strings(texts: Any, shape: Sequence[int]) -> np.ndarray:
    """An array of strings of any length."""
    from .. import _strings

    return _strings.variable(list(texts), tuple(shape))


def text(raw: bytes) -> str | bytes:
    """Text, where bytes are that."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
