"""What a file says of itself, and what is wrong with it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ._report import count_of, plain


@dataclass(frozen=True)
class Info:
    """What a file says about itself."""

    path: str
    created_at: datetime.datetime
    created_by: str
    description: str | None
    tags: list[str]
    custom: dict[str, str]
    format: tuple[int, int]
    compressed: bool
    file_len: int
    bindings: int


@dataclass(frozen=True)
class Fault:
    """Something wrong with a file, and the variables it touches."""

    what: str
    variables: list[str]


@dataclass(frozen=True)
class VerifyReport:
    """What `verify` found. True when nothing is wrong."""

    faults: list[Fault]

    def __bool__(self) -> bool:
        return not self.faults

    def __str__(self) -> str:
        if not self.faults:
            return "no faults"
        lines = [count_of(len(self.faults), "fault")]
        for fault in self.faults:
            of = f" ({', '.join(fault.variables)})" if fault.variables else ""
            lines.append(f"  {fault.what}{of}")
        return "\n".join(map(plain, lines))

    __repr__ = __str__
