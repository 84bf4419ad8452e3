"""Promise: the code of the documents runs, and answers what stands there.

A document is run heading by heading: what stands before the first `##` comes first everywhere, then
the blocks of the section in their order, in one namespace and an empty folder. Blocks are

- ```python with `>>>`: a transcript, compared with what comes (`...` stands for anything);
- ```python without: run; when its first line is a comment such as `# means.py`, as a program of that
  name, whose output is the ```text block after it;
- ```ipython: cells, compared with what comes; each block is a kernel of its own, which is killed at
  its end;
- ```console: commands of `ach`, compared with what comes. ACH_COMMAND names the program.
"""

from __future__ import annotations

import ast
import doctest
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

ROOT = pathlib.Path(os.environ.get("ACH_DOCUMENTS", pathlib.Path(__file__).parents[2]))
DOCUMENTS = ["python/README.md", "docs/python.md", "docs/converting.md", "docs/coming-from-python.md"]
HOME = "/home/me"

if "ACH_DOCUMENTS" not in os.environ and not (ROOT / DOCUMENTS[0]).exists():
    pytest.skip("ACH_DOCUMENTS does not name the repository", allow_module_level=True)

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"# (\w+\.py)\n")


@dataclass(frozen=True)
class Block:
    document: str
    line: int
    language: str
    text: str
    # What a program prints.
    output: str | None

    @property
    def code(self) -> str:
        if ">>>" not in self.text:
            return self.text
        return "".join(example.source for example in doctest.DocTestParser().get_examples(self.text))

    @property
    def missing(self) -> set[str]:
        """Modules that the block imports and that are not installed."""
        if self.language == "ipython":
            return set() if importlib.util.find_spec("IPython") else {"IPython"}
        if self.language != "python":
            return set()
        imported = set()
        for node in ast.walk(ast.parse(self.code)):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
        return {name for name in imported if importlib.util.find_spec(name) is None}


def sections(document: str) -> list[list[Block]]:
    """The blocks of each section that has some, with those before the first section in front."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found: list[list[Block]] = [[]]
    for part in re.split(r"^(?=## )", text, flags=re.MULTILINE):
        first = text[: text.index(part)].count("\n") + 1
        matches = [m for m in BLOCK.finditer(part) if m[1] in ("python", "ipython", "console", "text")]
        blocks = []
        for match, after in zip(matches, [*matches[1:], None]):
            if match[1] == "text":
                continue
            output = after[2] if after is not None and after[1] == "text" else None
            line = first + part[: match.start()].count("\n")
            blocks.append(Block(document, line, match[1], match[2], output))
        if part.startswith("## "):
            found.append([*found[0], *blocks])
        else:
            found[0] = blocks
    return [blocks for blocks in found if blocks]


def cases() -> list[Any]:
    """Each block, and those that come before it."""
    made: dict[tuple[str, int], Any] = {}
    for document in DOCUMENTS:
        for blocks in sections(document):
            for count, block in enumerate(blocks, 1):
                name = f"{document}:{block.line}"
                made.setdefault((document, block.line), pytest.param(blocks[:count], id=name))
    return list(made.values())


class Checker(doctest.OutputChecker):
    """Shows the folder of the test under another name."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = str(folder)

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(want, got.replace(self.folder, HOME), optionflags)

    def output_difference(self, example: doctest.Example, got: str, optionflags: int) -> str:
        return super().output_difference(example, got.replace(self.folder, HOME), optionflags)


def run(block: Block, namespace: dict[str, Any], folder: pathlib.Path) -> None:
    name = f"{block.document}:{block.line}"
    checker = Checker(folder)
    if block.language == "console":
        run_console(block, checker)
    elif block.language == "ipython":
        run_cells(block, checker)
    elif program := PROGRAM.match(block.text):
        (folder / program[1]).write_text(block.text)
        done = subprocess.run([sys.executable, program[1]], capture_output=True, text=True)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        compare(checker, block.output or "", done.stdout)
    elif ">>>" in block.text:
        parsed = doctest.DocTestParser().get_doctest(block.text, namespace, name, name, block.line)
        parsed.globs = namespace
        told: list[str] = []
        runner = doctest.DocTestRunner(checker, optionflags=doctest.ELLIPSIS)
        runner.run(parsed, out=told.append, clear_globs=False)
        assert runner.tries > 0 and runner.failures == 0, "".join(told)
    else:
        # Its lines keep the numbers they have in the document.
        exec(compile("\n" * block.line + block.text, str(ROOT / block.document), "exec"), namespace)


def run_console(block: Block, checker: Checker) -> None:
    command = os.environ["ACH_COMMAND"]
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, want = part.partition("\n")
        program, *arguments = line.split()
        assert program == "ach", line
        done = subprocess.run([command, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        compare(checker, want, done.stdout)


KERNEL = """
import json, os, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell, shown = InteractiveShell(), []
shell.display_formatter.active_types = ["text/plain"]
for cell in json.load(sys.stdin):
    with capture_output() as got:
        shell.run_cell(cell, store_history=True)
    shown.append(got.stdout + got.stderr)
print(json.dumps(shown), flush=True)
os._exit(0)
"""


def run_cells(block: Block, checker: Checker) -> None:
    parts = re.split(r"^In \[\d+\]: ", block.text, flags=re.MULTILINE)[1:]
    cells, wanted = [], []
    for part in parts:
        first, *lines = part.splitlines()
        while lines and lines[0].startswith("   ...: "):
            first += "\n" + lines.pop(0)[len("   ...: ") :]
        cells.append(first)
        wanted.append("\n".join(lines).strip() + "\n")
    environment = {**os.environ, "IPYTHONDIR": os.path.abspath("ipython"), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KERNEL], input=json.dumps(cells), capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    for want, got in zip(wanted, json.loads(done.stdout.splitlines()[-1]), strict=True):
        compare(checker, want, got.strip() + "\n")


def compare(checker: Checker, want: str, got: str) -> None:
    example = doctest.Example("", want)
    good = checker.check_output(want, got, doctest.ELLIPSIS)
    assert good, checker.output_difference(example, got, doctest.ELLIPSIS)


@pytest.mark.skipif(np.__version__.startswith("1."), reason="the transcripts show numbers as NumPy 2 does")
@pytest.mark.parametrize("blocks", cases())
def test_the_blocks_of_a_section_run_and_answer_what_stands_there(blocks, tmp_path, monkeypatch):
    *before, last = blocks
    if last.missing:
        pytest.skip(f"not installed: {', '.join(sorted(last.missing))}")
    if last.language == "console" and "ACH_COMMAND" not in os.environ:
        pytest.skip("ACH_COMMAND does not name the command `ach`")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    for block in [block for block in before if not block.missing and block.language in ("python", "ipython")] + [last]:
        run(block, namespace, tmp_path)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_points_to_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert targets
    for target in targets:
        assert ((ROOT / document).parent / target).exists(), target
