"""Workspaces in one file: save named values and arrays, open them at once, load one variable.

    import achronyme_env as ach

    ach.save("run.ach", {"weights": weights, "cfg": {"lr": 1e-3}})
    ws = ach.open("run.ach")          # reads the table of contents, nothing else
    ws["weights"]                     # a read-only view of the file
    ach.load("run.ach", "weights")    # writable; the file does not change
"""

from ._errors import *  # noqa: F403
from ._errors import __all__ as _errors
from ._native import Foreign, __version__
from ._report import Lost, RestoreReport, SaveReport
from ._save import save
from ._session import load, restore_env, save_env
from ._stand_in import StandIn
from ._workspace import Attributes, Fault, Info, VerifyReport, Workspace, open

__all__ = [
    "Attributes",
    "Fault",
    "Foreign",
    "Info",
    "Lost",
    "RestoreReport",
    "SaveReport",
    "StandIn",
    "VerifyReport",
    "Workspace",
    "__version__",
    "load",
    "open",
    "restore_env",
    "save",
    "save_env",
    *_errors,
]
