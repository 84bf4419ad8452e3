"""Files of other formats as archives, and archives as files of other formats.

Each format is a module of this folder and needs its own library, which is imported only when it is
asked for. docs/converting.md says what becomes of what.
"""

from ._convert import ConvertReport, convert

__all__ = ["ConvertReport", "convert"]
