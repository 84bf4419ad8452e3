"""HDF5, and NetCDF 4, which is HDF5: read with h5py, and written."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._libraries import library
from ._source import Source
from ._target import ROOT, Target, strings, text

SIGNATURE = b"\x89HDF\r\n\x1a\n"

# Attributes that say again what DIMENSION_LIST says, from the other side.
_BACKWARDS = {"REFERENCE_LIST"}
# How a date is told from a number; what is written has no dates.
DATES = "numpy.dtype"


def read(path: str, target: Target) -> None:
    """Each dataset as a variable under its path, `group/dataset`."""
    h5py = library("h5py", "reading HDF5 files")
    with h5py.File(path, "r") as file:
        _Reader(h5py, file, target).group(file, "", ())


def date_of(attrs: dict[str, Any]) -> np.dtype | None:
    """The dtype of dates or spans that integers stand for, taken from what is said of them."""
    try:
        kind = np.dtype(str(attrs[DATES]))
    except (KeyError, TypeError, ValueError):
        return None
    if kind.kind not in "mM":
        return None
    del attrs[DATES]
    return kind.newbyteorder("=")


def elsewhere(file: Any, item: Any, depth: int = 0) -> str | None:
    """Why a dataset is not read: its values stand in another file than the one that was named."""
    if item.file.filename != file.filename:
        return f"it is a link into another file, {item.file.filename}, which is not followed"
    if not hasattr(item, "external"):
        return None
    if item.external:
        return f"its values stand in another file, {item.external[0][0]}, which is not read"
    if not item.is_virtual:
        return None
    for source in item.virtual_sources():
        if source.file_name != ".":
            return f"its values stand in another file, {source.file_name}, which is not read"
        inner = file.get(source.dset_name)
        if depth >= 8:
            return "it is made of datasets that are made of others, and so on"
        why = None if inner is None else elsewhere(file, inner, depth + 1)
        if why is not None:
            return why
    return None


class _Reader:
    def __init__(self, h5py: Any, file: Any, target: Target) -> None:
        self.h5py, self.file, self.target = h5py, file, target

    def group(self, group: Any, name: str, around: tuple[Any, ...]) -> None:
        h5py, target = self.h5py, self.target
        info = h5py.h5o.get_info(group.id)
        here = (info.fileno, info.addr)
        if here in around:
            self.lose(name, "group", "it holds itself, and is kept once")
            return
        attrs = self.attributes(group, name or ROOT)
        if (attrs or (name and not len(group))) and target.wants(name or ROOT):
            target.described(name or ROOT, attrs)
        for key in group:
            inner = f"{name}/{key}" if name else key
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                why = f"it is a link into another file, {link.filename}, which is not followed"
                self.lose(inner, "external link", why)
                continue
            try:
                item = group[key]
            except (KeyError, OSError) as error:
                self.lose(inner, "link", f"it leads nowhere: {error}")
                continue
            if isinstance(item, h5py.Group):
                # A soft link may lead through an external one.
                other = elsewhere(self.file, item)
                if other is not None:
                    self.lose(inner, "group", other)
                    continue
                self.group(item, inner, (*around, here))
            elif isinstance(item, h5py.Dataset):
                if target.wants(inner):
                    self.dataset(item, inner)
            else:
                self.lose(inner, "named type", "types are kept with the values that have them")

    def lose(self, name: str, kind: str, why: str) -> None:
        if self.target.wants(name):
            self.target.lose(name, kind, why)

    def dataset(self, data: Any, name: str) -> None:
        h5py, target = self.h5py, self.target
        why = elsewhere(self.file, data)
        if why is not None:
            target.lose(name, "dataset", why)
            return
        try:
            dtype = data.dtype
        except TypeError as error:
            target.lose(name, "dataset", f"h5py has no dtype for it: {error}")
            return
        attrs = self.attributes(data, name)
        try:
            if data.shape is None:
                target.lose(name, "null dataset", f"it has a dtype, {dtype}, and no value; it is None")
                target.add(name, None, attrs)
            elif dtype.hasobject:
                target.add(name, self.objects(name, data[()], dtype), attrs)
            elif dtype == np.int64 and (kind := date_of(attrs)) is not None:
                target.copy(name, lambda part: data[part].view(kind), data.shape, kind, attrs, data.chunks)
            else:
                members = h5py.check_enum_dtype(dtype)
                if members and dtype.kind != "b":
                    attrs.setdefault("enum", {str(word): int(number) for word, number in members.items()})
                if data.shape == ():
                    target.add(name, _scalar(data[()]), attrs)
                else:
                    plain = np.dtype(dtype.str) if dtype.names is None and dtype.subdtype is None else dtype
                    target.copy(name, lambda part: data[part], data.shape, plain, attrs, data.chunks)
        except OSError as error:
            # A filter that is not there, or damage.
            target.lose(name, f"dataset of {dtype}", f"it cannot be read: {error}")

    def objects(self, name: str, value: Any, dtype: Any, path: str = "") -> Any:
        """What h5py reads as objects: strings, ragged arrays, references, records with those in them."""
        h5py = self.h5py
        if dtype.names is not None:
            array = np.asarray(value)
            parts = {
                field: np.asarray(self.objects(name, array[field], dtype[field], f"{path}.{field}"))
                for field in dtype.names
            }
            if any(part.dtype.kind == "T" for part in parts.values()):
                parts = {field: part.astype(object) if part.dtype.kind == "T" else part for field, part in parts.items()}
            fields = [(field, part.dtype, part.shape[array.ndim :]) for field, part in parts.items()]
            made = np.empty(array.shape, fields)
            for field, part in parts.items():
                made[field] = part
            return made
        if not dtype.hasobject:
            return value
        if h5py.check_string_dtype(dtype) is not None:
            if isinstance(value, (bytes, str)):
                return text(value) if isinstance(value, bytes) else value
            array = np.asarray(value)
            texts = [text(item) if isinstance(item, bytes) else item or "" for item in array.reshape(-1)]
            if all(isinstance(item, str) for item in texts):
                return strings(texts, array.shape)
            self.target.lose(name, "string", "some are not UTF-8, and are bytes", path)
            return _object_array(texts, array.shape)
        if h5py.check_ref_dtype(dtype) is not None:
            self.target.lose(name, "reference", "references are kept as the names they lead to", path)
            array = np.asarray(value, dtype=object)
            names = [self.place_of(reference) for reference in array.reshape(-1)]
            return names[0] if array.shape == () else strings(names, array.shape)
        inner = h5py.check_vlen_dtype(dtype)
        array = np.asarray(value, dtype=object) if not isinstance(value, np.ndarray) else value
        if inner is not None and array.dtype != object:
            # A single one.
            return array
        items = [self.objects(name, item, inner, path) if inner is not None else item for item in array.reshape(-1)]
        return _object_array(items, array.shape)

    def place_of(self, reference: Any) -> str:
        if not reference:
            return ""
        try:
            return str(self.file[reference].name)
        except (ValueError, KeyError, RuntimeError):
            return ""

    def attributes(self, item: Any, name: str) -> dict[str, Any]:
        h5py = self.h5py
        attrs: dict[str, Any] = {}
        for key in item.attrs:
            if key in _BACKWARDS:
                continue
            try:
                dtype = item.attrs.get_id(key).dtype
                value = item.attrs[key]
            except (OSError, TypeError, ValueError) as error:
                self.target.lose(name, "attribute", f"it cannot be read: {error}", f"<attributes>.{key}")
                continue
            path = f"<attributes>.{key}"
            if key == "DIMENSION_LIST":
                # The names of the scales of each axis, from references to them.
                attrs["dims"] = [[self.place_of(each).rpartition("/")[2] for each in axis] for axis in value]
                continue
            if isinstance(value, h5py.Empty):
                attrs[key] = "" if value.dtype.kind == "S" else None
            elif isinstance(value, (bytes, np.bytes_)):
                attrs[key] = text(bytes(value))
            elif isinstance(value, np.ndarray) and value.dtype.kind == "S":
                attrs[key] = _texts(value)
            elif dtype.hasobject:
                attrs[key] = self.objects(name, value, dtype, path)
            else:
                attrs[key] = _scalar(value)
        return attrs


def _texts(array: np.ndarray) -> Any:
    texts = [text(item) for item in array.reshape(-1).tolist()]
    return strings(texts, array.shape) if all(isinstance(item, str) for item in texts) else array


def _object_array(items: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    made = np.empty(len(items), object)
    for at, item in enumerate(items):
        made[at] = item
    return made.reshape(shape)


def _scalar(value: Any) -> Any:
    """Python's own number for one that is no narrower."""
    if isinstance(value, (np.bool_, np.int64, np.float64, np.complex128)):
        return value.item()
    if isinstance(value, bytes):
        return text(value)
    return value


