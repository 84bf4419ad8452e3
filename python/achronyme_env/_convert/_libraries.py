"""Libraries of other formats, which the package does not depend on."""

from __future__ import annotations

import importlib
from typing import Any

from .._errors import MissingLibraryError


def library(module: str, doing: str, package: str | None = None) -> Any:
    """A module, or an error that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = package or module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == package
        why = "is not installed" if missing else f"cannot be imported ({error})"
        raise MissingLibraryError(
            f"{doing} needs {package}, which {why}; run `pip install {package}`"
        ) from None
