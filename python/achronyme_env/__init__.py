"""Workspaces in one file: save named values and arrays, open them at once, load one variable.

import achronyme_env as ach

ach.save("run.ach", {"weights": weights, "cfg": {"lr": 1e-3}})
ws = ach.open("run.ach")          # reads the table of contents, nothing else
ws["weights"]                     # a read-only view of the file
ach.load("run.ach", "weights")    # writable; the file does not change

with ach.session("run.ach") as s: # a journal beside the file: a commit costs what changed
    s["step"] = 4
    s.undo()

with ach.create("field.ach", "field", "f4", (200_000, 100_000)) as field:
    field[0] = 1                  # computed in the file, which may be larger than memory
"""

from typing import Any

from ._convert import ConvertReport, convert
from ._errors import (
    AccessError,
    AchError,
    AlreadyExistsError,
    CancelledError,
    ChangedInPlaceError,
    ClosedError,
    CommitNotDurableError,
    ConstantError,
    DamagedError,
    DiskFullError,
    DTypeError,
    DuplicateNameError,
    FileMissingError,
    FileTooLargeError,
    ForeignJournalError,
    ForkedChildError,
    HistoryEndsError,
    InvalidValueError,
    IoError,
    JournalClosedError,
    JournalGapError,
    LossWarning,
    LossyError,
    MissingLibraryError,
    NameTakenError,
    NameTooLongError,
    NestingTooDeepError,
    NoRoomToCommitError,
    NoSuchMarkError,
    NoSuchPartError,
    NotAFileError,
    NotAnArchiveError,
    NotDurableError,
    NotFoundError,
    PathSyntaxError,
    SessionLockedError,
    SliceError,
    TooLargeError,
    UnfoldedJournalError,
    UnsupportedError,
    Version1Error,
    WrongKindError,
)
from ._follow import State, follow
from ._history import Change, Commit, Event, Log, Travelled
from ._info import Fault, Info, VerifyReport
from ._namespace import load, restore_env, save_env
from ._native import Foreign, __version__
from ._report import Lost, RestoreReport, SaveReport
from ._save import save
from ._session import Closed, Session, backup, session
from ._session_attributes import AttributesOf, SessionAttributes
from ._stand_in import StandIn
from ._workspace import Attributes, Workspace, open
from ._writer import Writer, create, writer

__all__ = [
    "__version__",
    "AccessError",
    "AchError",
    "AlreadyExistsError",
    "Attributes",
    "AttributesOf",
    "backup",
    "CancelledError",
    "Change",
    "ChangedInPlaceError",
    "Closed",
    "ClosedError",
    "Commit",
    "CommitNotDurableError",
    "ConstantError",
    "convert",
    "ConvertReport",
    "create",
    "DamagedError",
    "DiskFullError",
    "DTypeError",
    "DuplicateNameError",
    "Event",
    "Fault",
    "FileMissingError",
    "FileTooLargeError",
    "follow",
    "Foreign",
    "ForeignJournalError",
    "ForkedChildError",
    "HistoryEndsError",
    "Info",
    "InvalidValueError",
    "IoError",
    "JournalClosedError",
    "JournalGapError",
    "load",
    "Log",
    "LossWarning",
    "LossyError",
    "Lost",
    "MissingLibraryError",
    "NameTakenError",
    "NameTooLongError",
    "NestingTooDeepError",
    "NoRoomToCommitError",
    "NoSuchMarkError",
    "NoSuchPartError",
    "NotAFileError",
    "NotAnArchiveError",
    "NotDurableError",
    "NotFoundError",
    "open",
    "PathSyntaxError",
    "restore_env",
    "RestoreReport",
    "save",
    "save_env",
    "SaveReport",
    "Session",
    "session",
    "SessionAttributes",
    "SessionLockedError",
    "SliceError",
    "StandIn",
    "State",
    "TooLargeError",
    "Travelled",
    "UnfoldedJournalError",
    "UnsupportedError",
    "VerifyReport",
    "Version1Error",
    "Workspace",
    "Writer",
    "writer",
    "WrongKindError",
]


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext achronyme_env`: the magic `%ach`."""
    from ._ipython import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext achronyme_env`."""
    from ._ipython import unload

    unload(shell)
