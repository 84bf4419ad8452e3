"""NumPy's .npy and .npz, and .safetensors."""

from __future__ import annotations

import os
import zipfile
from typing import Any

import numpy as np

from .._dtypes import is_ml_dtype
from .._errors import InvalidValueError
from ._libraries import library
from ._source import Source
from ._target import Target


def read_npy(path: str, target: Target, name: str) -> None:
    """The array under `name`, from a map."""
    if not target.wants(name):
        return
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise InvalidValueError(f"{path}: {error}") from None
    target.copy(name, lambda part: array[part], array.shape, array.dtype)


def read_npz(path: str, target: Target) -> None:
    """Each array under its name."""
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.namelist() if member.endswith(".npy")]
        for other in set(archive.namelist()) - set(members):
            target.lose(other, "member", "it is no .npy")
    with np.load(path, allow_pickle=False) as arrays:
        for name in (member.removesuffix(".npy") for member in members):
            if target.wants(name):
                try:
                    array = arrays[name]
                except ValueError as error:
                    target.lose(name, "array of objects", f"it is a pickle, which could run programs: {error}")
                    continue
                target.add(name, array if array.ndim else array[()])


def read_safetensors(path: str, target: Target) -> None:
    """Each tensor under its name."""
    safetensors = library("safetensors", "reading .safetensors files")
    library("ml_dtypes", "reading .safetensors files", "ml_dtypes")
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
        if metadata and target.wants("/"):
            target.described("/", dict(metadata))
        for name in file.keys():
            if target.wants(name):
                target.add(name, file.get_tensor(name))


def write_npz(path: str, source: Source) -> None:
    """Each variable as a member; the fields of records as `name.field`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name in source.names():
            for key in source.attributes(name):
                source.lose(name, "attribute", ".npz has no attributes", f"<attributes>.{key}")
            _member(archive, name, source.value(name), name, "", source)


def _member(archive: zipfile.ZipFile, member: str, value: Any, name: str, path: str, source: Source) -> None:
    if isinstance(value, dict) and value and all(isinstance(key, str) for key in value):
        for key, part in value.items():
            _member(archive, f"{member}.{key}", part, name, f"{path}.{key}", source)
        return
    if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray):
        if value.dtype.kind in "mMUS" or value.dtype.kind == "V" and not is_ml_dtype(value.dtype):
            # NumPy's own.
            plain: Any = value
        else:
            plain, _ = source.plain(value, name, path)
    elif value is None:
        source.lose(name, "NoneType", ".npz has no such value; it is left out", path)
        return
    else:
        plain, _ = source.plain(value, name, path)
    array = np.asanyarray(plain)
    if array.dtype == object:
        array = array.astype(str)
    entry, number = _entry(member), 1
    while entry in archive.NameToInfo:
        number += 1
        entry = _entry(f"{member}_{number}")
    if number > 1:
        source.lose(name, "name", f"another member has its name; it is {entry.removesuffix('.npy')}", path)
    with archive.open(entry, "w", force_zip64=True) as file:
        np.lib.format.write_array(file, array, allow_pickle=False)


def _entry(member: str) -> str:
    # As `np.savez`: a name may hold what paths hold, and is no path of ours.
    return f"{member.lstrip('/').replace(os.sep, '/')}.npy"
