"""Loading for work: writable values, and whole sessions."""

from __future__ import annotations

import difflib
import os
import types as python_types
from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Literal, overload

from . import _native
from ._decode import Context
from ._errors import (
    DamagedError,
    InvalidValueError,
    NameTakenError,
    UnsupportedError,
    WrongKindError,
)
from ._progress import Progress, telling
from ._report import Lost, RestoreReport, SaveReport
from ._save import save
from ._workspace import MMap, Types, Workspace

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._save import SaveOptions

# Mapped arrays are checked first in files up to this length; reading larger ones would take time.
CHECKED_UP_TO_BYTES = 64 << 20

# What an interactive interpreter keeps for itself.
_INTERACTIVE = {"In", "Out", "get_ipython", "exit", "quit"}


@overload
def load(
    path: str | os.PathLike[str],
    name: str,
    *,
    mmap: MMap = "auto",
    types: Types = (),
    pickle: bool = False,
    check: bool | None = None,
    progress: Progress = None,
) -> Any: ...
@overload
def load(
    path: str | os.PathLike[str],
    name: None = None,
    *,
    mmap: MMap = "auto",
    types: Types = (),
    pickle: bool = False,
    check: bool | None = None,
    progress: Progress = None,
) -> dict[str, Any]: ...
def load(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    mmap: MMap = "auto",
    types: Types = (),
    pickle: bool = False,
    check: bool | None = None,
    progress: Progress = None,
) -> Any:
    """The value of one variable; or, without a name, a dict of all.

    Arrays are writable, and the file never changes. An array of 64 KiB or more that is not
    compressed is a private map of its part of the file: nothing is read before it is looked at, and
    a write copies the pages it touches. Smaller and compressed ones are copies, and so are all with
    `mmap=False`. See `open` for mmap, types and pickle.

    check: whether mapped arrays up to 64 MiB are compared with their sums before they are handed
    out. By default they are for one variable, and for all of a file of up to 64 MiB; larger arrays
    never are: `open(path).verify(name)` does it. Copies always are.

    progress: as in `save`, told after each variable; what it raises, and Ctrl-C, gives the load up.
    """
    with Workspace(path, mmap, types=types, pickle=pickle) as workspace:
        if name is not None:
            return workspace.load(name, check=check is not False)
        check = _checks(workspace, check)
        sizes = {row[0]: row[4] for row in workspace._archive.listing(0, len(workspace))}
        done, total, values = 0, sum(sizes.values()), {}
        with telling("loading", workspace.path, progress) as told:
            for each in workspace:
                values[each] = workspace.load(each, check=check)
                done += sizes[each]
                if told is not None:
                    told(done, total)
        return values


def save_env(
    namespace: Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    **options: Unpack[SaveOptions],
) -> SaveReport:
    """Save a session: `save_env(globals(), "run.ach")`.

    Modules, names such as `__name__`, and what an interactive interpreter keeps for itself are
    skipped. Functions and classes are code and cannot be kept: they are in the report. include and
    exclude are patterns of names; the options are those of `save`.
    """
    if not isinstance(namespace, Mapping):
        kind = type(namespace).__name__
        raise WrongKindError(f"save_env(namespace, path) expects a mapping such as globals(), found {kind}")
    wanted = _Patterns(include, exclude)
    kept = {
        name: value
        for name, value in list(namespace.items())
        if isinstance(name, str) and wanted(name) and _belongs(name, value, namespace)
    }
    report = save(path, kept, **options)
    report.notes.extend(wanted.unmatched())
    return report


