"""A tensor four times larger than the memory the program allows itself: computed in place, published,
and verified.

    python larger_than_memory_tensor.py [folder]
    python larger_than_memory_tensor.py [folder] at-once     # fails: no memory
"""

import pathlib
import sys
import tempfile

import achronyme_env as ach
import memory_limit
import numpy as np

MIB = 1 << 20
LIMIT = 64 * MIB
ROWS, COLUMNS = 8192, 4096


def row_of(row: int) -> np.ndarray:
    """The distances of the points of a row from the corner."""
    return np.hypot(float(row), np.arange(float(COLUMNS)))


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "at-once"]
    with tempfile.TemporaryDirectory(dir=arguments[0] if arguments else None) as folder:
        path = pathlib.Path(folder) / "field.ach"
        memory_limit.allow(LIMIT)
        if "at-once" in sys.argv:
            # What does not work: the tensor in memory.
            ach.save(path, {"field": np.stack([row_of(row) for row in range(ROWS)])})
            return
        with ach.create(path, "field", np.float64, (ROWS, COLUMNS)) as field:
            for row in range(ROWS):
                field[row] = row_of(row)
        print(f"{field.nbytes // MIB} MiB in one tensor, {LIMIT // MIB} MiB of memory for data")

        ws = ach.open(path)
        print("verified:", ws.verify())
        assert ws["field", -1, -1] == row_of(ROWS - 1)[-1]


if __name__ == "__main__":
    main()
