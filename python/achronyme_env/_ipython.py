"""`%load_ext achronyme_env`: the magic `%ach` of IPython and notebooks."""

from __future__ import annotations

import atexit
import glob
import os
import shlex
import sys
import types as python_types
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class

from ._autosave import Autosave
from ._decode import Context
from ._encode import Describer
from ._errors import AchError, SessionLockedError
from ._namespace import _Patterns, restore_env
from ._report import count_of, plain, size_of
from ._save import save
from ._session import Session
from ._table import aligned, cells
from ._workspace import Workspace

USAGE = """%ach save FILE [NAMES]    save variables of this session; names may be patterns
%ach load FILE [NAMES]    load variables; without names those whose names are free
%ach who                  names of the variables that would be saved
%ach whos [FILE]          the same with kind, shape and bytes; or those of a file
%ach diff [FILE]          what differs between the variables and a file
%ach autosave FILE        save what changed after each cell
%ach autosave [off]       whether it is done; end it
%ach resume [FILE]        after the kernel died: the variables as they were, and autosave goes on"""

_CODE = (
    type,
    python_types.ModuleType,
    python_types.FunctionType,
    python_types.BuiltinFunctionType,
    python_types.MethodType,
)

_MAGICS: dict[int, AchMagics] = {}


def load(shell: Any) -> None:
    """Registers the magic."""
    magics = AchMagics(shell)
    shell.register_magics(magics)
    _MAGICS[id(shell)] = magics


def unload(shell: Any) -> None:
    """Ends autosave and takes the magic away."""
    magics = _MAGICS.pop(id(shell), None)
    if magics is not None:
        magics.stop()
    shell.magics_manager.magics["line"].pop("ach", None)


