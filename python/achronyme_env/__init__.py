"""Workspaces in one file: save named values and arrays, open them at once, load one variable.

import achronyme_env as ach

ach.save("run.ach", {"weights": weights, "cfg": {"lr": 1e-3}})
ws = ach.open("run.ach")          # reads the table of contents, nothing else
ws["weights"]                     # a read-only view of the file
ach.load("run.ach", "weights")    # writable; the file does not change
"""

from ._errors import (
    AccessError,
    AchError,
    AlreadyExistsError,
    CancelledError,
    ChangedInPlaceError,
    ClosedError,
    ConstantError,
    DamagedError,
    DiskFullError,
    DTypeError,
    DuplicateNameError,
    FileMissingError,
    FileTooLargeError,
    InvalidValueError,
    IoError,
    LossyError,
    NameTakenError,
    NameTooLongError,
    NestingTooDeepError,
    NoSuchPartError,
    NotAFileError,
    NotAnArchiveError,
    NotDurableError,
    NotFoundError,
    PathSyntaxError,
    SliceError,
    TooLargeError,
    UnsupportedError,
    Version1Error,
    WrongKindError,
)
from ._native import Foreign, __version__
from ._report import Lost, RestoreReport, SaveReport
from ._save import save
from ._session import load, restore_env, save_env
from ._stand_in import StandIn
from ._workspace import Attributes, Fault, Info, VerifyReport, Workspace, open

__all__ = [
    "__version__",
    "AccessError",
    "AchError",
    "AlreadyExistsError",
    "Attributes",
    "CancelledError",
    "ChangedInPlaceError",
    "ClosedError",
    "ConstantError",
    "DamagedError",
    "DiskFullError",
    "DTypeError",
    "DuplicateNameError",
    "Fault",
    "FileMissingError",
    "FileTooLargeError",
    "Foreign",
    "Info",
    "InvalidValueError",
    "IoError",
    "load",
    "LossyError",
    "Lost",
    "NameTakenError",
    "NameTooLongError",
    "NestingTooDeepError",
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
    "SliceError",
    "StandIn",
    "TooLargeError",
    "UnsupportedError",
    "VerifyReport",
    "Version1Error",
    "Workspace",
    "WrongKindError",
]
