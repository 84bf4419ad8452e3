"""Promise: type checkers know the package: its signatures, its stubs and itself are free of errors."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("mypy")

HERE = pathlib.Path(__file__).parent

# As a user would write it. Each `assert_type` holds for the type checker, and each line that ends
# in `# error: CODE` must be refused with this code.
CONSUMER = '''
import datetime
import pathlib
from typing import Any

import achronyme_env as ach
import numpy as np
from typing_extensions import assert_type

report = ach.save(pathlib.Path("a.ach"), {"x": np.zeros(3)}, attrs={"x": {"units": "K"}}, cold="x*")
assert_type(report, ach.SaveReport)
assert_type(report.lost, list[ach.Lost])
assert_type(report.lost[0].why, str)
assert_type(report.file_len, int)

with ach.open("a.ach", mmap="auto", types=[datetime.date]) as ws:
    assert_type(ws, ach.Workspace)
    assert_type(ws["x"], Any)
    assert_type(ws["x", 1:2, ..., ::3], Any)
    assert_type(ws.names("x*"), list[str])
    assert_type(list(ws), list[str])
    assert_type(ws.attrs["x"], dict[str, Any])
    assert_type(ws.info.tags, list[str])
    assert_type(ws.info.custom, dict[str, str])
    assert_type(ws.info.format, tuple[int, int])
    assert_type(ws.info.created_at, datetime.datetime)
    assert_type(ws.verify().faults, list[ach.Fault])
    for name, value in ws.items():
        assert_type(name, str)

assert_type(ach.load("a.ach"), dict[str, Any])
assert_type(ach.load("a.ach", "x", mmap=False), Any)
restored = ach.restore_env("a.ach", into=globals(), mode="merge", types={"m.Date": datetime.date})
assert_type(restored, ach.RestoreReport)
assert_type(restored.restored, list[str])
assert_type(ach.save_env(globals(), "a.ach", include=["x*"], level=9, strict=True), ach.SaveReport)

try:
    ws["y"]
except ach.NotFoundError as error:
    assert_type(error.path, str | None)
except ach.LossyError as error:
    assert_type(error.lost, list[ach.Lost])
except (KeyError, OSError):
    pass

ach.open("a.ach", mmap="r")  # error: arg-type
ach.open(3)  # error: arg-type
ach.save("a.ach", [1, 2])  # error: arg-type
ach.save({"x": 1}, "a.ach")  # error: arg-type
ach.save_env(globals(), "a.ach", colour=1)  # error: call-arg
ach.save_env(globals(), "a.ach", level="high")  # error: arg-type
ach.restore_env("a.ach", into=globals(), mode="mrege")  # error: arg-type
ws["x"] = 1  # error: index
ws[1]  # error: index
report.path = "b.ach"  # error: misc
'''


def mypy(*arguments: str, folder: pathlib.Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode, [line for line in done.stdout.splitlines() if ": note:" not in line]


def test_a_program_in_strict_mode_is_understood_and_its_mistakes_are_found(tmp_path):
    (tmp_path / "consumer.py").write_text(CONSUMER)
    _, found = mypy("--strict", "--no-pretty", "consumer.py", folder=tmp_path)
    marked = {
        number: line.rpartition("# error: ")[2]
        for number, line in enumerate(CONSUMER.splitlines(), 1)
        if "# error: " in line
    }
    codes = {int(line.split(":")[1]): line.rpartition("[")[2].rstrip("]") for line in found}
    assert codes == marked, "\n".join(found)


def test_the_package_itself_is_free_of_type_errors(tmp_path):
    import achronyme_env

    # A copy, since type checkers do not look for errors in what is installed.
    shutil.copytree(pathlib.Path(achronyme_env.__file__).parent, tmp_path / "achronyme_env")
    configuration = HERE.parent / "pyproject.toml"
    status, found = mypy("--config-file", str(configuration), "-p", "achronyme_env", folder=tmp_path)
    assert (status, found) == (0, [])


def test_the_stub_of_the_extension_says_what_the_extension_has(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "achronyme_env._native"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_public_name_has_a_docstring_and_is_exported_once():
    import inspect

    import achronyme_env as ach

    assert len(set(ach.__all__)) == len(ach.__all__)
    for name in ach.__all__:
        thing = getattr(ach, name)
        assert name == "__version__" or inspect.getdoc(thing), name
