"""pandas in the format. Imported only where pandas is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ._stand_in import StandIn


def describe(value: Any) -> tuple | None:
    """A description, as `_encode.Describer` gives; None for what has no form."""
    kind = type(value)
    if kind is pd.DataFrame:
        columns = [value.iloc[:, place] for place in range(value.shape[1])]
        storage: Any = {
            "columns": value.columns,
            "index": value.index,
            "values": [_column(column.array) for column in columns],
        }
        return "extension", "pandas.DataFrame", {"attrs": dict(value.attrs)}, storage
    if kind is pd.Series:
        storage = {"index": value.index, "values": _column(value.array)}
        parameters = {"name": value.name, "attrs": dict(value.attrs)}
        return "extension", "pandas.Series", parameters, storage
    if kind is pd.RangeIndex:
        parts = [value.start, value.stop, value.step]
        return "extension", "pandas.RangeIndex", {"name": value.name}, parts
    if kind is pd.MultiIndex:
        storage = {
            "levels": list(value.levels),
            "codes": [np.asarray(codes) for codes in value.codes],
        }
        return "extension", "pandas.MultiIndex", {"names": list(value.names)}, storage
    if isinstance(value, pd.Index):
        if not _is_plain_freq(getattr(value, "freq", None)):
            plain = value.copy()
            plain.freq = None
            return "changed", "its frequency has parts that have no text, and is not kept", plain
        parameters = {"name": value.name, "freq": getattr(value, "freqstr", None)}
        return "extension", "pandas.Index", parameters, _column(value.array)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return _extension_array(value)
    if kind is pd.Timestamp:
        storage = np.array(value.asm8)
        zone = _zone(value.tzinfo)
        return "extension", "pandas.Timestamp", {"zone": zone, "fold": value.fold}, storage
    if kind is pd.Timedelta:
        return "extension", "pandas.Timedelta", None, np.array(value.asm8)
    if kind is pd.Interval:
        parts = [value.left, value.right]
        return "extension", "pandas.Interval", {"closed": value.closed}, parts
    if value is pd.NaT:
        return "extension", "pandas.NaT", None, None
    if value is pd.NA:
        return "extension", "pandas.NA", None, None
    for base in (pd.DataFrame, pd.Series):
        if isinstance(value, base):
            return "changed", f"its class is not kept; it is a plain {base.__name__}", base(value)
    return None


def _column(array: Any) -> Any:
    """A NumPy array where that is all there is to it."""
    # Not of a derived class: arrays of strings are of one.
    if type(array) is pd.arrays.NumpyExtensionArray:
        return array.to_numpy()
    return array


def _is_plain_freq(freq: Any) -> bool:
    """Whether a frequency is all that its text says; one with holidays is not."""
    try:
        return freq is None or pd.tseries.frequencies.to_offset(freq.freqstr) == freq
    except ValueError:
        return False


def _freq(array: Any) -> str | None:
    """The frequency of an array of times, which later versions keep with the index only."""
    freq = getattr(array, "freq", None)
    return None if freq is None or not _is_plain_freq(freq) else freq.freqstr


def _extension_array(array: Any) -> tuple | None:
    dtype = array.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        storage: Any = {"codes": np.asarray(array.codes), "categories": array.categories}
        return "extension", "pandas.Categorical", {"ordered": bool(array.ordered)}, storage
    if isinstance(dtype, pd.DatetimeTZDtype):
        values = array.view("i8").view(f"M8[{dtype.unit}]")
        freq = _freq(array)
        return "extension", "pandas.DatetimeTZ", {"zone": _zone(dtype.tz), "freq": freq}, np.asarray(values)
    if dtype.kind in "mM" and isinstance(dtype, np.dtype):
        freq = _freq(array)
        return "extension", "pandas.Datetimes", {"freq": freq}, np.asarray(array)
    if isinstance(dtype, pd.StringDtype):
        missing = np.asarray(array.isna())
        texts = [text if isinstance(text, str) else "" for text in array.to_numpy(object)]
        storage = {"values": np.array(texts, dtype=object), "missing": missing}
        parameters = {"storage": dtype.storage, "na": "NA" if dtype.na_value is pd.NA else "nan"}
        return "extension", "pandas.strings", parameters, storage
    if isinstance(dtype, pd.PeriodDtype):
        # The name says `M` where `freqstr` says `ME`, which periods do not take.
        freq = dtype.name.removeprefix("period[").removesuffix("]")
        return "extension", "pandas.Periods", {"freq": freq}, array.asi8
    if isinstance(dtype, pd.IntervalDtype):
        storage = [_column(array.left.array), _column(array.right.array)]
        return "extension", "pandas.Intervals", {"closed": array.closed}, storage
    if dtype.name in _MASKED:
        missing = np.asarray(array.isna())
        plain = np.dtype(dtype.name.lower() if dtype.name != "boolean" else "bool")
        values = array.to_numpy(dtype=plain, na_value=plain.type(0))
        return "extension", "pandas.masked", {"dtype": dtype.name}, {"values": values, "missing": missing}
    # Arrow-backed, sparse, or of another package. With a gap a number would become another kind.
    gaps = not isinstance(dtype, pd.SparseDtype) and array.isna().any()
    values = array.to_numpy(dtype=object) if gaps else np.asarray(array)
    return "changed", f"its dtype {dtype} is not kept; it is one of NumPy ({values.dtype})", values


def _zone(zone: Any) -> Any:
    """A time zone; of pytz, which pandas 2 makes of a name, that name, of which it makes it again."""
    if type(zone).__module__.split(".")[0] == "pytz":
        return getattr(zone, "zone", None) or zone
    return zone


_MASKED = {
    "boolean",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float32",
    "Float64",
}


def _frame(context: Any, parameters: Any, storage: Any) -> pd.DataFrame:
    values = storage["values"]
    columns, index = _index_of(storage["columns"]), _index_of(storage["index"])
    if len(values) != len(columns) or any(len(column) != len(index) for column in values):
        raise ValueError("the columns are of different lengths")
    # By place, since names may stand twice.
    data = {place: _column_of(column, index) for place, column in enumerate(values)}
    frame = pd.DataFrame(data, index=index, columns=range(len(values)), copy=False)
    frame.columns = columns
    frame.attrs.update(parameters["attrs"])
    return frame


def _series(context: Any, parameters: Any, storage: Any) -> pd.Series:
    index = _index_of(storage["index"])
    series = _column_of(storage["values"], index)
    series.name = parameters["name"]
    series.attrs.update(parameters["attrs"])
    return series


def _column_of(values: Any, index: pd.Index) -> pd.Series:
    if isinstance(values, StandIn):
        raise ValueError("a column is of an unknown type")
    # pandas takes arrays of objects for strings unless it is told what they are.
    dtype = object if isinstance(values, np.ndarray) and values.dtype == object else None
    return pd.Series(values, index=index, dtype=dtype, copy=False)


def _index_of(value: Any) -> pd.Index:
    if not isinstance(value, pd.Index):
        raise ValueError("an index is none")
    return value


def _index(context: Any, parameters: Any, storage: Any) -> pd.Index:
    dtype = object if isinstance(storage, np.ndarray) and storage.dtype == object else None
    index = pd.Index(storage, name=parameters["name"], dtype=dtype)
    freq = parameters["freq"]
    if freq is not None and getattr(index, "freqstr", None) != freq:
        index.freq = freq
    return index


def _multi(context: Any, parameters: Any, storage: Any) -> pd.MultiIndex:
    return pd.MultiIndex(levels=storage["levels"], codes=storage["codes"], names=parameters["names"])


def _categorical(context: Any, parameters: Any, storage: Any) -> pd.Categorical:
    dtype = pd.CategoricalDtype(storage["categories"], ordered=parameters["ordered"])
    return pd.Categorical.from_codes(storage["codes"], dtype=dtype)


def _with_freq(array: Any, freq: Any) -> Any:
    if freq is not None:
        array.freq = freq
    return array


def _zoned(context: Any, parameters: Any, storage: Any) -> Any:
    index = pd.DatetimeIndex(storage).tz_localize("UTC").tz_convert(parameters["zone"])
    return _with_freq(index.array, parameters["freq"])


def _datetimes(context: Any, parameters: Any, storage: Any) -> Any:
    return _with_freq(pd.array(storage), parameters["freq"])


def _strings(context: Any, parameters: Any, storage: Any) -> Any:
    na = pd.NA if parameters["na"] == "NA" else np.nan
    texts = np.array(storage["values"], dtype=object)
    texts[storage["missing"]] = na
    try:
        dtype = pd.StringDtype(parameters["storage"], na_value=na)
    except (ImportError, TypeError):
        # Without pyarrow, or before pandas 2.3.
        dtype = pd.StringDtype("python")
    return pd.array(texts, dtype=dtype)


def _masked(context: Any, parameters: Any, storage: Any) -> Any:
    name = parameters["dtype"]
    if name not in _MASKED:
        raise ValueError("no masked dtype")
    # Its own class, since `pd.array` takes NaN for missing.
    kind = type(pd.array([], dtype=name))
    values, missing = storage["values"], storage["missing"]
    if values.dtype != np.dtype(name.lower() if name != "boolean" else "bool"):
        raise ValueError("values of another type")
    return kind(np.array(values), np.array(missing))


def _intervals(context: Any, parameters: Any, storage: Any) -> Any:
    left, right = storage
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=parameters["closed"])


def _timestamp(context: Any, parameters: Any, storage: Any) -> pd.Timestamp:
    value = pd.Timestamp(storage[()])
    zone = parameters["zone"]
    if zone is not None:
        value = value.tz_localize("UTC").tz_convert(zone)
    return value.replace(fold=1) if parameters["fold"] else value


MAKERS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "pandas.DataFrame": _frame,
    "pandas.Series": _series,
    "pandas.RangeIndex": lambda c, p, s: pd.RangeIndex(*s, name=p["name"]),
    "pandas.MultiIndex": _multi,
    "pandas.Index": _index,
    "pandas.Categorical": _categorical,
    "pandas.DatetimeTZ": _zoned,
    "pandas.Datetimes": _datetimes,
    "pandas.strings": _strings,
    "pandas.Periods": lambda c, p, s: pd.PeriodIndex.from_ordinals(s, freq=p["freq"]).array,
    "pandas.Intervals": _intervals,
    "pandas.masked": _masked,
    "pandas.Timestamp": _timestamp,
    "pandas.Timedelta": lambda c, p, s: pd.Timedelta(s[()]),
    "pandas.Interval": lambda c, p, s: pd.Interval(*s, closed=p["closed"]),
    "pandas.NaT": lambda c, p, s: pd.NaT,
    "pandas.NA": lambda c, p, s: pd.NA,
}
