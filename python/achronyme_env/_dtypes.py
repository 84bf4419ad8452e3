"""dtypes of structured arrays as plain values, and back without trusting them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

MAX_DEPTH = 32
# No objects: their bytes would be taken for pointers.
_PLAIN = re.compile(r"[<>|=]?(?:[?bB]|b1|[iufc](?:1|2|4|8|16)|[SUV]\d{1,9}|[Mm]8(?:\[[0-9A-Za-zμ]{1,24}\])?)")

# What the 16-bit and 8-bit floats of the format are called by ml_dtypes.
ML_NAMES = {
    "bfloat16": "bfloat16",
    "float8_e4m3": "float8_e4m3fn",
    "float8_e5m2": "float8_e5m2",
}
FORMAT_NAMES = {theirs: ours for ours, theirs in ML_NAMES.items()}


def to_plain(dtype: Any, depth: int = 0) -> Any:
    """A dtype as text, or as a record of names, formats, offsets and size."""
    if depth > MAX_DEPTH:
        raise ValueError("the dtype is nested too deep")
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"base": to_plain(base, depth + 1), "shape": list(shape)}
    if dtype.names is None:
        if dtype.num >= 24 and is_ml_dtype(dtype):
            return {"ml": dtype.name}
        # The text of a dtype of another package is that of some bytes.
        if not _PLAIN.fullmatch(dtype.str) or np.dtype(dtype.str) != dtype:
            raise ValueError(f"the dtype {dtype} has no place in a structured array of the format")
        return dtype.str
    fields = [dtype.fields[name] for name in dtype.names]
    plain = {
        "names": list(dtype.names),
        "formats": [to_plain(field[0], depth + 1) for field in fields],
        "offsets": [int(field[1]) for field in fields],
        "itemsize": dtype.itemsize,
    }
    if dtype.isalignedstruct:
        plain["aligned"] = True
    titles = [field[2] if len(field) > 2 else None for field in fields]
    if any(titles):
        plain["titles"] = titles
    if dtype.type is np.record:
        plain["record"] = True
    return plain


def from_plain(plain: Any, depth: int = 0) -> np.dtype:
    """The dtype of what `to_plain` gives; ValueError for anything else."""
    if depth > MAX_DEPTH:
        raise ValueError("the dtype is nested too deep")
    if isinstance(plain, str):
        if not _PLAIN.fullmatch(plain):
            raise ValueError(f"{plain!r} is no dtype")
        return np.dtype(plain)
    if "ml" in plain:
        dtype = ml_dtype(str(plain["ml"]))
        if dtype is None:
            raise ValueError(f"there is no dtype {plain['ml']!r} of ml_dtypes here")
        return dtype
    if "base" in plain:
        shape = tuple(int(n) for n in plain["shape"])
        return np.dtype((from_plain(plain["base"], depth + 1), shape))
    spec: Any = {
        "names": [str(name) for name in plain["names"]],
        "formats": [from_plain(part, depth + 1) for part in plain["formats"]],
        "offsets": [int(n) for n in plain["offsets"]],
        "itemsize": int(plain["itemsize"]),
    }
    if plain.get("titles") is not None:
        spec["titles"] = plain["titles"]
    dtype = np.dtype(spec, align=plain.get("aligned", False) is True)
    if dtype.hasobject:
        raise ValueError("the dtype holds objects")
    if plain.get("record") is True:
        dtype = np.dtype((np.record, dtype))
    return dtype


def is_ml_dtype(dtype: np.dtype) -> bool:
    """Whether a dtype is one of ml_dtypes."""
    # Asked first, since a dtype that compares itself with None means float64.
    known = ml_dtype(dtype.name)
    return known is not None and known == dtype


def ml_dtype(name: str) -> np.dtype | None:
    """A dtype of ml_dtypes, when that is installed and has it."""
    try:
        import ml_dtypes
    except ImportError:
        return None
    known = getattr(ml_dtypes, name, None)
    if known is None or not isinstance(known, type):
        return None
    return np.dtype(known)
