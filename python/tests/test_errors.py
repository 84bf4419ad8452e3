"""Promise: each kind of error is a class of its own, and the built-in one that others catch."""

from __future__ import annotations

import inspect
import os

import numpy as np
import pytest

import achronyme_env as ach

BUILT_IN = {
    "AlreadyExistsError": FileExistsError,
    "DamagedError": ValueError,
    "FileMissingError": FileNotFoundError,
    "IoError": OSError,
    "NotFoundError": KeyError,
    "SliceError": IndexError,
    "WrongKindError": TypeError,
}


def test_every_class_is_an_ach_error_and_is_told_of():
    for name in (name for name in ach.__all__ if name.endswith("Error")):
        cls = getattr(ach, name)
        assert issubclass(cls, ach.AchError) and inspect.getdoc(cls), name
    for name, base in BUILT_IN.items():
        assert issubclass(getattr(ach, name), base)


def test_messages_are_sentences_and_carry_file_and_name(tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {"weights": 1})
    with pytest.raises(ach.NotFoundError) as caught:
        ach.open(path)["weigths"]
    assert str(caught.value) == f"{path} has no variable 'weigths'; did you mean 'weights'?"
    assert caught.value.name == "weigths" and caught.value.path == str(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        ach.open(tmp_path / "none.ach")
    assert isinstance(caught.value, ach.FileMissingError) and caught.value.errno == 2


@pytest.mark.parametrize("mmap", [True, False])
def test_files_that_are_no_archives(tmp_path, mmap):
    for name, data in {"empty": b"", "npy": b"\x93NUMPY" + bytes(100), "short": b"ACH\0"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises((ach.NotAnArchiveError, ach.DamagedError)):
            ach.open(tmp_path / name, mmap=mmap)
    with pytest.raises(ach.NotAFileError):
        ach.open(tmp_path, mmap=mmap)


@pytest.mark.parametrize("mmap", [True, False])
def test_a_file_cut_short_anywhere_is_an_error(tmp_path, mmap):
    path = tmp_path / "a.ach"
    ach.save(path, {"a": np.arange(100), "b": {"c": "x", "d": (1, 2)}})
    data = path.read_bytes()
    for length in range(0, len(data), 37):
        cut = tmp_path / "cut.ach"
        cut.unlink(missing_ok=True)
        cut.write_bytes(data[:length])
        with pytest.raises(ach.AchError):
            ach.open(cut, mmap=mmap)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {})
    path.chmod(0)
    with pytest.raises(PermissionError):
        ach.open(path)


def test_wrong_arguments_are_type_or_value_errors(tmp_path):
    with pytest.raises(TypeError):
        ach.save(tmp_path / "a.ach", [1, 2])
    with pytest.raises(TypeError, match="globals"):
        ach.save_env(tmp_path / "a.ach", {})
    with pytest.raises(ValueError):
        ach.open(tmp_path / "a.ach", mmap="r")
    with pytest.raises(ValueError):
        ach.open(tmp_path / "a.ach", types=["Point"])


def test_an_index_that_does_not_fit_names_the_variable(tmp_path):
    path = tmp_path / "a.ach"
    ach.save(path, {"w": np.zeros((2, 2)), "names": np.array(["a"])})
    ws = ach.open(path)
    for key in [("w", 7), ("w", 0, 0, 0), ("w", [7]), ("names", 3)]:
        with pytest.raises(ach.SliceError, match=key[0]) as caught:
            ws[key]
        assert caught.value.name == key[0] and isinstance(caught.value, IndexError)


def test_a_folder_that_is_missing_is_told_of_by_its_name(tmp_path):
    with pytest.raises(ach.FileMissingError) as caught:
        ach.save(tmp_path / "none" / "a.ach", {})
    assert str(caught.value).endswith(f"there is no directory {tmp_path / 'none'}")


def test_tracebacks_show_errors_under_the_name_they_are_imported_by():
    for name in (name for name in ach.__all__ if name.endswith("Error")):
        assert getattr(ach, name).__module__ == "achronyme_env"


@pytest.mark.parametrize("mmap", [True, False])
def test_an_archive_of_version_1_says_what_to_do(tmp_path, mmap):
    path = tmp_path / "old.ach"
    path.write_bytes(b"ACH\0" + bytes([1, 0]) + bytes(100))
    with pytest.raises(ach.Version1Error, match="convert it with `ach upgrade`$") as caught:
        ach.open(path, mmap=mmap)
    assert caught.value.path == str(path)
