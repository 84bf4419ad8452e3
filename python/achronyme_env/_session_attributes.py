"""What is said of the variables of a session, which can be set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from ._errors import InvalidValueError, WrongKindError
from ._report import Lost, plain
from ._save import _attributes
from ._workspace import _no_such

if TYPE_CHECKING:
    from ._session import Session


class SessionAttributes(MutableMapping[str, MutableMapping[str, Any]]):
    """The attributes of the variables of a session, by name."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __getitem__(self, name: str) -> AttributesOf:
        if name not in self._session:
            raise _no_such(self._session.path, name)
        return AttributesOf(self._session, name)

    def __setitem__(self, name: str, attributes: Mapping[str, Any]) -> None:
        lost: list[Lost] = []
        given = _attributes(name, attributes, lost)
        self._session._warn(lost + self._session._change([("attributes", _name(name), given)]))

    def __delitem__(self, name: str) -> None:
        self[name] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._session)

    def __len__(self) -> int:
        return len(self._session)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return f"<attributes of the variables of {plain(self._session.path)}>"


class AttributesOf(MutableMapping[str, Any]):
    """The attributes of one variable of a session. Setting one is a commit."""

    def __init__(self, session: Session, name: str) -> None:
        self._session, self._name = session, name

    def _dict(self) -> dict[str, Any]:
        session = self._session
        if session._pending:
            return session._writer.attributes(self._name, session._context)
        return session._archive.attributes(self._name, session._context)

    def __getitem__(self, key: str) -> Any:
        return self._dict()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._session.attrs[self._name] = {**self._dict(), key: value}

    def __delitem__(self, key: str) -> None:
        left = self._dict()
        del left[key]
        self._session.attrs[self._name] = left

    def __iter__(self) -> Iterator[str]:
        return iter(self._dict())

    def __len__(self) -> int:
        return len(self._dict())

    def __repr__(self) -> str:
        return repr(self._dict())


def _name(name: Any) -> str:
    """A name as the file can hold it."""
    if not isinstance(name, str):
        raise WrongKindError(f"names are str; {name!r} is none. An array is replaced as a whole")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidValueError(f"the name {name!r} holds half a character") from None
    return str(name)
