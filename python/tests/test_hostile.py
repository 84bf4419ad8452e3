"""Promise: nothing in a file is trusted: what does not hold together is a stand-in or an error."""

from __future__ import annotations

import os
import pathlib
import sys

import numpy as np
import pytest

import achronyme_env as ach

BAD = [
    ("python.int", None, "1" * 100_000),
    ("python.int", None, "x"),
    ("python.int", None, [1]),
    ("python.set", None, [[1]]),
    ("python.set", None, [1, 1]),
    ("python.set", None, 5),
    ("python.dict", None, [[[], 1]]),
    ("python.dict", None, [1]),
    ("python.dict", None, [[1, 2], [1, 3]]),
    ("python.tuple", None, {"a": 1}),
    ("python.datetime", None, "2020"),
    ("python.datetime", {}, "x"),
    ("python.datetime", {"zone": {"key": "../../etc/passwd"}}, "2020-01-01T00:00:00"),
    ("python.timedelta", None, [10**18, 0, 0]),
    ("python.decimal", None, "x"),
    ("python.fraction", None, [1, 0]),
    ("python.uuid", None, b"x"),
    ("python.range", None, [1, 2, 0]),
    ("python.enum", {"class": "os.system"}, {"name": "x", "value": 1}),
    ("python.dataclass", {"class": "builtins.object"}, {"__class__": 1}),
    ("python.namedtuple", {"class": 3, "fields": 4}, []),
    ("python.pickle", None, b"cos\nsystem\n(S'x'\ntR."),
    ("python.defaultdict", {"factory": "eval"}, []),
    ("python.namespace", None, {"a": 1, "__class__": 3}),
    ("numpy.datetime64", {"unit": "D] ,O", "count": 1}, np.zeros(3, "i8")),
    ("numpy.datetime64", {"unit": "D", "count": 1}, np.zeros(3)),
    ("numpy.datetime64", None, None),
    ("numpy.structured", {"dtype": "|O"}, np.zeros((1, 8), "u1")),
    ("numpy.structured", {"dtype": "O"}, np.zeros((1, 8), "u1")),
    (
        "numpy.structured",
        {"dtype": {"names": ["a"], "formats": ["|O8"], "offsets": [0], "itemsize": 8}},
        np.zeros((1, 8), "u1"),
    ),
    (
        "numpy.structured",
        {"dtype": {"names": ["a"], "formats": ["<f8"], "offsets": [4], "itemsize": 8}},
        np.zeros((1, 8), "u1"),
    ),
    ("numpy.structured", {"dtype": "<f8"}, np.zeros((2, 4), "u1")),
    ("numpy.structured", {"dtype": "<f8"}, np.zeros((), "u1")),
    ("numpy.bytes", {"width": 5}, np.zeros((2, 4), "u1")),
    ("numpy.str", {"width": 2**31, "order": "C"}, np.array(["a"] * 4)),
    ("numpy.str", {"width": 10**9, "order": "C"}, "x"),
    ("numpy.str", {"width": 1, "order": "C", "shape": [1]}, np.array([[0x7FFFFFFF]], "u4")),
    ("numpy.object", {"shape": [2**62, 4], "order": "C"}, []),
    ("numpy.object", {"shape": [-1], "order": "C"}, []),
    ("numpy.fields", {"shape": [2**40]}, {"a": np.zeros(3)}),
    ("numpy.scalar", None, np.zeros(3)),
    ("numpy.masked", {"hard": True}, {"data": np.zeros(3), "mask": np.zeros(4, bool), "fill_value": None}),
    ("numpy.ml_dtypes", {"dtype": "finfo"}, np.zeros(3, "u1")),
    ("numpy.ml_dtypes", {"dtype": "__name__"}, np.zeros(3, "u1")),
    ("numpy.longdouble", {"dtype": "object", "bits": 3}, np.zeros((1, 8), "u1")),
    ("numpy.dtype", None, "O"),
    ("numpy.dtype", None, {"base": "f8", "shape": [-1]}),
    ("pandas.DataFrame", {"attrs": {}}, {"columns": 1, "index": 2, "values": []}),
    ("pandas.Categorical", {"ordered": False}, {"codes": np.array([5]), "categories": [1]}),
    ("pandas.nothing", None, None),
    ("other.host", {"a": 1}, [2]),
    ("", None, None),
]


@pytest.mark.parametrize("parts", BAD, ids=lambda parts: f"{parts[0]}-{str(parts[2])[:20]}")
def test_what_does_not_hold_together_is_a_stand_in_that_saves_unchanged(parts, tmp_path):
    before = set(sys.modules)
    value = ach.StandIn(*parts)
    ach.save(tmp_path / "a.ach", {"v": value, "in": {"list": [value, 1]}})
    result = ach.open(tmp_path / "a.ach")["v"]
    assert type(result) is ach.StandIn, result
    assert ach.open(tmp_path / "a.ach")["in"]["list"][1] == 1
    repr(result), dir(result)
    ach.save(tmp_path / "b.ach", {"v": result})
    assert (tmp_path / "b.ach").stat().st_size > 0
    assert type(ach.load(tmp_path / "a.ach", "v")) is ach.StandIn
    assert not {name for name in set(sys.modules) - before if name in ("antigravity", "this")}


def test_no_module_is_imported_because_a_file_names_it(tmp_path):
    assert "this" not in sys.modules
    for kind in ("python.enum", "python.dataclass", "python.namedtuple"):
        stand_in = ach.StandIn(kind, {"class": "this.Zen", "fields": []}, {"name": "a", "value": 1})
        ach.save(tmp_path / "a.ach", {"v": stand_in})
        ach.open(tmp_path / "a.ach")["v"], ach.load(tmp_path / "a.ach")
    assert "this" not in sys.modules


def test_every_flipped_byte_is_an_error_or_changes_nothing(tmp_path):
    values = {"a": np.arange(20), "b": {"t": (1, "x"), "s": {1, 2}}, "d": np.array(["x", "yy"])}
    path = tmp_path / "a.ach"
    ach.save(path, values)
    data = bytearray(path.read_bytes())
    flipped = tmp_path / "f.ach"
    for place in range(0, len(data), 11):
        data[place] ^= 0x40
        flipped.unlink(missing_ok=True)
        flipped.write_bytes(data)
        data[place] ^= 0x40
        for mmap in (True, False):
            try:
                found = ach.load(flipped, mmap=mmap, check=True)
            except ach.AchError:
                continue
            assert found["a"].tolist() == list(range(20)) and found["b"] == values["b"], place


def test_values_of_other_hosts_are_kept(tmp_path):
    samples = pathlib.Path(__file__).parents[2] / "tests" / "data"
    golden = sorted(pathlib.Path(os.environ.get("ACH_SAMPLES", samples)).rglob("*.ach"))
    assert golden
    seen = 0
    for path in golden:
        try:
            ws = ach.open(path)
            values = dict(ws)
        except (ach.Version1Error, ach.DamagedError, ach.UnsupportedError, ach.NotAnArchiveError):
            continue
        report = ach.save(tmp_path / "copy.ach", values)
        again = ach.open(tmp_path / "copy.ach")
        assert list(again) == list(ws) and again.verify()
        kinds = [(row[0], row[1], row[2], row[3]) for row in ws._archive.listing(0, 1000)]
        assert kinds == [(row[0], row[1], row[2], row[3]) for row in again._archive.listing(0, 1000)]
        seen += 1
    assert seen
