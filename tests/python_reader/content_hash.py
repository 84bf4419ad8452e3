"""The content hash of archives, as section 17 of docs/format.md has it.

    python3 content_hash.py FILE...        prints a line for each file: HASH  FILE
"""

import hashlib
import struct
import sys
from collections import deque

import ach_reader as ach

CODES = {name: code for code, (name, _) in ach.DTYPES.items()}


def sha256(data):
    return hashlib.sha256(data).digest()


def digest(data):
    """The SHA-256 digest of array data, as that of an extent."""
    digests = [sha256(piece) for piece in ach.pieces(data)]
    return digests[0] if len(digests) == 1 else sha256(b"".join(digests))


def u64(number):
    return struct.pack("<Q", number)


def text(string):
    data = string.encode()
    return u64(len(data)) + data


def option(present, data=b""):
    return b"\1" + data if present else b"\0"


class Stream:
    def __init__(self):
        self.numbers, self.waiting = {}, deque()

    def shared(self, part):
        """The number of a cell or scope; a new one waits for its turn."""
        if part not in self.numbers:
            self.numbers[part] = len(self.numbers)
            self.waiting.append(part)
        return u64(self.numbers[part])

    def record(self, record):
        fields = [text(name) + self.item(value) for name, value in record.items()]
        return b"\x0b" + u64(len(fields)) + b"".join(fields)

    def item(self, value):
        if value is None:
            return b"\0"
        if isinstance(value, bool):
            return bytes([1, value])
        if isinstance(value, int):
            return b"\2" + struct.pack("<q", value)
        if isinstance(value, ach.Number):
            return b"\3" + u64(value.bits)
        if isinstance(value, ach.Complex):
            return b"\4" + u64(value.real.bits) + u64(value.imag.bits)
        if isinstance(value, str):
            return b"\5" + text(value)
        if isinstance(value, (bytes, memoryview)):
            return b"\6" + u64(len(value)) + bytes(value)
        if isinstance(value, list):
            return b"\x09" + u64(len(value)) + b"".join(map(self.item, value))
        if isinstance(value, dict):
            return self.record(value)
        if isinstance(value, ach.Tensor):
            order = 1 if value.order == ach.ORDERS[1] and len(value.shape) > 1 else 0
            head = bytes([16, CODES[value.dtype], order, len(value.shape)])
            return head + b"".join(map(u64, value.shape)) + digest(value.data)
        if isinstance(value, ach.StringArray):
            strings = [string.encode() for string in value.strings]
            offsets, end = [u64(0)], 0
            for string in strings:
                end += len(string)
                offsets.append(u64(end))
            head = bytes([17, len(value.shape)]) + b"".join(map(u64, value.shape))
            return head + digest(b"".join(offsets)) + digest(b"".join(strings))
        if isinstance(value, ach.Edge):
            ends = text(value.start) + text(value.end)
            return b"\x12" + ends + bytes([value.directed]) + self.record(value.properties)
        if isinstance(value, ach.Builtin):
            return b"\x13" + text(value.name)
        if isinstance(value, ach.Function):
            name = option(value.name is not None, text(value.name or ""))
            parameters = u64(len(value.parameters)) + b"".join(map(text, value.parameters))
            rest = self.record(value.details) + text(value.source)
            scope = b"\0" if value.scope is None else b"\1" + self.shared(value.scope)
            return b"\x14" + name + parameters + rest + scope
        if isinstance(value, ach.Cell):
            return b"\x15" + self.shared(value)
        if isinstance(value, ach.Error):
            kind = option(value.kind is not None, text(value.kind or ""))
            source = b"\1" + self.item(value.source) if value.has_source else b"\0"
            return b"\x16" + text(value.message) + kind + source
        if isinstance(value, ach.Extension):
            parts = self.item(value.parameters) + self.item(value.storage)
            return b"\x17" + text(value.type_name) + parts
        if isinstance(value, ach.Typed):
            numbers = struct.pack("<QII", value.fingerprint, value.version, value.alignment)
            data = u64(len(value.data)) + digest(value.data)
            return b"\x18" + text(value.type_name) + numbers + data
        raise TypeError(type(value))

    def variable(self, archive, name):
        entry = archive.entries[name]
        found = bytes([entry.flags & 3]) + self.item(archive.load(name))
        found += self.record(archive.attributes(name))
        while self.waiting:
            part = self.waiting.popleft()
            found += self.item(part.content if isinstance(part, ach.Cell) else part.bindings)
        return found


def content_hash(archive):
    stream = Stream()
    hasher = hashlib.sha256(b"ACHC\1\0\0\0" + u64(len(archive.entries)))
    for name in sorted(archive.entries, key=str.encode):
        hasher.update(text(name) + stream.variable(archive, name))
    return hasher.hexdigest()


def variable_hash(archive, name):
    data = b"ACHC\1\0\0\1" + Stream().variable(archive, name)
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            archive = ach.Archive(file.read())
        print(f"{content_hash(archive)}  {path}")
        for name in archive.names():
            # Names may hold line ends: their hexadecimal digits do not.
            print(f"{variable_hash(archive, name)}  {path}  {name.encode().hex()}")
