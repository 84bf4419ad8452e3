"""Tables: Parquet, and Arrow's files and streams (Feather among them), with pyarrow."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ._libraries import library
from ._source import Source
from ._target import Target, strings, text

# Written by pyarrow for itself: the schema once more.
_OWN = {b"ARROW:schema"}


def read(path: str, target: Target, name: str) -> None:
    """A record of columns under `name`; of a table that is larger than a chunk `name.column` each."""
    pa = library("pyarrow", "reading .parquet, .arrow and .feather files")
    table = _Parquet(pa, path) if os.path.splitext(path)[1].lower() == ".parquet" else _Arrow(pa, path)
    attrs: dict[str, Any] = {
        key: text(value)
        for key, value in ((key.decode("utf-8", "replace"), value) for key, value in _metadata(table.schema))
    }
    columns = _unique(table.schema.names, target, name)
    # Asked for by its own name, or by those of columns.
    everything = target.wants(name)
    wanted = [place for place, column in enumerate(columns) if target.wants(f"{name}.{column}") or everything]
    if table.bytes > target.chunk:
        if everything and attrs:
            target.described(name, attrs)
        for place in wanted:
            _copy(pa, table, place, f"{name}.{columns[place]}", target)
        return
    record: dict[str, Any] = {}
    for place in wanted:
        column = columns[place]
        record[column], extra = _values(pa, table.column(place), target, name, f".{column}")
        if extra:
            attrs.setdefault("columns", {})[column] = extra
    if wanted or everything:
        target.add(name, record, attrs)


def _metadata(schema: Any) -> list[tuple[bytes, bytes]]:
    return [(key, value) for key, value in (schema.metadata or {}).items() if key not in _OWN]


def _unique(names: list[str], target: Target, table: str) -> list[str]:
    unique: list[str] = []
    for name in names:
        ours, number = name, 1
        while ours in unique:
            number += 1
            ours = f"{name}_{number}"
        if ours != name:
            target.lose(table, "column", f"another column has its name; it is {ours}", f".{name}")
        unique.append(ours)
    return unique


class _Parquet:
    def __init__(self, pa: Any, path: str) -> None:
        self.file = library("pyarrow.parquet", "reading .parquet files", "pyarrow").ParquetFile(path, memory_map=True)
        self.schema = self.file.schema_arrow
        groups = range(self.file.num_row_groups)
        self.rows = self.file.metadata.num_rows
        self.bytes = sum(self.file.metadata.row_group(group).total_byte_size for group in groups)
        self.pa = pa

    def column(self, place: int) -> Any:
        return self.pa.chunked_array(list(self.pieces(place)), self.schema.field(place).type)

    def pieces(self, place: int) -> Any:
        field = self.schema.field(place).name
        # By name, with which nested columns are read whole; by place where several have the name.
        several = self.schema.names.count(field) > 1
        for batch in self.file.iter_batches(batch_size=1 << 16, columns=None if several else [field]):
            # Of a column that is called `a.b` comes also what is asked for as `a`.
            yield batch.column(place if several else batch.schema.names.index(field))


class _Arrow:
    def __init__(self, pa: Any, path: str) -> None:
        self.pa = pa
        self.map = pa.memory_map(path)
        try:
            reader = pa.ipc.open_file(self.map)
            self.batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        except pa.ArrowInvalid:
            self.map.seek(0)
            if self.map.read(4) == b"FEA1":
                self.table = library("pyarrow.feather", "reading .feather files", "pyarrow").read_table(path)
                self.batches = self.table.to_batches()
                self.schema = self.table.schema
            else:
                self.map.seek(0)
                reader = pa.ipc.open_stream(self.map)
                self.batches = list(reader)
                self.schema = reader.schema
        else:
            self.schema = reader.schema
        self.rows = sum(batch.num_rows for batch in self.batches)
        self.bytes = sum(batch.nbytes for batch in self.batches)

    def column(self, place: int) -> Any:
        return self.pa.chunked_array(list(self.pieces(place)), self.schema.field(place).type)

    def pieces(self, place: int) -> Any:
        return (batch.column(place) for batch in self.batches)


def _fixed(pa: Any, kind: Any) -> np.dtype | None:
    """NumPy's dtype for a type whose values have one width and stand for themselves."""
    types = pa.types
    if types.is_boolean(kind):
        return np.dtype(np.bool_)
    if types.is_integer(kind) or types.is_floating(kind):
        made: np.dtype = np.dtype(kind.to_pandas_dtype())
        return made
    if types.is_timestamp(kind):
        return np.dtype(f"M8[{kind.unit}]")
    if types.is_duration(kind):
        return np.dtype(f"m8[{kind.unit}]")
    if types.is_date32(kind):
        return np.dtype("M8[D]")
    if types.is_date64(kind):
        return np.dtype("M8[ms]")
    return None


