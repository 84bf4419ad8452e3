"""Values of the format as Python objects, where the extension does not make them itself.

Nothing from a file is trusted: no module is imported because a file names it, no class is taken
but those passed in `types=[...]`, no pickle is read unless the caller says so. What does not hold
together becomes a `StandIn`, which shows what the file holds.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import pathlib
import types as python_types
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from . import _dtypes, _strings
from ._encode import FACTORIES, _class_name
from ._errors import InvalidValueError, UnsupportedError
from ._stand_in import StandIn


class Context:
    """How the values of one call are made."""

    def __init__(
        self,
        types: Iterable[type] | Mapping[str, type] = (),
        pickle: bool = False,
        writable: bool = False,
        told: bool = True,
    ) -> None:
        self.pickle = pickle
        self.writable = writable
        # Of each stand-in that was made, the type it stands for, and why; None where nobody asks,
        # and a workspace that is read for days would only gather them.
        self.missing: dict[tuple[str, str], None] | None = {} if told else None
        self.types: dict[str, type] = {}
        if isinstance(types, Mapping):
            # Classes that have moved, by the name they were saved under.
            self.types.update(types)
            types = types.values()
        for cls in types:
            if not isinstance(cls, type):
                raise InvalidValueError(f"types must hold classes; {cls!r} is none")
            self.types.setdefault(_class_name(cls), cls)

    def class_of(self, parameters: Any) -> Any:
        """The class that was passed in `types` under the name in the file."""
        return self.types[parameters["class"]]

    def extension(self, type_name: str, parameters: Any, storage: Any) -> Any:
        make = _BY_NAME.get(type_name)
        if make is None and type_name.startswith("pandas."):
            make = _pandas_of(type_name)
        if make is None:
            return self.stand_in(type_name, parameters, storage)
        try:
            return make(self, parameters, storage)
        except UnsupportedError:
            raise
        except Exception:  # noqa: BLE001: a file may hold anything
            return self.stand_in(type_name, parameters, storage)

    def stand_in(self, type_name: str, parameters: Any, storage: Any) -> StandIn:
        made = StandIn(type_name, parameters, storage)
        if type_name == "unsupported" and isinstance(parameters, dict):
            told = str(parameters.get("kind")), f"it was not saved: {parameters.get('reason')}"
        else:
            why = "it came back as a StandIn, since its class was not passed in types=[...]"
            told = made.class_name, why
        if self.missing is not None:
            self.missing[told] = None
        return made

    def strings(self, shape: tuple, offsets: np.ndarray, data: np.ndarray) -> np.ndarray:
        try:
            array = _strings.variable(_strings.unpack(offsets, data), shape)
        except ValueError as error:
            raise InvalidValueError(f"a string array does not hold together: {error}") from error
        array.flags.writeable = self.writable
        return array

    def check_rank(self, rank: int) -> None:
        if np.lib.NumpyVersion(np.__version__) < "2.0.0":
            raise UnsupportedError(
                f"the array has {rank} dimensions, and NumPy {np.__version__} takes 32; update to NumPy 2"
            )

    def special(self, name: str, array: np.ndarray) -> np.ndarray:
        dtype = _dtypes.ml_dtype(_dtypes.ML_NAMES[name])
        if dtype is None:
            raise UnsupportedError(
                f"the array is of {name}, which NumPy has only with ml_dtypes; install ml_dtypes"
            )
        return array.view(dtype)


def _pandas_of(type_name: str) -> Callable | None:
    try:
        from . import _pandas
    except ImportError:
        return None
    return _pandas.MAKERS.get(type_name)


def _check(good: bool) -> None:
    if not good:
        raise ValueError("it does not hold together")


def _int(context: Context, parameters: Any, storage: Any) -> int:
    if isinstance(storage, bytes):
        return int.from_bytes(storage, "little", signed=True)
    _check(isinstance(storage, str) and len(storage) <= 4300)
    return int(storage)


def _str(context: Context, parameters: Any, storage: Any) -> str:
    return storage.decode("utf-8", "surrogatepass")


def _zone(plain: Any) -> datetime.tzinfo:
    if plain == "UTC":
        return datetime.timezone.utc
    if "key" in plain:
        import zoneinfo

        return zoneinfo.ZoneInfo(plain["key"])
    offset = datetime.timedelta(microseconds=plain["offset_us"])
    if "name" in plain:
        return datetime.timezone(offset, plain["name"])
    return datetime.timezone(offset)


def _timed(make: Callable[[str], Any]) -> Callable:
    def timed(context: Context, parameters: Any, storage: Any) -> Any:
        value = make(storage)
        _check(value.tzinfo is None)
        if "zone" in parameters:
            value = value.replace(tzinfo=_zone(parameters["zone"]))
        return value.replace(fold=1) if parameters.get("fold") else value

    return timed


def _pairs(kind: Callable[[Any], Any]) -> Callable:
    def pairs(context: Context, parameters: Any, storage: Any) -> Any:
        made: dict = {}
        for key, value in storage:
            made[key] = value
        _check(len(made) == len(storage))
        return kind(made)

    return pairs


def _defaultdict(context: Context, parameters: Any, storage: Any) -> Any:
    factory = parameters["factory"]
    made: dict = collections.defaultdict(None if factory is None else FACTORIES[factory])
    for key, value in storage:
        made[key] = value
    return made


def _members(kind: Callable[[Any], Any]) -> Callable:
    def members(context: Context, parameters: Any, storage: Any) -> Any:
        _check(isinstance(storage, list))
        made = kind(storage)
        _check(len(made) == len(storage))
        return made

    return members


def _path(context: Context, parameters: Any, storage: Any) -> pathlib.PurePath:
    name = parameters["class"]
    concrete = type(pathlib.Path())
    if name == concrete.__name__:
        return concrete(storage)
    # A path of another system cannot be made here, only looked at.
    flavour = pathlib.PureWindowsPath if "Windows" in name else pathlib.PurePosixPath
    return flavour(storage)


def _enum(context: Context, parameters: Any, storage: Any) -> Any:
    cls = context.class_of(parameters)
    _check(issubclass(cls, enum.Enum))
    member = cls.__members__.get(storage["name"]) if storage["name"] is not None else None
    if member is None:
        member = cls(storage["value"])
    saved = storage["value"]
    both_nan = member.value != member.value and saved != saved
    _check(isinstance(saved, StandIn) or bool(member.value == saved) or bool(both_nan))
    return member


def _namedtuple(context: Context, parameters: Any, storage: Any) -> Any:
    cls = context.class_of(parameters)
    _check(issubclass(cls, tuple) and list(cls._fields) == parameters["fields"])
    return cls._make(storage)


def _dataclass(context: Context, parameters: Any, storage: Any) -> Any:
    import dataclasses

    cls = context.class_of(parameters)
    _check(dataclasses.is_dataclass(cls) and isinstance(storage, dict))
    names = {field.name for field in dataclasses.fields(cls)}
    _check(all(name in names or not _is_dunder(name) for name in storage))
    # As pickle does: the values are those of a finished object, __init__ may do more than set them.
    made: Any = object.__new__(cls)
    for name, value in storage.items():
        object.__setattr__(made, name, value)
    return made


def _is_dunder(name: str) -> bool:
    """Whether a name may mean something to Python itself."""
    return name.startswith("__") and name.endswith("__")


def _namespace(context: Context, parameters: Any, storage: Any) -> python_types.SimpleNamespace:
    _check(not any(map(_is_dunder, storage)))
    return python_types.SimpleNamespace(**storage)


def _pickle(context: Context, parameters: Any, storage: Any) -> Any:
    if not context.pickle:
        return context.stand_in("python.pickle", parameters, storage)
    import pickle

    return pickle.loads(storage)


def _dated(kind: str) -> Callable:
    def dated(context: Context, parameters: Any, storage: Any) -> np.ndarray:
        unit, count = parameters["unit"], parameters["count"]
        _check(isinstance(unit, str) and unit.isalpha() and type(count) is int and count > 0)
        _check(storage.dtype == np.int64)
        name = f"{kind}8" if unit == "generic" else f"{kind}8[{count}{unit}]"
        return storage.view(np.dtype(name))

    return dated


def _fixed_bytes(context: Context, parameters: Any, storage: Any) -> np.ndarray:
    width = parameters["width"]
    _check(storage.dtype == np.uint8 and type(width) is int and width == storage.shape[-1])
    return _ordered(_elements(storage, np.dtype(f"S{width}")), parameters)


def _elements(storage: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Bytes, with those of an element along the last axis, as elements."""
    _check(not dtype.hasobject and dtype.itemsize == storage.shape[-1])
    shape = storage.shape[:-1]
    if storage.size == 0:
        empty = np.empty(shape, dtype)
        empty.flags.writeable = storage.flags.writeable
        return empty
    return storage.reshape(-1).view(dtype).reshape(shape)


