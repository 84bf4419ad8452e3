"""What NumPy's arrays, scalars and dtypes are in the format; see `_encode.Describer`."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _dtypes, _strings

# Of an array that has to be copied, bytes between two looks for Ctrl-C.
COPIED_AT_ONCE = 16 << 20


def array_of(value: np.ndarray) -> tuple:
    dtype = value.dtype
    if dtype.kind == "T":
        return _variable_strings(value)
    if dtype.hasobject:
        return _object_array(value)
    if not dtype.isnative and dtype.names is None:
        return "instead", _copied(value, dtype.newbyteorder("="), "K")
    if not (value.flags.c_contiguous or value.flags.f_contiguous):
        return "instead", _copied(value, dtype, "C")
    name = _dtypes.FORMAT_NAMES.get(dtype.name)
    if name is not None and _dtypes.is_ml_dtype(dtype):
        return "tensor", name, value.view(f"u{dtype.itemsize}")
    if dtype.kind in "mM":
        unit, count = np.datetime_data(dtype)
        kind = "numpy.datetime64" if dtype.kind == "M" else "numpy.timedelta64"
        return "extension", kind, {"unit": unit, "count": count}, value.view("i8")
    if dtype.kind == "U":
        return _fixed_strings(value)
    if dtype.kind == "S":
        order = "F" if _is_fortran(value) else "C"
        return "extension", "numpy.bytes", {"width": dtype.itemsize, "order": order}, _raw(value)
    if dtype.kind == "V" and dtype.num < 24:
        order = "F" if _is_fortran(value) else "C"
        parameters = {"dtype": _dtypes.to_plain(dtype), "order": order}
        return "extension", "numpy.structured", parameters, _raw(value)
    if dtype.char in "gG":
        parameters = {"dtype": dtype.name, "bits": int(np.finfo(dtype).nmant), "order": "C"}
        if _is_fortran(value):
            parameters["order"] = "F"
        return "extension", "numpy.longdouble", parameters, _raw(value)
    if dtype.itemsize in (1, 2, 4, 8) and _dtypes.is_ml_dtype(dtype):
        storage = value.view(f"u{dtype.itemsize}")
        return "extension", "numpy.ml_dtypes", {"dtype": dtype.name}, storage
    return "unsupported", f"the format has no form for the dtype {dtype}"


def _copied(value: np.ndarray, dtype: np.dtype, order: Any) -> np.ndarray:
    """A copy of that dtype and order, made in steps between which Ctrl-C is looked for."""
    made = np.empty_like(value, dtype=dtype, order=order, subok=False)
    if value.nbytes <= COPIED_AT_ONCE:
        made[...] = value
        return made
    axis = int(np.argmax(value.shape))
    step = max(1, value.shape[axis] * COPIED_AT_ONCE // value.nbytes)
    theirs, ours = np.moveaxis(value, axis, 0), np.moveaxis(made, axis, 0)
    for at in range(0, len(theirs), step):
        ours[at : at + step] = theirs[at : at + step]
    return made


def _is_fortran(value: np.ndarray) -> bool:
    return value.flags.f_contiguous and not value.flags.c_contiguous


def _raw(value: np.ndarray) -> np.ndarray:
    """The bytes of an array of elements that are no numbers, with an axis for them at the end."""
    if _is_fortran(value):
        # The axis of the bytes must stand last, and fastest.
        value = value.T
    shape = value.shape + (value.dtype.itemsize,)
    if 0 in shape:
        return np.empty(shape, np.uint8)
    return value.reshape(-1).view(np.uint8).reshape(shape)


def _fixed_strings(value: np.ndarray) -> tuple:
    width = value.dtype.itemsize // 4
    order: Any = "F" if _is_fortran(value) else "C"
    parameters = {"width": width, "order": order}
    texts = value.reshape(-1, order=order).tolist()
    shape = value.shape
    try:
        offsets, data = _strings.pack(texts)
    except UnicodeEncodeError:
        offsets = None
    if offsets is None or not _strings.fits(len(texts), width, len(data)):
        flat = value.reshape(-1, order=order)
        codes = np.ascontiguousarray(flat).view(np.uint32).reshape(len(texts), width)
        return "extension", "numpy.str", {**parameters, "shape": list(shape)}, codes
    if order == "F":
        shape = shape[::-1]
    return "extension", "numpy.str", parameters, Strings(shape, offsets, data)


def _variable_strings(value: np.ndarray) -> tuple:
    texts = value.reshape(-1).tolist()
    missing = [not isinstance(text, str) for text in texts]
    parameters: dict = {}
    na = getattr(value.dtype, "na_object", _NOTHING)
    if na is not _NOTHING:
        if not (na is None or (isinstance(na, float) and na != na)):
            return "unsupported", f"its mark for missing strings is a {type(na).__name__}"
        parameters["na"] = na
    if not getattr(value.dtype, "coerce", True):
        parameters["coerce"] = False
    if any(missing):
        texts = ["" if gone else text for gone, text in zip(missing, texts)]
        parameters["missing"] = np.array(missing)
    strings = Strings(value.shape, *_strings.pack(texts))
    if not parameters:
        return strings.description()
    return "extension", "numpy.strings", parameters, strings


_NOTHING = object()


class Strings:
    """An array of strings inside a description."""

    def __init__(self, shape: tuple, offsets: np.ndarray, data: np.ndarray) -> None:
        self.shape, self.offsets, self.data = shape, offsets, data

    def description(self) -> tuple:
        return "strings", list(self.shape), self.offsets, self.data


def _object_array(value: np.ndarray) -> tuple:
    if value.dtype.names is not None:
        packed = np.dtype([(name, value.dtype[name]) for name in value.dtype.names])
        if packed != value.dtype:
            if any(len(field) > 2 for field in (value.dtype.fields or {}).values()):
                return "unsupported", "the fields of its dtype have titles, and some hold objects"
            why = "gaps between its fields are not kept, since some hold objects"
            return "changed", why, value.astype(packed)
        fields = {name: value[name] for name in value.dtype.names}
        return "extension", "numpy.fields", {"shape": list(value.shape)}, fields
    if value.dtype != object:
        return "unsupported", f"the format has no form for the dtype {value.dtype}"
    order: Any = "F" if _is_fortran(value) else "C"
    items = value.reshape(-1, order=order).tolist()
    return "extension", "numpy.object", {"shape": list(value.shape), "order": order}, items


def scalar_of(value: np.generic) -> tuple:
    if type(value) is np.str_:
        # An array would drop zeros at the end.
        return "extension", "numpy.scalar", None, str.__str__(value)
    if type(value) is np.bytes_:
        return "extension", "numpy.scalar", None, bytes.__getitem__(value, slice(None))
    if type(value) is not value.dtype.type:
        plain = np.array(value, dtype=value.dtype)[()]
        return "changed", f"its class is not kept; it is a {type(plain).__name__}", plain
    array = np.empty((), value.dtype)
    array[()] = value
    return "extension", "numpy.scalar", None, array


def masked_of(value: Any) -> tuple:
    if value is np.ma.masked:
        return "extension", "numpy.masked", None, None
    if type(value) is not np.ma.MaskedArray:
        plain: Any = np.ma.MaskedArray(value, subok=False)
        return "changed", "its class is not kept; it is a plain masked array", plain
    mask = None if value.mask is np.ma.nomask else np.asarray(value.mask)
    storage = {"data": np.asarray(value.data), "mask": mask, "fill_value": None}
    # The private one, since asking for the other would set it.
    if getattr(value, "_fill_value", None) is not None:
        storage["fill_value"] = np.asarray(value.fill_value)
    return "extension", "numpy.masked", {"hard": bool(value.hardmask)}, storage


def subclass_of(value: np.ndarray) -> tuple:
    plain = value.view(np.ndarray)
    if type(value) is np.memmap:
        return "instead", plain
    if type(value) is np.recarray:
        # Its dtype makes records of the elements; that of a plain array does not.
        plain = plain.view(np.dtype((np.void, plain.dtype)))
        return "extension", "numpy.recarray", None, plain
    if type(value) is np.matrix:
        return "extension", "numpy.matrix", None, plain
    return "changed", "its class is not kept; it is a plain array", plain


def dtype_of(value: np.dtype) -> tuple:
    return "extension", "numpy.dtype", None, _dtypes.to_plain(value)
