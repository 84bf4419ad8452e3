"""Saving a mapping of names to values."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import _native
from ._encode import Describer
from ._errors import InvalidValueError, LossyError, NameTooLongError, WrongKindError
from ._progress import Progress, telling
from ._report import Lost, SaveReport

if TYPE_CHECKING:
    from typing_extensions import TypedDict

    class SaveOptions(TypedDict, total=False):
        """The options of `save`, for functions that hand them on."""

        attrs: Mapping[str, Mapping[str, Any]] | None
        description: str | None
        tags: Iterable[str]
        custom: Mapping[str, str] | None
        cold: Iterable[str]
        compress: bool
        auto_cold: float | None
        level: int
        overwrite: bool
        strict: bool
        durable: bool
        seal: bool
        pickle: bool
        discard_journal: bool
        progress: Progress


MAX_NAME_BYTES = 4096


def save(
    path: str | os.PathLike[str],
    mapping: Mapping[str, Any],
    *,
    attrs: Mapping[str, Mapping[str, Any]] | None = None,
    description: str | None = None,
    tags: Iterable[str] = (),
    custom: Mapping[str, str] | None = None,
    cold: Iterable[str] = (),
    compress: bool = False,
    auto_cold: float | None = None,
    level: int = 3,
    overwrite: bool = True,
    strict: bool = False,
    durable: bool = True,
    seal: bool = False,
    pickle: bool = False,
    discard_journal: bool = False,
    progress: Progress = None,
) -> SaveReport:
    """Save the variables of `mapping` to the file `path`, in their order.

    The file is replaced atomically: whoever looks at it finds the old one or the new one, and an
    error or Ctrl-C leaves the old one and nothing else. That also holds for the very file that
    values of `mapping` were opened from. Arrays are written from where they are, without a copy,
    when they are contiguous (in C or Fortran order) and of the byte order of this machine.

    attrs: for a name, attributes such as units; any values. cold: patterns of names whose arrays
    are compressed; compress: all are; auto_cold: those of which a sample shrinks by this share
    (0.2 is a fifth); level: of zstd, 1 to 22. overwrite: with False a file that exists is an
    `AlreadyExistsError`. durable: whether to return only when the file is on the disk. seal: name
    contents by SHA-256, which a signature of the file can then vouch for; slower. pickle: keep what
    has no form of its own as a pickle, which then needs `pickle=True` to be read. discard_journal:
    replace a file also when its journal holds commits of a session that it does not, or history is
    kept beside it, which are then gone; otherwise that is an `UnfoldedJournalError`. progress: True or
    False, or called with bytes done and total; by default a line on terminals and in notebooks for
    what takes more than a second.

    A save does not fail because of a value. What cannot be kept is in `report.lost`; with `strict`
    it is a `LossyError`, before anything is written.
    """
    if not isinstance(mapping, Mapping):
        kind = type(mapping).__name__
        raise WrongKindError(f"save(path, mapping) expects a mapping of names to values, found {kind}")
    file = os.fsdecode(os.fspath(path))
    bindings, lost = _named(mapping)
    saved = {name for name, _ in bindings}
    attributes = {}
    for name, given in (attrs or {}).items():
        if name in saved:
            attributes[str(name)] = _attributes(name, given, lost)
        else:
            shown = name if isinstance(name, str) else repr(name)
            lost.append(Lost(shown, "", "", "attributes were given for it, and it is not saved"))
    if strict and lost:
        raise _lossy(file, lost)
    options = _options(
        description=description,
        tags=tags,
        custom=custom,
        cold=cold,
        compress=compress,
        auto_cold=auto_cold,
        level=level,
        overwrite=overwrite,
        strict=strict,
        durable=durable,
        seal=seal,
        discard_journal=discard_journal,
    )
    try:
        with telling("saving", file, progress) as told:
            file_len, count, findings = _native.save(file, bindings, attributes, options, Describer(pickle), told)
    except LossyError as error:
        error.lost = [Lost(*entry) for entry in error.lost]
        raise
    notes: list[Lost] = []
    for name, where, kind, outcome, why in findings:
        entry = Lost(name, where, kind, why)
        (lost if outcome in ("lost", "unresolved") else notes).append(entry)
    return SaveReport(file, count, file_len, lost, notes)


def _options(
    *,
    description: str | None,
    tags: Iterable[str],
    custom: Mapping[str, str] | None,
    cold: Iterable[str],
    **others: Any,
) -> dict[str, Any]:
    """The options for the extension, those looked at that hold texts."""
    return {
        "description": None if description is None else _texts("description", [description])[0],
        "tags": _texts("tags", tags),
        "custom": _custom(custom),
        "cold": _texts("cold", cold),
        **others,
    }


# Not as an attribute, which a class of classes may answer with anything.
_KIND = type.__dict__["__name__"].__get__


def _named(mapping: Mapping[str, Any]) -> tuple[list[tuple[str, Any]], list[Lost]]:
    bindings: list[tuple[str, Any]] = []
    lost: list[Lost] = []
    for name, value in list(mapping.items()):
        kind = _KIND(type(value))
        if not isinstance(name, str):
            lost.append(Lost(repr(name), "", kind, "names must be str"))
            continue
        try:
            size = len(name.encode("utf-8"))
        except UnicodeEncodeError:
            lost.append(Lost(repr(name), "", kind, "the name holds half a character"))
            continue
        if size > MAX_NAME_BYTES:
            shown = name[:40] + "..."
            lost.append(Lost(shown, "", kind, f"the name has {size} bytes, above {MAX_NAME_BYTES}"))
            continue
        bindings.append((str(name), value))
    return bindings, lost


def _checked_name(name: Any) -> str:
    """A name for a variable."""
    if not isinstance(name, str):
        raise WrongKindError(f"the name of a variable is a {_KIND(type(name))}, where a str is expected")
    if not _is_text(name):
        raise InvalidValueError(f"the name {name!r} holds half a character")
    if len(name.encode("utf-8")) > MAX_NAME_BYTES:
        raise NameTooLongError(f"the name {name[:40] + '...'!r} is longer than {MAX_NAME_BYTES} bytes")
    return str(name)


def _lossy(file: str, lost: list[Lost]) -> LossyError:
    error = LossyError(f"cannot save {file} without loss: {'; '.join(map(str, lost[:3]))}")
    error.path, error.lost = file, lost
    return error


def _attributes(name: str, given: Any, lost: list[Lost]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        kind = _KIND(type(given))
        raise WrongKindError(f"the attributes of {name!r} are of type {kind}, where a mapping is expected")
    kept: dict[str, Any] = {}
    for key, value in given.items():
        if isinstance(key, str) and _is_text(key):
            kept[str(key)] = value
        else:
            why = "names of attributes must be str"
            lost.append(Lost(name, f"<attributes>.{key!r}", _KIND(type(value)), why))
    return kept


def _is_text(text: str) -> bool:
    """Whether it holds no half characters, which no other language could read."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _texts(option: str, given: Iterable[str]) -> list[str]:
    texts = [given] if isinstance(given, str) else list(given)
    for text in texts:
        if not (isinstance(text, str) and _is_text(text)):
            raise InvalidValueError(f"{option} must hold str; {text!r} is none")
    return texts


def _custom(given: Mapping[str, str] | None) -> dict[str, str]:
    for key, value in (given or {}).items():
        if not (isinstance(key, str) and isinstance(value, str) and _is_text(key + value)):
            raise InvalidValueError(f"custom must map str to str; {key!r}: {value!r} does not")
    return dict(given or {})
