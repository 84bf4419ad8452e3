"""Promise: an open file is a mapping whose arrays are views of it."""

from __future__ import annotations

import copy
import gc
import html.parser
import multiprocessing
import os
import pickle
import sys
import threading

import numpy as np
import pytest

import achronyme_env as ach

SHAPE = (200, 30, 7)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run.ach"
    big = np.arange(np.prod(SHAPE), dtype=np.float64).reshape(SHAPE)
    values = {
        "weights": big,
        "fortran": np.asfortranarray(big[:, :, 0]),
        "cfg": {"lr": 1e-3, "tags": ["a", None], "shape": (3, 4), "a b": {"c.d": 1}},
        "sim/x": 1,
        "sim/y": np.arange(5),
        "cold": big.astype("f4"),
        "dates": np.arange(10).astype("M8[D]"),
        "zero": np.array(5.0),
        "text": "t" * 100_000,
    }
    ach.save(path, values, cold=["cold"], attrs={"weights": {"units": "K"}})
    return path


ROADS = pytest.mark.parametrize("mmap", [True, False, "auto"])


@ROADS
def test_it_is_a_mapping(path, mmap):
    ws = ach.open(path, mmap=mmap)
    assert list(ws)[:3] == ["weights", "fortran", "cfg"] and len(ws) == 9
    assert "cfg" in ws and "none" not in ws and 3 not in ws
    assert ws.get("none", 5) == 5 and dict(ws.items())["sim/x"] == 1
    assert list(ws.keys()) == ws.names()
    with pytest.raises(KeyError):
        ws["none"]


@ROADS
def test_arrays_are_read_only_views_that_keep_the_file(path, mmap):
    array = ach.open(path, mmap=mmap)["weights"]
    gc.collect()
    os.replace(path, str(path) + ".moved")
    assert array.sum() == sum(range(int(np.prod(SHAPE))))
    assert not array.flags.writeable and not array.flags.owndata and array.flags.aligned
    assert array.__array_interface__["data"][0] % 64 == 0
    with pytest.raises(ValueError):
        array[0] = 1
    with pytest.raises(ValueError):
        array.flags.writeable = True
    assert memoryview(array).readonly


def test_a_mapped_array_is_not_copied(path):
    ws = ach.open(path, mmap=True)
    first, second = ws["weights"], ws["weights"]
    assert np.shares_memory(first, second) and np.shares_memory(first, ws["weights", 10:20])


@ROADS
@pytest.mark.parametrize("name", ["weights", "cold", "fortran", "dates"])
@pytest.mark.parametrize(
    "index",
    [
        (0,),
        (-1,),
        (slice(100, 200),),
        (slice(100, 200), slice(None, None, 2)),
        (Ellipsis, 0),
        (slice(None, None, -1),),
        (slice(-1, -100, -7), 3),
        (slice(500, 600),),
        (slice(5, 2),),
        (1, 2),
        (..., slice(1, 3)),
        (slice(0, 0),),
        (...,),
        (None, 0),
        ([0, 2],),
        (slice(3, None),),
    ],
    ids=repr,
)
def test_slices_are_those_of_numpy(path, mmap, name, index):
    ws = ach.open(path, mmap=mmap)
    whole = ws[name]
    try:
        expected = whole[index]
    except IndexError:
        with pytest.raises(IndexError):
            ws[(name, *index)]
        return
    part = ws[(name, *index)]
    assert type(part) is type(expected) and part.dtype == expected.dtype
    assert np.array_equal(part, expected) and np.shape(part) == np.shape(expected)


def test_a_name_alone_in_a_tuple_is_the_whole(path):
    ws = ach.open(path)
    assert np.array_equal(ws["weights",], ws["weights"]) and ws["cfg",] == ws["cfg"]


def test_a_name_that_cannot_be_is_no_name(path):
    ws = ach.open(path)
    assert "\udc80" not in ws and ws.get("\udc80") is None and "\udc80" not in ws.attrs
    for key in ("\udc80", ("\udc80", 0), 3, (), None):
        with pytest.raises(ach.NotFoundError) as caught:
            ws[key]
        assert caught.value.path == str(path)


OTHER_INDEXES = [
    np.int64(3),
    np.uint8(2),
    (np.int32(-1), 0),
    (np.arange(200) % 3 == 0,),
    (np.array([0, 5]), np.array([1, 2])),
    (slice(None), [0, 2]),
    (None, ..., None),
    True,
    np.bool_(False),
]


@ROADS
@pytest.mark.parametrize("name", ["weights", "cold"])
@pytest.mark.parametrize("index", OTHER_INDEXES, ids=repr)
def test_every_index_that_numpy_takes_is_taken(path, mmap, name, index):
    ws = ach.open(path, mmap=mmap)
    expected = ws[name][index]
    part = ws[(name, *index) if isinstance(index, tuple) else (name, index)]
    assert type(part) is type(expected) and np.array_equal(part, expected) and np.shape(part) == np.shape(expected)


