"""Promise: any value of the types of the table comes back the same."""

from __future__ import annotations

import datetime as dt
import pathlib
import tempfile

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import achronyme_env as ach
from conftest import same

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(width=64)
    | st.complex_numbers()
    | st.text(st.characters())
    | st.binary()
    | st.decimals()
    | st.fractions()
    | st.uuids()
    | st.dates()
    | st.times()
    | st.datetimes()
    | st.timedeltas()
    | st.datetimes(timezones=st.timezones() | st.just(dt.timezone.utc))
    | st.builds(range, st.integers(), st.integers(), st.integers(1))
    | st.builds(bytearray, st.binary())
)
HASHABLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()) | st.binary(),
    lambda inner: st.tuples(inner) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
SIMPLE = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes(endianness="=")
    | hnp.unsigned_integer_dtypes(endianness="=")
    | hnp.floating_dtypes(endianness="=", sizes=(16, 32, 64))
    | hnp.complex_number_dtypes(endianness="=", sizes=(64, 128))
    | hnp.datetime64_dtypes(endianness="=")
    | hnp.timedelta64_dtypes(endianness="=")
    | hnp.byte_string_dtypes(min_len=1)
    | hnp.unicode_string_dtypes(endianness="=", min_len=1)
)
ARRAYS = hnp.arrays(
    SIMPLE | hnp.array_dtypes(SIMPLE, max_size=3),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
VALUES = st.recursive(
    LEAVES | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.dictionaries(st.text(st.characters()), inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=20), VALUES, max_size=5))
def test_any_workspace_comes_back_the_same(values):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a.ach"
        report = ach.save(path, values, durable=False)
        assert report.lost == []
        for mmap in (True, False):
            ws = ach.open(path, mmap=mmap)
            assert list(ws) == list(values) and ws.verify()
            for name, value in values.items():
                assert same(ws[name], value), name
            for name, value in ach.load(path, mmap=mmap).items():
                assert same(value, values[name]), name


INDEX = st.integers(-6, 6) | st.slices(5) | st.just(...)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    hnp.arrays(
        np.int16,
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
        elements=st.integers(-9, 9),
    ),
    st.lists(INDEX, min_size=1, max_size=4).map(tuple),
    st.booleans(),
    st.booleans(),
)
def test_any_slice_is_that_of_numpy(array, index, cold, mmap):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a.ach"
        ach.save(path, {"a": array}, compress=cold, durable=False)
        ws = ach.open(path, mmap=mmap)
        try:
            expected = array[index]
        except IndexError:
            try:
                ws[("a", *index)]
            except IndexError:
                return
            raise AssertionError("no error")
        part = ws[("a", *index)]
        assert type(part) is type(expected) and np.array_equal(part, expected)
        assert np.shape(part) == np.shape(expected)
