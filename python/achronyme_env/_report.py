"""What a save or a restore tells."""

from __future__ import annotations

from collections.abc import Sequence
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


def count_of(count: int, what: str) -> str:
    """`1 variable`, `2 variables`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def size_of(count: int) -> str:
    """Bytes in the unit that suits their number."""
    size, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{count} B" if units[0] == "B" else f"{size:.1f} {units[0]}"


def _lines(lost: Sequence[Lost]) -> list[str]:
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
    lost: list[Lost] = field(default_factory=list)
    notes: list[Lost] = field(default_factory=list)

    def __str__(self) -> str:
        head = f"saved {count_of(self.bindings, 'variable')} to {plain(self.path)}, {size_of(self.file_len)}"
        if self.lost:
            head += f"; {len(self.lost)} not kept as they were"
        return "\n".join([head, *_lines(self.lost), *_lines(self.notes)])

    __repr__ = __str__


@dataclass(frozen=True)
class RestoreReport:
    """What a restore did."""

    path: str
    restored: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    notes: list[Lost] = field(default_factory=list)

    def __str__(self) -> str:
        head = f"restored {count_of(len(self.restored), 'variable')} from {plain(self.path)}"
        if self.kept:
            names = ", ".join(map(plain, self.kept[:SHOWN])) + (", ..." if len(self.kept) > SHOWN else "")
            head += f"; kept as they were: {names}"
        return "\n".join([head, *_lines(self.lost), *_lines(self.notes)])

    __repr__ = __str__
