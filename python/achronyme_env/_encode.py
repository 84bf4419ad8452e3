"""What Python objects are in the format, for those that the extension does not know itself.

`Describer` answers with a tuple whose first item says how to read the others:

- ``("extension", type name, parameters, storage)``
- ``("tensor", name of a dtype of the format, contiguous array of that width)``
- ``("strings", shape, offsets, bytes)``: an array of strings
- ``("instead", value)``: this value, which is the same
- ``("changed", why, value)``: this value, which is not quite the same; reported
- ``("unsupported", why)``: nothing; reported

docs/python-types.md lists the type names.
"""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import heapq
import io
import pathlib
import sys
import threading
import types
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np

from . import _arrays
from ._stand_in import StandIn

# Longer integers are stored as bytes: Python refuses to read more digits than this by default.
DECIMAL_BITS = 13_000

# Members sorted between two looks for Ctrl-C.
SORTED_AT_ONCE = 1 << 16

FACTORIES = {"int": int, "float": float, "str": str, "list": list, "dict": dict, "set": set}


class Describer:
    """Describes objects for one save."""

    def __init__(self, pickle: bool = False) -> None:
        self.pickle = pickle

    def __call__(self, value: Any) -> tuple:
        try:
            describe = _BY_TYPE.get(type(value)) or _by_family(value)
            description = describe(value) if describe is not None else None
            if description is None:
                description = _as_base(value) or _as_array(value) or ("unsupported", _why(value))
        except Exception as error:  # noqa: BLE001: an object's own code may raise anything
            description = "unsupported", f"looking at it raised {_raised(error)}"
        if self.pickle and description[0] in ("changed", "unsupported"):
            return self._pickled(value, description)
        return description

    def _pickled(self, value: Any, otherwise: tuple) -> tuple:
        import pickle

        try:
            data = pickle.dumps(value, protocol=4)
        except Exception as error:  # noqa: BLE001
            if otherwise[0] == "changed":
                return otherwise
            return "unsupported", f"pickle cannot keep it either: {_raised(error)}"
        return "extension", "python.pickle", {"class": _class_name(type(value))}, data


def _raised(error: Exception) -> str:
    """An exception in one line; its own text may raise too, or hold anything."""
    try:
        text = str(error).encode("utf-8", "backslashreplace").decode()
    except Exception:  # noqa: BLE001
        text = "(it cannot be shown)"
    return f"{type(error).__name__}: {text[:200]}"


# How to get at what a value of a class derived from a plain type holds. Methods of the plain type
# and not of the class, which may have others of that name that answer with anything.
_WHOLE = slice(None)
_BASES: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    bytes: lambda v: bytes.__getitem__(v, _WHOLE),
    bytearray: lambda v: bytearray(bytes(memoryview(v))),
    int: int.__int__,
    float: float.__float__,
    complex: complex.__pos__,
    list: lambda v: list.__getitem__(v, _WHOLE),
    tuple: lambda v: tuple.__getitem__(v, _WHOLE),
    collections.OrderedDict: lambda v: dict(collections.OrderedDict.items(v)),
    dict: lambda v: dict(dict.items(v)),
    set: lambda v: set(set.__iter__(v)),
    frozenset: lambda v: frozenset(frozenset.__iter__(v)),
    collections.deque: lambda v: collections.deque(collections.deque.__iter__(v), collections.deque.maxlen.__get__(v)),
}


def _as_base(value: Any) -> tuple | None:
    """A value of a class derived from a plain type, as that type."""
    for base, plain_of in _BASES.items():
        # Not `isinstance`, which believes what an object says of itself.
        if issubclass(type(value), base):
            plain = plain_of(value)
            return "changed", f"its class is not kept; it is a plain {type(plain).__name__}", plain
    return None


def _as_array(value: Any) -> tuple | None:
    """A value that can be an array, such as a tensor of another library, as that array."""
    kind = type(value)
    offers = kind in (array.array, memoryview) or getattr(kind, "__array__", None) is not None
    if not offers or isinstance(value, type):
        return None
    given = np.asarray(value)
    if type(given) is not np.ndarray or given.dtype.hasobject and given.dtype.kind != "T":
        # An array of objects may hold the value itself, and says no more than the value.
        return None
    return "changed", "its class is not kept; it is a NumPy array", given


