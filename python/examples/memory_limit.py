"""A limit on the memory that a program may have for data of its own."""

import resource
import sys


def allow(more: int) -> None:
    """From here on this process gets `more` bytes of memory for data, and not one beyond them.

    Maps of files do not count, as long as nobody writes to private ones: their pages are those of the
    system's file cache.
    """
    if sys.platform != "linux":
        sys.exit("only Linux limits data without counting the maps of files")
    with open("/proc/self/status") as status:
        used = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData"))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (used + more, most))
