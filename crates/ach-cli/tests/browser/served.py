"""`ach view` at work on a file, and files to show."""

import array
import json
import os
import struct
import subprocess
from pathlib import Path

ACH = os.environ["ACH"]
DATA = Path(os.environ["ACH_DATA"])


def ach(*arguments, folder):
    """Runs the command and gives what it printed."""
    done = subprocess.run(
        [ACH, *map(str, arguments)], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def npy(path, dtype, shape, data):
    """Writes a .npy file."""
    head = str({"descr": dtype, "fortran_order": False, "shape": tuple(shape)}).encode()
    head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(data))


class Served:
    """A server; stopped with `stop`."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            [ACH, "view", "--no-open", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for line in self.process.stdout:
            if "http://" in line:
                self.url = line.strip()
                return
        raise AssertionError("ach view printed no address")

    def stop(self):
        """Ends it as Ctrl-C does."""
        self.process.terminate()
        assert self.process.wait(10) == 0


def tour(folder):
    """An archive of real data, with attributes and a session's history."""
    for name in ["penguins.csv", "chelsea.npy", "digits-mlp.safetensors", "run.json"]:
        (folder / name).write_bytes((DATA / name).read_bytes())
    wave = array.array("d", ((n % 1000) / 1000 for n in range(200_000)))
    wave[70] = float("nan")
    wave[150_000] = 40.0
    wave[150_001] = float("inf")
    npy(folder / "wave.npy", "<f8", [200_000], wave.tobytes())
    cube = array.array("d", (float(n) for n in range(4 * 30 * 20)))
    npy(folder / "cube.npy", "<f8", [4, 30, 20], cube.tobytes())
    spectrum = array.array("d", (x for n in range(64) for x in (n / 64, -n / 32)))
    npy(folder / "spectrum.npy", "<c16", [64], spectrum.tobytes())
    nothing = array.array("d", [float("nan")] * 100)
    npy(folder / "nothing.npy", "<f8", [10, 10], nothing.tobytes())
    inputs = ["penguins.csv", "chelsea.npy", "digits-mlp.safetensors", "run.json"]
    inputs += ["wave.npy", "cube.npy", "spectrum.npy", "nothing.npy"]
    attributes = ["--attr", "chelsea:licence=CC0 1.0", "--attr", "wave:units=m/s"]
    ach("pack", "-o", "tour.ach", *inputs, "--cold", "chelsea", *attributes, folder=folder)
    return folder / "tour.ach"


# What would do harm if it were taken for anything but text.
HOSTILE = [
    "<img src=x onerror=\"document.title='broken'\">",
    "</script><script>document.title='broken'</script>",
    "\u202egnirts",
    "line\nbreak",
    "nul\u0000 and \u001b[31m red",
    "javascript:document.title='broken'",
    "__proto__",
    "constructor",
    "'\"><svg onload=document.title='broken'>",
    "{{7*7}}${7*7}",
    "",
    "x" * 4096,
    "a/<b>bold</b>/c",
    "a/<b>bold</b>/d",
    "%3Cscript%3E&v=penguins#page=file",
]


def hostile(folder):
    """An archive whose names, texts, fields and attributes are all hostile."""
    values = {name: name for name in HOSTILE if name != ""}
    values["fields"] = {**{name: index for index, name in enumerate(HOSTILE)}, "y" * 4096: "z" * 70_000}
    values["rows"] = [{name: name for name in HOSTILE}] * 3
    (folder / "hostile.json").write_text(json.dumps(values), encoding="utf-8")
    marks = ["--tag", HOSTILE[0], "--meta", f"{HOSTILE[8]}={HOSTILE[1]}"]
    marks += ["--attr", f"rows:{HOSTILE[4][:3]}<i>={HOSTILE[0]}"]
    name = "<img src=x onerror=alert(1)>.ach"
    ach("pack", "-o", name, "hostile.json", *marks, folder=folder)
    ach("set", name, "edited=<b>1</b>", "--keep-history", folder=folder)
    ach("mark", name, "<script>alert(1)</script>\u202e", folder=folder)
    return folder / name


def damaged(folder):
    """The tour with a wrong byte in one of its arrays."""
    path = tour(folder)
    listed = json.loads(ach("ls", "-l", "--json", "-n", "layer1.weight", path, folder=folder))
    offset = listed["files"][0]["variables"][0]["extents"][0]["offset"]
    data = bytearray(path.read_bytes())
    data[offset + 5] ^= 1
    path.write_bytes(data)
    return path