def _why(value: Any) -> str:
    if isinstance(value, _FUNCTIONS):
        return "functions are code, and are not saved; define it again"
    if isinstance(value, type):
        return "classes are code, and are not saved; define it again"
    if isinstance(value, types.ModuleType):
        return "modules are not saved; import it again"
    from ._workspace import Workspace

    if isinstance(value, Workspace):
        return "open files are not saved; open it again"
    if isinstance(value, _LIVE):
        return "it is something in progress (a generator, stream, lock or thread); save its results"
    return "there is no form for its type; pass pickle=True to keep it as a pickle"


# NumPy has two kinds of its own.
_FUNCTIONS: tuple[Any, ...] = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    np.ufunc,
    type(np.mean),
)
_LIVE = (Iterator, Awaitable, io.IOBase, type(threading.Lock()), threading.Thread)


def _class_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _text(value: str) -> tuple:
    return "extension", "python.str", None, value.encode("utf-8", "surrogatepass")


def _int(value: int) -> tuple:
    if value.bit_length() <= DECIMAL_BITS:
        return "extension", "python.int", None, str(value)
    size = value.bit_length() // 8 + 1
    return "extension", "python.int", None, value.to_bytes(size, "little", signed=True)


def _sorted(values: Any) -> list:
    """Members in an order that does not depend on the hashes of this process."""
    members = list(values)
    if not members:
        return members
    alike = len(set(map(type, members))) == 1 and type(members[0]) in (int, str, bytes)
    key = None if alike else _order
    # In runs, since Ctrl-C is looked for between the steps of Python, and sorting is one.
    runs = [sorted(members[at : at + SORTED_AT_ONCE], key=key) for at in range(0, len(members), SORTED_AT_ONCE)]
    return runs[0] if len(runs) == 1 else list(heapq.merge(*runs, key=key))


def _order(value: Any) -> tuple:
    if isinstance(value, (frozenset, tuple)):
        parts = [_order(part) for part in value]
        parts = sorted(parts) if isinstance(value, frozenset) else parts
        return type(value).__qualname__, "", parts
    return type(value).__qualname__, repr(value), []


def _clock(kind: str) -> Callable[[Any], tuple]:
    """A datetime or a time: its text without a zone, and the zone."""

    def clock(value: Any) -> tuple:
        parameters: dict = {}
        if value.tzinfo is not None:
            zone = _zone(value.tzinfo)
            if zone is None:
                return "unsupported", f"its time zone is a {_class_name(type(value.tzinfo))}"
            parameters["zone"] = zone
        if value.fold:
            parameters["fold"] = 1
        return "extension", kind, parameters, value.replace(tzinfo=None).isoformat()

    return clock


def _zone(zone: datetime.tzinfo) -> Any:
    if type(zone) is datetime.timezone:
        if zone is datetime.timezone.utc:
            return "UTC"
        offset = zone.utcoffset(None)
        micros = offset // datetime.timedelta(microseconds=1)
        plain: dict = {"offset_us": micros}
        name = zone.tzname(None)
        if name != datetime.timezone(offset).tzname(None):
            plain["name"] = name
        return plain
    key = getattr(zone, "key", None)
    if type(zone).__name__ == "ZoneInfo" and type(zone).__module__.startswith("zoneinfo") and key:
        return {"key": key}
    return None


def _timezone(value: datetime.tzinfo) -> tuple:
    return "extension", "python.timezone", None, _zone(value)


def _timedelta(value: datetime.timedelta) -> tuple:
    parts = [value.days, value.seconds, value.microseconds]
    return "extension", "python.timedelta", None, parts


def _dict(value: dict) -> tuple:
    return "extension", "python.dict", None, [[key, item] for key, item in value.items()]


def _defaultdict(value: collections.defaultdict) -> tuple:
    names = [name for name, known in FACTORIES.items() if known is value.default_factory]
    items = [[key, item] for key, item in value.items()]
    if not names and value.default_factory is not None:
        return "changed", "its factory is code and is not kept; it is a dict", dict(value)
    factory = names[0] if names else None
    return "extension", "python.defaultdict", {"factory": factory}, items


def _deque(value: collections.deque) -> tuple:
    return "extension", "python.deque", {"maxlen": value.maxlen}, list(value)


# `Path()` is of one of the first two.
_PATHS = (pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)


def _path(value: pathlib.PurePath) -> tuple:
    if type(value) not in _PATHS:
        base = next(cls for cls in (*_PATHS, pathlib.PurePath) if isinstance(value, cls))
        plain = base(pathlib.PurePath.__str__(value))
        return "changed", f"its class is not kept; it is a plain {type(plain).__name__}", plain
    return "extension", "python.path", {"class": type(value).__name__}, str(value)


