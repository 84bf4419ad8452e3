"""Promise: a save leaves the old file or the new one, whole, and nothing beside it."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import achronyme_env as ach


def listing(folder):
    return sorted(os.listdir(folder))


def test_the_report_tells_what_was_saved(tmp_path):
    path = tmp_path / "a.ach"
    report = ach.save(path, {"b": 1, "a": np.arange(3)})
    assert (report.path, report.bindings, report.lost) == (str(path), 2, [])
    assert report.file_len == path.stat().st_size


def test_variables_stand_in_the_order_they_were_saved(tmp_path):
    names = ["z", "a", "", "sim/b", "a.b", "\u20ac", "with space"]
    ach.save(tmp_path / "a.ach", {name: place for place, name in enumerate(names)})
    assert list(ach.open(tmp_path / "a.ach")) == names


def test_what_cannot_be_kept_is_reported_and_the_rest_is_saved(tmp_path):
    path = tmp_path / "a.ach"
    values = {
        "good": 1,
        "function": lambda: 0,
        "deep": {"list": [1, (x for x in []), {"file": sys.stdout}]},
        "module": os,
        "tuple": (1, object()),
        3: "a number for a name",
        "\udc00": 1,
        "n" * 5000: 1,
    }
    report = ach.save(path, values)
    lost = {(entry.name, entry.path): entry for entry in report.lost}
    assert ("function", "") in lost and "functions are code" in lost["function", ""].why
    assert lost["deep", ".list[1]"].type == "generator"
    assert ("deep", ".list[2].file") in lost
    assert any(entry.name == "tuple" for entry in report.lost)
    assert len(report.lost) == 8
    ws = ach.open(path)
    assert list(ws) == ["good", "deep", "tuple"]
    assert ws["deep"]["list"][0] == 1 and "generator" in repr(ws["deep"]["list"][1])
    assert ws.verify()


def test_at_most_ten_lines_of_losses_are_shown(tmp_path):
    report = ach.save(tmp_path / "a.ach", {f"f{n}": len for n in range(50)})
    assert len(report.lost) == 50
    assert len(str(report).splitlines()) == 12 and "40 more" in str(report)


@pytest.mark.parametrize("value", [len, [1, {"a": len}], np.arange(3).view(type("Mine", (np.ndarray,), {}))])
def test_strict_raises_before_anything_is_written(value, tmp_path):
    with pytest.raises(ach.LossyError) as caught:
        ach.save(tmp_path / "a.ach", {"x": value}, strict=True)
    assert caught.value.lost and caught.value.lost[0][0] == "x"
    assert listing(tmp_path) == []
    with pytest.raises(ach.LossyError):
        ach.save(tmp_path / "a.ach", {1: 1}, strict=True)
    assert listing(tmp_path) == []


def test_a_class_that_is_not_kept_is_reported_and_its_value_is_kept(tmp_path):
    class Mine(dict):
        pass

    class Array(np.ndarray):
        pass

    report = ach.save(tmp_path / "a.ach", {"d": Mine(a=1), "a": np.arange(3).view(Array)})
    assert [entry.name for entry in report.lost] == ["d", "a"]
    ws = ach.open(tmp_path / "a.ach")
    assert ws["d"] == {"a": 1} and ws["a"].tolist() == [0, 1, 2]


def test_values_that_hold_themselves_or_are_too_deep_do_not_fail_the_save(tmp_path):
    circle = [1]
    circle.append(circle)
    deep = []
    for _ in range(1000):
        deep = [deep]
    tuples = ()
    for _ in range(200):
        tuples = (tuples,)
    report = ach.save(tmp_path / "a.ach", {"circle": circle, "deep": deep, "tuples": tuples, "x": 1})
    assert {entry.name for entry in report.lost} == {"circle", "deep", "tuples"}
    ws = ach.open(tmp_path / "a.ach")
    assert list(ws) == ["circle", "deep", "tuples", "x"] and ws["circle"][0] == 1
    assert ws.verify()


class Text(str):
    def __str__(self):
        return Text(str.__add__(self, "x"))


class Bytes(bytes):
    def __bytes__(self):
        return b"other"


class Float(float):
    def __float__(self):
        return 9.0


class Int(int):
    def __int__(self):
        return 9


class List(list):
    def __iter__(self):
        raise RuntimeError("no")

    __len__ = __iter__


class Dict(dict):
    def keys(self):
        raise RuntimeError("no")

    __iter__ = items = keys

    def __getitem__(self, key):
        return Dict(a=self)


@pytest.mark.parametrize(
    ("value", "plain"),
    [(Text("a"), "a"), (Bytes(b"a"), b"a"), (Float(1.5), 1.5), (Int(1), 1), (List([1]), [1]), (Dict(a=1), {"a": 1})],
)
def test_code_of_a_derived_class_is_not_asked_what_it_holds(value, plain, tmp_path):
    report = ach.save(tmp_path / "a.ach", {"v": value, "x": 1})
    assert len(report.lost) == 1
    result = ach.open(tmp_path / "a.ach")["v"]
    assert type(result) is type(plain) and result == plain


class Raises:
    def __getattribute__(self, name):
        raise RuntimeError("no")


class RaisesBadly:
    @property
    def __class__(self):
        raise UnicodeError("\udc80")

    def __repr__(self):
        raise RuntimeError("no")

    __reduce__ = __array__ = __len__ = __repr__


class OfClasses(type):
    def __getattribute__(cls, name):
        raise RuntimeError("no")


class OfIts(metaclass=OfClasses):
    pass


class Unequal:
    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


class Dear:
    def __array__(self, dtype=None, copy=None):
        raise MemoryError


HOSTILE = {"every attribute": Raises, "all else": RaisesBadly, "metaclass": OfIts, "==": Unequal, "array": Dear}


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_object_whose_own_code_raises_is_reported(kind, tmp_path):
    cls = HOSTILE[kind]
    for pickle in (False, True):
        report = ach.save(tmp_path / "a.ach", {"bad": cls(), "in": [1, cls()], "x": 1}, pickle=pickle)
        str(report)
        if not pickle or cls is RaisesBadly:
            assert {entry.name for entry in report.lost} == {"bad", "in"}
        assert ach.open(tmp_path / "a.ach")["x"] == 1


def test_dicts_in_dicts_are_converted_once(tmp_path):
    """With a key that is no text at the end of each; twice for each level would never end."""
    value = {}
    for _ in range(40):
        value = {"a": value, "f": len, 1: 0}
    report = ach.save(tmp_path / "a.ach", {"v": value})
    assert len(report.lost) == 40
    result = ach.open(tmp_path / "a.ach")["v"]
    assert list(result) == ["a", "f", 1] and result["a"]["a"][1] == 0


LEAVES = {"none": None, "array": np.zeros(3), "tuple": (), "int": 2**70, "dates": np.zeros(1, "M8[s]"), "code": len}
NESTS = {
    "list": lambda value: [value],
    "tuple": lambda value: (value,),
    "dict": lambda value: {"a": value},
    "pairs": lambda value: {1: value},
}


@pytest.mark.parametrize("nest", NESTS)
@pytest.mark.parametrize("leaf", LEAVES)
def test_a_save_does_not_fail_at_any_depth(nest, leaf, tmp_path):
    path = tmp_path / "a.ach"
    for depth in (30, 42, 43, 61, 62, 63, 64, 65, 126, 127, 128, 129, 130):
        value = LEAVES[leaf]
        for _ in range(depth):
            value = NESTS[nest](value)
        report = ach.save(path, {"v": value, "x": 1}, durable=False)
        ws = ach.open(path)
        assert ws.verify() and ws["x"] == 1 and (report.lost or depth < 129)
        ws["v"], ach.load(path, "v")


def test_what_holds_itself_is_reported_at_its_place(tmp_path):
    inside = []
    value = (1, {"k": inside})
    inside.append(value)
    array = np.empty(1, object)
    array[0] = array
    report = ach.save(tmp_path / "a.ach", {"v": value, "array": array})
    assert [(entry.name, entry.path) for entry in report.lost] == [("v", "[1].k[0]"), ("array", "[0]")]
    with pytest.raises(ach.LossyError, match=r"v\[1\].k\[0\]"):
        ach.save(tmp_path / "a.ach", {"v": value}, strict=True)


def test_an_existing_file_is_replaced_unless_overwriting_is_refused(tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {"x": 1})
    with pytest.raises(ach.AlreadyExistsError) as caught:
        ach.save(path, {"x": 2}, overwrite=False)
    assert isinstance(caught.value, FileExistsError) and caught.value.path == str(path)
    assert ach.open(path)["x"] == 1
    ach.save(path, {"x": 2})
    assert ach.open(path)["x"] == 2
    assert listing(tmp_path) == ["a.ach"]


@pytest.mark.parametrize("mmap", [True, False])
def test_saving_onto_the_file_that_is_read(mmap, tmp_path):
    path = tmp_path / "a.ach"
    big = np.arange(1_000_000)
    ach.save(path, {"big": big, "text": "x" * 100_000})
    ws = ach.open(path, mmap=mmap)
    view = ws["big"]
    loaded = ach.load(path, "big", mmap=mmap)
    loaded += 1
    for _ in range(3):
        ach.save(path, {"text": ws["text"], "big": view, "loaded": loaded})
    again = ach.open(path)
    assert np.array_equal(again["big"], big) and np.array_equal(again["loaded"], big + 1)
    assert np.array_equal(view, big) and again.verify()
    ach.save(path, again)
    assert list(ach.open(path)) == ["text", "big", "loaded"]


def test_attributes_description_tags_and_custom_metadata(tmp_path):
    path = tmp_path / "a.ach"
    attrs = {"w": {"units": "K", "dims": ("x", "y"), "when": np.datetime64("2020"), "n": 3}}
    report = ach.save(
        path,
        {"w": np.zeros((2, 2)), "v": 1},
        attrs={**attrs, "gone": {"a": 1}},
        description="d",
        tags=["t", "u"],
        custom={"k": "v"},
    )
    assert [entry.name for entry in report.lost] == ["gone"]
    ws = ach.open(path)
    assert ws.attrs["w"] == attrs["w"] and ws.attrs["v"] == {}
    info = ws.info
    assert (info.description, info.tags, info.custom) == ("d", ["t", "u"], {"k": "v"})
    assert info.bindings == 2 and info.file_len == path.stat().st_size and not info.compressed


def test_an_attribute_that_cannot_be_kept_is_reported(tmp_path):
    report = ach.save(tmp_path / "a.ach", {"w": 1}, attrs={"w": {"f": len, "u": "K"}})
    assert report.lost[0].path == "<attributes>.f"
    assert ach.open(tmp_path / "a.ach").attrs["w"] == {"u": "K"}


def test_cold_arrays_are_compressed_and_read_the_same(tmp_path):
    path = tmp_path / "a.ach"
    value = np.zeros((500, 1000))
    ach.save(path, {"raw_x": value, "hot": value + 1}, cold=["raw_*"])
    assert path.stat().st_size < 5_000_000
    ws = ach.open(path)
    assert np.array_equal(ws["raw_x"], value) and np.array_equal(ws["raw_x", 3:7, ::5], value[3:7, ::5])
    assert np.array_equal(ach.load(path, "raw_x"), value) and ws.info.compressed
    ach.save(path, {"a": value}, compress=True)
    assert path.stat().st_size < 100_000
    noise = np.random.default_rng(0).random(100_000)
    ach.save(path, {"a": value, "noise": noise}, auto_cold=0.2)
    assert 800_000 < path.stat().st_size < 1_000_000


def test_a_sealed_file_is_named_by_longer_digests(tmp_path):
    plain, sealed = tmp_path / "p.ach", tmp_path / "s.ach"
    ach.save(plain, {"a": np.arange(1000)})
    ach.save(sealed, {"a": np.arange(1000)}, seal=True)
    assert np.array_equal(ach.open(sealed)["a"], np.arange(1000)) and ach.open(sealed).verify()
    assert sealed.read_bytes() != plain.read_bytes()


def test_attributes_without_a_place_are_reported_and_strict_refuses_them(tmp_path):
    for attrs in ({"gone": {"a": 1}}, {"w": {"\udc80": 1}}, {"w": {3: 1}}, {"\udc80": {"a": 1}}):
        with pytest.raises(ach.LossyError) as caught:
            ach.save(tmp_path / "strict.ach", {"w": 1}, attrs=attrs, strict=True)
        assert isinstance(caught.value.lost[0], ach.Lost)
        report = ach.save(tmp_path / "a.ach", {"w": 1}, attrs=attrs)
        assert len(report.lost) == 1 and ach.open(tmp_path / "a.ach").attrs["w"] == {}
    assert listing(tmp_path) == ["a.ach"]


def test_losses_of_a_strict_save_are_entries_of_a_report(tmp_path):
    with pytest.raises(ach.LossyError) as caught:
        ach.save(tmp_path / "a.ach", {"f": [len]}, strict=True)
    assert [(entry.name, entry.path) for entry in caught.value.lost] == [("f", "[0]")]


def test_names_in_a_report_cannot_write_on_the_terminal(tmp_path):
    report = ach.save(tmp_path / "\x1b[2J.ach", {"\x1b[31mred\n": len})
    assert "\x1b" not in str(report) and len(str(report).splitlines()) == 2


def test_a_terminal_that_has_gone_does_not_stop_a_save(tmp_path, monkeypatch):
    class Gone:
        def write(self, text):
            raise BrokenPipeError

    array = np.random.default_rng(0).random(3_000_000)
    for stream in (Gone(), None):
        monkeypatch.setattr(sys, "stderr", stream)
        ach.save(tmp_path / "a.ach", {"a": array}, compress=True, progress=True)
    assert np.array_equal(ach.open(tmp_path / "a.ach")["a"], array)


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there")
def test_a_path_that_is_no_text_is_that_of_the_errors_too(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.ach"
    ach.save(path, {"x": 1})
    with pytest.raises(ach.NotFoundError) as caught:
        ach.open(path)["y"]
    assert os.fsencode(caught.value.path) == path
    repr(ach.open(path)), ach.open(path)._repr_html_().encode()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are none")
@pytest.mark.parametrize("mmap", [True, False])
def test_a_fifo_is_refused_and_not_waited_for(mmap, tmp_path):
    os.mkfifo(tmp_path / "a.ach")
    with pytest.raises(ach.NotAFileError):
        ach.open(tmp_path / "a.ach", mmap=mmap)
    with pytest.raises(ach.NotAFileError):
        ach.save(tmp_path / "a.ach", {})


@pytest.mark.parametrize("mmap", [True, False])
def test_cold_arrays_and_slices_of_them_are_saved_onto_their_own_file(mmap, tmp_path):
    path = tmp_path / "a.ach"
    value = np.random.default_rng(0).integers(0, 9, 1_000_000)
    for _ in range(2):
        ach.save(path, {"c": value, "h": value + 1}, cold=["c"], durable=False)
        ws = ach.open(path, mmap=mmap)
        part = ws["c", 10:500_000]
        ach.save(path, {"c": ws["c"], "part": part, "steps": ws["h", ::3], "h": ws["h"][5:500]}, cold=["c"])
        again = ach.open(path, mmap=mmap)
        assert again.verify() and np.array_equal(again["c"], value) and np.array_equal(again["part"], part)
        assert np.array_equal(again["steps"], value[::3] + 1) and np.array_equal(again["h"], value[5:500] + 1)


def test_two_threads_that_save_to_one_path_leave_one_whole_file(tmp_path):
    path = tmp_path / "a.ach"
    failed = []

    def save(number):
        try:
            for _ in range(20):
                ach.save(path, {"n": number, "a": np.full(50_000, number)}, durable=False)
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ws = ach.open(path)
    assert not failed and listing(tmp_path) == ["a.ach"] and (ws["a"] == ws["n"]).all() and ws.verify()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not copied there")
def test_a_forked_process_saves_and_reads(tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {"a": np.zeros(1_000_000)}, compress=True)
    script = f"""
