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


def test_strings_in_a_column_of_objects_stay_objects(tmp_path):
    series = pd.Series(["a", None], dtype=object)
    pd.testing.assert_series_equal(round_trip(series, tmp_path), series)
    frame = pd.DataFrame({"s": series})
    pd.testing.assert_frame_equal(round_trip(frame, tmp_path), frame)


def test_nan_and_missing_are_told_apart(tmp_path):
    values, missing = np.array([1.0, np.nan, 3.0]), np.array([False, False, True])
    result = round_trip(pd.arrays.FloatingArray(values, missing), tmp_path)
    assert np.isnan(result._data[1]) and result._mask.tolist() == missing.tolist()


class Derived(pd.DataFrame):
    @property
    def _constructor(self):
        return Derived


class TestWhatIsNotKeptAsItIs:
    """Promise: a column or class without a form of its own costs no more than its type."""

    def saved(self, value, tmp_path):
        report = ach.save(tmp_path / "v.ach", {"v": value})
        assert len(report.lost) == 1
        return report.lost[0], ach.open(tmp_path / "v.ach")["v"]

    def test_a_sparse_column(self, tmp_path):
        frame = pd.DataFrame({"s": pd.arrays.SparseArray([0.0, np.nan, 1.0]), "i": [1, 2, 3]})
        lost, result = self.saved(frame, tmp_path)
        assert lost.path == ".values[0]" and "Sparse" in lost.why
        pd.testing.assert_frame_equal(result, frame.assign(s=[0.0, np.nan, 1.0]))

    def test_columns_of_arrow(self, tmp_path):
        pa = pytest.importorskip("pyarrow")
        for values, dtype in [([1, None], pa.int64()), (["a", None], pa.string()), ([[1], [2]], pa.list_(pa.int64()))]:
            frame = pd.DataFrame({"a": pd.Series(values, dtype=pd.ArrowDtype(dtype)), "b": [1, 2]})
            lost, result = self.saved(frame, tmp_path)
            assert "pyarrow" in lost.why and result["b"].tolist() == [1, 2]
            assert result["a"].isna().tolist() == frame["a"].isna().tolist() and list(result["a"])[0] == values[0]

    def test_a_derived_frame(self, tmp_path):
        lost, result = self.saved(Derived({"a": [1]}), tmp_path)
        assert type(result) is pd.DataFrame and "class" in lost.why and result["a"].tolist() == [1]

    def test_a_frequency_with_holidays(self, tmp_path):
        holidays = pd.offsets.CustomBusinessDay(holidays=["2020-01-02"])
        index = pd.date_range("2020", periods=3, freq=holidays)
        lost, result = self.saved(index, tmp_path)
        assert "frequency" in lost.why and list(result) == list(index)