def write(path: str, source: Source) -> None:
    """Each variable as a dataset; records and `/` in names as groups."""
    h5py = library("h5py", "writing HDF5 files")
    with h5py.File(path, "w") as file:
        for name in source.names():
            attrs = source.attributes(name)
            if name == ROOT:
                target = file
            else:
                try:
                    target = _put(h5py, file, name, name, source, attrs)
                except (ValueError, TypeError, OSError) as error:
                    source.lose(name, type(error).__name__, f"h5py does not take it: {error}")
                    continue
            if name != ROOT and target.name != f"/{name}":
                source.lose(name, "name", f"HDF5 has no such names; it is {target.name[1:]}")
            for key, value in attrs.items():
                _put_attribute(h5py, target, name, key, value, source)


def _put(h5py: Any, group: Any, key: str, name: str, source: Source, attrs: dict[str, Any]) -> Any:
    """Variable `name` of an archive under `key`; what was made."""
    if source.is_array(name):
        shape, dtype = source.outline(name)
        # Others are dtypes that HDF5 has not.
        if shape and dtype.num < 24:
            attrs.update(_dates(dtype))
            stored = np.dtype(np.int64) if dtype.kind in "mM" else dtype
            data = group.create_dataset(key, shape, stored)
            for index, part in source.blocks(name):
                data[index] = part.view(np.int64) if dtype.kind in "mM" else part
            return data
    return put_value(h5py, group, key, source.value(name), name, "", source)