import os, numpy as np, achronyme_env as ach
ws = ach.open({str(path)!r})
ws["a"].sum()
child = os.fork()
if child == 0:
    status = 1
    try:
        assert ws["a"].sum() == 0 and ws.verify()
        ach.save({str(path)!r}, {{"b": np.ones(1_000_000)}}, compress=True)
        status = 0
    finally:
        os._exit(status)
assert os.waitpid(child, 0)[1] == 0
assert ach.open({str(path)!r})["b"].sum() == 1_000_000
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize(
    "options",
    [{"level": 99}, {"auto_cold": 2.0}, {"tags": [1]}, {"custom": {"a": 1}}, {"cold": ["[z"]}, {"attrs": {"x": 3}}]
    + [{"description": "\udc80"}, {"description": 3}, {"tags": ["\udc80"]}, {"progress": "yes"}],
)
def test_options_that_cannot_be_are_errors(options, tmp_path):
    with pytest.raises(ach.AchError):
        ach.save(tmp_path / "a.ach", {"x": np.zeros(3)}, **options)
    assert listing(tmp_path) == []


def test_paths_of_every_kind(tmp_path):
    for path in [tmp_path / "p.ach", str(tmp_path / "s.ach"), os.fsencode(tmp_path / "b.ach")]:
        ach.save(path, {"x": 1})
        assert ach.open(path)["x"] == 1
    with pytest.raises(ach.FileMissingError):
        ach.save(tmp_path / "no" / "a.ach", {})


