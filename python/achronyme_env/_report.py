"""What a save or a restore tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

SHOWN = 10


def plain(text: str) -> str:
    """Without what would move the cursor or colour the terminal."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


class Lost(NamedTuple):
    """Something that was not kept as it was."""

    name: str
    path: str
    type: str
    why: str

    def __str__(self) -> str:
        kind = f" ({self.type})" if self.type else ""
        return plain(f"{self.name}{self.path}{kind}: {self.why}")


def _lines(lost: list) -> list:
    lines = [f"  {item}" for item in lost[:SHOWN]]
    if len(lost) > SHOWN:
        lines.append(f"  ... and {len(lost) - SHOWN} more, see .lost")
    return lines


@dataclass(frozen=True)
class SaveReport:
    """What a save did."""

    path: str
    bindings: int
    file_len: int
    lost: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def __str__(self) -> str:
        head = f"saved {self.bindings} variables to {plain(self.path)}, {self.file_len} bytes"
        if self.lost:
            head += f"; {len(self.lost)} not kept as they were"
        return "\n".join([head, *_lines(self.lost), *_lines(self.notes)])

    __repr__ = __str__


@dataclass(frozen=True)
class RestoreReport:
    """What a restore did."""

    path: str
    restored: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    lost: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def __str__(self) -> str:
        head = f"restored {len(self.restored)} variables from {plain(self.path)}"
        if self.kept:
            names = ", ".join(map(plain, self.kept[:SHOWN])) + (", ..." if len(self.kept) > SHOWN else "")
            head += f"; kept as they were: {names}"
        return "\n".join([head, *_lines(self.lost), *_lines(self.notes)])

    __repr__ = __str__
