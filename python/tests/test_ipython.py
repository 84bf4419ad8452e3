"""Promise: in IPython the variables are saved after each cell, and come back after the kernel died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("IPython")

from IPython.core.interactiveshell import InteractiveShell

import achronyme_env as ach


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = InteractiveShell()
    shell.run_cell("%load_ext achronyme_env")
    yield shell
    shell.run_cell("%unload_ext achronyme_env")


@pytest.fixture
def cell(shell, capsys):
    """Runs a cell, and gives back what was shown."""

    def cell(text):
        capsys.readouterr()
        result = shell.run_cell(text)
        shown = capsys.readouterr()
        assert result.success or "UsageError" in shown.err, result.error_in_exec
        return shown.out + shown.err

    return cell


def saved():
    return dict(ach.open("run.ach"))


def test_the_package_needs_no_ipython():
    script = "import sys; sys.modules['IPython'] = None; import achronyme_env; print('ipython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_save_and_load_take_names_and_patterns(cell, shell):
    cell("import numpy as np\nx = np.arange(3)\nlr = 0.1\n_hidden = 1\ndef f(): pass")
    assert "saved 2 variables" in cell("%ach save a.ach")
    assert "saved 1 variable" in cell("%ach save 'with space.ach' l*") and os.path.exists("with space.ach")
    assert "no variable matches" in cell("%ach save b.ach lr nope")
    cell("x = 'mine'\ndel lr")
    assert "kept as they were: x" in cell("%ach load a.ach")
    assert shell.user_ns["lr"] == 0.1 and shell.user_ns["x"] == "mine"
    cell("%ach load a.ach x")
    assert shell.user_ns["x"].tolist() == [0, 1, 2] and shell.user_ns["x"].flags.writeable


def test_who_whos_and_diff_show_the_variables(cell):
    cell("import numpy as np\nx = np.zeros((2, 3))\ncfg = {'lr': 0.1}\nimport os\n_ = 1\nclass C: pass")
    assert cell("%ach who") == "x  cfg\n"
    shown = cell("%ach whos")
    assert "float64  (2, 3)  48 B" in shown and "dict" in shown and "os" not in shown
    cell("%ach save a.ach")
    assert cell("%ach diff a.ach") == "no differences\n"
    cell("x[0, 0] = 1\ncfg = [1]\nnew = 2")
    cell("ach_gone = 1\ndel ach_gone")
    lines = cell("%ach diff a.ach").splitlines()
    assert [line.split()[:2] for line in lines] == [["~", "x"], ["~", "cfg"], ["+", "new"]]
    cell("del x")
    assert "- " in cell("%ach diff a.ach") and "(2, 3)" in cell("%ach whos a.ach")


def test_wrong_use_and_errors_are_one_line_or_the_usage(cell):
    assert "%ach resume" in cell("%ach")
    assert "there is no `%ach nope`" in cell("%ach nope")
    assert cell("%ach save").startswith("UsageError: %ach save FILE") or "UsageError" in cell("%ach save")
    assert "UsageError" in cell("%ach autosave a b c")
    assert "UsageError" in cell("%ach save 'open")
    assert "UsageError" in cell("%ach diff")
    assert len(cell("%ach load none.ach").splitlines()) == 1
    assert "no session was left" in cell("%ach resume")
    assert len(cell("%ach resume none.ach").splitlines()) == 1
    assert cell("%ach autosave off") == "autosave is off\n"


def test_autosave_commits_what_a_cell_changed_and_nothing_else(cell):
    cell("import numpy as np\nx = np.arange(100_000.)\ncfg = {'lr': [0.1]}\nn = 1")
    assert "now 3 variables" in cell("%ach autosave run.ach")
    assert cell("%ach autosave") == f"autosave is on: {os.path.realpath('run.ach')}\n"

    def commits():
        return [[str(change) for change in commit.changes] for commit in ach.open("run.ach").log()]

    before = len(commits())
    cell("n")
    assert len(commits()) == before
    cell("x[5] = -1")
    assert commits()[before:] == [["set x"]] and saved()["x"][5] == -1
    cell("cfg['lr'].append(2)")
    assert commits()[before + 1 :] == [["set cfg"]] and saved()["cfg"] == {"lr": [0.1, 2]}
    cell("new = x[:3]\nn = 2")
    assert sorted(commits()[-1]) == ["set n", "set new"]
    cell("view = x[10:20]\nview[:] = 7")
    assert saved()["x"][15] == 7
    cell("del n")
    assert commits()[-1] == ["remove n"] and "n" not in saved()
    cell("n = 2")
    cell("try:\n    n = 3\n    1 / 0\nexcept ZeroDivisionError: pass")
    assert saved()["n"] == 3
    assert cell("%ach diff") == "no differences\n"
    assert "it holds everything" in cell("z = 1\n%ach autosave off")
    assert saved()["z"] == 1
    cell("z = 2")
    assert saved()["z"] == 1


def test_a_cell_that_fails_is_saved_as_far_as_it_came(cell, shell):
    cell("%ach autosave run.ach")
    assert not shell.run_cell("a = 1\nraise ValueError").success
    assert saved() == {"a": 1}


def test_what_cannot_be_kept_is_told_of_once(cell):
    cell("%ach autosave run.ach")
    assert "g (generator)" in cell("g = (i for i in 'abc')\nok = 1")
    assert cell("ok = 2") == "" and saved() == {"ok": 2}
    assert "l[1]" in cell("l = [1, print]")
    assert cell("l.append(2)") == ""
    # What is in its place now cannot be kept: the old value is no longer true.
    cell("ok = (i for i in 'abc')")
    assert "ok" not in saved()


def test_saving_never_breaks_the_cell(cell, shell, monkeypatch):
    cell("%ach autosave run.ach")
    evil = """