def _ordered(array: np.ndarray, parameters: Any) -> np.ndarray:
    return array.T if parameters.get("order") == "F" else array


def _structured(context: Context, parameters: Any, storage: Any) -> np.ndarray:
    dtype = _dtypes.from_plain(parameters["dtype"])
    _check(storage.dtype == np.uint8)
    return _ordered(_elements(storage, dtype), parameters)


def _longdouble(context: Context, parameters: Any, storage: Any) -> np.ndarray:
    name = parameters["dtype"]
    _check(name in ("longdouble", "clongdouble", "float96", "float128", "complex192", "complex256"))
    dtype = np.dtype(name)
    # Of another processor: the bytes mean another number there.
    _check(dtype.char in "gG" and int(np.finfo(dtype).nmant) == parameters["bits"])
    return _ordered(_elements(storage, dtype), parameters)


def _ml_dtypes(context: Context, parameters: Any, storage: Any) -> np.ndarray:
    name = parameters["dtype"]
    _check(
        isinstance(name, str) and name.isidentifier() and name.startswith(("float", "int", "uint", "bfloat"))
    )
    dtype = _dtypes.ml_dtype(name)
    _check(dtype is not None and storage.dtype.kind == "u" and storage.dtype.itemsize == dtype.itemsize)
    return storage.view(dtype)


