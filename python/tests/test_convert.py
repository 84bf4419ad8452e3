"""Promise: files of other formats become archives and archives become them; what cannot be kept is
told, and nothing is dropped in silence."""

from __future__ import annotations

import datetime
import decimal
import importlib.util
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import achronyme_env as ach

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits on data are those of Linux")


def told(report):
    return {f"{item.name}{item.path}" for item in report.lost}


def run(*arguments):
    command = [sys.executable, "-m", "achronyme_env", "convert", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def h5(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", track_order=True) as f:
        f.attrs["title"] = "a run"
        f.attrs["version"] = np.int64(3)
        f["scalar"] = 2.5
        f["big"] = np.arange(6, dtype=">f8").reshape(2, 3)
        f["half"] = np.arange(3, dtype="f2")
        f["flags"] = np.array([True, False])
        f["z"] = np.array([1 + 2j, 3])
        g = f.create_group("sim/run")
        d = g.create_dataset("field", (300, 400), "f4", chunks=(64, 64), compression="gzip", shuffle=True)
        d[...] = np.arange(120_000).reshape(300, 400)
        d.attrs["units"] = "K"
        d.attrs["range"] = [200.0, 330.0]
        d.attrs["names"] = np.array(["a", "b"], dtype=object)
        d.attrs["fixed"] = np.bytes_("fest")
        g.attrs["kind"] = "test"
        f.create_group("empty")
        f["text"] = "grün"
        f["texts"] = np.array([["a", "grün"], ["", "x" * 100]], dtype=object)
        f["fixed"] = np.array([b"ab", b"c"])
        f["table"] = np.array([(1, 2.5, b"x"), (2, 3.5, b"yz")], dtype=[("n", "i4"), ("x", "f8"), ("s", "S2")])
        mixed = np.dtype([("n", "i4"), ("s", h5py.string_dtype())])
        f.create_dataset("mixed", data=np.array([(1, "one"), (2, "zwö")], dtype=mixed))
        ragged = f.create_dataset("ragged", (2,), dtype=h5py.vlen_dtype(np.int32))
        ragged[0], ragged[1] = [1, 2, 3], [4]
        colours = h5py.enum_dtype({"RED": 0, "BLUE": 5}, basetype="u1")
        f.create_dataset("colour", data=np.array([0, 5, 0], "u1"), dtype=colours)
        f["none"] = h5py.Empty("f8")
        f.create_dataset("nothing", (0, 4), "i8")
        f["scale"] = np.arange(300.0)
        f["scale"].make_scale("time")
        d.dims[0].attach_scale(f["scale"])
        # What cannot be kept, or not as it is.
        f["pointers"] = np.array([f["scalar"].ref, g.ref], dtype=h5py.ref_dtype)
        f["dangling"] = h5py.SoftLink("/nowhere")
        f["soft"] = h5py.SoftLink("/scalar")
        f["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
        f["sim/up"] = f["/"]
        f["type"] = np.dtype("f8")
    return path


def test_what_hdf5_holds_is_kept_and_the_rest_is_told(h5, tmp_path):
    report = ach.convert(h5, tmp_path / "x.ach")
    ws = ach.open(tmp_path / "x.ach")
    assert ws.verify() and report.variables == len(ws)
    assert ws.attrs["/"] == {"title": "a run", "version": 3} and ws["/"] == {}
    assert ws["scalar"] == 2.5 and ws["soft"] == 2.5
    assert ws["big"].dtype == np.float64 and ws["big"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert ws["half"].dtype == np.float16 and ws["flags"].dtype == bool and ws["z"].tolist() == [1 + 2j, 3]
    field = ws["sim/run/field"]
    assert field.dtype == np.float32 and np.array_equal(field.reshape(-1), np.arange(120_000))
    attrs = ws.attrs["sim/run/field"]
    assert attrs["units"] == "K" and attrs["fixed"] == "fest" and attrs["dims"] == [["scale"], []]
    assert attrs["range"].tolist() == [200, 330] and attrs["names"].tolist() == ["a", "b"]
    assert ws["sim/run"] == {} and ws.attrs["sim/run"] == {"kind": "test"} and ws["empty"] == {}
    assert ws["text"] == "grün" and ws["texts"].tolist() == [["a", "grün"], ["", "x" * 100]]
    assert ws["fixed"].tolist() == [b"ab", b"c"] and ws["table"].tolist() == [(1, 2.5, b"x"), (2, 3.5, b"yz")]
    assert ws["mixed"].tolist() == [(1, "one"), (2, "zwö")]
    assert [part.tolist() for part in ws["ragged"]] == [[1, 2, 3], [4]]
    assert ws["colour"].tolist() == [0, 5, 0] and ws.attrs["colour"] == {"enum": {"RED": 0, "BLUE": 5}}
    assert ws["none"] is None and ws["nothing"].shape == (0, 4)
    assert ws["pointers"].tolist() == ["/scalar", "/sim/run"]
    assert told(report) == {"none", "pointers", "dangling", "elsewhere", "sim/up", "type"}
    assert not {"dangling", "elsewhere", "type"} & set(ws)


@pytest.mark.parametrize("chunk", [1, 1000, 64 * 400 * 4, 1 << 30])
def test_parts_of_any_size_make_the_same_archive(h5, chunk, tmp_path):
    ach.convert(h5, tmp_path / "x.ach", chunk=chunk)
    ws = ach.open(tmp_path / "x.ach")
    assert ws.verify() and np.array_equal(ws["sim/run/field"].reshape(-1), np.arange(120_000))
    assert ws["big"].tolist() == [[0, 1, 2], [3, 4, 5]] and ws["nothing"].shape == (0, 4)


def test_patterns_choose_and_one_that_matches_nothing_is_an_error(h5, tmp_path):
    report = ach.convert(h5, tmp_path / "x.ach", only=["sim/*", "flags"])
    assert set(ach.open(tmp_path / "x.ach")) == {"sim/run", "sim/run/field", "flags"}
    assert report.variables == 3
    with pytest.raises(ach.InvalidValueError, match="'nope\\*'"):
        ach.convert(h5, tmp_path / "y.ach", only=["flags", "nope*"])
    assert not (tmp_path / "y.ach").exists()


def test_an_existing_file_stays_unless_it_is_to_be_replaced(h5, tmp_path):
    out = tmp_path / "x.ach"
    ach.save(out, {"old": 1})
    with pytest.raises(ach.AlreadyExistsError, match="--overwrite"):
        ach.convert(h5, out)
    assert list(ach.open(out)) == ["old"]
    with pytest.raises(ach.LossyError) as caught:
        ach.convert(h5, out, overwrite=True, strict=True)
    assert len(caught.value.lost) == 6 and list(ach.open(out)) == ["old"]
    ach.convert(h5, out, overwrite=True)
    assert "scalar" in ach.open(out)


def test_compressed_variables_of_the_archive(h5, tmp_path):
    ach.convert(h5, tmp_path / "x.ach", cold="sim/*", chunk=1000)
    assert ach.open(tmp_path / "x.ach").info.compressed
    ach.convert(h5, tmp_path / "y.ach", compress=True, chunk=1000)
    ws = ach.open(tmp_path / "y.ach")
    assert ws.verify() and ws["sim/run/field"][299, 399] == 119_999


def test_a_dataset_that_cannot_be_read_is_told_and_the_others_are_kept(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.h5", "w") as f:
        data = f.create_dataset("a", data=np.arange(100_000.0), chunks=(1000,), compression="gzip")
        place = data.id.get_chunk_info(0).byte_offset
        f["b"] = 1
    raw = bytearray((tmp_path / "x.h5").read_bytes())
    raw[place : place + 50] = bytes(50)
    (tmp_path / "x.h5").write_bytes(raw)
    report = ach.convert(tmp_path / "x.h5", tmp_path / "x.ach", chunk=8000)
    assert told(report) == {"a"} and list(ach.open(tmp_path / "x.ach")) == ["b"]


def test_values_that_stand_in_other_files_are_told_and_not_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"nobody's business")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["d"] = np.arange(5)
        file["g/d"] = np.arange(5)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["own"] = np.arange(4)
        file.create_dataset("raw", (17,), "u1", external=[(str(secret), 0, 17)])
        for name, where, what in [("virtual", "other.h5", "d"), ("inner", ".", "own"), ("chained", ".", "raw")]:
            layout = h5py.VirtualLayout((4,), "i8")
            layout[:] = h5py.VirtualSource(where, what, shape=(4,))
            file.create_virtual_dataset(name, layout)
        file["link"] = h5py.ExternalLink("other.h5", "/")
        file["through"] = h5py.SoftLink("/link/g")
        file["straight"] = h5py.SoftLink("/link/d")
        # What it counts is no date, and stays a number.
        file["own"].attrs["numpy.dtype"] = "<f8"
        h5py.h5d.create(file.id, b"when", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((3,)))
    report = ach.convert(tmp_path / "x.h5", tmp_path / "x.ach")
    told = {item.name: item.why for item in report.lost}
    assert sorted(told) == ["chained", "link", "raw", "straight", "through", "virtual", "when"]
    assert "secret.txt" in told["raw"] and "other.h5" in told["virtual"] and "dtype" in told["when"]
    found = ach.open(tmp_path / "x.ach")
    assert sorted(found) == ["inner", "own"]
    np.testing.assert_array_equal(found["own"], np.arange(4))
    np.testing.assert_array_equal(found["inner"], np.arange(4))


def test_mat_files_of_version_7_3_read_no_other_file(tmp_path):
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"nobody's business")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["d"] = np.arange(6.0).reshape(2, 3)
    with h5py.File(tmp_path / "x.mat", "w", userblock_size=512) as file:
        file["own"] = np.arange(6.0).reshape(2, 3)
        file["link"] = h5py.ExternalLink("other.h5", "/d")
        file.create_dataset("raw", (1, 17), "u1", external=[(str(secret), 0, 17)])
        file.create_dataset("s/part", (1, 17), "u1", external=[(str(secret), 0, 17)])
    with open(tmp_path / "x.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(128))
    report = ach.convert(tmp_path / "x.mat", tmp_path / "x.ach")
    assert {item.name for item in report.lost} == {"link", "raw", "s"}
    found = ach.open(tmp_path / "x.ach")
    assert sorted(found) == ["own", "s"]
    assert found["s"] == {"part": None}


def test_members_of_one_name_stay_apart(tmp_path):
    ach.save(tmp_path / "x.ach", {"a": {"b": np.arange(3)}, "a.b": np.arange(4), "/c": np.arange(5), "c": np.arange(6)})
    report = ach.convert(tmp_path / "x.ach", tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as found:
        assert sorted(len(found[name]) for name in found.files) == [3, 4, 5, 6]
        assert len(set(found.files)) == 4
    assert len(report.lost) == 2 and all("another member" in item.why for item in report.lost)


@LINUX
def test_a_dataset_larger_than_memory_is_converted_both_ways(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.h5", "w") as f:
        data = f.create_dataset("a", (256, 1 << 17), "f8", chunks=(1, 1 << 15), compression="lzf")
        for row in range(256):
            data[row] = row
    script = f"""
    import resource, achronyme_env as ach, h5py
    used = [int(l.split()[1]) << 10 for l in open("/proc/self/status") if l.startswith("VmData")][0]
    resource.setrlimit(resource.RLIMIT_DATA, (used + (64 << 20),) * 2)
    ach.convert("x.h5", "x.ach", chunk=8 << 20)
    ws = ach.open("x.ach")
    assert ws.verify() and ws["a", 200, -1] == 200
    ach.convert("x.ach", "y.h5", chunk=8 << 20)
    with h5py.File("y.h5") as f:
        assert f["a"].shape == (256, 1 << 17) and f["a"][255, 0] == 255
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(tmp_path)) == ["x.ach", "x.h5", "y.h5"]


# What every format is given on the way back.
VALUES = {
    "/": {},
    "sim/field": np.arange(6, dtype="f4").reshape(2, 3),
    "sim/fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big": np.arange(100_000.0).reshape(1000, 100),
    "flags": np.array([True, False]),
    "z": np.array([1 + 2j, 3]),
    "x": 2.5,
    "n": 7,
    "text": "grün",
    "texts": np.array(["a", "grün"]),
    "days": np.arange(3).astype("M8[D]"),
    "cfg": {"lr": 1e-3, "layers": np.array([64, 32]), "inner": {"name": "n"}},
}
ATTRS = {"sim/field": {"units": "K", "range": np.array([1.0, 2.0])}, "/": {"title": "a run"}}


def test_an_archive_becomes_hdf5_and_comes_back(tmp_path):
    h5py = pytest.importorskip("h5py")
    ach.save(tmp_path / "a.ach", VALUES, attrs=ATTRS)
    report = ach.convert(tmp_path / "a.ach", tmp_path / "a.h5")
    assert report.lost == [] and report.variables == len(VALUES)
    with h5py.File(tmp_path / "a.h5") as f:
        assert f.attrs["title"] == "a run" and f["sim/field"].attrs["units"] == "K"
        assert f["cfg/inner/name"].asstr()[()] == "n" and f["flags"].dtype == bool
        assert f["days"][:].tolist() == [0, 1, 2] and f["sim/fortran"][1, 2] == 5
    back = ach.convert(tmp_path / "a.h5", tmp_path / "b.ach")
    assert back.lost == []
    ws = ach.open(tmp_path / "b.ach")
    for name in ("sim/field", "sim/fortran", "big", "flags", "z", "days"):
        assert ws[name].dtype == VALUES[name].dtype and np.array_equal(ws[name], VALUES[name])
    assert (ws["x"], ws["n"], ws["text"], ws["texts"].tolist()) == (2.5, 7, "grün", ["a", "grün"])
    assert ws["cfg/lr"] == 1e-3 and ws["cfg/layers"].tolist() == [64, 32]
    assert ws.attrs["sim/field"]["units"] == "K" and ws.attrs["/"] == {"title": "a run"} and ws.attrs["days"] == {}


AWKWARD = {
    "none": None,
    "list": [1, 2, 3],
    "mixed": [1, "a", {"b": None}],
    "tuple": ("a", "b"),
    "set": {1, 2},
    "huge": 1 << 70,
    "when": datetime.date(2020, 1, 2),
    "masked": np.ma.MaskedArray([1, 2], [True, False]),
    "decimal": decimal.Decimal("1.5"),
    "bytes": b"\0\1",
}


@pytest.mark.parametrize(("extension", "module"), [(".h5", "h5py"), (".zarr", "zarr"), (".mat", "scipy"), (".npz", "numpy")])
def test_what_another_format_has_no_form_for_is_told(extension, module, tmp_path):
    pytest.importorskip(module)
    ach.save(tmp_path / "a.ach", AWKWARD, attrs={"list": {"f": {"a": 1}}})
    report = ach.convert(tmp_path / "a.ach", tmp_path / f"a{extension}")
    names = {item.name for item in report.lost}
    assert names >= {"set", "huge", "when", "masked", "decimal"}
    if extension != ".mat":
        # There lists are cells.
        assert names >= {"list", "mixed", "tuple"}
    with pytest.raises(ach.LossyError):
        ach.convert(tmp_path / "a.ach", tmp_path / f"b{extension}", strict=True)
    assert sorted(os.listdir(tmp_path)) == sorted(["a.ach", f"a{extension}"])


def test_floats_and_names_that_hdf5_has_not_are_told(tmp_path):
    h5py = pytest.importorskip("h5py")
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = {"b": np.full((2, 3), 1.5, ml_dtypes.bfloat16), "a//c": 1, "": 2, "d": {"x": 1}, "d/x": 2}
    ach.save(tmp_path / "a.ach", values)
    report = ach.convert(tmp_path / "a.ach", tmp_path / "a.h5")
    assert told(report) == {"b", "a//c", "", "d/x"}
    with h5py.File(tmp_path / "a.h5") as f:
        assert f["b"].dtype == np.float32 and f["b"][1, 2] == 1.5 and f["a/c"][()] == 1 and f["d/x"][()] == 1


# MATLAB


def test_mat_files_of_version_5_are_kept(tmp_path):
    io = pytest.importorskip("scipy.io")
    sparse = pytest.importorskip("scipy.sparse")
    cell = np.empty((1, 3), object)
    cell[0, :] = [np.array([[1.0, 2.0]]), "text", 3.0]
    square = np.empty((2, 2), object)
    square[:] = [[1.0, 2.0], ["a", "b"]]

    def cell_of(items):
        made = np.empty((1, len(items)), object)
        made[0, :] = items
        return made

    structs = np.zeros((1, 2), dtype=[("a", object), ("b", object)])
    structs[0, 0] = (1.0, "x")
    structs[0, 1] = (2.0, "y")
    io.savemat(
        tmp_path / "x.mat",
        {
            "scalar": 2.5,
            "row": np.array([[1.0, 2.0, 3.0]]),
            "matrix": np.arange(6.0).reshape(2, 3),
            "cube": np.arange(24, dtype="i2").reshape(2, 3, 4),
            "z": np.array([[1 + 2j]]),
            "flag": np.array([[True]]),
            "nested": {"z": np.array([[1 + 2j, 3]]), "f": np.array([[True]]), "c": cell_of([1j, 2.0])},
            "flags": np.array([[True, False]]),
            "single": np.float32([[1, 2]]),
            "big": np.uint64([[2**63]]),
            "text": "grün",
            "rows": np.array(["ab", "cd"]),
            "blank": "",
            "cell": cell,
            "square": square,
            "cfg": {"lr": 1e-3, "inner": {"name": "n", "list": np.array([[1.0, 2.0]])}},
            "structs": structs,
            "sparse": sparse.csc_matrix(np.array([[0, 1.0], [2.0, 0]])),
            "empty": np.zeros((0, 3)),
        },
    )
    report = ach.convert(tmp_path / "x.mat", tmp_path / "x.ach")
    ws = ach.open(tmp_path / "x.ach")
    assert report.lost == [] and ws.verify()
    assert ws["scalar"] == 2.5 and ws["z"] == 1 + 2j and ws["flag"] is True
    assert ws["nested"]["z"].tolist() == [[1 + 2j, 3]] and ws["nested"]["f"] is True
    assert ws["nested"]["c"] == [1j, 2.0]
    assert ws["row"].shape == (1, 3) and ws["matrix"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert ws["cube"].dtype == np.int16 and ws["cube"][1, 2, 3] == 23
    assert ws["flags"].dtype == bool and ws["single"].dtype == np.float32 and ws["big"][0, 0] == 2**63
    assert ws["text"] == "grün" and ws["rows"].tolist() == ["ab", "cd"] and ws["blank"] == ""
    assert ws["cell"][0].tolist() == [[1, 2]] and ws["cell"][1:] == ["text", 3.0]
    assert ws["square"] == [[1.0, 2.0], ["a", "b"]]
    assert ws["cfg"]["lr"] == 1e-3 and ws.at("cfg.inner.name") == "n"
    assert ws["structs"] == [{"a": 1.0, "b": "x"}, {"a": 2.0, "b": "y"}]
    assert ws["sparse"]["shape"] == [2, 2] and ws["sparse"]["data"].tolist() == [2, 1]
    assert ws["empty"].shape == (0, 3)


def test_an_archive_becomes_a_mat_file(tmp_path):
    io = pytest.importorskip("scipy.io")
    values = {**VALUES, "cells": [1.0, "a", np.zeros(2)], "9 lives": 9}
    del values["/"]
    ach.save(tmp_path / "a.ach", values, attrs={"x": {"units": "K"}})
    report = ach.convert(tmp_path / "a.ach", tmp_path / "a.mat")
    assert told(report) == {"sim/field", "sim/fortran", "9 lives", "x<attributes>.units", "days"}
    found = io.loadmat(tmp_path / "a.mat", mat_dtype=True)
    assert found["sim_field"].tolist() == [[0, 1, 2], [3, 4, 5]] and found["v9_lives"][0, 0] == 9
    assert found["flags"].dtype == bool and found["text"][0] == "grün"
    assert found["cfg"]["inner"][0, 0]["name"][0, 0][0] == "n"
    ach.convert(tmp_path / "a.mat", tmp_path / "b.ach")
    ws = ach.open(tmp_path / "b.ach")
    assert ws["cells"][:2] == [1.0, "a"] and ws["texts"] == ["a", "grün"] and ws["x"] == 2.5
    assert ws["z"].tolist() == [[1 + 2j], [3]]


@pytest.fixture
def mat73(tmp_path):
    """As MATLAB writes it: a header of its own, arrays turned round, cells and structs as references."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "x.mat"
    with h5py.File(path, "w", userblock_size=512) as f:
        refs = f.create_group("#refs#")

        def put(group, name, data, kind, **attrs):
            made = group.create_dataset(name, data=data)
            made.attrs["MATLAB_class"] = np.bytes_(kind)
            for key, value in attrs.items():
                made.attrs[key] = value
            return made

        def letters(word):
            return np.array([[ord(letter)] for letter in word], "u2")

        put(f, "matrix", np.arange(6.0).reshape(2, 3).T, "double")
        put(f, "scalar", np.array([[2.5]]), "double")
        put(f, "flags", np.array([[1], [0]], "u1"), "logical", MATLAB_int_decode=np.int32(1))
        put(f, "text", letters("grün"), "char", MATLAB_int_decode=np.int32(2))
        put(f, "void", np.array([0, 3], "u8"), "double", MATLAB_empty=np.uint8(1))
        z = np.zeros((1, 2), [("real", "f8"), ("imag", "f8")])
        z["real"], z["imag"] = [[1, 3]], [[2, 0]]
        put(f, "z", z, "double")
        large = f.create_dataset("large", (200, 300), "f4", chunks=(10, 300), compression="gzip")
        large[...] = np.arange(60_000).reshape(200, 300)
        large.attrs["MATLAB_class"] = np.bytes_("single")
        a, b = put(refs, "a", np.array([[1.0]]), "double"), put(refs, "b", letters("x"), "char")
        put(f, "cell", np.array([[a.ref], [b.ref]], dtype=h5py.ref_dtype), "cell")
        s = f.create_group("cfg")
        s.attrs["MATLAB_class"] = np.bytes_("struct")
        put(s, "lr", np.array([[0.5]]), "double")
        put(s, "name", letters("n"), "char")
        many = f.create_group("many")
        many.attrs["MATLAB_class"] = np.bytes_("struct")
        many.create_dataset("p", data=np.array([[a.ref], [b.ref]], dtype=h5py.ref_dtype))
        sparse = f.create_group("sparse")
        sparse.attrs["MATLAB_class"], sparse.attrs["MATLAB_sparse"] = np.bytes_("double"), np.uint64(2)
        sparse["data"], sparse["ir"], sparse["jc"] = [2.0, 1.0], np.uint64([1, 0]), np.uint64([0, 1, 2])
        put(f, "object", np.zeros((6, 1), "u4"), "string", MATLAB_object_decode=np.int32(3))
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


@pytest.mark.parametrize("chunk", [1000, 1 << 30])
def test_mat_files_of_version_7_3_are_kept(mat73, chunk, tmp_path):
    report = ach.convert(mat73, tmp_path / "x.ach", chunk=chunk)
    ws = ach.open(tmp_path / "x.ach")
    assert ws.verify() and told(report) == {"object"}
    assert ws["matrix"].tolist() == [[0, 1, 2], [3, 4, 5]] and ws["scalar"] == 2.5
    assert ws["flags"].dtype == bool and ws["flags"].tolist() == [[True, False]] and ws["text"] == "grün"
    assert ws["void"].shape == (0, 3) and ws["z"].reshape(-1).tolist() == [1 + 2j, 3]
    assert ws["large"].dtype == np.float32 and np.array_equal(ws["large"].T.reshape(-1), np.arange(60_000))
    assert ws["cell"] == [1.0, "x"] and ws["cfg"] == {"lr": 0.5, "name": "n"}
    assert ws["many"] == [{"p": 1.0}, {"p": "x"}]
    assert ws["sparse"]["shape"] == [2, 2] and ws["sparse"]["data"].tolist() == [2, 1]


# Tables


@pytest.fixture
def table():
    pa = pytest.importorskip("pyarrow")
    days = np.array(["2020-01-02", "NaT", "1960-01-01"], "M8[D]")
    columns = {
        "n": pa.array([1, 2, 3], pa.int32()),
        "missing": pa.array([1, None, (1 << 60) + 1], pa.int64()),
        "x": pa.array([1.5, float("nan"), -0.0]),
        "gaps": pa.array([1.5, None, float("nan")]),
        "flag": pa.array([True, None, False]),
        "text": pa.array(["a", "grün", ""]),
        "texts": pa.array(["a", None, ""]),
        "when": pa.array([1, None, 3], pa.timestamp("us", "Europe/Berlin")),
        "day": pa.array(days.astype(object).tolist(), pa.date32()),
        "span": pa.array([1, 2, 3], pa.duration("ms")),
        "clock": pa.array([datetime.time(1, 2, 3), None, datetime.time(0)], pa.time64("us")),
        "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        "list": pa.array([[1, 2], None, []]),
        "struct": pa.array([{"a": 1, "b": "x"}] * 3),
        "money": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.25")]),
        "raw": pa.array([b"\0", None, b""]),
        "half": pa.array(np.array([1, 2, 3], "f2")),
    }
    return pa.table(columns, metadata={"source": "by hand"})


@pytest.mark.parametrize("kind", ["parquet", "arrow", "stream", "feather"])
@pytest.mark.parametrize("chunk", [1, 1 << 30])
def test_tables_are_records_of_columns_or_columns_when_they_are_large(kind, chunk, table, tmp_path):
    import pyarrow as pa

    path = tmp_path / f"x.{'arrow' if kind == 'stream' else kind}"
    if kind == "parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, path, row_group_size=2)
    elif kind == "feather":
        pytest.importorskip("pyarrow.feather").write_feather(table, path)
    else:
        make = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
        with pa.OSFile(str(path), "wb") as file, make(file, table.schema) as out:
            out.write_table(table, 2)
    report = ach.convert(path, tmp_path / "x.ach", chunk=chunk)
    ws = ach.open(tmp_path / "x.ach")
    assert ws.verify() and ws.attrs["x"]["source"] == "by hand"
    assert {item.why.split()[0] for item in report.lost} == {"categories", "times"}
    if chunk == 1:
        x = {name.partition(".")[2]: value for name, value in ws.items() if "." in name}
        zone = ws.attrs["x.when"]["timezone"]
    else:
        x, zone = ws["x"], ws.attrs["x"]["columns"]["when"]["timezone"]
    assert list(x) == table.schema.names and zone == "Europe/Berlin"
    assert ws.at("x.n")[2] == 3 and x["n"].dtype == np.int32
    assert x["missing"].mask.tolist() == [False, True, False] and x["missing"][2] == (1 << 60) + 1
    assert x["x"].tobytes() == np.array([1.5, np.nan, -0.0]).tobytes()
    assert x["gaps"].mask.tolist() == [False, True, False] and np.isnan(x["gaps"][2])
    assert x["flag"].tolist() == [True, None, False] and x["flag"].dtype == bool
    assert x["text"].tolist() == ["a", "grün", ""] and x["texts"].tolist() == ["a", None, ""]
    assert x["when"].dtype == "M8[us]" and x["when"].mask.tolist() == [False, True, False]
    assert x["when"].data.view("i8")[2] == 3
    assert x["day"].dtype == "M8[D]" and x["day"].data[2] == np.datetime64("1960-01-01") and x["day"].mask[1]
    assert x["span"].dtype == "m8[ms]" and x["clock"].data[0] == np.timedelta64(3_723_000_000, "us")
    assert list(x["kind"]) == ["a", "b", "a"] and x["list"] == [[1, 2], None, []]
    assert x["struct"][0] == {"a": 1, "b": "x"} and x["money"][0] == decimal.Decimal("1.50")
    assert x["raw"] == [b"\0", None, b""] and x["half"].dtype == np.float16


@pytest.mark.parametrize("extension", [".parquet", ".arrow"])
def test_a_table_comes_back(extension, table, tmp_path):
    import pyarrow as pa

    pq = pytest.importorskip("pyarrow.parquet")
    names = ["n", "missing", "x", "gaps", "flag", "text", "texts", "when", "day", "span", "list", "raw", "half"]
    table = table.select(names)
    pq.write_table(table, tmp_path / "x.parquet")
    ach.convert(tmp_path / "x.parquet", tmp_path / "x.ach", strict=True)
    ach.convert(tmp_path / "x.ach", tmp_path / f"y{extension}", strict=True)
    path = str(tmp_path / f"y{extension}")
    back = pq.read_table(path) if extension == ".parquet" else pa.ipc.open_file(path).read_all()
    # NaN is not equal to itself.
    assert back.schema.names == names and str(back.to_pylist()) == str(table.to_pylist())
    assert back.schema.types == table.schema.types and back.schema.metadata == {b"source": b"by hand"}


@pytest.mark.parametrize("chunk", [1, 1 << 30])
def test_columns_are_chosen_and_found_by_their_names(chunk, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    columns = {"a.b": [1, 2], "a": [3, 4], "c": [{"d": 1}, {"d": 2}], "c.d": [5, 6]}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    ach.convert(tmp_path / "x.parquet", tmp_path / "x.ach", chunk=chunk)
    ws = ach.open(tmp_path / "x.ach")
    found = {name[2:]: value for name, value in ws.items()} if chunk == 1 else ws["x"]
    assert {name: list(value) for name, value in found.items()} == columns
    ach.convert(tmp_path / "x.parquet", tmp_path / "y.ach", only=["x.a"], chunk=chunk)
    ws = ach.open(tmp_path / "y.ach")
    assert (list(ws) == ["x.a"]) if chunk == 1 else (list(ws["x"]) == ["a"])
    twice = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pa.OSFile(str(tmp_path / "z.arrow"), "wb") as file, pa.ipc.new_file(file, twice.schema) as out:
        out.write_table(twice)
    report = ach.convert(tmp_path / "z.arrow", tmp_path / "z.ach")
    assert told(report) == {"z.a"} and [list(each) for each in ach.open(tmp_path / "z.ach")["z"].values()] == [[1], [2]]


def test_vectors_of_one_length_are_a_table_and_the_rest_is_told(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    values = {"a": np.arange(3), "b": np.array(["x", "y", "z"]), "short": np.arange(2), "m": np.zeros((3, 2)), "n": 1}
    ach.save(tmp_path / "a.ach", values, attrs={"a": {"units": "K"}})
    report = ach.convert(tmp_path / "a.ach", tmp_path / "a.parquet")
    assert told(report) == {"short", "m", "n", "a<attributes>.units"}
    assert pq.read_table(tmp_path / "a.parquet").to_pydict() == {"a": [0, 1, 2], "b": ["x", "y", "z"]}


# Zarr


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("chunk", [100, 1 << 30])
def test_zarr_stores_are_kept(version, chunk, tmp_path):
    zarr = pytest.importorskip("zarr")
    values = np.arange(600, dtype="i4").reshape(20, 30)
    root = zarr.open_group(tmp_path / "x.zarr", mode="w", zarr_format=version)
    root.attrs["title"] = "a run"
    data = root.create_array("sim/field", shape=values.shape, chunks=(7, 11), dtype="i4")
    data[...] = values
    data.attrs["units"] = "K"
    root.create_array("half", data=np.arange(3, dtype="f2"))
    root.create_array("flags", data=np.array([True, False]))
    root.create_array("scalar", data=np.array(2.5))
    texts = root.create_array("texts", shape=(2,), dtype=str)
    texts[:] = np.array(["a", "grün"], dtype=object)
    root.create_group("empty")
    report = ach.convert(tmp_path / "x.zarr", tmp_path / "x.ach", chunk=chunk)
    ws = ach.open(tmp_path / "x.ach")
    assert report.lost == [] and ws.verify()
    assert np.array_equal(ws["sim/field"], values) and ws["sim/field"].dtype == np.int32
    assert ws.attrs["sim/field"] == {"units": "K"} and ws.attrs["/"] == {"title": "a run"}
    assert ws["half"].dtype == np.float16 and ws["flags"].tolist() == [True, False] and ws["scalar"] == 2.5
    assert ws["texts"].tolist() == ["a", "grün"] and ws["empty"] == {}


def test_a_zarr_array_without_a_group_has_the_name_of_its_folder(tmp_path):
    zarr = pytest.importorskip("zarr")
    zarr.create_array(tmp_path / "x.zarr", data=np.arange(5.0))
    ach.convert(tmp_path / "x.zarr", tmp_path / "x.ach")
    ach.convert(tmp_path / "x.zarr", tmp_path / "y.ach", name="other")
    assert ach.open(tmp_path / "x.ach")["x"].tolist() == [0, 1, 2, 3, 4] and "other" in ach.open(tmp_path / "y.ach")


def test_an_archive_becomes_zarr_and_comes_back(tmp_path):
    pytest.importorskip("zarr")
    values = {**VALUES, "large": np.arange(1 << 20, dtype="f8").reshape(1024, 1024)}
    ach.save(tmp_path / "a.ach", values, attrs={"/": {"title": "a run"}, "big": {"units": "K", "n": 3}})
    report = ach.convert(tmp_path / "a.ach", tmp_path / "a.zarr", chunk=1 << 16)
    assert report.lost == []
    with pytest.raises(ach.AlreadyExistsError):
        ach.convert(tmp_path / "a.ach", tmp_path / "a.zarr")
    ach.convert(tmp_path / "a.ach", tmp_path / "a.zarr", overwrite=True)
    ach.convert(tmp_path / "a.zarr", tmp_path / "b.ach")
    ws = ach.open(tmp_path / "b.ach")
    for name in ("sim/field", "sim/fortran", "big", "flags", "z", "days", "large"):
        assert ws[name].dtype == values[name].dtype and np.array_equal(ws[name], values[name])
    assert (ws["x"], ws["n"], ws["text"], ws["texts"].tolist()) == (2.5, 7, "grün", ["a", "grün"])
    assert ws["cfg/layers"].tolist() == [64, 32] and ws.attrs["big"] == {"units": "K", "n": 3}
    assert ws.attrs["/"] == {"title": "a run"} and sorted(os.listdir(tmp_path)) == ["a.ach", "a.zarr", "b.ach"]


# NetCDF, NumPy, safetensors, torch


def test_netcdf_of_before_version_4_is_kept(tmp_path):
    io = pytest.importorskip("scipy.io")
    with io.netcdf_file(tmp_path / "x.nc", "w") as f:
        f.title = "a run"
        f.createDimension("time", None)
        f.createDimension("x", 3)
        data = f.createVariable("t", "f4", ("time", "x"))
        data[:] = np.arange(6).reshape(2, 3)
        data.units = "K"
        data._FillValue = np.float32(-1)
        f.createVariable("n", "i4", ("x",))[:] = [5, 6, 7]
    report = ach.convert(tmp_path / "x.nc", tmp_path / "x.ach")
    ws = ach.open(tmp_path / "x.ach")
    assert report.lost == [] and ws.verify()
    assert ws["t"].tolist() == [[0, 1, 2], [3, 4, 5]] and ws["t"].dtype == np.dtype("=f4")
    assert ws["n"].tolist() == [5, 6, 7]
    assert ws.attrs["t"] == {"units": "K", "_FillValue": -1, "dims": ["time", "x"]}
    assert ws.attrs["/"] == {"title": "a run"}


def test_files_of_numpy_are_kept_and_pickles_in_them_are_not_read(tmp_path):
    values = {"a": np.arange(6).reshape(2, 3), "b.c": np.array(["x", "y"]), "t": np.arange(3).astype("M8[s]")}
    np.savez_compressed(tmp_path / "x.npz", **values, o=np.array([{}, []], dtype=object))
    report = ach.convert(tmp_path / "x.npz", tmp_path / "x.ach")
    ws = ach.open(tmp_path / "x.ach")
    assert told(report) == {"o"} and set(ws) == set(values)
    assert all(np.array_equal(ws[name], values[name]) and ws[name].dtype == values[name].dtype for name in values)
    np.save(tmp_path / "y.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    ach.convert(tmp_path / "y.npy", tmp_path / "y.ach", chunk=8)
    assert ach.open(tmp_path / "y.ach")["y"].tolist() == [[0, 1, 2], [3, 4, 5]]
    np.save(tmp_path / "z.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ach.InvalidValueError, match="z.npy"):
        ach.convert(tmp_path / "z.npy", tmp_path / "z.ach")
    assert not (tmp_path / "z.ach").exists()


def test_an_archive_becomes_an_npz_and_comes_back(tmp_path):
    ach.save(tmp_path / "a.ach", {name: value for name, value in VALUES.items() if name != "/"})
    report = ach.convert(tmp_path / "a.ach", tmp_path / "a.npz")
    assert report.lost == []
    with np.load(tmp_path / "a.npz") as found:
        assert found["sim/field"].dtype == np.float32 and found["cfg.inner.name"][()] == "n"
        assert found["days"].dtype == "M8[D]" and found["x"] == 2.5 and found["texts"].tolist() == ["a", "grün"]


def test_safetensors_are_kept(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = {"a": np.arange(6, dtype="f4").reshape(2, 3), "b": np.ones(3, ml_dtypes.bfloat16)}
    numpy.save_file(values, tmp_path / "x.safetensors", metadata={"format": "np"})
    report = ach.convert(tmp_path / "x.safetensors", tmp_path / "x.ach")
    ws = ach.open(tmp_path / "x.ach")
    assert report.lost == [] and ws.attrs["/"] == {"format": "np"}
    assert all(np.array_equal(ws[name], values[name]) and ws[name].dtype == values[name].dtype for name in values)


def test_torch_files_are_kept_and_no_code_in_them_is_run(tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("ml_dtypes")
    state = {
        "layer.weight": torch.arange(6.0).reshape(2, 3).t(),
        "layer.half": torch.ones(3, dtype=torch.bfloat16),
        "sparse": torch.eye(2).to_sparse(),
        "step": 7,
        "optimizer": {"lr": 0.5, "state": [torch.zeros(2, dtype=torch.int64)]},
    }
    torch.save(state, tmp_path / "x.pt")
    report = ach.convert(tmp_path / "x.pt", tmp_path / "x.ach")
    ws = ach.open(tmp_path / "x.ach")
    assert told(report) == {"sparse"} and ws.verify()
    assert ws["layer.weight"].tolist() == [[0, 3], [1, 4], [2, 5]] and ws["layer.half"].dtype.name == "bfloat16"
    assert ws["step"] == 7 and ws["optimizer"]["lr"] == 0.5 and ws["optimizer"]["state"][0].tolist() == [0, 0]
    assert ws["sparse"].tolist() == [[1, 0], [0, 1]]
    torch.save({"f": print}, tmp_path / "y.pt")
    with pytest.raises(ach.UnsupportedError, match="state_dict"):
        ach.convert(tmp_path / "y.pt", tmp_path / "y.ach")
    assert not (tmp_path / "y.ach").exists()


# The command


def test_the_command_tells_what_it_did_and_what_was_not_kept(h5, tmp_path):
    done = run(h5, "-o", tmp_path / "x.ach", "--only", "sim/*", "--only", "none", "-v")
    assert done.returncode == 0 and done.stdout.startswith("wrote 3 variables to ")
    assert "2 not kept as they were" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("  none (null dataset): it has a dtype")
    assert "sim/run/field" in done.stderr.splitlines()
    done = run(h5, "-o", tmp_path / "x.ach")
    assert (done.returncode, done.stdout) == (1, "") and "--overwrite" in done.stderr
    done = run(h5, "-o", tmp_path / "x.ach", "--overwrite", "--strict")
    assert done.returncode == 1 and "without loss" in done.stderr and "elsewhere" in done.stderr
    assert run(h5, "-o", tmp_path / "y.ach", "--chunk", "3x").returncode == 2
    assert run(h5, "-o", tmp_path / "y.ach", "--chunk", "1K", "--compress").returncode == 0


@pytest.mark.skipif("ACH_COMMAND" not in os.environ, reason="ACH_COMMAND does not name the command `ach`")
@pytest.mark.skipif(os.name != "posix", reason="the line is one for a shell")
def test_the_line_that_the_command_ach_shows_can_be_run(h5, tmp_path):
    os.rename(h5, tmp_path / "my run's.h5")
    command = [os.environ["ACH_COMMAND"], "pack", "-o", "x.ach", "my run's.h5"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    line = refused.stderr.split("`")[1]
    assert refused.returncode != 0 and line.startswith("python -m ")
    done = subprocess.run(line.replace("python", f"'{sys.executable}'", 1), shell=True, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0 and ach.open(tmp_path / "my run's.ach").verify()


@pytest.mark.parametrize(
    ("source", "output", "words"),
    [
        ("none.h5", "new.ach", "no such file"),
        ("x.csv", "new.ach", "run `ach pack "),
        ("x.json", "new.ach", "run `ach pack "),
        ("x.ach", "y.ach", "run `ach convert "),
        ("x.xlsx", "new.ach", ".xlsx is not read; what is: .arrow"),
        ("x.ach", "y.pt", ".pt is not written; what is: .arrow"),
        ("x.ach", "y", "a file without an extension is not written"),
        ("x.h5", "y.npz", "must be an archive"),
        ("bad.h5", "y.ach", "bad.h5"),
        ("bad.mat", "y.ach", "bad.mat cannot be read: "),
        ("bad.parquet", "y.ach", "bad.parquet cannot be read: "),
        ("bad.npz", "y.ach", "bad.npz cannot be read: "),
        ("bad.nc", "y.ach", "bad.nc cannot be read: "),
    ],
)
def test_what_cannot_be_converted_is_an_error_of_one_line_and_no_file(source, output, words, tmp_path):
    for module in {".h5": ["h5py"], ".mat": ["scipy"], ".parquet": ["pyarrow"], ".nc": ["h5py"]}.get(source[-3:], []):
        pytest.importorskip(module)
    ach.save(tmp_path / "x.ach", {"a": 1})
    for name in ("x.csv", "x.json", "x.xlsx", "x.h5"):
        (tmp_path / name).write_bytes(b"1")
    for name in ("bad.h5", "bad.mat", "bad.parquet", "bad.npz", "bad.nc"):
        (tmp_path / name).write_bytes(b"no such thing" * 30)
    before = sorted(os.listdir(tmp_path))
    done = run(tmp_path / source, "-o", tmp_path / output)
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(
    ("extension", "module", "package"),
    [
        (".h5", "h5py", "h5py"),
        (".mat", "scipy", "scipy"),
        (".parquet", "pyarrow", "pyarrow"),
        (".feather", "pyarrow", "pyarrow"),
        (".pt", "torch", "torch"),
        (".zarr", "zarr", "zarr"),
        (".safetensors", "safetensors", "safetensors"),
    ],
)
def test_a_library_that_is_not_there_is_named_with_the_line_to_run(extension, module, package, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / f"x{extension}"
    path.write_bytes(b"x" * 200)
    with pytest.raises(ach.MissingLibraryError, match=f"run `pip install {package}`"):
        ach.convert(path, tmp_path / "x.ach")
    if extension in (".h5", ".mat", ".parquet", ".zarr"):
        ach.save(tmp_path / "y.ach", {"a": np.arange(3)})
        with pytest.raises(ImportError, match=f"run `pip install {package}`"):
            ach.convert(tmp_path / "y.ach", tmp_path / f"y{extension}")
    assert not (tmp_path / "x.ach").exists()


def test_the_libraries_of_the_test_extra_are_there():
    # Without them nearly all of the above is skipped.
    wanted = ["h5py", "scipy", "pyarrow"] + ["zarr"] * (sys.version_info >= (3, 11))
    assert [name for name in wanted if importlib.util.find_spec(name) is None] == []
