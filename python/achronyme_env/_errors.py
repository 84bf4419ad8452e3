"""One exception class for each kind of error, all under `AchError`.

Each is also the built-in exception that code not written for this package would catch:
`NotFoundError` is a `KeyError`, `WrongKindError` a `TypeError`, `IoError` an `OSError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._report import Lost


_PACKAGE = __name__.rpartition(".")[0]


class AchError(Exception):
    """Every error of this package.

    `path` is the file and `name` the variable it is about, where there is one.
    """

    path: str | None = None
    name: str | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.__module__ == __name__:
            # Tracebacks show where a class is imported from, and not where it is written.
            cls.__module__ = _PACKAGE

    def __str__(self) -> str:
        # KeyError would show the representation of its argument, OSError its number.
        return str(self.args[0]) if self.args else ""


AchError.__module__ = _PACKAGE


class AlreadyExistsError(AchError, FileExistsError):
    """The file exists and `overwrite` is false."""


class AccessError(AchError, PermissionError):
    """The system does not allow it."""


class CancelledError(AchError):
    """A save was given up."""


class ChangedInPlaceError(AchError, OSError):
    """The file was changed in place while it was open."""


class ClosedError(AchError, ValueError):
    """The workspace or session was closed."""


class CommitNotDurableError(AchError, OSError):
    """A commit is in the journal, but may not survive a power cut."""


class ConstantError(AchError, ValueError):
    """A constant was to be changed."""


class DamagedError(AchError, ValueError):
    """Bytes of the file do not say what they must."""


class DiskFullError(AchError, OSError):
    """There is no room for the file."""


class DTypeError(AchError, TypeError):
    """Elements were asked for as another type than they are."""


class DuplicateNameError(AchError, ValueError):
    """A name was given twice."""


class FileMissingError(AchError, FileNotFoundError):
    """There is no such file."""


class FileTooLargeError(AchError, ValueError):
    """The file would be larger than allowed."""


class ForeignJournalError(AchError, ValueError):
    """The journal beside the file belongs to another file."""


class ForkedChildError(AchError, RuntimeError):
    """A forked process used the session of the process it was forked from."""


class HistoryEndsError(AchError, LookupError):
    """The history of a session does not reach there."""


class InvalidValueError(AchError, ValueError):
    """A value or an option cannot be."""


class IoError(AchError, OSError):
    """Reading or writing failed."""


class JournalClosedError(AchError, OSError):
    """After an error nothing more is appended to the journal: open the session again."""


class JournalGapError(AchError, ValueError):
    """A part of the journal is missing."""


class LossyError(AchError, ValueError):
    """Under `strict`: something would be lost. `lost` says what."""

    lost: list[Lost] = []


class MissingLibraryError(AchError, ImportError):
    """A library is needed that is not installed: the message says how to install it."""


class NameTakenError(AchError, ValueError):
    """A restore would put something in the place of a variable."""


class NameTooLongError(AchError, ValueError):
    """A name is longer than 4096 bytes."""


class NestingTooDeepError(AchError, ValueError):
    """A value is nested deeper than 128 levels."""


class NoRoomToCommitError(AchError, OSError):
    """There is no room for a commit. It is undone, and the session goes on."""


class NoSuchMarkError(AchError, KeyError):
    """The history of a session has no mark of that name."""


class NoSuchPartError(AchError, LookupError):
    """A value has no such field or element."""


class NotAFileError(AchError, OSError):
    """The path leads to a directory, a FIFO, a device or a socket."""


class NotAnArchiveError(AchError, ValueError):
    """The file is no .ach archive."""


class NotDurableError(AchError, OSError):
    """The new file is in place, but may not survive a power cut."""


class NotFoundError(AchError, KeyError):
    """There is no variable of that name."""


class PathSyntaxError(AchError, ValueError):
    """Text is not a path into a value, or not a pattern."""


class SessionLockedError(AchError, BlockingIOError):
    """The session is open for writing already: the message says where."""


class SliceError(AchError, IndexError):
    """An index or range lies outside an array."""


class TooLargeError(AchError, ValueError):
    """A cap on memory was reached."""


class UnfoldedJournalError(AchError, FileExistsError):
    """The file is not replaced: its journal holds commits that it does not, or history is kept."""


class UnsupportedError(AchError, NotImplementedError):
    """The file uses something that is not known here."""


class Version1Error(AchError, ValueError):
    """A version 1 archive: convert it with `ach upgrade`."""


class WrongKindError(AchError, TypeError):
    """A value is of another kind than was asked for."""


class LossWarning(UserWarning):
    """Something of a value was not kept as it was."""


LossWarning.__module__ = _PACKAGE