def test_parts_of_values_that_are_no_plain_arrays(tmp_path):
    values = {
        "texts": np.array([["a", "bb"], ["c", "d"]]),
        "bytes": np.array([b"a", b"bb"]),
        "records": np.array([(1, 2.0), (3, 4.0)], [("a", "i4"), ("b", "f8")]),
        "list": [1, [2, 3]],
        "tuple": (1, 2, 3),
    }
    ach.save(tmp_path / "a.ach", values)
    ws = ach.open(tmp_path / "a.ach")
    assert ws["texts", 0, 1] == "bb" and ws["texts", :, 0].tolist() == ["a", "c"] and ws["bytes", 1] == b"bb"
    assert ws["records", "a"].tolist() == [1, 3] and ws["records", 1] == values["records"][1]
    assert ws["list", 1] == [2, 3] and ws["tuple", 1:] == (2, 3)
    with pytest.raises(TypeError):
        ws["list", 1, 0]


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="file descriptors are counted in /proc")
def test_files_that_were_closed_are_closed(path):
    ach.load(path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3000):
        ach.open(path).close()
    kept = [ach.load(path) for _ in range(100)]
    assert len(os.listdir("/proc/self/fd")) == before
    views = [ach.open(path)["weights"] for _ in range(100)]
    del views, kept
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_workspace_does_not_gather_what_it_hands_out(tmp_path):
    ach.save(tmp_path / "a.ach", {"s": ach.StandIn("other.host", None, 1)})
    ws = ach.open(tmp_path / "a.ach")
    for _ in range(10):
        ws["s"]
    assert not ws._context.missing


def test_every_use_of_a_closed_workspace_says_that_it_is_closed(path):
    with ach.open(path) as ws:
        attrs = ws.attrs
    for use in [
        lambda: attrs["weights"],
        lambda: len(ws),
        lambda: "x" in ws,
        lambda: list(ws),
        lambda: ws.info,
        lambda: ws.verify(),
        lambda: ws.load("cfg"),
        lambda: ws["weights", 0],
        lambda: ws.at("cfg.lr"),
        lambda: ws.mapped,
    ]:
        with pytest.raises(ach.ClosedError):
            use()
    assert "closed" in ws._repr_html_() and pickle.loads(pickle.dumps(ws))["cfg"]["lr"] == 1e-3


def test_an_index_beyond_the_end_is_an_index_error(path):
    ws = ach.open(path)
    for index in [(200,), (0, -31), (0, 0, 0, 0)]:
        with pytest.raises(IndexError):
            ws[("weights", *index)]
    with pytest.raises(ach.SliceError, match="index 200 is out of bounds for axis 0"):
        ws["weights", 200]
    with pytest.raises(KeyError):
        ws["none", 3]
    assert ws["zero", ...] == 5 and ws["cfg", "lr"] == 1e-3


@ROADS
def test_paths_into_values(path, mmap):
    ws = ach.open(path, mmap=mmap)
    assert ws.at("cfg.lr") == 1e-3 and ws.at("cfg.tags[-1]") is None and ws.at("sim/x") == 1
    assert ws.at("cfg.shape[1]") == 4
    assert ws.at("weights[3, 4:6, 0]").tolist() == ws["weights"][3, 4:6, 0].tolist()
    for bad in ["cfg.none", "cfg.shape[9]", "cfg.lr.x"]:
        with pytest.raises((ach.NoSuchPartError, ach.WrongKindError)):
            ws.at(bad)
    with pytest.raises(KeyError):
        ws.at("none.x")


def test_names_by_pattern(path):
    ws = ach.open(path)
    assert ws.names("sim/*") == ["sim/x", "sim/y"] and ws.names("none*") == []
    with pytest.raises(ach.PathSyntaxError):
        ws.names("[z")


def test_the_with_statement_closes(path):
    with ach.open(path) as ws:
        array = ws["weights"]
    assert array[0, 0, 1] == 1
    with pytest.raises(ach.ClosedError):
        ws["weights"]
    assert "closed" in repr(ws)
    ws.close()


@ROADS
def test_it_pickles_by_path(path, mmap):
    ws = ach.open(path, mmap=mmap)
    data = pickle.dumps(ws)
    assert len(data) < 1000
    again = pickle.loads(data)
    assert again["cfg"] == ws["cfg"] and again.mapped == ws.mapped
    assert copy.copy(ws)["sim/x"] == 1


def total(ws):
    return float(ws["weights"].sum())


def test_other_processes_open_it_by_path(path):
    ws = ach.open(path)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(total, [ws, ws]) == [total(ws)] * 2


def test_reading_in_many_threads(path):
    ws = ach.open(path)
    expected = total(ws)
    wrong = []

    def read():
        for _ in range(20):
            if total(ws) != expected or ws["cold"].sum() <= 0 or ws.at("cfg.lr") != 1e-3:
                wrong.append(1)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_repr_and_html_show_the_variables(path):
    ws = ach.open(path)
    text = repr(ws)
    assert "weights" in text and "float64" in text and "(200, 30, 7)" in text and "units" in text
    shown = ws._repr_html_()
    html.parser.HTMLParser().feed(shown)
    assert "<td>weights</td>" in shown and "compressed" not in shown