def _fixed_strings(context: Context, parameters: Any, storage: Any) -> np.ndarray:
    width, order = parameters["width"], parameters.get("order")
    _check(type(width) is int and width >= 0 and order in ("C", "F"))
    if storage.dtype == np.uint32:
        _check(storage.size == 0 or int(storage.max()) <= 0x10FFFF)
        _check(storage.ndim == 2 and storage.shape[1] == width)
        array = storage.view(f"U{width}").reshape(parameters["shape"], order=order)
        array.flags.writeable = context.writable
        return array
    texts = storage.reshape(-1).tolist()
    longest = max(map(len, texts), default=0)
    _check(longest <= width and _strings.fits(len(texts), width, sum(map(len, texts))))
    array = _ordered(np.array(texts, dtype=f"U{width}").reshape(storage.shape), parameters)
    array.flags.writeable = context.writable
    return array


def _variable_strings(context: Context, parameters: Any, storage: Any) -> np.ndarray:
    options: dict = {"coerce": parameters.get("coerce") is not False}
    na = parameters.get("na")
    if "na" in parameters:
        _check(na is None or (isinstance(na, float) and na != na))
        options["na_object"] = np.nan if na is not None else None
    string_dtype: Any = np.dtypes.StringDType
    array = storage.astype(string_dtype(**options))
    if "missing" in parameters:
        array[parameters["missing"]] = na
    array.flags.writeable = context.writable
    return array


def _shape(parameters: Any) -> tuple:
    shape = tuple(parameters["shape"])
    _check(len(shape) <= 64 and all(type(n) is int and n >= 0 for n in shape))
    return shape


def _object_array(context: Context, parameters: Any, storage: Any) -> np.ndarray:
    shape, order = _shape(parameters), parameters["order"]
    _check(isinstance(storage, list) and order in ("C", "F"))
    flat = np.empty(len(storage), object)
    for index, item in enumerate(storage):
        flat[index] = item
    array = flat.reshape(shape, order=order)
    array.flags.writeable = context.writable
    return array