def _fill(pa: Any, piece: Any, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray | None]:
    """Values of such a type, and where they are missing."""
    mask = None
    if piece.null_count:
        mask = piece.is_null().to_numpy(zero_copy_only=False)
        nothing = pa.scalar(False if dtype.kind == "b" else 0, pa.int64() if dtype.kind in "mM" else piece.type)
    if dtype.kind in "mM":
        # Through integers, of which none is taken for a missing one.
        width = pa.int32() if pa.types.is_date32(piece.type) else pa.int64()
        piece = piece.cast(width).cast(pa.int64())
    if mask is not None:
        piece = piece.fill_null(nothing)
    values = piece.to_numpy(zero_copy_only=False)
    return (values.view(dtype) if dtype.kind in "mM" else values.astype(dtype, copy=False)), mask


def _copy(pa: Any, table: Any, place: int, name: str, target: Target) -> None:
    """A column of a table that is large."""
    kind = table.schema.field(place).type
    dtype = _fixed(pa, kind)
    complete = dtype is not None and dtype.kind not in "mM"
    if complete and dtype is not None and table.rows * dtype.itemsize > target.chunk:
        # Missing ones are only known when all were seen.
        if not any(piece.null_count for piece in table.pieces(place)):
            if target.progress is not None:
                target.progress(name)
            array = target.writer.create(name, dtype, table.rows)
            at = 0
            for piece in table.pieces(place):
                array[at : at + len(piece)], _ = _fill(pa, piece, dtype)
                at += len(piece)
            return
    values, attrs = _values(pa, table.column(place), target, name, "")
    target.add(name, values, attrs)


def _values(pa: Any, column: Any, target: Target, name: str, path: str) -> tuple[Any, dict[str, Any]]:
    """A column, and what is to be said of it."""
    types, kind = pa.types, column.type
    attrs: dict[str, Any] = {}
    if types.is_dictionary(kind):
        target.lose(name, f"column of {kind}", "categories are kept as the values they stand for", path)
        column, kind = column.cast(kind.value_type), kind.value_type
    dtype = _fixed(pa, kind)
    if dtype is not None:
        if types.is_timestamp(kind) and kind.tz is not None:
            attrs["timezone"] = kind.tz
        if types.is_date64(kind):
            target.lose(name, f"column of {kind}", "it is kept as milliseconds", path)
        values = np.empty(len(column), dtype)
        missing = np.zeros(len(column), bool) if column.null_count else None
        at = 0
        for piece in column.chunks:
            values[at : at + len(piece)], mask = _fill(pa, piece, dtype)
            if mask is not None and missing is not None:
                missing[at : at + len(piece)] = mask
            at += len(piece)
        return (values if missing is None else np.ma.MaskedArray(values, missing)), attrs
    if types.is_string(kind) or types.is_large_string(kind) or getattr(types, "is_string_view", lambda _: False)(kind):
        texts = column.to_pylist()
        return (texts_with_missing(texts) if column.null_count else strings(texts, (len(texts),))), attrs
    if types.is_time(kind):
        target.lose(name, f"column of {kind}", "times of the day are kept as times since midnight", path)
        return _values(pa, column.cast(pa.int64() if kind.bit_width == 64 else pa.int32()).cast(pa.int64()).cast(
            pa.duration(kind.unit)), target, name, path)
    # Lists, structs, maps, decimals, bytes: values of Python, each of its own.
    return column.to_pylist(), attrs