class Evil(dict):
    def items(self): raise RuntimeError("no")
    def __reduce__(self): raise RuntimeError("no")
    @property
    def __class__(self): raise RuntimeError("no")
e = Evil()
ok = 1
"""
    cell(evil)
    assert saved()["ok"] == 1
    autosave = shell.magics_manager.registry["AchMagics"].autosave
    with monkeypatch.context() as patch:
        patch.setattr(autosave.session, "_change", lambda changes: 1 / 0)
        assert cell("ok = 2") == "autosave: ZeroDivisionError: division by zero\n"
    cell("pass")
    assert saved()["ok"] == 2


def test_autosave_to_a_file_that_has_more_says_so_and_keeps_it(cell):
    ach.save("run.ach", {"before": 1, "x": 1, "same": [1, 2]})
    cell("x = 2\nsame = [1, 2]")
    shown = cell("%ach autosave run.ach")
    assert "now 1 variable" in shown and "before" in shown and "%ach resume" in shown
    cell("del x")
    assert saved() == {"before": 1, "same": [1, 2]}


def test_a_file_that_is_open_elsewhere_is_one_line(cell, shell):
    with ach.session("run.ach") as s:
        s["x"] = 5
        assert "is open for writing" in cell("%ach autosave run.ach")
        shown = cell("%ach resume run.ach")
        assert "restored 1 variable" in shown and "autosave is off" in shown and shell.user_ns["x"] == 5


def test_arrays_of_open_files_are_not_read_again_after_each_cell(cell, shell):
    ach.save("data.ach", {"d": np.arange(10_000)})
    cell("%ach autosave run.ach")
    cell("import achronyme_env as ach\nd = ach.open('data.ach')['d']\npart = d[::2]\nmine = d.copy()")
    autosave = shell.magics_manager.registry["AchMagics"].autosave
    assert autosave._is_still("d") and autosave._is_still("part") and not autosave._is_still("mine")
    cell("d = d[1:]")
    assert saved()["d"][0] == 1


KERNEL = """
import os, signal, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
for text in sys.stdin.read().split("# cell\\n"):
    shell.run_cell(text)
"""


def kernel(text, folder):
    """Runs cells in a process of their own."""
    return subprocess.run(
        [sys.executable, "-c", KERNEL],
        input=text,
        cwd=folder,
        env={**os.environ, "IPYTHONDIR": str(folder / "ipython")},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.skipif(os.name != "posix", reason="processes are killed otherwise there")
def test_after_the_kernel_died_everything_is_resumed(tmp_path):
    first = """
%load_ext achronyme_env
# cell
%ach autosave run.ach
# cell
import numpy as np
x = np.arange(300_000.)
cfg = {"lr": 0.1, "layers": (64, 32)}
# cell
x[7] = -7
cfg["lr"] = 0.2
# cell
lost = 1
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert kernel(first, tmp_path).returncode == -signal.SIGKILL
    second = """
%load_ext achronyme_env
# cell
%ach resume
# cell
print(x[7], x.shape, x.flags.writeable, cfg, "lost" in globals())
x[8] = -8
# cell
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = kernel(second, tmp_path)
    assert "resumed 2 variables" in done.stdout, done.stderr
    assert "-7.0 (300000,) True {'lr': 0.2, 'layers': (64, 32)} False" in done.stdout
    # It went on after the resume, too.
    ws = ach.open(tmp_path / "run.ach")
    assert ws["x"][8] == -8 and ws["x"][7] == -7 and ws["cfg"]["layers"] == (64, 32)
    assert ws.verify()


def test_a_kernel_that_ends_leaves_one_file(tmp_path):
    done = kernel("%load_ext achronyme_env\n# cell\n%ach autosave run.ach\n# cell\nx = 1\n", tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "run.ach-journal").exists()
    assert ach.load(tmp_path / "run.ach") == {"x": 1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_saves_nothing(cell):
    cell("%ach autosave run.ach")
    cell("x = 1")
    cell("import os\nchild = os.fork()\nif child == 0:\n    x = 2\n    get_ipython().events.trigger('post_run_cell', None)\n    os._exit(0)\n_ = os.waitpid(child, 0)")
    assert saved()["x"] == 1


def test_a_large_journal_is_folded_in_the_background(cell, shell, monkeypatch):
    from achronyme_env import _autosave

    monkeypatch.setattr(_autosave, "FOLDED_FROM_BYTES", 1000)
    cell("%ach autosave run.ach")
    cell("import numpy as np\nx = np.arange(100_000)")
    autosave = shell.magics_manager.registry["AchMagics"].autosave
    autosave.folding.join()
    assert (ach.open("run.ach", archive_only=True)["x"] == np.arange(100_000)).all()
    cell("x[0] = 5")
    assert saved()["x"][0] == 5