def test_arrays_that_change_meanwhile_give_a_file_that_verifies(tmp_path):
    array = np.zeros(4_000_000, np.int64)
    stop = threading.Event()

    def change():
        number = 0
        while not stop.is_set():
            number += 1
            array[:] = number

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(5):
            ach.save(tmp_path / "a.ach", {"a": array, "again": array}, durable=False)
            assert ach.open(tmp_path / "a.ach").verify()
    finally:
        stop.set()
        thread.join()


def test_other_threads_run_while_a_file_is_written(tmp_path):
    array = np.zeros(30_000_000)
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(None)
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        before = len(ticks)
        ach.save(tmp_path / "a.ach", {"a": array}, durable=False)
        after = len(ticks)
    finally:
        stop.set()
        thread.join()
    assert after - before > 3


def test_progress_is_told_to_who_asks(tmp_path):
    told = []
    array = np.random.default_rng(0).random(8_000_000)
    ach.save(tmp_path / "a.ach", {"a": array}, compress=True, progress=lambda *pair: told.append(pair))
    assert told and all(0 <= done <= total == array.nbytes for done, total in told)


def test_an_error_from_progress_stops_the_save(tmp_path):
    def refuse(done, total):
        raise RuntimeError("enough")

    array = np.random.default_rng(0).random(8_000_000)
    with pytest.raises(RuntimeError, match="enough"):
        ach.save(tmp_path / "a.ach", {"a": array}, compress=True, level=9, progress=refuse)
    assert listing(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="signals are sent otherwise there")
