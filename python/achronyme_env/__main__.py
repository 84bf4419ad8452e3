"""`python -m achronyme_env`: what is done in a shell and needs Python."""

from __future__ import annotations

import argparse
import re
import sys

from . import __version__
from ._convert import convert
from ._errors import AchError, LossyError
from ._report import plain


def main(arguments: list[str] | None = None) -> int:
    """Run a command; what the process is to answer."""
    parser = argparse.ArgumentParser(prog="python -m achronyme_env", description=__doc__)
    parser.add_argument("--version", action="version", version=f"achronyme_env {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "convert",
        help="make an archive of a file of another format, or the other way",
        description="Make an archive of an .h5, .nc, .mat, .parquet, .arrow, .feather, .pt, .zarr, .npy, .npz or"
        " .safetensors file, or an .h5, .mat, .parquet, .arrow, .feather, .npz or .zarr of an archive.",
        epilog="What cannot be kept as it is goes to standard error, and the answer is still 0 unless --strict.",
    )
    command.add_argument("source", metavar="SOURCE", help="the file to read")
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="the file to write")
    command.add_argument("--overwrite", action="store_true", help="replace FILE when it exists")
    command.add_argument("--only", action="append", default=[], metavar="GLOB", help="variables to take; may be repeated")
    command.add_argument("--name", metavar="NAME", help="name of what has none in SOURCE, such as a table")
    command.add_argument(
        "--chunk", type=_size, default=64 << 20, metavar="SIZE", help="bytes of an array in memory at once (64M)"
    )
    command.add_argument("--cold", action="append", default=[], metavar="GLOB", help="variables to compress in an archive")
    command.add_argument("--compress", action="store_true", help="compress all variables in an archive")
    command.add_argument("--strict", action="store_true", help="write nothing when something cannot be kept as it is")
    command.add_argument("-v", "--verbose", action="store_true", help="tell the name of each variable")
    given = parser.parse_args(arguments)
    try:
        report = convert(
            given.source,
            given.output,
            only=given.only,
            name=given.name,
            overwrite=given.overwrite,
            strict=given.strict,
            chunk=given.chunk,
            cold=given.cold,
            compress=given.compress,
            progress=_tell if given.verbose else None,
        )
    except KeyboardInterrupt:
        print("convert: stopped; nothing was written", file=sys.stderr)
        return 130
    except LossyError as error:
        print(f"convert: {plain(str(error))}", file=sys.stderr)
        for item in error.lost[3:]:
            print(f"  {item}", file=sys.stderr)
        return 1
    except (AchError, OSError, ValueError) as error:
        print(f"convert: {plain(str(error))}", file=sys.stderr)
        return 1
    except MemoryError as error:
        why = plain(str(error)) or "a value of it is larger than memory"
        print(f"convert: {plain(given.source)} cannot be converted in this memory: {why}", file=sys.stderr)
        return 1
    head, *lines = str(report).split("\n")
    print(head)
    for line in lines:
        print(line, file=sys.stderr)
    return 0


def _tell(name: str) -> None:
    print(plain(name), file=sys.stderr)


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+)\s*([kmgKMG]?)i?[bB]?", text)
    if found is None or int(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 64M")
    return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()]


if __name__ == "__main__":
    sys.exit(main())
