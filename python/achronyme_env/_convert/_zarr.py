"""Zarr stores, of version 2 and 3, with zarr."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ._hdf5 import date_of
from ._libraries import library
from ._source import Source
from ._target import ROOT, Target, strings


def read(path: str, target: Target, name: str) -> None:
    """Each array as a variable under its path, `group/array`; a single array under `name`."""
    zarr = library("zarr", "reading .zarr stores")
    opened = zarr.open(path, mode="r")
    if not isinstance(opened, zarr.Group):
        if target.wants(name):
            _array(opened, name, target)
        return
    _group(zarr, opened, "", target)


def _group(zarr: Any, group: Any, name: str, target: Target) -> None:
    attrs = dict(group.attrs)
    members = sorted(group.members())
    if (attrs or (name and not members)) and target.wants(name or ROOT):
        target.described(name or ROOT, attrs)
    for key, item in members:
        inner = f"{name}/{key}" if name else key
        if isinstance(item, zarr.Group):
            _group(zarr, item, inner, target)
        elif target.wants(inner):
            _array(item, inner, target)


def _array(data: Any, name: str, target: Target) -> None:
    attrs = dict(data.attrs)
    dtype = np.dtype(data.dtype)
    if dtype == np.int64 and (kind := date_of(attrs)) is not None:
        target.copy(name, lambda part: np.asarray(data[part]).view(kind), data.shape, kind, attrs, data.chunks)
    elif dtype.kind in "TO":
        found = np.asarray(data[()] if data.shape == () else data[...])
        texts = found.reshape(-1).tolist()
        if all(isinstance(each, str) for each in texts):
            target.add(name, texts[0] if found.shape == () else strings(texts, found.shape), attrs)
        else:
            target.add(name, found, attrs)
    elif data.shape == ():
        found = np.asarray(data[()])
        simple = found.dtype in (np.float64, np.int64, np.bool_, np.complex128)
        target.add(name, found.item() if simple else found[()], attrs)
    else:
        target.copy(name, lambda part: np.asarray(data[part]), data.shape, dtype, attrs, data.chunks)


def write(path: str, source: Source) -> None:
    """Each variable as an array; records and `/` in names as groups."""
    zarr = library("zarr", "writing .zarr stores")
    with warnings.catch_warnings():
        # Of dtypes that only this library writes so: it reads them again.
        warnings.simplefilter("ignore")
        root = zarr.open_group(path, mode="w")
        for name in source.names():
            attrs = source.attributes(name)
            try:
                target = root if name == ROOT else _put(root, name, name, source)
            except (ValueError, TypeError, KeyError, NotImplementedError) as error:
                source.lose(name, "value", f"zarr does not take it: {error}")
                continue
            for key, value in attrs.items():
                _put_attribute(target, name, key, value, source)


def _put(root: Any, key: str, name: str, source: Source) -> Any:
    if source.is_array(name):
        shape, dtype = source.outline(name)
        if shape and 0 not in shape and dtype.num < 24:
            dates = dtype.kind in "mM"
            data = root.create_array(key, shape=shape, chunks=_chunks(shape, dtype.itemsize), dtype="i8" if dates else dtype)
            # Whole chunks at a time.
            step = data.chunks[0]
            for at in range(0, shape[0], step):
                part = source.workspace[name, at : at + step]
                data[at : at + step] = part.view(np.int64) if dates else part
            if dates:
                data.attrs["numpy.dtype"] = dtype.str
            return data
    return _put_value(root, key, source.value(name), name, "", source)


def _chunks(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Of about 4 MiB: rows, cut along their axes where one is larger."""
    chunks = list(shape)
    for axis in range(len(shape)):
        held = size * int(np.prod(chunks, dtype=object))
        if held <= 4 << 20:
            break
        chunks[axis] = max(1, chunks[axis] * (4 << 20) // held)
    return tuple(chunks)


def _put_value(group: Any, key: str, value: Any, name: str, path: str, source: Source) -> Any:
    if isinstance(value, dict) and all(isinstance(each, str) and each and "/" not in each for each in value):
        made = group.require_group(key)
        for each, part in value.items():
            _put_value(made, each, part, name, f"{path}.{each}", source)
        return made
    plain, extra = source.plain(value, name, path)
    if plain is None:
        source.lose(name, "NoneType", "zarr has no such value; it is the text null", path)
        plain, extra = "null", {"content_type": "application/json"}
    array = np.asarray(plain)
    if array.dtype.kind in "TUO":
        data = group.create_array(key, shape=array.shape, dtype=str)
        data[...] = array.astype(object)
    else:
        data = group.create_array(key, data=array)
    for each, told in extra.items():
        data.attrs[each] = told
    return data


def _put_attribute(item: Any, name: str, key: str, value: Any, source: Source) -> None:
    path = f"<attributes>.{key}"
    if isinstance(value, (list, dict)) or value is None:
        plain = value
    else:
        plain, _ = source.plain(value, name, path)
    if isinstance(plain, np.ndarray):
        source.lose(name, f"array of {plain.dtype}", "an attribute of zarr is JSON: it is a list", path)
        plain = plain.tolist()
    if isinstance(plain, np.generic):
        plain = plain.item()
    try:
        item.attrs[key] = plain
    except (TypeError, ValueError) as error:
        source.lose(name, "attribute", f"zarr does not take it: {error}", path)