def test_ctrl_c_stops_a_save_and_leaves_the_old_file_only(tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {"old": 1})
    script = textwrap.dedent(
        f"""
        import signal
        import numpy as np, achronyme_env as ach
        # A job in the background is started with the signal ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        a = np.random.default_rng(0).random(20_000_000)
        print("begun", flush=True)
        try:
            ach.save({str(path)!r}, {{"a": a}}, compress=True, level=19)
        except KeyboardInterrupt:
            print("stopped", flush=True)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "begun\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    assert child.stdout.readline() == "stopped\n"
    child.wait()
    assert listing(tmp_path) == ["a.ach"] and list(ach.open(path)) == ["old"]


def test_same_input_same_bytes_but_for_the_time(tmp_path):
    names = []
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.ach"
        script = f"import achronyme_env as ach; ach.save({str(path)!r}, {{'s': {{'a', 'b', 'c', 1, 2.5}}}})"
        subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        names.append(path.read_bytes()[64:])
    # All but the header, which has the time, and the digest over it at the end.
    assert names[0][:-32] == names[1][:-32]


def test_the_line_of_progress_says_what_is_done_and_is_wiped(capsys):
    from achronyme_env._progress import Bar

    shown = []
    for done in (50, 200):
        bar = Bar("saving", "folder/run.ach", after=0.0)
        bar(done, 200)
        shown.append(capsys.readouterr().err)
        bar.close()
        assert capsys.readouterr().err.strip() == ""
    assert shown[0].startswith("\rsaving run.ach: 25 %, ") and shown[0].endswith(" MB/s")
    assert shown[1] == "\rsaving run.ach: waiting for the disk"
    Bar("saving", "run.ach")(1, 2)
    assert capsys.readouterr().err == ""  # nothing for what takes less than a second
