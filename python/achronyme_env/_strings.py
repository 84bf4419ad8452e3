"""Arrays of strings: a shape, offsets, and the bytes of all strings one after the other."""

from __future__ import annotations

import numpy as np

# An array of fixed width may take this many bytes, or this many times what the file has for it.
FIXED_BYTES = 256 << 20
FIXED_TIMES = 64


def pack(texts: list) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and bytes of `texts`; UnicodeEncodeError for lone surrogates."""
    joined = "".join(texts)
    offsets = np.zeros(len(texts) + 1, np.uint64)
    if joined.isascii():
        data = joined.encode("ascii")
        lengths = map(len, texts)
    else:
        parts = [text.encode("utf-8") for text in texts]
        data = b"".join(parts)
        lengths = map(len, parts)
    np.cumsum(np.fromiter(lengths, np.uint64, len(texts)), out=offsets[1:])
    return offsets, np.frombuffer(data, np.uint8)


def unpack(offsets: np.ndarray, data: np.ndarray) -> list:
    """The texts; ValueError when offsets and bytes do not hold together."""
    ends = offsets.tolist()
    joined = data.tobytes()
    if ends[-1] > len(joined) or any(a > b for a, b in zip(ends, ends[1:])):
        raise ValueError("the offsets of a string array are out of order")
    if joined.isascii():
        text = joined.decode("ascii")
        return [text[a:b] for a, b in zip(ends, ends[1:])]
    return [joined[a:b].decode("utf-8") for a, b in zip(ends, ends[1:])]


def fits(count: int, width: int, data_bytes: int) -> bool:
    """Whether an array of fixed width is no larger than the bytes that stand for it warrant."""
    size = count * width * 4
    return size <= FIXED_BYTES or size <= FIXED_TIMES * (data_bytes + 8 * count)


def variable(texts: list, shape: tuple) -> np.ndarray:
    """An array of variable-width strings; of objects before NumPy 2."""
    kinds = getattr(np, "dtypes", None)
    kind = getattr(kinds, "StringDType", None)
    array = np.empty(len(texts), dtype=kind() if kind is not None else object)
    array[:] = texts
    return array.reshape(shape)