def texts_with_missing(texts: list[Any]) -> Any:
    """Strings of which some are None."""
    kind = getattr(getattr(np, "dtypes", None), "StringDType", None)
    if kind is None:
        return np.array(texts, dtype=object)
    return np.array(texts, dtype=kind(na_object=None))


# Writing


def write(path: str, source: Source) -> None:
    """One table: of the record of columns, when that is all there is; else of all vectors of one length."""
    pa = library("pyarrow", "writing .parquet, .arrow and .feather files")
    names = list(source.names())
    attrs: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    if len(names) == 1 and isinstance(value := source.value(names[0]), dict):
        attrs = source.attributes(names[0])
        given = {key: (names[0], f".{key}", part) for key, part in value.items() if isinstance(key, str)}
        if len(given) < len(value):
            source.lose(names[0], "record", "names that are no texts have no column")
    else:
        given = {name: (name, "", source.value(name)) for name in names}
    length = None
    for column, (name, where, value) in given.items():
        try:
            made = _column(pa, value)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError, ValueError) as error:
            source.lose(name, type(value).__name__, f"it is no column: {error}", where)
            continue
        if length is not None and len(made) != length:
            source.lose(name, type(value).__name__, f"it has {len(made)} rows, where others have {length}", where)
            continue
        length = len(made)
        columns[column] = made
        if not where:
            for key in source.attributes(name):
                source.lose(name, "attribute", "columns have no attributes", f"<attributes>.{key}")
    kept = {}
    for key, value in attrs.items():
        if key == "columns":
            columns.update(_zones(pa, columns, value))
        elif isinstance(value, str):
            kept[key] = value
        else:
            source.lose(names[0], "attribute", "attributes of tables are texts", f"<attributes>.{key}")
    table = pa.table(columns, metadata=kept or None)
    if os.path.splitext(path)[1].lower() == ".parquet":
        library("pyarrow.parquet", "writing .parquet files", "pyarrow").write_table(table, path)
    else:
        with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, table.schema) as out:
            out.write_table(table)


def _zones(pa: Any, columns: dict[str, Any], told: Any) -> dict[str, Any]:
    made = {}
    for name, extra in (told.items() if isinstance(told, dict) else ()):
        zone = extra.get("timezone") if isinstance(extra, dict) else None
        if zone and name in columns and pa.types.is_timestamp(columns[name].type):
            made[name] = columns[name].cast(pa.timestamp(columns[name].type.unit, zone))
    return made


def _column(pa: Any, value: Any) -> Any:
    if isinstance(value, np.ma.MaskedArray):
        if value.ndim != 1:
            raise ValueError(f"its shape is {value.shape}")
        return pa.array(np.asarray(value.data), mask=np.ma.getmaskarray(value))
    if isinstance(value, np.ndarray):
        if value.ndim != 1:
            raise ValueError(f"its shape is {value.shape}")
        if value.dtype.kind in "TUO":
            return pa.array(value.tolist())
        # NaN and NaT are values, unless they were masked.
        if value.dtype.kind in "mM":
            unit = np.datetime_data(value.dtype)
            if unit[0] == "D" and unit[1] == 1 and value.dtype.kind == "M":
                return pa.array(value.astype("i8").astype("i4")).cast(pa.date32())
            if unit[0] in ("s", "ms", "us", "ns") and unit[1] == 1:
                kind = pa.timestamp(unit[0]) if value.dtype.kind == "M" else pa.duration(unit[0])
                return pa.array(np.asarray(value).view("i8")).cast(kind)
        return pa.array(value, from_pandas=False)
    if isinstance(value, (list, tuple)):
        return pa.array(list(value))
    raise TypeError(f"a {type(value).__name__} has no rows")