def test_names_cannot_write_on_the_terminal_or_the_page(tmp_path):
    ach.save(tmp_path / "a.ach", {"<script>x</script>\x1b[31m": 1})
    ws = ach.open(tmp_path / "a.ach")
    assert "<script>" not in ws._repr_html_() and "\x1b" not in repr(ws)


def test_a_look_reads_no_payload(tmp_path):
    """Every byte of array data is wrong, and nobody notices before it is asked for."""
    path = tmp_path / "a.ach"
    marker = np.full(100_000, 0x5A5A5A5A, np.int32)
    ach.save(path, {"a": marker, "b": {"c": marker + 1, "d": "x"}})
    data = path.read_bytes()
    path.write_bytes(data.replace(marker[:1000].tobytes(), bytes(4000)))
    ws = ach.open(path)
    repr(ws), ws._repr_html_(), ws.info, list(ws), ws.attrs["a"]
    with pytest.raises(ach.DamagedError) as caught:
        ws["a"]
    assert caught.value.name == "a" and caught.value.path == str(path)
    with pytest.raises(ach.DamagedError):
        ach.load(path, "a")
    report = ws.verify()
    assert not report and report.faults[0].variables == ["a"]
    assert not ws.verify("a") and ws.verify("b")


def test_dlpack_and_the_array_interface(path):
    array = ach.open(path)["weights"]
    assert array.__array_interface__["data"][1] is True
    if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
        again = np.from_dlpack(array)
        assert np.shares_memory(again, array) and not again.flags.writeable


def test_ml_dtypes_is_asked_for_where_it_is_missing(tmp_path, monkeypatch):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    path = tmp_path / "a.ach"
    ach.save(path, {"b": np.zeros(3, ml_dtypes.bfloat16)})
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(ach.UnsupportedError, match="install ml_dtypes"):
        ach.open(path)["b"]


def test_the_table_shows_the_shapes_that_arrays_have(tmp_path):
    arrays = {
        "numbers": np.zeros((2, 3)),
        "dates": np.zeros((2, 3), "M8[s]"),
        "records": np.zeros((2, 3), "i4,f8"),
        "bytes": np.full((2, 3), b"abc"),
        "strings": np.full((2, 3), "abc"),
        "halves": np.full((2, 3), "\ud800"),
        "objects": np.full((2, 3), None),
        "fields": np.zeros((2, 3), "O,i4"),
        "long": np.zeros((2, 3), np.longdouble),
    }
    fortran = {f"{name} in Fortran order": np.asfortranarray(array) for name, array in arrays.items()}
    path = tmp_path / "a.ach"
    assert not ach.save(path, arrays | fortran).lost
    lines = repr(ach.open(path)).splitlines()[1:]
    assert len(lines) == 18 and all("(2, 3)" in line for line in lines), lines


def test_the_views_of_a_workspace_say_what_they_are(path):
    ws = ach.open(path)
    assert repr(ws.keys()) == f"<names {list(ws)}>"
    assert repr(ws.items()) == f"<items of {ws.path}>" and repr(ws.values()) == f"<values of {ws.path}>"
    assert [name for name, _ in ws.items()] == list(ws) and len(ws.values()) == len(ws)
    assert ws.keys() & {list(ws)[0]} == {list(ws)[0]}


@pytest.mark.parametrize("mmap", [True, False])
def test_checking_everything_tells_how_far_it_is(mmap, tmp_path):
    path = tmp_path / "a.ach"
    array = np.random.default_rng(0).random(12_000_000)
    ach.save(path, {"a": array, "b": array[::-1]}, durable=False)
    told: list = []
    with ach.open(path, mmap=mmap) as ws:
        assert ws.verify(progress=lambda *pair: told.append(pair))

        def enough(done, total):
            raise RuntimeError("enough")

        with pytest.raises(RuntimeError, match="enough"):
            ws.verify(progress=enough)
    # Each byte as it is stored, and again as it is unpacked.
    assert told and all(0 <= done <= total == 4 * array.nbytes for done, total in told)
    assert told == sorted(told)


@pytest.mark.parametrize("mmap", [True, False])
def test_only_without_checks_is_a_flipped_bit_a_wrong_number(mmap, tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {"a": np.arange(100_000), "b": 1}, durable=False)
    data = bytearray(path.read_bytes())
    data[data.find(np.arange(500, 502).tobytes())] ^= 1
    path.write_bytes(data)
    with pytest.raises(ach.DamagedError):
        ach.open(path, mmap)["a"]
    trusting = ach.open(path, mmap, check=False)
    assert trusting["a"][500] == 501 and pickle.loads(pickle.dumps(trusting))["a"][500] == 501
    assert not trusting.verify()