def _fields(context: Context, parameters: Any, storage: Any) -> np.ndarray:
    shape = _shape(parameters)
    parts = []
    for name, field in storage.items():
        _check(isinstance(field, np.ndarray) and field.shape[: len(shape)] == shape)
        parts.append((name, field.dtype, field.shape[len(shape) :]))
    array = np.empty(shape, np.dtype(parts))
    for name, field in storage.items():
        array[name] = field
    array.flags.writeable = context.writable
    return array


def _scalar(context: Context, parameters: Any, storage: Any) -> Any:
    if isinstance(storage, str):
        return np.str_(storage)
    if isinstance(storage, bytes):
        return np.bytes_(storage)
    _check(isinstance(storage, np.ndarray) and storage.shape == ())
    return storage[()]


def _masked(context: Context, parameters: Any, storage: Any) -> np.ma.MaskedArray:
    if storage is None:
        return np.ma.masked
    mask: Any = storage["mask"]
    mask = np.ma.nomask if mask is None else mask
    if mask is not np.ma.nomask:
        _check(mask.shape == storage["data"].shape)
    fill = storage["fill_value"]
    return np.ma.MaskedArray(
        storage["data"],
        mask=mask,
        fill_value=None if fill is None else fill[()],
        hard_mask=parameters["hard"] is True,
    )


def _matrix(context: Context, parameters: Any, storage: Any) -> np.ndarray:
    return storage.view(np.matrix)


def _recarray(context: Context, parameters: Any, storage: Any) -> np.ndarray:
    return storage.view(np.recarray)


def _dtype(context: Context, parameters: Any, storage: Any) -> np.dtype:
    return _dtypes.from_plain(storage)


_BY_NAME: dict[str, Callable[[Context, Any, Any], Any]] = {
    "python.int": _int,
    "python.str": _str,
    "python.bytearray": lambda c, p, s: bytearray(s),
    "python.tuple": _members(tuple),
    "python.set": _members(set),
    "python.frozenset": _members(frozenset),
    "python.dict": _pairs(dict),
    "python.ordereddict": _pairs(collections.OrderedDict),
    "python.counter": _pairs(collections.Counter),
    "python.defaultdict": _defaultdict,
    "python.deque": lambda c, p, s: collections.deque(s, p["maxlen"]),
    "python.datetime": _timed(datetime.datetime.fromisoformat),
    "python.date": lambda c, p, s: datetime.date.fromisoformat(s),
    "python.time": _timed(datetime.time.fromisoformat),
    "python.timedelta": lambda c, p, s: datetime.timedelta(*s),
    "python.timezone": lambda c, p, s: _zone(s),
    "python.decimal": lambda c, p, s: decimal.Decimal(s),
    "python.fraction": lambda c, p, s: fractions.Fraction(*s),
    "python.uuid": lambda c, p, s: uuid.UUID(bytes=s),
    "python.path": _path,
    "python.range": lambda c, p, s: range(*s),
    "python.slice": lambda c, p, s: slice(*s),
    "python.ellipsis": lambda c, p, s: Ellipsis,
    "python.notimplemented": lambda c, p, s: NotImplemented,
    "python.namespace": _namespace,
    "python.enum": _enum,
    "python.namedtuple": _namedtuple,
    "python.dataclass": _dataclass,
    "python.pickle": _pickle,
    "numpy.datetime64": _dated("M"),
    "numpy.timedelta64": _dated("m"),
    "numpy.bytes": _fixed_bytes,
    "numpy.str": _fixed_strings,
    "numpy.strings": _variable_strings,
    "numpy.structured": _structured,
    "numpy.longdouble": _longdouble,
    "numpy.ml_dtypes": _ml_dtypes,
    "numpy.object": _object_array,
    "numpy.fields": _fields,
    "numpy.scalar": _scalar,
    "numpy.masked": _masked,
    "numpy.matrix": _matrix,
    "numpy.recarray": _recarray,
    "numpy.dtype": _dtype,
}
