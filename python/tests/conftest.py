from __future__ import annotations

import dataclasses
import decimal
import math
from typing import Any

import numpy as np
import pytest

import achronyme_env as ach


def same(a: Any, b: Any) -> bool:
    """The same type and value, bit for bit, all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if isinstance(a, np.ma.MaskedArray):
            return same(np.asarray(a.data), np.asarray(b.data)) and same(
                np.ma.getmaskarray(a), np.ma.getmaskarray(b)
            )
        if a.dtype.char in "gG":
            return np.array_equal(a, b)
        if a.dtype.hasobject or a.dtype.kind == "T":
            return all(map(same, a.ravel().tolist(), b.ravel().tolist()))
        return a.tobytes() == b.tobytes()
    if isinstance(a, decimal.Decimal):
        return str(a) == str(b)
    if isinstance(a, np.generic) and a.dtype.char in "gG":
        # Not all of its bytes are of the number.
        return a == b
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b) or (a != a and b != b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(k, l) and same(a[k], b[l]) for k, l in zip(a, b))
    if isinstance(a, (set, frozenset)):
        return a == b and sorted(type(x).__name__ for x in a) == sorted(type(x).__name__ for x in b)
    if dataclasses.is_dataclass(a):
        return same(vars(a), vars(b)) if hasattr(a, "__dict__") else a == b
    return bool(a == b)


@pytest.fixture
def back(tmp_path):
    """Saves a value and gives back what both roads read, after saving it again from there."""

    def back(value: Any, **options: Any) -> Any:
        path = tmp_path / "value.ach"
        again = tmp_path / "again.ach"
        report = ach.save(path, {"value": value})
        assert report.lost == []
        results = []
        for mmap in (True, False):
            ws = ach.open(path, mmap=mmap, **options)
            results.append(ws["value"])
            assert ws.verify()
            results.append(ach.load(path, "value", mmap=mmap, **options))
        ach.save(again, {"value": results[0]})
        results.append(ach.open(again, **options)["value"])
        for result in results[1:]:
            assert same(result, results[0]), (result, results[0])
        return results[0]

    return back
