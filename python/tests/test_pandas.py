"""Promise: what pandas has comes back as pandas has it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import achronyme_env as ach


def round_trip(value, tmp_path):
    report = ach.save(tmp_path / "v.ach", {"v": value})
    assert report.lost == []
    return ach.open(tmp_path / "v.ach")["v"]


FRAME = pd.DataFrame(
    {
        "i": np.arange(3),
        "f": [1.5, np.nan, -0.0],
        "s": ["a", None, "c"],
        "o": pd.Series([1, "x", (2,)], dtype=object),
        "b": [True, False, True],
        "t": pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
        "z": pd.to_datetime(["2020-01-01", None, "2021-01-01"]).tz_localize("Europe/Berlin"),
        "d": pd.to_timedelta([1, 2, 3], "s"),
        "c": pd.Categorical(["x", "y", "x"], ["y", "x"], ordered=True),
        "I": pd.array([1, None, 3], "Int64"),
        "B": pd.array([True, None, False], "boolean"),
        "F": pd.array([1.5, None, 3], "Float64"),
        "S": pd.array(["a", None, "b"], "string"),
        "p": pd.period_range("2020-01", periods=3, freq="M"),
        "v": pd.interval_range(0, 3),
    }
)


@pytest.mark.parametrize("column", FRAME.columns)
def test_a_series_of_every_type(column, tmp_path):
    pd.testing.assert_series_equal(round_trip(FRAME[column], tmp_path), FRAME[column])


FRAMES = {
    "all types": FRAME,
    "empty": pd.DataFrame(),
    "no rows": FRAME.iloc[:0],
    "names twice": pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
    "names that are no texts": pd.DataFrame([[1, 2]], columns=[1, ("x", 2)]),
    "levels": pd.DataFrame(
        np.arange(4).reshape(2, 2),
        index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None]),
        columns=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)]),
    ),
    "dates as index": pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2020", periods=2, name="when")),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames(name, tmp_path):
    pd.testing.assert_frame_equal(round_trip(FRAMES[name], tmp_path), FRAMES[name])


def test_attributes_of_a_frame(tmp_path):
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["units"] = {"a": "K"}
    assert round_trip(frame, tmp_path).attrs == {"units": {"a": "K"}}


INDEXES = [
    pd.RangeIndex(2, 10, 3, name="r"),
    pd.Index([1, 2], name=("a", 1)),
    pd.Index(["a", "b"]),
    pd.Index([1.5, None]),
    pd.Index([1, "a"], dtype=object),
    pd.CategoricalIndex(["a", "b"]),
    pd.date_range("2020", periods=3, freq="D", tz="UTC"),
    pd.timedelta_range("1s", periods=2),
]


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: type(index).__name__)
def test_indexes(index, tmp_path):
    result = round_trip(index, tmp_path)
    pd.testing.assert_index_equal(result, index, exact=True)
    assert getattr(result, "freq", None) == getattr(index, "freq", None)


SCALARS = [
    pd.Timestamp("2020-01-01 12:00:00.123456789"),
    pd.Timestamp("2020-01-01", tz="Europe/Berlin"),
    pd.Timedelta(5, "ns"),
    pd.NaT,
    pd.NA,
    pd.Interval(1, 2, closed="left"),
]


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_scalars(value, tmp_path):
    result = round_trip(value, tmp_path)
    assert type(result) is type(value)
    assert result is value if value is pd.NaT or value is pd.NA else result == value


def test_a_categorical(tmp_path):
    value = pd.Categorical(["a", None, "b"])
    result = round_trip(value, tmp_path)
    assert result.dtype == value.dtype and (result.codes == value.codes).all()