def _enum(value: enum.Enum) -> tuple:
    storage = {"name": value.name, "value": value.value}
    return "extension", "python.enum", {"class": _class_name(type(value))}, storage


def _namedtuple(value: Any) -> tuple:
    parameters = {"class": _class_name(type(value)), "fields": list(type(value)._fields)}
    return "extension", "python.namedtuple", parameters, list(value)


def _dataclass(value: Any) -> tuple | None:
    if issubclass(type(value), tuple(_BASES)):
        # What it holds as a list or dict has no place in a record of fields.
        return None
    # As pickle does: what the object itself holds, which may be more or less than its fields.
    fields = dict(getattr(value, "__dict__", {}))
    # `Box[int](...)` leaves this behind; it says nothing of the value.
    fields.pop("__orig_class__", None)
    for cls in reversed(type(value).__mro__):
        for name, slot in vars(cls).items():
            if isinstance(slot, types.MemberDescriptorType):
                try:
                    fields[name] = slot.__get__(value)
                except AttributeError:
                    pass  # a slot that was never set
    return "extension", "python.dataclass", {"class": _class_name(type(value))}, fields


def _stand_in(value: StandIn) -> tuple:
    return "extension", value.type_name, value.parameters, value.storage


def _bits(value: Any) -> tuple:
    return "extension", "python.bytearray", None, bytes(value)


_BY_TYPE: dict[type, Callable[[Any], tuple]] = {
    np.ndarray: _arrays.array_of,
    str: _text,
    int: _int,
    tuple: lambda v: ("extension", "python.tuple", None, list(v)),
    set: lambda v: ("extension", "python.set", None, _sorted(v)),
    frozenset: lambda v: ("extension", "python.frozenset", None, _sorted(v)),
    dict: _dict,
    collections.OrderedDict: lambda v: (
        "extension",
        "python.ordereddict",
        None,
        [[key, item] for key, item in v.items()],
    ),
    collections.Counter: lambda v: (
        "extension",
        "python.counter",
        None,
        [[key, item] for key, item in v.items()],
    ),
    collections.defaultdict: _defaultdict,
    collections.deque: _deque,
    bytearray: _bits,
    datetime.datetime: _clock("python.datetime"),
    datetime.date: lambda v: ("extension", "python.date", None, v.isoformat()),
    datetime.time: _clock("python.time"),
    datetime.timedelta: _timedelta,
    datetime.timezone: _timezone,
    decimal.Decimal: lambda v: ("extension", "python.decimal", None, str(v)),
    fractions.Fraction: lambda v: (
        "extension",
        "python.fraction",
        None,
        [v.numerator, v.denominator],
    ),
    uuid.UUID: lambda v: ("extension", "python.uuid", None, v.bytes),
    range: lambda v: ("extension", "python.range", None, [v.start, v.stop, v.step]),
    slice: lambda v: ("extension", "python.slice", None, [v.start, v.stop, v.step]),
    type(Ellipsis): lambda v: ("extension", "python.ellipsis", None, None),
    type(NotImplemented): lambda v: ("extension", "python.notimplemented", None, None),
    types.SimpleNamespace: lambda v: ("extension", "python.namespace", None, dict(vars(v))),
    StandIn: _stand_in,
    _arrays.Strings: _arrays.Strings.description,
}


def _by_family(value: Any) -> Callable[[Any], tuple | None] | None:
    """For types that are one of a family."""
    if isinstance(value, type):
        return None
    pandas = sys.modules.get("pandas")
    if pandas is not None and (
        type(value).__module__.split(".")[0] == "pandas"
        # Looked up gently: pandas may be in the middle of its import.
        or issubclass(type(value), (getattr(pandas, "DataFrame", ()), getattr(pandas, "Series", ())))
    ):
        from . import _pandas

        return _pandas.describe
    if isinstance(value, np.generic):
        return _arrays.scalar_of
    if isinstance(value, np.ma.MaskedArray):
        return _arrays.masked_of
    if isinstance(value, np.ndarray):
        return _arrays.subclass_of
    if isinstance(value, np.dtype):
        return _arrays.dtype_of
    if isinstance(value, enum.Enum):
        return _enum
    if isinstance(value, pathlib.PurePath):
        return _path
    if isinstance(value, tuple) and isinstance(getattr(type(value), "_fields", None), tuple):
        return _namedtuple
    if dataclasses.is_dataclass(value):
        return _dataclass
    if type(value).__name__ == "ZoneInfo" and _zone(value) is not None:
        return _timezone
    return None
