"""Statistics over an archive four times larger than the memory the program allows itself: written
variable by variable, read in blocks.

    python larger_than_memory_statistics.py [folder]
    python larger_than_memory_statistics.py [folder] at-once     # fails: no memory
"""

import pathlib
import sys
import tempfile

import achronyme_env as ach
import memory_limit
import numpy as np

MIB = 1 << 20
LIMIT = 64 * MIB
VARIABLES, ELEMENTS = 16, 2 * MIB


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "at-once"]
    with tempfile.TemporaryDirectory(dir=arguments[0] if arguments else None) as folder:
        path = pathlib.Path(folder) / "steps.ach"
        memory_limit.allow(LIMIT)
        with ach.writer(path, cold=["step1?"]) as out:
            for step in range(VARIABLES):
                # Compressed ones among them.
                out.add(f"step{step}", np.arange(float(ELEMENTS)) + step)
        # Read, and not mapped: every byte that is looked at is in memory of the program.
        ws = ach.open(path, mmap=False)
        if "at-once" in sys.argv:
            # What does not work: all values in memory.
            print(sum(values.sum() for values in ws.get_many().values()))
            return
        count, total, squares, least, most = 0, 0.0, 0.0, np.inf, -np.inf
        for name in ws:
            for _, block in ws.blocks(name, 4 * MIB):
                count += block.size
                total += block.sum()
                squares += np.dot(block, block)
                least, most = min(least, block.min()), max(most, block.max())
        mean = total / count
        print(f"{count * 8 // MIB} MiB in {len(ws)} variables, {LIMIT // MIB} MiB of memory for data")
        print(f"min {least}, max {most}, mean {mean}, deviation {np.sqrt(squares / count - mean**2):.1f}")
        assert (least, most) == (0.0, ELEMENTS + VARIABLES - 2.0)
        assert mean == (ELEMENTS - 1) / 2 + (VARIABLES - 1) / 2


if __name__ == "__main__":
    main()
