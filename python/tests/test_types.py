"""Promise: a value comes back with the same type and value."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import struct
import types
import typing
import uuid
import zoneinfo

import ml_dtypes
import numpy as np
import pytest

import achronyme_env as ach
from conftest import same


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 1


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Config:
    rate: float
    layers: tuple = ()
    inner: object = None


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: int
    b: int = dataclasses.field(default=3, init=False)


# The 21 of the survey: what the formats people use lose one or the other of.
AWKWARD = {
    "0-d array": np.array(2.5),
    "empty array": np.empty((0, 3), np.float32),
    "fortran order": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "bool array": np.array([True, False]),
    "float16": np.arange(4, dtype=np.float16),
    "bfloat16": np.arange(4).astype(ml_dtypes.bfloat16),
    "float8_e4m3fn": np.arange(4).astype(ml_dtypes.float8_e4m3fn),
    "float8_e5m2": np.arange(4).astype(ml_dtypes.float8_e5m2),
    "complex64": np.array([1 + 2j, -0.0 + 1j], np.complex64),
    "complex128": np.array([1 + 2j, np.nan * 1j]),
    "uint64": np.array([2**64 - 1], np.uint64),
    "structured": np.array([(1, 2.5, b"ab")], [("a", "<i2"), ("b", "<f8"), ("c", "S3")]),
    "datetime64": np.array(["2024-02-29", "NaT"], "M8[ns]"),
    "timedelta64": np.array([1, -5], "m8[3h]"),
    "fixed strings": np.array(["a", "gr\u00fc\u00df", "", "\U0001f600"]),
    "python int beyond 64 bits": -(2**200) + 1,
    "python complex": complex(-0.0, float("inf")),
    "none": None,
    "nested record": {"a": {"b": [1, {"c": None}], "e": {}}, "f": np.arange(3)},
    "string list": ["a", None, "\u20ac"],
    "tuple": (1, (2.0, "x"), ()),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_values_come_back_the_same(name, back):
    assert len(AWKWARD) == 21
    assert same(back(AWKWARD[name]), AWKWARD[name])


def test_big_endian_arrays_are_converted(back):
    value = np.arange(5, dtype=">f8")
    assert same(back(value), value.astype("<f8"))
    assert same(back(np.array(["ab", "c"], ">U2")), np.array(["ab", "c"], "<U2"))


def test_big_endian_fields_of_a_structured_array_stay(back):
    value = np.array([(1, 2)], [("a", ">i4"), ("b", "<i4")])
    assert same(back(value), value)


DTYPES = "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16 q Q l L".split()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0, 3), (1,) * 8, (3, 1, 2)])
@pytest.mark.parametrize("order", "CF")
def test_arrays_of_every_dtype_shape_and_order(dtype, shape, order, back):
    count = int(np.prod(shape))
    value = np.arange(count).astype(dtype).reshape(shape, order=order)
    result = back(value)
    assert same(result, value)
    assert result.flags.f_contiguous == value.flags.f_contiguous
    assert not result.flags.writeable


@pytest.mark.parametrize(
    "value",
    [
        np.arange(24.0).reshape(4, 6)[::2, ::-1],
        np.broadcast_to(np.arange(3), (4, 3)),
        np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
        np.arange(5)[::-1],
        np.arange(5)[::-1].astype(">i4"),
    ],
)
def test_arrays_that_are_not_contiguous_are_copied(value, back):
    assert same(back(value), value.astype(value.dtype.newbyteorder("=")).copy())


def test_large_arrays_and_sets_are_copied_and_sorted_in_steps(tmp_path):
    big = np.arange(9_000_000, dtype="i4").reshape(3000, 3000)
    values = {"steps": big[:, ::-1], "planes": big.reshape(2, 1500, 3000).transpose(1, 0, 2), "swapped": big.T.astype(">i4")}
    values |= {"ints": set(range(200_000)), "mixed": {*range(100_000), *map(str, range(100_000))}}
    ach.save(tmp_path / "a.ach", values, durable=False)
    ws = ach.open(tmp_path / "a.ach")
    for name in ("steps", "planes", "swapped"):
        assert np.array_equal(ws[name], values[name]) and ws[name].dtype == "i4"
    assert ws["swapped"].flags.f_contiguous
    assert ws["ints"] == values["ints"] and ws["mixed"] == values["mixed"]


@pytest.mark.parametrize("name", ["float8_e4m3", "float8_e5m2fnuz", "float8_e4m3b11fnuz", "int4", "uint4"])
def test_other_dtypes_of_ml_dtypes(name, back):
    value = np.arange(4).astype(getattr(ml_dtypes, name)).reshape(2, 2)
    assert same(back(value), value)


STRUCTURED = [
    np.zeros((2, 3), [("a", "i1"), ("b", "f8")]),
    np.zeros(2, np.dtype({"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [8, 0], "itemsize": 32})),
    np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    np.zeros(2, [("m", "f4", (2, 2)), ("n", [("x", "M8[D]"), ("y", "U3")])]),
    np.zeros(3, "V10"),
    np.zeros((), [("a", "i4")]),
    np.zeros(0, [("a", "i4")]),
    np.asfortranarray(np.arange(6).reshape(2, 3).astype("i8").view([("a", "i4"), ("b", "i4")])),
    np.zeros(2, [(("title", "a"), "i4")]),
    np.zeros(2, [("a", ml_dtypes.bfloat16), ("b", "i4")]),
    np.zeros(2, np.dtype((np.record, [("a", "i4")]))),
    np.zeros(2, np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 0]})),
    np.zeros(2, np.dtype([])),
]


@pytest.mark.parametrize("value", STRUCTURED, ids=lambda value: str(value.dtype))
def test_structured_arrays(value, back):
    result = back(value)
    assert same(result, value)
    assert result.dtype.isalignedstruct == value.dtype.isalignedstruct
    assert result.dtype.type is value.dtype.type
    assert result.flags.f_contiguous == value.flags.f_contiguous


@pytest.mark.parametrize(
    "value",
    [
        np.array([], "U5"),
        np.array([["a", "bb"], ["ccc", ""]]),
        np.asfortranarray(np.array([["a", "bb", "c"], ["ccc", "", "d"]])),
        np.array("0-d"),
        np.array(["a\0b", "\udc80"]),
        np.array(["x"] * 10, "U100"),
        np.array(["", ""]),
        np.array([b"ab", b"", b"a\0b"]),
        np.array(b"x"),
        np.zeros((2, 0), "S4"),
        np.asfortranarray(np.array([[b"a", b"bb"], [b"ccc", b""]])),
    ],
    ids=repr,
)
def test_arrays_of_fixed_strings(value, back):
    assert same(back(value), value)


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 1 has no such arrays")
def test_arrays_of_variable_strings(back):
    plain = np.array([["a", "bb"], ["", "\u20ac" * 100]], np.dtypes.StringDType())
    assert same(back(plain), plain)
    gone = np.array(["a", None, "b"], np.dtypes.StringDType(na_object=None))
    assert same(back(gone), gone)
    nan = np.array(["a", np.nan], np.dtypes.StringDType(na_object=np.nan))
    strict = np.array(["a"], np.dtypes.StringDType(coerce=False))
    assert same(back(strict), strict)
    result = back(nan)
    assert (
        result.dtype == nan.dtype and result.tolist()[0] == "a" and result.tolist()[1] != result.tolist()[1]
    )


def test_arrays_of_objects(back):
    value = np.empty((2, 2), object)
    value[:] = [[1, "a"], [None, [1, (2,)]]]
    assert same(back(value), value)
    fields = np.array([(1, [1, 2]), (2, None)], [("a", "i4"), ("o", object)])
    assert same(back(fields), fields)


def test_arrays_of_other_classes(back):
    masked = np.ma.MaskedArray([1.0, 2.0], [True, False], fill_value=-1.0)
    result = back(masked)
    assert same(result, masked) and result.fill_value == -1.0
    assert back(np.ma.masked) is np.ma.masked
    matrix = np.matrix([[1, 2], [3, 4]])
    assert same(back(matrix), matrix)
    record = np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    result = back(record)
    assert same(result, record) and result.a[0] == 1


def test_long_doubles(back):
    value = np.array([1, 2], np.longdouble) / 3
    assert same(back(value), value)
    assert same(back(value.astype(np.clongdouble)), value.astype(np.clongdouble))


SCALARS = [
    np.float64(1.5),
    np.float32(-0.0),
    np.int8(-3),
    np.uint64(2**63),
    np.bool_(True),
    np.complex64(1j),
    np.datetime64("2020-01-01", "s"),
    np.timedelta64(5, "ms"),
    np.str_("x"),
    np.str_("x\0\0"),
    np.str_(""),
    np.str_("\udc80"),
    np.bytes_(b"y"),
    np.bytes_(b"y\0"),
    np.void(b"v\0"),
    np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])[0],
    np.array([(1, 2.0)], dtype=[("a", ">i4"), ("b", "f8")])[0],
    np.datetime64("2020", "25s"),
    np.datetime64("NaT"),
    np.longdouble(1) / 3,
    np.float16(2),
    ml_dtypes.bfloat16(1.5),
]


@pytest.mark.parametrize("value", SCALARS, ids=lambda value: f"{type(value).__name__}")
def test_scalars_of_numpy(value, back):
    assert same(back(value), value)


PYTHON = [
    True,
    False,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    2**63,
    -(2**63) - 1,
    10**4000,
    -(10**50_000),
    0.0,
    -0.0,
    float("nan"),
    float("inf"),
    5e-324,
    1j,
    "",
    "a\0b",
    "\udcff lone",
    "\u20ac" * 50_000,
    b"",
    b"\xff\0",
    b"x" * 200_000,
    bytearray(b"abc"),
    [],
    [[]],
    (),
    (1,),
    {},
    {"": 1, "a.b": 2},
    {1: "a", None: 2, (1, 2): 3, "x": 4},
    {"\udc00": 1},
    set(),
    {1, "a", None, (1, 2)},
    frozenset(),
    frozenset({1.5, frozenset({2})}),
    collections.OrderedDict(b=1, a=2),
    collections.Counter("abca"),
    collections.deque([1, 2], 5),
    collections.defaultdict(list, a=[1]),
    collections.defaultdict(None, a=1),
    dt.date(1, 1, 1),
    dt.date.max,
    dt.datetime(2024, 2, 29, 12, 30, 15, 123456),
    dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc),
    dt.datetime(2024, 10, 27, 2, 30, fold=1),
    dt.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-3, seconds=7), "here")),
    dt.time(23, 59, 59, 1),
    dt.time(1, tzinfo=dt.timezone.utc),
    dt.timedelta(-1, 5, 3),
    dt.timezone.utc,
    dt.timezone(dt.timedelta(hours=2)),
    zoneinfo.ZoneInfo("UTC"),
    decimal.Decimal("1.10"),
    decimal.Decimal("-0"),
    decimal.Decimal("sNaN123"),
    decimal.Decimal("1E+999"),
    fractions.Fraction(2**70, 3),
    uuid.UUID(int=5),
    pathlib.Path("a/b"),
    pathlib.PureWindowsPath(r"C:\x"),
    range(5),
    range(0, -10, -3),
    slice(1, None, 2),
    ...,
    NotImplemented,
    types.SimpleNamespace(a=1, b=[2]),
    types.SimpleNamespace(**{"__private": 1}),
    np.dtype("f8"),
    np.dtype([("a", "i4")]),
    np.dtype(ml_dtypes.bfloat16),
]


@pytest.mark.parametrize("value", PYTHON, ids=lambda value: f"{type(value).__name__}")
def test_values_of_python(value, back):
    result = back(value)
    if isinstance(value, decimal.Decimal):
        assert type(result) is decimal.Decimal and str(result) == str(value)
    elif isinstance(value, dict) and len(value) and isinstance(value, (collections.defaultdict,)):
        assert result == value and result.default_factory is value.default_factory
    else:
        assert same(result, value)
    if isinstance(value, dt.datetime):
        assert result.fold == value.fold and str(result.tzinfo) == str(value.tzinfo)
    if isinstance(value, collections.deque):
        assert result.maxlen == value.maxlen


class Number(float, enum.Enum):
    MISSING = float("nan")


T = typing.TypeVar("T")


@dataclasses.dataclass
class Box(typing.Generic[T]):
    x: T


@dataclasses.dataclass(slots=True, frozen=True)
class Slots:
    a: int
    b: list = dataclasses.field(default_factory=list)


class Cached:
    __slots__ = ("cache", "__dict__")


@dataclasses.dataclass
class Inherited(Cached):
    a: int
    given: dataclasses.InitVar[int] = 5
    by_name: int = dataclasses.field(default=1, kw_only=True)

    def __post_init__(self, given):
        self.cache = self.other = given


CLASSES = [
    Number.MISSING,
    Box[int](5),
    Slots(1, [2]),
    Inherited(1, 7, by_name=3),
    Colour.RED,
    Colour.BLUE,
    Permission.READ | Permission.WRITE,
    Level.LOW,
    Point(1, [2]),
    Config(0.5, (1, 2), Config(1.0)),
    Frozen(1),
]


@pytest.mark.parametrize("value", CLASSES, ids=lambda value: type(value).__name__)
def test_classes_come_back_when_they_are_passed(value, back):
    result = back(value, types=[type(value), Config])
    if isinstance(value, Box):
        assert result == value and vars(result) == {"x": 5}
    else:
        assert same(result, value)
    if isinstance(value, Inherited):
        assert (result.cache, result.other, result.by_name) == (7, 7, 3)


@pytest.mark.parametrize("value", CLASSES, ids=lambda value: type(value).__name__)
def test_classes_that_are_not_passed_have_stand_ins_that_save_unchanged(value, tmp_path):
    ach.save(tmp_path / "a.ach", {"value": value})
    stand_in = ach.open(tmp_path / "a.ach")["value"]
    assert type(stand_in) is ach.StandIn
    assert type(value).__name__ in repr(stand_in)
    ach.save(tmp_path / "b.ach", {"value": stand_in})
    result = ach.open(tmp_path / "b.ach", types=[type(value), Config])["value"]
    assert result == value if isinstance(value, Box) else same(result, value)


def test_a_stand_in_shows_its_fields(back):
    stand_in = back(Config(0.5, (1, 2)))
    assert stand_in.rate == 0.5 and stand_in.layers == (1, 2)
    assert back(Point(1, 2)).y == 2 and back(Colour.BLUE).value == "b"
    with pytest.raises(AttributeError):
        stand_in.nothing


def test_a_class_that_moved_is_named_by_its_old_name(tmp_path):
    ach.save(tmp_path / "a.ach", {"p": Point(1, 2)})
    moved = collections.namedtuple("Moved", "x y")
    name = f"{Point.__module__}.Point"
    assert ach.open(tmp_path / "a.ach", types={name: moved})["p"] == moved(1, 2)


def test_no_pickle_unless_asked(tmp_path):
    class Plain:
        pass

    path = tmp_path / "a.ach"
    value = decimal.Context(prec=5)
    assert ach.save(path, {"c": value}).lost[0].name == "c"
    assert ach.save(path, {"c": value}, pickle=True).lost == []
    assert type(ach.open(path)["c"]) is ach.StandIn
    assert ach.open(path, pickle=True)["c"].prec == 5
    local = ach.save(path, {"c": Plain()}, pickle=True)
    assert "pickle cannot keep it either" in local.lost[0].why


def test_floats_come_back_with_every_bit(tmp_path):
    bits = [0x7FF8DEAD0000BEEF, 0x7FF0DEAD0000BEEF, 0xFFF8000000000001, 0x8000000000000000, 1]
    for each in bits:
        value = struct.unpack("d", struct.pack("Q", each))[0]
        ach.save(tmp_path / "a.ach", {"v": value, "a": np.array([each], "u8").view("f8")}, durable=False)
        ws = ach.open(tmp_path / "a.ach")
        assert struct.pack("d", ws["v"]) == struct.pack("Q", each) == ws["a"].tobytes()


class Path(type(pathlib.Path())):
    pass


class Float(np.float64):
    pass


@dataclasses.dataclass
class Fields(dict):
    a: int = 1


class Tensor:
    """As those of other libraries, which offer themselves as arrays."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


