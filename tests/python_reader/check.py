"""Reads the golden archives with ach_reader and compares what it finds with the JSON beside each.

    python3 tests/python_reader/check.py [DIRECTORY]

Exit status 1 and a list when something differs, or when damage is not found.
"""

import hashlib
import json
import pathlib
import sys

import ach_reader as ach

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "data" / "golden"
SHOWN_BYTES = 512
# Archives whose bytes are changed one at a time, and how far apart.
DAMAGED = {"minimal": 1, "marks": 7, "hot": 97}


def main(directory):
    wrong, skipped, compared = [], [], 0
    archives = sorted(directory.glob("*.ach"))
    if not archives:
        wrong.append(f"{directory}: no archives")
    for path in archives:
        expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
        data = path.read_bytes()
        archive = ach.Archive(data)
        undecoded = archive.verify()
        if undecoded and not expected["cold"]:
            wrong.append(f"{path.name}: not decoded: {undecoded[0]}")
        skipped += [f"{path.name}: {text}" for text in undecoded]
        compared += compare(path.name, ach.Archive(data), expected, wrong)
        if path.stem in DAMAGED:
            find_damage(path.name, data, DAMAGED[path.stem], wrong)
    compared += compare_image(directory / "value.achv", wrong)
    for line in skipped:
        print("not decoded by this interpreter:", line)
    for line in wrong:
        print("WRONG", line)
    print(f"{len(archives)} archives, {compared} values compared, {len(wrong)} wrong")
    return 1 if wrong else 0


def compare(name, archive, expected, wrong):
    """Compares everything; returns the number of values that could be compared."""
    describer = Describer()
    compared = 0

    def same(what, found, wanted):
        if found != wanted:
            wrong.append(f"{name}: {what} is {str(found)[:200]}, expected {str(wanted)[:200]}")

    same("created", archive.created, expected["created"])
    same("sealed", archive.sealed, expected["sealed"])
    same("cold", archive.has_cold, expected["cold"])
    metadata = archive.metadata()
    found = {
        "description": metadata.get("description"),
        "tags": metadata.get("tags", []),
        "custom": [[key, text] for key, text in metadata.get("custom", {}).items()],
    }
    same("metadata", found, expected["metadata"])
    same("names", archive.names(), [binding["name"] for binding in expected["bindings"]])
    for binding in expected["bindings"]:
        entry = archive.entries[binding["name"]]
        label = repr(entry.name[:60])
        same(f"ordinal of {label}", entry.ordinal, binding["ordinal"])
        same(f"constant of {label}", entry.constant, binding["constant"])
        same(f"mutable of {label}", entry.mutable, binding["mutable"])
        attributes = describer.describe(archive.attributes(entry.name))
        same(f"attributes of {label}", attributes, binding["attributes"])
        try:
            value = archive.load(entry.name)
        except ach.Unsupported:
            continue
        same(label, describer.describe(value), binding["value"])
        compared += 1
    contents = []
    while len(contents) < len(describer.shared):
        holder = describer.shared[len(contents)]
        content = holder.content if isinstance(holder, ach.Cell) else holder.bindings
        contents.append(describer.describe(content))
    same("contents of cells and scopes", contents, expected["shared"])
    return compared


def compare_image(path, wrong):
    data = path.read_bytes()
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    found = Describer().describe(ach.Image(data).value())
    if found != expected:
        wrong.append(f"{path.name} is {found}, expected {expected}")
    return 1


def find_damage(name, data, step, wrong):
    """Every change of a byte, and every other length, must be found, and by an AchError."""
    for at in range(0, len(data), step):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        expect_error(f"{name}: byte {at} changed", changed, wrong)
    for length in range(0, len(data), max(1, len(data) // 50)):
        expect_error(f"{name}: cut to {length} bytes", data[:length], wrong)
    expect_error(f"{name}: a byte appended", data + b"\0", wrong)


def expect_error(what, data, wrong):
    try:
        ach.Archive(data).verify()
    except ach.AchError:
        return
    except Exception as error:
        wrong.append(f"{what}: {error!r}")
        return
    wrong.append(f"{what}: not found")


class Describer:
    """Values as tests/data/golden/README.md describes them."""

    def __init__(self):
        self.shared = []

    def describe(self, value):
        if value is None:
            return ["null"]
        if isinstance(value, bool):
            return ["boolean", value]
        if isinstance(value, int):
            return ["integer", str(value)]
        if isinstance(value, str):
            text = value.encode()
            return ["string", value if len(text) <= SHOWN_BYTES else octets(text)]
        if isinstance(value, bytes):
            return ["bytes", octets(value)]
        if isinstance(value, list):
            return ["vector", [self.describe(element) for element in value]]
        if isinstance(value, dict):
            return ["record", [[name, self.describe(field)] for name, field in value.items()]]
        return getattr(self, type(value).__name__)(value)

    def Number(self, number):
        return ["number", f"{number.bits:016x}"]

    def Complex(self, z):
        return ["complex", f"{z.real.bits:016x}", f"{z.imag.bits:016x}"]

    def Tensor(self, tensor):
        shape = list(tensor.shape)
        return ["tensor", tensor.dtype, tensor.order, shape, octets(tensor.data)]

    def StringArray(self, array):
        return ["string array", list(array.shape), array.strings]

    def Edge(self, edge):
        properties = self.describe(edge.properties)
        return ["edge", edge.start, edge.end, edge.directed, properties]

    def Builtin(self, function):
        return ["builtin", function.name]

    def Function(self, function):
        details = self.describe(function.details)
        scope = None if function.scope is None else self.number(function.scope)
        name, source = function.name, function.source
        return ["function", name, function.parameters, details, source, scope]

    def Cell(self, cell):
        return ["cell", self.number(cell)]

    def Error(self, error):
        source = self.describe(error.source) if error.has_source else None
        return ["error", error.message, error.kind, source]

    def Extension(self, extension):
        parameters = self.describe(extension.parameters)
        return ["extension", extension.type_name, parameters, self.describe(extension.storage)]

    def Typed(self, typed):
        numbers = [typed.version, typed.alignment, f"{typed.fingerprint:016x}"]
        return ["typed", typed.type_name, *numbers, octets(typed.data)]

    def number(self, holder):
        for number, known in enumerate(self.shared):
            if known is holder:
                return number
        self.shared.append(holder)
        return len(self.shared) - 1


def octets(data):
    if len(data) <= SHOWN_BYTES:
        return data.hex()
    return {"len": len(data), "sha256": hashlib.sha256(data).hexdigest()}


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN))