@magics_class
class AchMagics(Magics):
    """The magic `%ach`."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._shell = shell
        self.autosave: Autosave | None = None

    @line_magic
    def ach(self, line: str) -> None:
        """Save, load, compare and autosave the variables of this session.

        %ach save FILE [NAMES]    save variables of this session; names may be patterns
        %ach load FILE [NAMES]    load variables; without names those whose names are free
        %ach who                  names of the variables that would be saved
        %ach whos [FILE]          the same with kind, shape and bytes; or those of a file
        %ach diff [FILE]          what differs between the variables and a file
        %ach autosave FILE        save what changed after each cell
        %ach autosave [off]       whether it is done; end it
        %ach resume [FILE]        after the kernel died: the variables as they were, and autosave goes on
        """
        words = _words(line)
        doing: dict[str, Callable[..., None]] = {
            "save": self._save,
            "load": self._load,
            "who": self._who,
            "whos": self._whos,
            "diff": self._diff,
            "autosave": self._autosave,
            "resume": self._resume,
        }
        if not words:
            print(USAGE)
            return
        if words[0] not in doing:
            raise UsageError(f"there is no `%ach {words[0]}`:\n{USAGE}")
        try:
            doing[words[0]](*words[1:])
        except TypeError as error:
            # Too many or too few words; anything else is of ours.
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                lines = [line for line in USAGE.splitlines() if line.startswith(f"%ach {words[0]} ")]
                raise UsageError("\n".join(lines)) from None
            raise
        except (AchError, OSError) as error:
            print(f"%ach {words[0]}: {error}")

    # What the variables are.

    def _names(self) -> list[str]:
        """The user's variables: not the shell's, not code, not what begins with `_`."""
        space, hidden = self._shell.user_ns, self._shell.user_ns_hidden
        missing = object()
        return [
            name
            for name, value in list(space.items())
            if isinstance(name, str)
            and not name.startswith("_")
            # Not `isinstance`, which believes what an object says of itself.
            and not issubclass(type(value), _CODE)
            and hidden.get(name, missing) is not value
        ]

    def _classes(self) -> list[type]:
        """Classes that were defined in this session: of these, values come back as they were."""
        values = list(self._shell.user_ns.values())
        classes = [value for value in values if issubclass(type(value), type)]
        return [cls for cls in classes if getattr(cls, "__module__", None) == "__main__"]

    # Saving and loading.

    def _save(self, file: str, *names: str) -> None:
        wanted = _Patterns(names or None, ())
        space = self._shell.user_ns
        report = save(file, {name: space[name] for name in self._names() if wanted(name)})
        report.notes.extend(wanted.unmatched())
        print(report)

    def _load(self, file: str, *names: str) -> None:
        report = restore_env(
            file,
            into=self._shell.user_ns,
            include=names or None,
            overwrite=bool(names),
            types=self._classes(),
        )
        print(report)

    # Looking.

    def _who(self) -> None:
        print("  ".join(self._names()) or "no variables")

    def _whos(self, file: str | None = None) -> None:
        if file is not None:
            with Workspace(file) as workspace:
                print(workspace)
            return
        space = self._shell.user_ns
        rows = [(name, *_told(space[name])) for name in self._names()]
        print("\n".join([count_of(len(rows), "variable"), *aligned(rows)]))

    def _diff(self, file: str | None = None) -> None:
        autosave = self.autosave
        if file is None and autosave is None:
            raise UsageError("%ach diff FILE; without autosave there is no file of this session")
        if autosave is not None and (file is None or os.path.abspath(file) == autosave.path):
            # Its last commit: another reader would see the same.
            lines = self._differences(autosave.session)
        else:
            with Workspace(file or "") as workspace:
                lines = self._differences(workspace)
        print("\n".join(lines) or "no differences")

    def _differences(self, there: Workspace) -> list[str]:
        space, names = self._shell.user_ns, self._names()
        base = os.path.basename(there.path)
        found = there._archive.differs([(name, space[name]) for name in names], Describer())
        differs = dict(zip(names, found))
        kinds = {row[0]: _row_told(row) for row in there._archive.listing(0, len(there))}
        rows = []
        for name in names:
            here = " ".join(_told(space[name])[:2]).strip()
            if differs[name] is None:
                rows.append(("+", name, f"{here}, only here"))
            elif differs[name]:
                same = here == kinds[name]
                rows.append(("~", name, here if same else f"{here} here, {kinds[name]} in {base}"))
        rows += [("-", name, f"{kinds[name]}, only in {base}") for name in there if name not in differs]
        return [line[2:] for line in aligned(rows)]

    # Autosave.

    def _autosave(self, file: str | None = None) -> None:
        if file == "off":
            if self.autosave is not None:
                self.autosave.after_cell()
            print(self.stop() or "autosave is off")
            return
        if file is None:
            told = "off" if self.autosave is None else f"on: {plain(self.autosave.path)}"
            print(f"autosave is {told}")
            return
        autosave = self._begin(file)
        autosave.compare()
        rest = [name for name in autosave.session if name not in self._shell.user_ns]
        count = autosave.look()
        print(f"autosave to {plain(autosave.path)} after each cell; now {count_of(count, 'variable')}")
        if rest:
            print(f"  in the file and not here: {_named(rest)}; `%ach resume {plain(file)}` brings them")

    def _resume(self, file: str | None = None) -> None:
        file = file or self._left()
        space = self._shell.user_ns
        try:
            autosave = self._begin(file, create=False)
        except SessionLockedError as error:
            # It may still be read.
            report = restore_env(file, into=space, overwrite=True, types=self._classes())
            print(f"{report}\nautosave is off: {error}")
            return
        session = autosave.session
        context = Context(self._classes(), writable=True)
        values = {name: session._archive.load(name, context, True) for name in session}
        replaced = [name for name in values if name in self._names()]
        space.update(values)
        autosave.adopt(list(values))
        print(f"resumed {count_of(len(values), 'variable')} from {plain(session.path)}; autosave goes on")
        if replaced:
            print(f"  as in the file now, and something else before: {_named(replaced)}")
        if context.missing:
            kinds = _named([kind for kind, _ in context.missing])
            print(f"  came back as stand-ins: {kinds}; define the classes, and resume again")
        for note in session.notes:
            print(f"  note: {plain(note)}")

    def _left(self) -> str:
        """The one file in this folder whose session was not closed."""
        ends = ".ach-journal"
        left = [name[: -len("-journal")] for name in sorted(glob.glob(f"*{ends}"))]
        left = [name for name in left if os.path.exists(name)]
        if len(left) != 1:
            shown = f"there are {', '.join(left)}" if left else "no session was left in this folder"
            raise UsageError(f"%ach resume FILE: {shown}")
        return left[0]

    def _begin(self, file: str, create: bool = True) -> Autosave:
        told = self.stop()
        if told:
            print(told)
        # What is folded, and when, is the business of the autosave.
        session = Session(file, create=create, checkpoint_at=None, types=self._classes())
        autosave = Autosave(session, self._shell.user_ns, self._names, _tell)
        self.autosave = autosave
        self._shell.events.register("post_run_cell", autosave.after_cell)
        atexit.register(self.stop)
        return autosave

    def stop(self) -> str | None:
        """Ends autosave; what there is to tell of it. At the end of the process the variables may be
        gone already, and are not looked at.
        """
        autosave, self.autosave = self.autosave, None
        if autosave is None or os.getpid() != autosave.process:
            return None
        atexit.unregister(self.stop)
        self._shell.events.unregister("post_run_cell", autosave.after_cell)
        try:
            autosave.close()
        except AchError as error:
            return f"autosave has ended: {error}"
        return f"autosave has ended: {autosave.session.closed}"


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line, posix=os.name == "posix")
    except ValueError as error:
        raise UsageError(f"%ach {line}: {error}") from None
    if os.name == "posix":
        return words
    # There quotes are left, since backslashes are.
    return [word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word for word in words]


def _named(names: list[str]) -> str:
    return ", ".join(map(plain, names[:5])) + (", ..." if len(names) > 5 else "")


def _told(value: Any) -> tuple[str, str, str]:
    """Kind, shape and bytes of a value, as far as they are known without looking into it."""
    kind = type(value).__name__
    dtype, shape, nbytes = (_asked(value, name) for name in ("dtype", "shape", "nbytes"))
    if kind == "ndarray" and dtype is not None:
        kind = str(dtype)
    if not isinstance(shape, tuple):
        shape = None
        if type(value) in (list, tuple, dict, set, frozenset, str, bytes, bytearray):
            shape = (len(value),)
    size = nbytes if isinstance(nbytes, int) else _size(value)
    return kind, "" if shape is None else str(tuple(shape)), size_of(size)


def _size(value: Any) -> int:
    try:
        return sys.getsizeof(value, 0)
    except Exception:  # noqa: BLE001: likewise
        return 0


def _asked(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001: an object's own code may raise anything
        return None


def _row_told(row: Any) -> str:
    return " ".join(cells(row)[1:3]).strip()