def restore_env(
    path: str | os.PathLike[str],
    into: MutableMapping[str, Any],
    *,
    mode: Literal["merge", "replace", "namespace"] = "merge",
    overwrite: bool = False,
    namespace: str | None = None,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    mmap: MMap = "auto",
    types: Types = (),
    pickle: bool = False,
    check: bool | None = None,
) -> RestoreReport:
    """Restore a session: `restore_env("run.ach", into=globals())`.

    Values are those of `load`: writable, and not read before they are looked at, so that this takes
    as long for 100 GB as for one. An error leaves `into` as it was.

    mode: "merge" adds the variables; one whose name is taken is kept as it was, and reported,
    unless `overwrite`. "replace" removes first what `save_env` would save. "namespace" puts all
    into one dict under the name `namespace` (the file's name by default).
    """
    if mode not in ("merge", "replace", "namespace"):
        raise InvalidValueError(f'mode is {mode!r}, where "merge", "replace" or "namespace" is expected')
    if not isinstance(into, MutableMapping):
        kind = type(into).__name__
        raise WrongKindError(f"restore_env(path, into) expects a mapping such as globals(), found {kind}")
    wanted = _Patterns(include, exclude)
    file = os.fsdecode(os.fspath(path))
    if mode == "namespace":
        namespace = namespace or os.path.splitext(os.path.basename(file))[0]
        if namespace in into and not overwrite:
            raise NameTakenError(
                f"there is a variable {namespace!r}; choose another namespace, or allow overwriting"
            )
    values: dict[str, Any] = {}
    kept: list[str] = []
    lost: list[Lost] = []
    with Workspace(path, mmap, types=types, pickle=pickle) as workspace:
        check = _checks(workspace, check)
        for name in workspace:
            if not wanted(name):
                continue
            if mode == "merge" and not overwrite and name in into:
                kept.append(name)
                continue
            context = Context(types, pickle, writable=True)
            try:
                values[name] = workspace._archive.load(name, context, check)
            except UnsupportedError as error:
                lost.append(Lost(name, "", "", str(error)))
                continue
            except DamagedError as error:
                error.args = (f"{error}; exclude={name!r} restores the others",)
                raise
            for kind, why in context.missing or {}:
                lost.append(Lost(name, "", kind, why))
    before = dict(into)
    try:
        if mode == "replace":
            for name, value in before.items():
                if _belongs(name, value, before) and not isinstance(value, _CODE):
                    del into[name]
        if mode == "namespace" and namespace is not None:
            into[namespace] = values
        else:
            into.update(values)
    except BaseException:
        # Ctrl-C, or a mapping with rules of its own: as it was.
        for name in [name for name in into if name not in before]:
            del into[name]
        into.update(before)
        raise
    return RestoreReport(file, list(values), kept, lost, wanted.unmatched())


_CODE = (
    type,
    python_types.FunctionType,
    python_types.BuiltinFunctionType,
    python_types.MethodType,
)


def _checks(workspace: Workspace, check: bool | None) -> bool:
    if check is None:
        return workspace._archive.file_len <= CHECKED_UP_TO_BYTES
    return check


def _belongs(name: str, value: Any, namespace: Mapping[str, Any]) -> bool:
    """Whether a name of a session is the user's."""
    if isinstance(value, python_types.ModuleType):
        return False
    if name.startswith("__") and name.endswith("__"):
        return False
    if "get_ipython" in namespace:
        rest = name.lstrip("_")
        history = name.startswith("_") and (
            rest in ("", "i", "ih", "oh", "dh", "ii", "iii") or rest.lstrip("i").isdigit()
        )
        # It also puts an `open` of its own there; one of the user's is the user's.
        theirs = name == "open" and (getattr(value, "__module__", None) or "").startswith("IPython.")
        return not (history or theirs or name in _INTERACTIVE)
    return True


class _Patterns:
    """Which names are asked for."""

    def __init__(self, include: Iterable[str] | None, exclude: Iterable[str]) -> None:
        self.include = None if include is None else _Given("include", include)
        self.exclude = _Given("exclude", exclude)
        self.seen: list[str] = []

    def __call__(self, name: str) -> bool:
        self.seen.append(name)
        included = self.include is None or self.include.matches(name)
        excluded = self.exclude.matches(name)
        # A name that is given itself is wanted, whatever the patterns of the others say.
        exact = self.include is not None and name in self.include.patterns
        return exact or (included and not excluded)

    def unmatched(self) -> list[Lost]:
        """A note for each pattern that no name has matched."""
        given = [self.exclude] if self.include is None else [self.include, self.exclude]
        notes = []
        for texts in given:
            for text in texts.patterns.keys() - texts.met:
                near = difflib.get_close_matches(text, self.seen, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                notes.append(Lost(text, "", "", f"no variable matches this of {texts.option}{hint}"))
        return notes


class _Given:
    """The patterns of one option, and which of them have matched."""

    def __init__(self, option: str, given: Iterable[str]) -> None:
        self.option = option
        texts = [given] if isinstance(given, str) else list(given)
        self.patterns = {text: _native.Pattern(text) for text in texts}
        self.met: set[str] = set()

    def matches(self, name: str) -> bool:
        met = [text for text, pattern in self.patterns.items() if pattern.matches(name)]
        self.met.update(met)
        return bool(met)
