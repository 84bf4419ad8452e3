"""MAT-files: version 4 and 5 with scipy, 7.3 (which is HDF5) with h5py; written as version 5."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np

from ._hdf5 import elsewhere
from ._libraries import library
from ._source import Source
from ._target import Target, strings

# Bytes of a variable that a MAT-file of version 5 cannot hold.
TOO_LARGE = 1 << 31
# Letters of a name that MATLAB takes.
NAME_LENGTH = 63


def read(path: str, target: Target) -> None:
    """Each variable under its name."""
    with open(path, "rb") as file:
        head = file.read(128)
    # What version 7.3 has in front of its HDF5 says so.
    if head[:19] == b"MATLAB 7.3 MAT-file"[:19]:
        _read_hdf5(path, target)
    else:
        _read_5(path, target)


def _read_5(path: str, target: Target) -> None:
    io = library("scipy.io", "reading MAT-files", "scipy")
    sparse = library("scipy.sparse", "reading MAT-files", "scipy")
    for name, _, _ in io.whosmat(path):
        if not target.wants(name):
            continue
        # One at a time, so that one at a time is in memory.
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            found = io.loadmat(path, variable_names=[name], mat_dtype=True)
        if name in found and any("imaginary" in str(warning.message) for warning in raised):
            # The classes of MATLAB cost scipy the imaginary parts: those come from a second look.
            found[name] = _with_imaginary(found[name], io.loadmat(path, variable_names=[name])[name])
        if name not in found:
            target.lose(name, "function workspace", "it is code of MATLAB's")
            continue
        reader = _Reader5(io, sparse, target, name)
        value = found.pop(name)
        plain = reader.value(value, "")
        if plain is not _NOTHING:
            target.add(name, plain)
        del value, plain


_NOTHING = object()


def _with_imaginary(value: Any, stored: Any) -> Any:
    """`value` with the complex arrays of `stored`, which is the same otherwise."""
    if not isinstance(stored, np.ndarray):
        return stored if getattr(stored, "dtype", None) is not None and stored.dtype.kind == "c" else value
    if stored.dtype.kind == "c":
        return stored
    fields = stored.dtype.names
    if fields is not None:
        for field in fields:
            _with_imaginary(value[field], stored[field])
    elif stored.dtype == object:
        for place in np.ndindex(stored.shape):
            value[place] = _with_imaginary(value[place], stored[place])
    return value


class _Reader5:
    def __init__(self, io: Any, sparse: Any, target: Target, name: str) -> None:
        self.io, self.sparse, self.target, self.name = io, sparse, target, name
        self.matlab = io.matlab

    def lose(self, kind: str, why: str, path: str) -> None:
        self.target.lose(self.name, kind, why, path)

    def value(self, value: Any, path: str) -> Any:
        if self.sparse.issparse(value):
            return sparse_record(value)
        if isinstance(value, self.matlab.MatlabOpaque):
            classes = [str(item) for item in np.asarray(value).reshape(-1)[:1].tolist()]
            self.lose("MATLAB object", f"objects of classes are code: {classes}; save it as a struct", path)
            return _NOTHING if not path else None
        if isinstance(value, self.matlab.MatlabFunction):
            self.lose("MATLAB function", "functions are code, and are not saved", path)
            return _NOTHING if not path else None
        if not isinstance(value, np.ndarray):
            return value
        if isinstance(value, self.matlab.MatlabObject):
            self.lose("MATLAB object", "its class is not kept; it is a record of its fields", path)
            value = np.asarray(value)
        if value.dtype.names is not None:
            return self.array_of(value, path, self.struct)
        if value.dtype == object:
            cells = self.array_of(value, path, self.value, always=True)
            return cells
        if value.dtype.kind == "U":
            return characters(value)
        return number(value)

    def struct(self, value: Any, path: str) -> dict[str, Any]:
        return {field: self.value(value[field], f"{path}.{field}") for field in value.dtype.names}

    def array_of(self, value: np.ndarray, path: str, convert: Any, always: bool = False) -> Any:
        """A struct, or a list of them; lists in lists for more than a row or column."""
        if value.size == 1 and not always:
            return convert(value.reshape(-1)[0], path)
        return nested(value, path, lambda item, where: convert(item, where), self.lose)


def nested(value: np.ndarray, path: str, convert: Any, lose: Any) -> list[Any]:
    """The elements of an array as a list; of more than one row and column as a list of rows."""
    if value.ndim == 2 and 1 not in value.shape and value.size:
        return [[convert(item, f"{path}[{i}][{j}]") for j, item in enumerate(row)] for i, row in enumerate(value)]
    if value.ndim > 2:
        lose("cell or struct array", f"its shape {value.shape} is not kept; it is a list, the first index fastest", path)
    items = value.reshape(-1, order="F")
    return [convert(item, f"{path}[{at}]") for at, item in enumerate(items)]


def number(value: np.ndarray) -> Any:
    """A single double, complex or logical as a number of Python; any other array as it is."""
    if value.shape == (1, 1) and value.dtype in (np.float64, np.complex128, np.bool_):
        return value[0, 0].item()
    return value


def characters(value: np.ndarray) -> Any:
    """A row of characters is a text, several rows are an array of texts."""
    rows = value.reshape(-1).tolist()
    if not rows:
        return ""
    return rows[0] if len(rows) == 1 else strings(rows, value.shape)


def sparse_record(matrix: Any) -> dict[str, Any]:
    """A sparse matrix in compressed columns."""
    columns = matrix.tocsc()
    return {
        "format": "csc",
        "shape": list(columns.shape),
        "data": columns.data,
        "indices": columns.indices,
        "indptr": columns.indptr,
    }


# Version 7.3


def _read_hdf5(path: str, target: Target) -> None:
    h5py = library("h5py", "reading MAT-files of version 7.3")
    with h5py.File(path, "r") as file:
        for name in file:
            if name.startswith("#"):
                # What cells and objects point to.
                continue
            if target.wants(name):
                _Reader73(h5py, file, target, name).variable(file[name])


class _Reader73:
    def __init__(self, h5py: Any, file: Any, target: Target, name: str) -> None:
        self.h5py, self.file, self.target, self.name = h5py, file, target, name

    def lose(self, kind: str, why: str, path: str) -> None:
        self.target.lose(self.name, kind, why, path)

    def variable(self, item: Any) -> None:
        kind = _class_of(item)
        if (why := elsewhere(self.file, item)) is not None:
            self.lose(kind or "dataset", why, "")
            return
        plain = isinstance(item, self.h5py.Dataset) and item.dtype.names is None and not item.dtype.hasobject
        if plain and kind not in ("char", "cell") and "MATLAB_empty" not in item.attrs and item.ndim > 1:
            if item.size > 1 and "MATLAB_object_decode" not in item.attrs:
                self.large(item, kind)
                return
        value = self.value(item, "", 0)
        if value is not _NOTHING:
            self.target.add(self.name, value)

    def large(self, item: Any, kind: str) -> None:
        """An array of numbers: the last index of MATLAB is the first of HDF5."""
        dtype = np.dtype(np.bool_) if kind == "logical" else np.dtype(item.dtype.str)
        chunks = item.chunks[::-1] if item.chunks else None
        self.target.copy(
            self.name, lambda part: item[part[::-1]].T.astype(dtype, copy=False), item.shape[::-1], dtype, None, chunks
        )

    def value(self, item: Any, path: str, depth: int) -> Any:
        kind = _class_of(item)
        if depth > 100:
            self.lose(kind, "it is nested too deep", path)
            return None
        if (why := elsewhere(self.file, item)) is not None:
            self.lose(kind or "dataset", why, path)
            return None
        if "MATLAB_object_decode" in item.attrs and kind not in ("cell", "struct"):
            self.lose("MATLAB object", f"objects of classes are code: {kind}; save it as a struct", path)
            return _NOTHING if not path else None
        if isinstance(item, self.h5py.Group):
            if "MATLAB_sparse" in item.attrs:
                return self.sparse(item)
            return self.struct(item, path, depth)
        if "MATLAB_empty" in item.attrs and item.attrs["MATLAB_empty"]:
            return self.empty(item, kind)
        if kind == "cell" or item.dtype.hasobject:
            references = np.asarray(item[()], dtype=object).T
            return nested(references, path, lambda ref, where: self.value(self.file[ref], where, depth + 1), self.lose)
        values = np.asarray(item[()]).T
        if values.dtype.names == ("real", "imag"):
            made = np.empty(values.shape, np.complex64 if values.dtype["real"] == np.float32 else np.complex128)
            made.real, made.imag = values["real"], values["imag"]
            return number(made)
        if kind == "char":
            rows = [
                "".join(map(chr, row)).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
                for row in values.reshape(-1, values.shape[-1]).tolist()
            ]
            return rows[0] if len(rows) == 1 else strings(rows, values.shape[:-1])
        if kind == "logical":
            values = values.astype(np.bool_)
        return number(values)

    def struct(self, group: Any, path: str, depth: int) -> Any:
        fields = list(group)
        shapes = {group[field].shape for field in fields if self.is_array_of_fields(group[field])}
        if len(shapes) == 1 and all(self.is_array_of_fields(group[field]) for field in fields):
            # A struct array: each field holds a reference for each struct.
            columns = {field: np.asarray(group[field][()], dtype=object).T for field in fields}
            places = next(iter(columns.values()))
            numbers = np.arange(places.size).reshape(places.shape)
            flat = {field: column.reshape(-1) for field, column in columns.items()}

            def one(at: Any, where: str) -> dict[str, Any]:
                return {
                    field: self.value(self.file[column[int(at)]], f"{where}.{field}", depth + 1)
                    for field, column in flat.items()
                }

            return nested(numbers, path, one, self.lose)
        return {field: self.value(group[field], f"{path}.{field}", depth + 1) for field in fields}

    def is_array_of_fields(self, item: Any) -> bool:
        return isinstance(item, self.h5py.Dataset) and item.dtype.hasobject and "MATLAB_class" not in item.attrs

    def sparse(self, group: Any) -> dict[str, Any]:
        columns = np.asarray(group["jc"][()])
        data: Any = np.asarray(group["data"][()]) if "data" in group else np.empty(0)
        if _class_of(group) == "logical":
            data = data.astype(np.bool_)
        if data.dtype.names == ("real", "imag"):
            data = data["real"] + 1j * data["imag"]
        return {
            "format": "csc",
            "shape": [int(group.attrs["MATLAB_sparse"]), len(columns) - 1],
            "data": data,
            "indices": np.asarray(group["ir"][()]) if "ir" in group else np.empty(0, np.uint64),
            "indptr": columns,
        }

    def empty(self, item: Any, kind: str) -> Any:
        # The dataset holds the shape.
        shape = tuple(int(length) for length in np.asarray(item[()]).reshape(-1))
        if kind == "char":
            return ""
        if kind in ("cell", "struct"):
            return []
        dtype = {"logical": "?", "double": "f8", "single": "f4"}.get(kind, kind)
        try:
            return np.zeros(shape, dtype)
        except TypeError:
            return np.zeros(shape)


def _class_of(item: Any) -> str:
    kind = item.attrs.get("MATLAB_class", b"")
    return kind.decode("utf-8", "replace") if isinstance(kind, bytes) else str(kind)


# Writing


def write(path: str, source: Source) -> None:
    """Each variable under its name, or one like it that MATLAB takes."""
    io = library("scipy.io", "writing MAT-files", "scipy")
    sparse = library("scipy.sparse", "writing MAT-files", "scipy")
    taken: set[str] = set()
    with open(path, "wb") as file:
        for name in source.names():
            ours = _name_of(name, taken)
            if ours != name:
                source.lose(name, "name", f"MATLAB has no such names; it is {ours}")
            taken.add(ours)
            value = _to_matlab(source.value(name), name, "", source, sparse)
            for key in source.attributes(name):
                source.lose(name, "attribute", "MAT-files have no attributes", f"<attributes>.{key}")
            if _bytes_of(value) >= TOO_LARGE:
                source.lose(name, "array", "MAT-files of version 5 hold less than 2 GiB of one variable; convert to .h5")
                continue
            try:
                # One at a time: variables stand one after the other.
                io.savemat(file, {ours: value}, oned_as="column", long_field_names=True)
            except (ValueError, TypeError) as error:
                source.lose(name, type(value).__name__, f"scipy does not take it: {error}")


def _bytes_of(value: Any) -> int:
    return value.nbytes if isinstance(value, np.ndarray) else 0


def _name_of(name: str, taken: set[str]) -> str:
    ours = re.sub(r"[^0-9A-Za-z_]", "_", name)
    if not re.match(r"[A-Za-z]", ours):
        ours = f"v{ours}"
    ours = ours[:NAME_LENGTH]
    unique, number = ours, 1
    while unique in taken:
        number += 1
        unique = f"{ours[: NAME_LENGTH - len(str(number)) - 1]}_{number}"
    return unique


def _to_matlab(value: Any, name: str, path: str, source: Source, sparse: Any) -> Any:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        if value.get("format") == "csc" and {"shape", "data", "indices", "indptr"} <= value.keys():
            parts = (np.array(value["data"]), np.array(value["indices"]), np.array(value["indptr"]))
            try:
                return sparse.csc_matrix(parts, shape=tuple(value["shape"]))
            except (ValueError, TypeError):
                pass
        made: dict[str, Any] = {}
        for key, part in value.items():
            ours = _name_of(key, set(made))
            if ours != key:
                source.lose(name, "field", f"MATLAB has no such names; it is {ours}", f"{path}.{key}")
            made[ours] = _to_matlab(part, name, f"{path}.{key}", source, sparse)
        return made
    if isinstance(value, (list, tuple)):
        cells = np.empty((len(value),), object)
        for at, item in enumerate(value):
            cells[at] = _to_matlab(item, name, f"{path}[{at}]", source, sparse)
        return cells
    if value is None:
        source.lose(name, "NoneType", "MATLAB has no such value; it is []", path)
        return np.empty((0, 0))
    plain, _ = source.plain(value, name, path)
    if isinstance(value, np.ndarray) and value.dtype.kind in "mM":
        source.lose(name, f"array of {value.dtype}", "it is an array of int64", path)
    if isinstance(plain, np.ndarray):
        if plain.dtype == np.float16:
            source.lose(name, "array of float16", "it is an array of single", path)
            return plain.astype(np.float32)
        if plain.dtype.kind == "O":
            # A cell of texts.
            return plain
        return plain.astype(plain.dtype.newbyteorder("="), copy=False)
    if isinstance(plain, int) and not isinstance(plain, bool):
        return np.array([[plain]], np.int64)
    return plain
