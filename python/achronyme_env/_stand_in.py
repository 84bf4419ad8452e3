"""What stands for a value whose type is not here."""

from __future__ import annotations

from typing import Any


class StandIn:
    """A value whose type is not known, or was not passed in `types=[...]`.

    It holds what the file holds: `type_name`, `parameters` and `storage`; and it is saved again
    unchanged. Fields of a dataclass or a named tuple are attributes: `config.lr`.
    """

    __slots__ = ("type_name", "parameters", "storage")

    def __init__(self, type_name: str, parameters: Any, storage: Any) -> None:
        self.type_name = type_name
        self.parameters = parameters
        self.storage = storage

    @property
    def class_name(self) -> str:
        """The class it was saved from, or the type's name in the file."""
        parameters = self.parameters
        if isinstance(parameters, dict):
            saved_from = parameters.get("class")
            if isinstance(saved_from, str):
                return saved_from
        return self.type_name

    def _fields(self) -> dict[str, Any]:
        storage, parameters = self.storage, self.parameters
        if self.type_name == "python.dataclass" and isinstance(storage, dict):
            return storage
        if self.type_name == "python.namedtuple" and isinstance(parameters, dict):
            names = parameters.get("fields")
            if isinstance(names, list) and isinstance(storage, list):
                return dict(zip((str(name) for name in names), storage))
        if self.type_name == "python.enum" and isinstance(storage, dict):
            return storage
        return {}

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__"):
            fields = self._fields()
            if name in fields:
                return fields[name]
        raise AttributeError(f"the stand-in for {self.class_name} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._fields()]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StandIn):
            return NotImplemented
        ours = (self.type_name, self.parameters, self.storage)
        return ours == (other.type_name, other.parameters, other.storage)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return StandIn, (self.type_name, self.parameters, self.storage)

    def __repr__(self) -> str:
        if self.type_name == "unsupported" and isinstance(self.parameters, dict):
            parameters = self.parameters
            return f"<not saved: a {parameters.get('kind')}, {parameters.get('reason')}>"
        fields = self._fields()
        if fields:
            shown = ", ".join(f"{name}={value!r}" for name, value in fields.items())
            return f"<stand-in for {self.class_name}: {shown}>"
        return f"<stand-in for {self.class_name}>"