def _dates(dtype: np.dtype) -> dict[str, str]:
    return {DATES: dtype.str} if dtype.kind in "mM" else {}


def put_value(h5py: Any, group: Any, key: str, value: Any, name: str, path: str, source: Source) -> Any:
    if isinstance(value, dict) and all(_is_key(each) for each in value):
        made = group.require_group(key)
        for each, part in value.items():
            inside = f"{path}.{each}"
            try:
                put_value(h5py, made, each, part, name, inside, source)
            except (ValueError, TypeError, OSError) as error:
                source.lose(name, type(part).__name__, f"h5py does not take it: {error}", inside)
        return made
    plain, extra = source.plain(value, name, path)
    if plain is None:
        return group.create_dataset(key, data=h5py.Empty("f4"))
    if isinstance(plain, np.ndarray) and plain.dtype.kind in "TUO":
        return group.create_dataset(key, data=plain.astype(object), dtype=h5py.string_dtype())
    made = group.create_dataset(key, data=plain)
    for each, part in extra.items():
        made.attrs[each] = part
    return made


def _is_key(key: Any) -> bool:
    return isinstance(key, str) and bool(key) and "/" not in key and "\0" not in key and key != "."


def _put_attribute(h5py: Any, item: Any, name: str, key: str, value: Any, source: Source) -> None:
    path = f"<attributes>.{key}"
    plain, _ = source.plain(value, name, path)
    try:
        if plain is None:
            item.attrs[key] = h5py.Empty("f4")
        elif isinstance(plain, np.ndarray) and plain.dtype.kind in "TUO":
            item.attrs.create(key, plain.astype(object), dtype=h5py.string_dtype())
        else:
            item.attrs[key] = plain
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        source.lose(name, "attribute", f"h5py does not take it: {error}", path)
