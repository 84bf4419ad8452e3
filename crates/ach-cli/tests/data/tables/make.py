"""Makes the fixtures of this directory with pyarrow (26.0.1): python make.py"""

import datetime
import decimal

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

words = ["ada", None, "grace", ""]
plain = {
    "i8": pa.array([1, -2, 3, 4], pa.int8()),
    "u64": pa.array([1, 2, 2**64 - 1, 0], pa.uint64()),
    "f64": pa.array([0.5, float("nan"), -0.0, 1e300]),
    "f16": pa.array([0.5, 1.0, 2.0, -1.0], pa.float16()),
    "gaps": pa.array([1, None, 3, None], pa.int64()),
    "flag": pa.array([True, False, None, True]),
    "word": pa.array(words),
    "view": pa.array(words, pa.string_view()),
    "raw": pa.array([b"\x00", None, b"", b"abc"]),
    "city": pa.array(["x", "y", None, "x"]).dictionary_encode(),
    "when": pa.array([0, 1, None, -1], pa.timestamp("us")),
    "zoned": pa.array([0, 1, None, -1], pa.timestamp("ms", "Europe/Berlin")),
    "day": pa.array([datetime.date(2026, 1, 2)] * 3 + [None]),
    "noon": pa.array([datetime.time(12, 30)] * 4, pa.time64("us")),
    "span": pa.array([1, 2, None, 3], pa.duration("ns")),
    "price": pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("-3.50"), decimal.Decimal(0)], pa.decimal128(9, 2)),
    "pair": pa.array([[1, 2], [3, 4], [5, 6], [7, 8]], pa.list_(pa.float32(), 2)),
    "tags": pa.array([["a"], [], None, ["b", None]]),
    "runs": pa.array([[1, 2], None, [], [3]], pa.list_(pa.int32())),
    "point": pa.array([{"x": 1, "y": "a"}, {"x": None, "y": "b"}, {"x": 3, "y": None}, {"x": 4, "y": "d"}]),
    "talk": pa.array([[{"role": "a", "n": 1}], [], None, [{"role": "b", "n": None}]]),
}
schema = pa.schema(
    [pa.field(name, array.type, metadata={"unit": "kg"} if name == "f64" else None) for name, array in plain.items()],
    metadata={"origin": "pyarrow"},
)
table = pa.table(list(plain.values()), schema=schema)
twice = pa.concat_tables([table, table.slice(1, 2)]).unify_dictionaries()


def write_ipc(new, name, table, **options):
    with new(name, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)


write_ipc(pa.ipc.new_file, "plain.arrow", table)
write_ipc(pa.ipc.new_file, "twice.arrow", twice)
write_ipc(pa.ipc.new_stream, "stream.arrow", twice)
write_ipc(pa.ipc.new_file, "zstd.arrow", table, compression="zstd")
pa.feather.write_feather(table, "lz4.feather", compression="lz4")
# Parquet has neither of these types as they are.
columns = [name for name in plain if name not in ("view", "span")]
for codec in ("zstd", "snappy", "gzip", "lz4", "none"):
    pa.parquet.write_table(twice.select(columns), f"{codec}.parquet", compression=codec, row_group_size=4)
