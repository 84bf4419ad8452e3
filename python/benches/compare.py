"""Compares this package with what people use instead.

    venv/bin/pip install safetensors h5py zarr joblib pyarrow lmdb
    venv/bin/python benches/compare.py [--folder /dev/shm] [--rounds 5]

Each figure is the median of fresh processes, one for each format and task in turn, so that what
else the machine does falls on all alike. Only the task is timed, not starting Python and importing,
nor what a format imports when it is first used; files are in the page cache, saves are not synced,
and of two saves the second counts.
Formats that are not installed are left out. Memory is of the task `sum of all`: peak, which counts
the pages of maps that processes share, and what is the process's own (anonymous) while the values
are held. The best of a column is in bold.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import pickle
import platform
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np

LOADS = {"16 x 64 MiB": (16, 8 << 20), "10,000 x 512 B": (10_000, 64)}
TASKS = ("save", "open", "open + one element", "open + sum of one", "sum of all")


def names(count: int) -> list:
    return [f"layer{place:05}" for place in range(count)]


class Ach:
    module = "achronyme_env"
    tasks = TASKS

    def save(self, path, values):
        import achronyme_env as ach

        ach.save(path, values, durable=False)

    def open(self, path):
        import achronyme_env as ach

        return ach.open(path)

    def one(self, opened, name):
        return opened[name]

    def element(self, opened, name):
        """The first element, the way the format has for reading a part."""
        return opened[name, 0]

    def all(self, opened):
        return opened.values()


class Unchecked(Ach):
    """As the others but npz (which has a CRC-32): what is mapped or read is not checked."""

    def open(self, path):
        import achronyme_env as ach

        return ach.open(path, check=False)


class Whole(Ach):
    """Formats without parts."""

    def element(self, opened, name):
        return self.one(opened, name)[0]


class Npy(Whole):
    module = "numpy"

    def save(self, path, values):
        os.mkdir(path)
        for name, value in values.items():
            np.save(f"{path}/{name}.npy", value)

    # A folder needs no opening.
    tasks = ("save", "open + one element", "open + sum of one", "sum of all")

    def open(self, path):
        return path

    def one(self, opened, name):
        return np.load(f"{opened}/{name}.npy", mmap_mode="r")

    def all(self, opened):
        return (self.one(opened, name[:-4]) for name in os.listdir(opened))


class Npz(Whole):
    module = "numpy"

    def save(self, path, values):
        with open(path, "wb") as file:
            np.savez(file, **values)

    def open(self, path):
        return np.load(path)


class Safetensors(Ach):
    module = "safetensors"

    def save(self, path, values):
        from safetensors.numpy import save_file

        save_file(values, path)

    def open(self, path):
        from safetensors import safe_open

        return safe_open(path, "np")

    def one(self, opened, name):
        return opened.get_tensor(name)

    def element(self, opened, name):
        return opened.get_slice(name)[0:1]

    def all(self, opened):
        return (opened.get_tensor(name) for name in opened.keys())


class H5py(Ach):
    module = "h5py"

    def save(self, path, values):
        import h5py

        with h5py.File(path, "w", libver="latest") as file:
            for name, value in values.items():
                file[name] = value

    def open(self, path):
        import h5py

        return h5py.File(path, "r")

    def one(self, opened, name):
        return opened[name][()]

    def element(self, opened, name):
        return opened[name][0]

    def all(self, opened):
        return (opened[name][()] for name in opened)


class Zarr(H5py):
    module = "zarr"

    def save(self, path, values):
        import zarr

        group = zarr.open_group(path, mode="w")
        for name, value in values.items():
            group.create_array(name, data=value, compressors=None)

    def open(self, path):
        import zarr

        return zarr.open_group(path, mode="r")


class Joblib(Whole):
    module = "joblib"

    def save(self, path, values):
        import joblib

        joblib.dump(values, path)

    def open(self, path):
        import joblib

        return joblib.load(path, mmap_mode="r")


class Arrow(Whole):
    module = "pyarrow"

    def save(self, path, values):
        import pyarrow as pa

        with pa.OSFile(path, "wb") as file:
            columns = {name: pa.array(value) for name, value in values.items()}
            table = pa.table(columns)
            with pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)

    def open(self, path):
        import pyarrow as pa

        return pa.ipc.open_file(pa.memory_map(path)).read_all()

    def one(self, opened, name):
        return opened[name].chunk(0).to_numpy()

    def all(self, opened):
        return (self.one(opened, name) for name in opened.column_names)


class Lmdb(Whole):
    module = "lmdb"

    def save(self, path, values):
        import lmdb

        size = sum(value.nbytes for value in values.values())
        with lmdb.open(path, map_size=2 * size + (64 << 20), sync=False) as env, env.begin(write=True) as writer:
            for name, value in values.items():
                writer.put(name.encode(), value.data)

    def open(self, path):
        import lmdb

        return lmdb.open(path, readonly=True, lock=False).begin(buffers=True)

    def one(self, opened, name):
        return np.frombuffer(opened.get(name.encode()))

    def all(self, opened):
        return (np.frombuffer(value) for _, value in opened.cursor())


class Pickle(Whole):
    module = "numpy"

    def save(self, path, values):
        with open(path, "wb") as file:
            pickle.dump(values, file, protocol=5)

    def open(self, path):
        with open(path, "rb") as file:
            return pickle.load(file)


FORMATS = {
    "ach": Ach(),
    "ach, check=False": Unchecked(),
    "npy directory": Npy(),
    "npz": Npz(),
    "safetensors": Safetensors(),
    "h5py": H5py(),
    "zarr": Zarr(),
    "joblib": Joblib(),
    "Arrow IPC": Arrow(),
    "LMDB": Lmdb(),
    "pickle 5": Pickle(),
}


def anonymous() -> int:
    """Bytes of memory that no file stands behind."""
    try:
        with open("/proc/self/smaps_rollup") as lines:
            return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) << 10
    except OSError:
        return 0


def remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


def task(form: Ach, what: str, path: str, count: int, length: int) -> dict:
    """Runs in a process of its own."""
    importlib.import_module(form.module)
    middle = names(count)[count // 2]
    if what == "save":
        rng = np.random.default_rng(0)
        values = {name: rng.random(length) for name in names(count)}
        # Twice, and the second counts: a virtual machine may have to fetch the memory it writes to.
        remove(path)
        form.save(path, values)
        remove(path)
    else:
        # What a format imports when it is first used is no part of the task.
        opened = form.open(path)
        form.element(opened, middle)
        form.one(opened, middle)
        del opened
    before, begun = anonymous(), time.perf_counter()
    if what == "save":
        form.save(path, values)
    else:
        opened = form.open(path)
        if what == "open + one element":
            form.element(opened, middle)
        elif what == "open + sum of one":
            form.one(opened, middle).sum()
        elif what == "sum of all":
            held = []
            for value in form.all(opened):
                value.sum()
                held.append(value)
    took = time.perf_counter() - begun
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return {"ms": took * 1e3, "peak": peak, "own": max(anonymous() - before, 0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", default="/dev/shm" if os.path.isdir("/dev/shm") else ".")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS))
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="what follows `save` needs it")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        what = json.loads(given.task)
        form = FORMATS[what.pop("form")]
        print(json.dumps(task(form, **what)))
        return
    here = {name: form for name, form in FORMATS.items() if importlib.util.find_spec(form.module)}
    print(versions(here))
    if given.tasks == list(TASKS):
        # Where files are, and not in memory: there a hole is filled when it is looked at.
        of_our_own(os.getcwd(), 3 * given.rounds)
    for load, (count, length) in LOADS.items():
        if load not in given.loads:
            continue
        folder = os.path.join(given.folder, f"ach-compare-{os.getpid()}")
        os.mkdir(folder)
        figures: dict = {}
        try:
            for what in given.tasks:
                for _ in range(given.rounds):
                    for name, form in here.items():
                        if what not in form.tasks:
                            continue
                        path = os.path.join(folder, name.replace(" ", "-").replace(",", ""))
                        asked = {"form": name, "what": what, "path": path, "count": count, "length": length}
                        command = [sys.executable, __file__, "--task", json.dumps(asked)]
                        done = subprocess.run(command, capture_output=True, text=True)
                        if done.returncode == 0:
                            figures.setdefault((name, what), []).append(json.loads(done.stdout))
                        else:
                            print(f"{name}, {what}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        finally:
            shutil.rmtree(folder)
        show(load, here, figures)


def show(load: str, here: dict, figures: dict) -> None:
    columns = [(what, "ms") for what in TASKS] + [("sum of all", "peak"), ("sum of all", "own")]
    table = {}
    for name in here:
        for what, figure in columns:
            runs = figures.get((name, what), [])
            if runs:
                table[name, what, figure] = statistics.median(run[figure] for run in runs)
    best = {
        (what, figure): min((value for (_, *column), value in table.items() if column == [what, figure]), default=None)
        for what, figure in columns
    }
    print(f"\n| {load} | " + " | ".join(f"{what}, ms" for what in TASKS) + " | peak, MiB | own, MiB |")
    print("|---" * (len(columns) + 1) + "|")
    for name in here:
        cells = []
        for what, figure in columns:
            value = table.get((name, what, figure))
            if value is None:
                cells.append("-")
                continue
            shown = f"{value:.3g}" if figure == "ms" and value < 1000 else f"{value:.0f}"
            if figure != "ms":
                shown = f"{value / 2**20:.0f}"
            cells.append(f"**{shown}**" if value == best[what, figure] else shown)
        print(f"| {name} | " + " | ".join(cells) + " |")


def versions(here: dict) -> str:
    modules = dict.fromkeys(form.module for form in here.values())
    names = [f"{module} {importlib.metadata.version(module.replace('_', '-'))}" for module in modules]
    return f"CPython {platform.python_version()}, {', '.join(names)}; {platform.system()} {platform.machine()}"


def alone(script: str, rounds: int) -> float:
    """The median of what a script prints in fresh processes."""
    command = [sys.executable, "-c", script]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(rounds)]
    return statistics.median(float(run.stdout) for run in runs)


IMPORT = """
import numpy, time
begun = time.perf_counter()
import achronyme_env
print((time.perf_counter() - begun) * 1e3)
"""

SPARSE = """
import sys, time
import achronyme_env as ach
path = {path!r}
{warm}
begun = time.perf_counter()
{what}
print((time.perf_counter() - begun) * 1e3)
"""


def of_our_own(folder: str, rounds: int) -> None:
    """Figures without a peer: importing, and an array far larger than memory."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
    import pathlib

    import sparse

    print(f"\nimport, beyond NumPy: {alone(IMPORT, rounds):.3g} ms")
    for gib in (20, 100):
        path = os.path.join(folder, f"ach-compare-{os.getpid()}.ach")
        sparse.zeros(pathlib.Path(path), gib << 30)
        try:
            for title, what in {
                'open, `ws["big"][0]`': 'ach.open(path)["big"][0]',
                'open, `ws["big", 0]`': 'ach.open(path)["big", 0]',
                "`restore_env`, one element changed": 's = {}; ach.restore_env(path, into=s); s["big"][0] += 1',
            }.items():
                script = SPARSE.format(path=path, warm=what, what=what)
                print(f"{gib} GiB of zeros in a sparse file: {title}: {alone(script, rounds):.3g} ms")
        finally:
            os.remove(path)


if __name__ == "__main__":
    main()