DERIVED = {
    "a path": (Path("a/b"), pathlib.Path("a/b")),
    "a scalar": (Float(1.5), np.float64(1.5)),
    "a dataclass that is a dict": (Fields(), {}),
    "a tensor": (Tensor(np.arange(3)), np.arange(3)),
    "an array of the standard library": (array.array("d", [1.5]), np.array([1.5])),
    "a buffer": (memoryview(b"ab"), np.array([97, 98], np.uint8)),
    "a factory that is code": (collections.defaultdict(lambda: 0, {1: 2}), {1: 2}),
    "a layout with objects": (
        np.zeros(2, np.dtype([("a", "i1"), ("o", "O")], align=True)),
        np.zeros(2, [("a", "i1"), ("o", "O")]),
    ),
}


@pytest.mark.parametrize("name", DERIVED)
def test_what_is_kept_as_something_plainer_is_reported(name, tmp_path):
    value, plain = DERIVED[name]
    report = ach.save(tmp_path / "a.ach", {"v": value})
    assert [(entry.name, entry.path) for entry in report.lost] == [("v", "")] and "not kept" in report.lost[0].why
    assert same(ach.open(tmp_path / "a.ach")["v"], plain)
    with pytest.raises(ach.LossyError):
        ach.save(tmp_path / "b.ach", {"v": value}, strict=True)


def test_an_array_of_objects_that_something_offers_is_not_taken(tmp_path):
    tensor = Tensor(None)
    tensor.array = np.empty(1, dtype=object)
    tensor.array[0] = tensor
    assert "no form" in ach.save(tmp_path / "a.ach", {"v": tensor}).lost[0].why


def test_a_pickle_is_preferred_to_something_plainer_when_it_is_allowed(tmp_path):
    value = Fields(a=3)
    value["k"] = 1
    assert ach.save(tmp_path / "a.ach", {"v": value}, pickle=True).lost == []
    result = ach.open(tmp_path / "a.ach", pickle=True)["v"]
    assert type(result) is Fields and result["k"] == 1 and result.a == 3
    # What pickle cannot keep is kept as something plainer all the same.
    ach.save(tmp_path / "a.ach", {"v": collections.defaultdict(lambda: 0, {1: 2})}, pickle=True)
    assert ach.open(tmp_path / "a.ach")["v"] == {1: 2}
