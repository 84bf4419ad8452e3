"""The archive that becomes a file of another format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import _native
from .._report import Lost
from .._workspace import Workspace

_PLAIN = (bool, int, float, complex, str, np.bool_, np.number)


class Source:
    """Gives the variables of an archive, and notes what the other format cannot keep."""

    def __init__(
        self, workspace: Workspace, only: Sequence[str], chunk: int, progress: Callable[[str], Any] | None
    ) -> None:
        self.workspace = workspace
        self.patterns = [(text, _native.Pattern(text)) for text in only]
        self.met: set[str] = set()
        self.chunk = chunk
        self.progress = progress
        self.lost: list[Lost] = []
        self.count = 0

    def names(self) -> Iterator[str]:
        """The variables that were asked for."""
        for name in self.workspace:
            met = [text for text, pattern in self.patterns if pattern.matches(name)]
            self.met.update(met)
            if met or not self.patterns:
                if self.progress is not None:
                    self.progress(name)
                self.count += 1
                yield name

    def unmet(self) -> list[str]:
        """Patterns that no variable matched."""
        return [text for text, _ in self.patterns if text not in self.met]

    def lose(self, name: str, kind: str, why: str, path: str = "") -> None:
        """Notes something that is not in the file, or not as it was."""
        self.lost.append(Lost(name, path, kind, why))

    def attributes(self, name: str) -> dict[str, Any]:
        return self.workspace.attrs[name]

    def value(self, name: str) -> Any:
        return self.workspace[name]

    def is_array(self, name: str) -> bool:
        """Whether the value is an array that can be read in parts."""
        return _native.outline(self.workspace._archive, name) is not None

    def outline(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and dtype of such an array."""
        outline = _native.outline(self.workspace._archive, name)
        assert outline is not None
        nothing = tuple(slice(0, 0) for _ in outline[0])
        return tuple(outline[0]), self.workspace[(name, *nothing, ...)].dtype

    def blocks(self, name: str) -> Iterator[tuple[tuple[slice, ...], np.ndarray]]:
        """Such an array in parts."""
        return self.workspace.blocks(name, max(self.chunk, 1 << 16))

    def plain(self, value: Any, name: str, path: str) -> tuple[Any, dict[str, Any]]:
        """A value as number, text, array, or None, and attributes that tell what it was.

        What is none of these becomes JSON, and is noted.
        """
        if value is None or isinstance(value, _PLAIN) and not _is_large(value):
            return value, {}
        if isinstance(value, (bytes, bytearray)):
            return np.array(bytearray(value), np.uint8), {}
        if isinstance(value, np.ma.MaskedArray):
            self.lose(name, "masked array", "what is masked has the value that stands below the mask", path)
            value = np.asarray(value.data)
        if isinstance(value, np.ndarray):
            array = self._array(value, name, path)
            if array is not None:
                return array, {"numpy.dtype": value.dtype.str} if value.dtype.kind in "mM" else {}
        if isinstance(value, (list, tuple)) and value and _alike(value):
            kind = type(value).__name__
            self.lose(name, kind, f"a {kind} of {len(value)} is an array", path)
            return np.array(value, dtype=object if isinstance(value[0], str) else None), {}
        try:
            told = json.dumps(value, default=_as_json)
        except (TypeError, ValueError, RecursionError):
            self.lose(name, type(value).__name__, "there is no form for its type; it is its text", path)
            return repr(value), {}
        self.lose(name, type(value).__name__, "there is no form for its type; it is JSON", path)
        return told, {"content_type": "application/json"}

    def _array(self, value: np.ndarray, name: str, path: str) -> np.ndarray | None:
        kind = value.dtype.kind
        if kind in "biufcS" and value.dtype.num < 24:
            return np.asarray(value)
        if kind in "mM":
            return np.asarray(value).view(np.int64)
        if kind in "UT" or kind == "O" and all(isinstance(item, str) for item in value.reshape(-1)):
            texts = value.reshape(-1).tolist()
            if all(isinstance(item, str) for item in texts):
                return np.array(texts, dtype=object).reshape(value.shape)
            self.lose(name, "string array", "missing strings are empty", path)
            return np.array([item if isinstance(item, str) else "" for item in texts], dtype=object).reshape(value.shape)
        if kind == "V" and value.dtype.names is not None and not value.dtype.hasobject:
            return np.asarray(value)
        if kind == "V" or value.dtype.num >= 24:
            try:
                wider = np.asarray(value).astype(np.float32)
            except (TypeError, ValueError):
                return None
            self.lose(name, f"array of {value.dtype}", "it is an array of float32", path)
            return wider
        return None


def _is_large(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and not -(1 << 63) <= value < 1 << 63


def _alike(values: Sequence[Any]) -> bool:
    kinds = set(map(type, values))
    if kinds == {int}:
        return not any(map(_is_large, values))
    return kinds in ({bool}, {float}, {complex}, {str}, {int, float})


def _as_json(value: Any) -> Any:
    """What JSON has no form for, as the nearest that it has."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, complex):
        return [value.real, value.imag]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
