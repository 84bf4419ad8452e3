"""Files with an array that is far larger than what they take on the disk."""

from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np

import achronyme_env as ach

BLOCK = 64 << 10


def zeros(path: Path, length: int) -> None:
    """Writes an archive of `big`, `length` bytes of zeros that are a hole in the file, and `x`.

    A small archive is taken, and its numbers are made large (docs/format.md, sections 3 to 6).
    """
    assert length % (2 * BLOCK) == 0
    ach.save(path, {"big": np.zeros(2 * BLOCK, np.uint8), "x": 1}, durable=False)
    data = bytearray(path.read_bytes())

    def get(at: int) -> int:
        return struct.unpack_from("<Q", data, at)[0]

    def put(at: int, value: int, form: str = "<Q") -> None:
        struct.pack_into(form, data, at, value)

    table, table_len = get(40), get(48)
    body = table + get(table + 16)
    extent, shape = table + get(table + 56), table + get(table + 72)
    start = get(extent)
    block_sum = zlib.crc32(bytes(BLOCK)).to_bytes(4, "little")
    sums = block_sum * (length // BLOCK)
    file_len = start + length + len(sums) + 32
    put(table, file_len)
    put(table + 184, start + length - get(table + 176))
    put(table + 192, start + length)
    put(table + 200, len(sums))
    put(extent + 8, length)
    put(extent + 16, length)
    put(extent + 24, start + length)
    put(extent + 32, zlib.crc32(sums), "<I")
    put(shape, length)
    for page, at in enumerate(range(body, table + table_len, 4096)):
        end = min(at + 4096, table + table_len)
        put(table + 256 + 4 * page, zlib.crc32(data[at:end]), "<I")
    put(56, zlib.crc32(data[table:body]), "<I")
    put(60, zlib.crc32(data[:60]), "<I")
    head = bytes(data[:64] + data[table : table + table_len])
    pieces = (head[at : at + (1 << 20)] for at in range(0, len(head), 1 << 20))
    root = hashlib.sha256(b"".join(hashlib.sha256(piece).digest() for piece in pieces))
    with open(path, "wb") as file:
        file.write(data[:start])
        file.seek(start + length)
        file.write(sums + root.digest())
