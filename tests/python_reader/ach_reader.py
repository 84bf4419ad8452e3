"""Reads .ach 2.0 archives. Written from docs/format.md; needs Python 3.9 and nothing else.

    archive = Archive(open("run.ach", "rb").read())
    archive.names()                 # in the order of the file: sorted
    archive.load("temperature")     # a value, every checksum on the way checked
    archive.verify()                # reads and checks everything

Compressed (cold) data needs Python 3.14, or the module `zstandard`; without them it is checked
against its sums and cannot be unpacked: `Unsupported`.
"""

import ctypes
import ctypes.util
import hashlib
import struct
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Optional

NONE = 0xFFFFFFFF
MAX_PADDING = 4095
MAX_NESTING = 128
MAX_PART_LEVELS = 4
PIECE = 1 << 20
KNOWN_FLAGS_OF_ENTRIES = 7
TOMBSTONE = 4
DELTA = 2

# Code: name, bytes of an element.
DTYPES = {
    1: ("bool", 1), 2: ("int8", 1), 3: ("int16", 2), 4: ("int32", 4), 5: ("int64", 8),
    6: ("uint8", 1), 7: ("uint16", 2), 8: ("uint32", 4), 9: ("uint64", 8),
    10: ("float16", 2), 11: ("bfloat16", 2), 12: ("float32", 4), 13: ("float64", 8),
    14: ("complex64", 8), 15: ("complex128", 16), 16: ("float8_e4m3", 1), 17: ("float8_e5m2", 1),
}
U8, U64 = 6, 9
ORDERS = {0: "C", 1: "Fortran"}


class AchError(Exception):
    """The file is no archive, or is damaged."""


class Unsupported(AchError):
    """A later version made it, or this interpreter cannot unpack it."""


def need(condition, what):
    if not condition:
        raise AchError(what)


def utf8(data, what):
    try:
        return bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        raise AchError(f"{what} is not UTF-8") from None


# Values. Null is None; booleans, integers, strings, bytes, vectors and records are Python's own.


@dataclass
class Number:
    """A binary64 by its bits, which Python's float need not keep for every NaN."""

    bits: int

    def __float__(self):
        return struct.unpack("<d", struct.pack("<Q", self.bits))[0]


@dataclass
class Complex:
    real: Number
    imag: Number


@dataclass
class Tensor:
    dtype: str
    order: str
    shape: tuple
    data: bytes


@dataclass
class StringArray:
    shape: tuple
    strings: list


@dataclass
class Edge:
    start: str
    end: str
    properties: dict
    directed: bool


@dataclass
class Builtin:
    name: str


@dataclass
class Function:
    name: Optional[str]
    parameters: list
    details: dict
    source: str
    scope: Optional["Scope"]


@dataclass
class Error:
    message: str
    kind: Optional[str]
    source: Any
    has_source: bool


@dataclass
class Extension:
    type_name: str
    parameters: Any
    storage: Any


@dataclass
class Typed:
    type_name: str
    fingerprint: int
    version: int
    alignment: int
    data: bytes


@dataclass(eq=False)
class Cell:
    """A mutable cell: two names for one cell are one object here."""

    content: Any = field(default=None, repr=False)


@dataclass(eq=False)
class Scope:
    bindings: dict = field(default_factory=dict, repr=False)


# Records of the table.


@dataclass
class Entry:
    name: str
    kind: int
    flags: int
    ordinal: int
    attributes: int
    low: int
    high: int

    @property
    def constant(self):
        return bool(self.flags & 1)

    @property
    def mutable(self):
        return bool(self.flags & 2)


@dataclass
class Extent:
    offset: int
    stored_len: int
    raw_len: int
    sums_offset: int
    sum: int
    codec: int
    shuffle: int
    block_log2: int
    digest_kind: int
    digest: bytes

    def check(self):
        need(self.stored_len >= 1 and 1 <= self.raw_len < 1 << 63, "length of an extent")
        need(self.offset % 64 == 0, "an extent is not aligned")
        if self.codec == 0:
            need(self.stored_len == self.raw_len, "a raw extent has two lengths")
            need(self.block_log2 == 16 and self.shuffle == 0, "block size or shuffle, raw")
        elif self.codec == 1:
            need(self.block_log2 == 18, "block size of a cold extent")
            need(self.shuffle in (0, 2, 4, 8, 16), "width of a shuffle")
        need(self.sums_len() > 0 or self.sums_offset == 0, "a list of sums that is not there")
        used = {0: 0, 1: 16}.get(self.digest_kind, 32)
        need(not any(self.digest[used:]), "the end of a digest is not zero")

    def block_len(self):
        return 1 << self.block_log2

    def block_count(self):
        return -(-self.raw_len // self.block_len())

    def sums_len(self):
        """Length of the list of block sums; one block has none."""
        count = self.block_count()
        return 0 if count <= 1 else count * (4 if self.codec == 0 else 8)


class Archive:
    """An archive in memory. Opening checks header and table, and nothing else."""

    def __init__(self, data):
        self.data = memoryview(bytes(data))
        self._read_header()
        self._read_table()
        self._check_areas()
        self._check_nodes()
        self._check_extents()
        self._read_entries()
        self._shared = {}

    # Opening.

    def _read_header(self):
        data = self.data
        need(bytes(data[:4]) == b"ACH\0"[: len(data)], "not an archive")
        need(len(data) >= 64, "the header is cut short")
        major, self.minor, self.flags, self.created = struct.unpack_from("<HHIQ", data, 4)
        if major == 1:
            raise Unsupported("an archive of version 1")
        need(zlib.crc32(data[:60]) == struct.unpack_from("<I", data, 60)[0], "CRC of the header")
        if major != 2:
            raise Unsupported(f"an archive of version {major}.{self.minor}")
        need(self.flags & 1 == 0, "flag bit 0")
        if self.flags & DELTA:
            raise Unsupported("a delta, not an archive")
        if self.flags & 0xFFFE:
            raise Unsupported(f"required features {self.flags & 0xFFFE:#x}")
        writer = bytes(data[20:36])
        text = writer.split(b"\0")[0]
        need(text.isascii() and not any(writer[len(text):]), "version of the writer")
        self.writer = text.decode("ascii")
        need(data[36] <= 1 and not any(data[37:40]), "compression, or zero bytes after it")
        self.has_cold = data[36] == 1
        self.sealed = bool(self.flags & 1 << 16)
        self.table_at, self.table_len, self.table_crc = struct.unpack_from("<QQI", data, 40)
        need(self.table_at >= 64 and self.table_at % 64 == 0, "place of the table")
        need(self.table_len >= 256, "length of the table")
        need(self.table_at + self.table_len + 32 <= len(data), "the table is cut short")

    def _read_table(self):
        table = self.table = self.data[self.table_at : self.table_at + self.table_len]
        (length, layout, page_size, body_at, body_len) = struct.unpack_from("<QIIQQ", table, 0)
        counts = struct.unpack_from("<4I", table, 32)
        offsets = struct.unpack_from("<6Q", table, 48)
        self.metadata_node, self.shared_count = struct.unpack_from("<II", table, 96)
        areas = struct.unpack_from("<6Q", table, 160)
        self.nodes_area, self.extents_area, self.sums_area = zip(areas[::2], areas[1::2])

        need(page_size == 4096, "page size")
        pages = -(-body_len // 4096)
        need(body_at == (256 + 4 * pages + 7) // 8 * 8, "place of the table's body")
        need(body_at + body_len == len(table), "length of the table's body")
        need(zlib.crc32(table[:body_at]) == self.table_crc, "CRC of the table")
        need(length == len(self.data), "length of the file")
        need(layout == 1, "layout of the nodes")
        need(not any(table[256 + 4 * pages : body_at]), "padding after the page sums")
        for page in range(pages):
            start = body_at + page * 4096
            found = zlib.crc32(table[start : min(start + 4096, len(table))])
            need(found == struct.unpack_from("<I", table, 256 + 4 * page)[0], "CRC of a page")
        need(not any(table[208:256]), "reserved bytes")
        need(self.shared_count <= counts[2], "number of shared nodes")
        need(self.metadata_node == NONE or self.metadata_node < counts[2], "metadata node")

        sizes = [count * size for count, size in zip(counts, (32, 72, 16, 8))] + [offsets[5]]
        parts, end = [], body_at
        for offset, size in zip(offsets, sizes):
            need(offset == end and size <= len(table) - end, "place of an array of the table")
            end += size
            parts.append(table[offset:end])
        need(end == len(table), "the names do not end with the table")
        entries, extents, nodes, shapes, self._names = parts
        self._entries = list(struct.iter_unpack("<IHBBIIQQ", entries))
        self.extents = [Extent(*record) for record in struct.iter_unpack("<QQQQIBBBB32s", extents)]
        self.nodes = list(struct.iter_unpack("<QII", nodes))
        self.shapes = [dimension for (dimension,) in struct.iter_unpack("<Q", shapes)]

    def _check_areas(self):
        areas = [(self.table_at, self.table_len), (len(self.data) - 32, 32)]
        areas += [self.nodes_area, self.extents_area, self.sums_area]
        end = 64
        for offset, length in sorted(areas):
            need(0 <= offset - end <= MAX_PADDING, "parts of the file overlap, or leave a gap")
            end = offset + length
            need(end <= len(self.data), "a part of the file lies outside")
        need(end == len(self.data), "bytes after the last part")

    def _check_nodes(self):
        end = self.nodes_area[0]
        need(end % 8 == 0, "the nodes are not aligned")
        for offset, length, _ in self.nodes:
            need(offset == end, "nodes do not follow each other")
            need(8 <= length <= 65536 and length % 8 == 0, "length of a node")
            end += length
        need(end == sum(self.nodes_area), "nodes do not fill their area")

    def _check_extents(self):
        end, sums_end = self.extents_area[0], self.sums_area[0]
        need(sums_end % 8 == 0, "the sums are not aligned")
        for extent in self.extents:
            extent.check()
            need(0 <= extent.offset - end <= MAX_PADDING, "extents overlap, or leave a gap")
            end = extent.offset + extent.stored_len
            if extent.sums_len() > 0:
                need(extent.sums_offset == sums_end, "lists of sums do not follow each other")
                sums_end += -(-extent.sums_len() // 8) * 8
        need(end == sum(self.extents_area), "extents do not fill their area")
        need(sums_end == sum(self.sums_area), "lists of sums do not fill their area")

    def _read_entries(self):
        self.entries, end, previous = {}, 0, None
        utf8(self._names, "the run of names")
        for offset, length, kind, flags, ordinal, attributes, low, high in self._entries:
            need(offset == end and length <= 4096, "place or length of a name")
            end += length
            need(end <= len(self._names), "a name lies outside")
            name = bytes(self._names[offset:end])
            need(previous is None or previous < name, "names are not sorted")
            previous = name
            need(flags & ~KNOWN_FLAGS_OF_ENTRIES == 0, "flags of an entry")
            need(not flags & TOMBSTONE, "a removal in an archive")
            need(attributes == NONE or attributes < len(self.nodes), "attributes of an entry")
            entry = Entry(utf8(name, "a name"), kind, flags, ordinal, attributes, low, high)
            self._check_slot(entry)
            self.entries[entry.name] = entry
        need(end == len(self._names), "bytes after the last name")

    def _check_slot(self, entry):
        low, high = entry.low, entry.high
        fine = {
            0: low == 0 and high == 0,
            1: low <= 1 and high == 0,
            2: high == 0,
            3: high == 0,
            5: high <= NONE and low >> 24 & 0xFF == 0,
            6: low < len(self.nodes) and high == 0,
        }
        need(fine.get(entry.kind, True), "payload of an entry")
        if entry.kind == 5:
            dtype, _, shape, extent = self._tensor_slot(entry)
            self._check_tensor(dtype, shape, extent)

    def _tensor_slot(self, entry):
        dtype, order, rank, _, first = struct.unpack("<BBBBI", struct.pack("<Q", entry.low))
        need(order in ORDERS and rank <= 64, "order or rank of a tensor")
        need(first + rank <= len(self.shapes), "shape of a tensor")
        return dtype, order, self.shapes[first : first + rank], entry.high

    def _check_tensor(self, dtype, shape, extent):
        need(extent == NONE or extent < len(self.extents), "extent of a tensor")
        if dtype not in DTYPES:
            return
        length = byte_len(DTYPES[dtype][1], shape)
        found = 0 if extent == NONE else self.extents[extent].raw_len
        need(length == found, "a tensor and its extent differ in length")

    # Reading.

    def names(self):
        return list(self.entries)

    def load(self, name):
        """The value of a binding."""
        return self._value(self.entries[name])

    def _value(self, entry):
        if entry.kind == 0:
            return None
        if entry.kind == 1:
            return entry.low == 1
        if entry.kind == 2:
            return struct.unpack("<q", struct.pack("<Q", entry.low))[0]
        if entry.kind == 3:
            return Number(entry.low)
        if entry.kind == 4:
            return Complex(Number(entry.low), Number(entry.high))
        if entry.kind == 5:
            dtype, order, shape, extent = self._tensor_slot(entry)
            return self.tensor(dtype, order, shape, extent)
        if entry.kind == 6:
            return Decoder(self).value(entry.low)
        raise Unsupported(f"value kind {entry.kind}")

    def attributes(self, name):
        return self._record(self.entries[name].attributes, "attributes")

    def metadata(self):
        record = self._record(self.metadata_node, "metadata")
        need(isinstance(record.get("description", ""), str), "description of another form")
        tags, custom = record.get("tags", []), record.get("custom", {})
        need(isinstance(tags, list) and isinstance(custom, dict), "tags or custom metadata")
        need(all(isinstance(x, str) for x in [*tags, *custom.values()]), "tags or custom metadata")
        return record

    def _record(self, node, what):
        value = {} if node == NONE else Decoder(self).value(node)
        need(isinstance(value, dict), f"{what} are not a record")
        return value

    def tensor(self, dtype, order, shape, extent):
        if dtype not in DTYPES:
            raise Unsupported(f"dtype code {dtype}")
        need(order in ORDERS and len(shape) <= 64, "order or rank of a tensor")
        self._check_tensor(dtype, shape, extent)
        data = b"" if extent == NONE else self.extent_bytes(extent)
        need(dtype != 1 or max(data, default=0) <= 1, "a boolean is neither 0 nor 1")
        return Tensor(DTYPES[dtype][0], ORDERS[order], tuple(shape), data)

    def node(self, number):
        need(number < len(self.nodes), "number of a node")
        offset, length, crc = self.nodes[number]
        data = self.data[offset : offset + length]
        need(zlib.crc32(data) == crc, f"CRC of node {number}")
        return Node(data)

    def extent_bytes(self, number):
        """The raw bytes of an extent."""
        need(number < len(self.extents), "number of an extent")
        extent = self.extents[number]
        if extent.codec > 1:
            raise Unsupported(f"codec {extent.codec}")
        raw = []
        for block, stored in enumerate(self.stored_blocks(extent)):
            if extent.codec == 0:
                raw.append(stored)
                continue
            left = min(extent.block_len(), extent.raw_len - block * extent.block_len())
            need(len(stored) <= left + left // 128 + 1024, "a frame longer than its data")
            unpacked = unpack_zstd(bytes(stored), left)
            raw.append(unshuffle(unpacked, extent.shuffle))
        return b"".join(raw)

    def stored_blocks(self, extent):
        """The blocks of an extent as they stand in the file, checked against their sums."""
        for start, end, crc in self._block_places(extent):
            stored = self.data[start:end]
            need(zlib.crc32(stored) == crc, f"CRC of a block at {start}")
            yield stored

    def _block_places(self, extent):
        start, end = extent.offset, extent.offset + extent.stored_len
        if extent.sums_len() == 0:
            return [(start, end, extent.sum)]
        sums = self.data[extent.sums_offset : extent.sums_offset + extent.sums_len()]
        need(zlib.crc32(sums) == extent.sum, "CRC of a list of block sums")
        places = []
        if extent.codec == 0:
            for (crc,) in struct.iter_unpack("<I", sums):
                places.append((start, min(start + extent.block_len(), end), crc))
                start += extent.block_len()
            return places
        for length, crc in struct.iter_unpack("<II", sums):
            need(length > 0 and start + length <= end, "stored length of a block")
            places.append((start, start + length, crc))
            start += length
        need(start == end, "stored lengths of blocks do not add up")
        return places

    def shared_node(self, shared):
        need(shared < self.shared_count, "shared number")
        return len(self.nodes) - self.shared_count + shared

    # A full check.

    def verify(self):
        """Reads everything. Raises for the first fault; returns what could not be unpacked."""
        self._verify_root_digest()
        for number in range(len(self.nodes)):
            self.node(number)
        skipped = []
        for number, extent in enumerate(self.extents):
            for _ in self.stored_blocks(extent) if extent.codec <= 1 else ():
                pass
        self._verify_padding()
        for number, extent in enumerate(self.extents):
            try:
                self._verify_digest(number, extent)
            except Unsupported as error:
                skipped.append(f"extent {number}: {error}")
        ordinals = sorted(entry.ordinal for entry in self.entries.values())
        need(ordinals == list(range(len(ordinals))), "ordinals")
        self._verify_values(skipped)
        return skipped

    def _verify_values(self, skipped):
        self.metadata()
        for name in self.entries:
            try:
                self.attributes(name)
                self.load(name)
            except Unsupported as error:
                skipped.append(f"{name}: {error}")

    def _verify_root_digest(self):
        covered = bytes(self.data[:64]) + bytes(self.table)
        digests = b"".join(hashlib.sha256(piece).digest() for piece in pieces(covered))
        need(hashlib.sha256(digests).digest() == self.data[-32:], "root digest")

    def _verify_digest(self, number, extent):
        # Of the kinds of digests, hashlib has SHA-256. XXH3 is left to other readers.
        if extent.digest_kind != 2:
            return
        digests = [hashlib.sha256(p).digest() for p in pieces(self.extent_bytes(number))]
        found = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
        need(found == extent.digest, f"digest of extent {number}")

    def _verify_padding(self):
        used = [(0, 64), (self.table_at, self.table_len), self.nodes_area]
        used.append((len(self.data) - 32, 32))
        for extent in self.extents:
            used.append((extent.offset, extent.stored_len))
            used.append((extent.sums_offset, extent.sums_len()))
        end = 0
        for offset, length in sorted(used):
            need(not any(self.data[end:offset]), "padding is not zero")
            end = max(end, offset + length)


class Image(Archive):
    """A value image: one value on its own."""

    def __init__(self, data):
        data = self.data = memoryview(bytes(data))
        need(len(data) >= 64 and bytes(data[:4]) == b"ACHV", "not a value image")
        need(zlib.crc32(data[:60]) == struct.unpack_from("<I", data, 60)[0], "CRC of the head")
        version, zero, length, extents, nodes, shapes, self.shared_count, low, high, kind = (
            struct.unpack_from("<HHQIIIIQQB", data, 4)
        )
        need(version == 1 and zero == 0, "version of the image")
        need(length == len(data), "length of the image")
        need(self.shared_count <= nodes, "number of shared nodes")
        need(kind <= 6 and not any(data[49:56]), "kind, or zero bytes after it")
        ends = [64, 64 + 72 * extents]
        ends += [ends[1] + 16 * nodes, ends[1] + 16 * nodes + 8 * shapes]
        need(ends[3] <= length, "the records are cut short")
        crc = struct.unpack_from("<I", data, 56)[0]
        need(zlib.crc32(data[64 : ends[3]]) == crc, "CRC of the records")
        records = [data[start:end] for start, end in zip(ends, ends[1:])]
        self.extents = [Extent(*fields) for fields in struct.iter_unpack("<QQQQIBBBB32s", records[0])]
        self.nodes = list(struct.iter_unpack("<QII", records[1]))
        self.shapes = [dimension for (dimension,) in struct.iter_unpack("<Q", records[2])]

        nodes_len = sum(length for _, length, _ in self.nodes)
        sums_at = ends[3] + nodes_len
        sums_len = sum(-(-extent.sums_len() // 8) * 8 for extent in self.extents)
        end = sums_at + sums_len
        extents_at = -(-end // 64) * 64 if self.extents else end
        self.nodes_area, self.sums_area = (ends[3], nodes_len), (sums_at, sums_len)
        self.extents_area = (extents_at, length - extents_at)
        need(extents_at <= length, "the areas are cut short")
        self._check_nodes()
        self._check_extents()
        self.slot = Entry("", kind, 0, 0, NONE, low, high)
        self._check_slot(self.slot)
        self._shared = {}

    def value(self):
        return self._value(self.slot)


class Node:
    """The bytes of a node, and how far its pointers have been followed (`low`, `high`)."""

    def __init__(self, data):
        need(len(data) >= 24, "a node without a root")
        self.data, self.low, self.high = data, 0, len(data) - 24
        self.root = self.high

    def get(self, layout, at):
        return struct.unpack_from("<" + layout, self.data, at)[0]

    def follow(self, origin, offset, size, align):
        """Begins the visit of a target; `leave` ends it with the mark that is returned."""
        start, end = origin + offset, origin + offset + size
        need(self.low <= start and end <= self.high and start % align == 0, "a pointer in a node")
        mark = (self.high, end)
        self.high = start
        return start, mark

    def leave(self, mark):
        self.high, self.low = mark

    def vector(self, at, size, align, read):
        """What `read` makes of each element's offset."""
        count = self.get("Q", at + 8)
        start, mark = self.follow(at, self.get("q", at), count * size, align)
        elements = [read(start + index * size) for index in range(count)]
        self.leave(mark)
        return elements

    def plain(self, at, layout, align):
        """A vector of elements without pointers."""
        size = struct.calcsize("<" + layout)
        start, mark = self.follow(at, self.get("q", at), self.get("Q", at + 8) * size, align)
        elements = list(struct.iter_unpack("<" + layout, self.data[start : mark[1]]))
        self.leave(mark)
        return elements

    def octets(self, at):
        start, mark = self.follow(at, self.get("q", at), self.get("Q", at + 8), 1)
        self.leave(mark)
        return bytes(self.data[start : mark[1]])

    def shape(self, at):
        return [dimension for (dimension,) in self.plain(at, "Q", 8)]

    def box(self, at, size, read):
        start, mark = self.follow(at, self.get("q", at), size, 8)
        value = read(start)
        self.leave(mark)
        return value

    def string(self, at):
        if self.data[at] & 0xC0 != 0x80:
            text = bytes(self.data[at : at + 16]).split(b"\xff")[0]
            return utf8(text, "a string")
        encoded = self.get("Q", at)
        length = (encoded & 0x3F) | (encoded >> 8) << 6
        need(length > 16, "a short string in the long form")
        start, mark = self.follow(at, self.get("q", at + 8), length, 1)
        self.leave(mark)
        return utf8(self.data[start : mark[1]], "a string")


class Decoder:
    """Makes one value of nodes."""

    def __init__(self, archive):
        self.archive = archive
        self.named = set()
        self.waiting = deque()

    def value(self, number):
        value = self.root(number, NONE, 0)
        while self.waiting:
            shared, holder = self.waiting.popleft()
            content = self.root(self.archive.shared_node(shared), NONE, 0)
            if isinstance(holder, Cell):
                holder.content = content
            else:
                need(isinstance(content, dict), "a scope is not a record")
                holder.bindings = content
        return value

    def open(self, number, above):
        need(number < above, "a node names one that is not lower")
        need(number not in self.named, "a node is named twice")
        self.named.add(number)
        return self.archive.node(number)

    def root(self, number, above, depth):
        node = self.open(number, above)
        need(node.data[node.root] != 15, "a node that only names another")
        return self.tree(node, node.root, number, depth)

    def tree(self, node, at, own, depth):
        """The value of the tree at `at` of `node`, whose number is `own`."""
        tag = node.data[at]
        need(tag < len(TREES), "tag of a tree")
        if tag in NESTING:
            depth += 1
            need(depth <= MAX_NESTING, "nested too deep")
        return TREES[tag](self, node, at, own, depth)

    def null(self, node, at, own, depth):
        return None

    def boolean(self, node, at, own, depth):
        need(node.data[at + 1] <= 1, "a boolean is neither 0 nor 1")
        return node.data[at + 1] == 1

    def integer(self, node, at, own, depth):
        return node.get("q", at + 8)

    def number(self, node, at, own, depth):
        return Number(node.get("Q", at + 8))

    def complex(self, node, at, own, depth):
        return Complex(Number(node.get("Q", at + 8)), Number(node.get("Q", at + 16)))

    def string(self, node, at, own, depth):
        return node.string(at + 8)

    def octets(self, node, at, own, depth):
        return node.octets(at + 8)

    def long_string(self, node, at, own, depth):
        return utf8(self.archive.extent_bytes(node.get("I", at + 4)), "a long string")

    def long_octets(self, node, at, own, depth):
        return self.archive.extent_bytes(node.get("I", at + 4))

    def vector(self, node, at, own, depth):
        return node.vector(at + 8, 24, 8, lambda at: self.tree(node, at, own, depth))

    def vector_parts(self, node, at, own, depth, level=1):
        need(level <= MAX_PART_LEVELS, "too many levels of parts")
        elements = []
        for end, number in node.plain(at + 8, "QQ", 8):
            part = self.open(number, own)
            tag = part.data[part.root]
            need(tag in (9, 10), "not a part of a vector")
            if tag == 9:
                elements += self.vector(part, part.root, number, depth)
            else:
                elements += self.vector_parts(part, part.root, number, depth, level + 1)
            need(len(elements) == end, "a part has another number of elements")
        return elements

    def record(self, node, at, own, depth):
        return as_record(self.fields(node, at + 8, own, depth))

    def fields(self, node, at, own, depth):
        def read(at):
            return node.string(at), self.tree(node, at + 16, own, depth)

        return node.vector(at, 40, 8, read)

    def indexed_record(self, node, at, own, depth):
        return as_record(self.indexed_fields(node, at, own, depth))

    def indexed_fields(self, node, at, own, depth):
        def read(at):
            fields = self.fields(node, at, own, depth)
            check_index(node.plain(at + 16, "II", 4), fields)
            return fields

        return node.box(at + 8, 32, read)

    def record_parts(self, node, at, own, depth):
        return as_record(self.part_fields(node, at, own, depth, 1))

    def part_fields(self, node, at, own, depth, level):
        need(level <= MAX_PART_LEVELS, "too many levels of parts")
        lists = node.box(
            at + 8, 32, lambda at: (node.plain(at, "QQ", 8), node.plain(at + 16, "II", 4))
        )
        parts, index_parts = lists
        fields = []
        for end, number in parts:
            part = self.open(number, own)
            tag = part.data[part.root]
            need(tag in (11, 13), "not a part of a record")
            if tag == 11:
                fields += self.fields(part, part.root + 8, number, depth)
            else:
                fields += self.part_fields(part, part.root, number, depth, level + 1)
            need(len(fields) == end, "a part has another number of fields")
        if index_parts:
            check_index(self.index(index_parts, own), fields)
        return fields

    def index(self, index_parts, own):
        entries = []
        for first, number in index_parts:
            part = self.open(number, own)
            need(part.data[part.root] == 14, "not a part of an index")
            run = part.plain(part.root + 8, "II", 4)
            need(run and run[0][0] == first, "first entry of a part of an index")
            entries += run
        return entries

    def misplaced_index(self, node, at, own, depth):
        raise AchError("an index stands where a value should")

    def other_node(self, node, at, own, depth):
        return self.root(node.get("I", at + 4), own, depth)

    def tensor(self, node, at, own, depth):
        def read(at):
            shape = node.shape(at)
            extent, dtype, order = struct.unpack_from("<IBB", node.data, at + 16)
            return self.archive.tensor(dtype, order, shape, extent)

        return node.box(at + 8, 24, read)

    def string_array(self, node, at, own, depth):
        def read(at):
            shape = node.shape(at)
            places, extent, length = struct.unpack_from("<IIQ", node.data, at + 16)
            count = byte_len(1, shape)
            offsets = self.archive.tensor(U64, 0, [count + 1], places).data
            offsets = [offset for (offset,) in struct.iter_unpack("<Q", offsets)]
            text = self.archive.tensor(U8, 0, [length], extent).data
            need(offsets == sorted(offsets) and offsets[-1] <= length, "offsets of strings")
            runs = zip(offsets, offsets[1:])
            return StringArray(tuple(shape), [utf8(text[a:b], "a string") for a, b in runs])

        return node.box(at + 8, 32, read)

    def of_kind(self, kinds, node, at, own, depth):
        value = self.tree(node, at, own, depth)
        need(isinstance(value, kinds), "a value of another kind than its place needs")
        return value

    def edge(self, node, at, own, depth):
        def read(at):
            start = self.of_kind(str, node, at, own, depth)
            end = self.of_kind(str, node, at + 24, own, depth)
            properties = self.of_kind(dict, node, at + 48, own, depth)
            return Edge(start, end, properties, flag(node.get("Q", at + 72)))

        return node.box(at + 8, 80, read)

    def builtin(self, node, at, own, depth):
        return Builtin(node.string(at + 8))

    def function(self, node, at, own, depth):
        def read(at):
            name = self.of_kind((str, type(None)), node, at, own, depth)
            parameters = self.of_kind(list, node, at + 24, own, depth)
            need(all(isinstance(name, str) for name in parameters), "parameters of a function")
            details = self.of_kind(dict, node, at + 48, own, depth)
            source = self.of_kind(str, node, at + 72, own, depth)
            number = node.get("Q", at + 96)
            scope = None if number == NONE else self.shared(number, Scope)
            return Function(name, parameters, details, source, scope)

        return node.box(at + 8, 104, read)

    def cell(self, node, at, own, depth):
        return self.shared(node.get("I", at + 4), Cell)

    def shared(self, number, kind):
        """The one cell or scope of that number; its content is read later."""
        self.archive.shared_node(number)
        known = self.archive._shared.get(number)
        if known is None:
            known = self.archive._shared[number] = kind()
            self.waiting.append((number, known))
        need(isinstance(known, kind), "a cell and a scope share a node")
        return known

    def error(self, node, at, own, depth):
        def read(at):
            message = self.of_kind(str, node, at, own, depth)
            kind = self.of_kind((str, type(None)), node, at + 24, own, depth)
            source = self.tree(node, at + 48, own, depth)
            return Error(message, kind, source, flag(node.get("Q", at + 72)))

        return node.box(at + 8, 80, read)

    def extension(self, node, at, own, depth):
        def read(at):
            type_name = self.of_kind(str, node, at, own, depth)
            parameters = self.tree(node, at + 24, own, depth)
            return Extension(type_name, parameters, self.tree(node, at + 48, own, depth))

        return node.box(at + 8, 72, read)

    def typed(self, node, at, own, depth):
        def read(at):
            type_name = self.of_kind(str, node, at, own, depth)
            fields = struct.unpack_from("<QQIII", node.data, at + 24)
            fingerprint, length, version, alignment, extent = fields
            data = self.archive.tensor(U8, 0, [length], extent).data
            return Typed(type_name, fingerprint, version, alignment, data)

        return node.box(at + 8, 56, read)


# What makes a value of a tree, by its tag.
TREES = [
    Decoder.null, Decoder.boolean, Decoder.integer, Decoder.number, Decoder.complex,
    Decoder.string, Decoder.octets, Decoder.long_string, Decoder.long_octets,
    Decoder.vector, Decoder.vector_parts,
    Decoder.record, Decoder.indexed_record, Decoder.record_parts, Decoder.misplaced_index,
    Decoder.other_node, Decoder.tensor, Decoder.string_array, Decoder.edge, Decoder.builtin,
    Decoder.function, Decoder.cell, Decoder.error, Decoder.extension, Decoder.typed,
]
# Tags that count as a level of nesting.
NESTING = frozenset([9, 10, 11, 12, 13, 18, 20, 22, 23])


def as_record(fields):
    record = dict(fields)
    need(len(record) == len(fields), "a field stands twice")
    return record


def check_index(entries, fields):
    """An index holds the CRC-32 of every name, sorted."""
    expected = [(zlib.crc32(name.encode()), ordinal) for ordinal, (name, _) in enumerate(fields)]
    need(entries == sorted(expected), "the index of a record")


def flag(number):
    need(number <= 1, "a flag is neither 0 nor 1")
    return number == 1


def byte_len(size, shape):
    if 0 in shape:
        return 0
    for dimension in shape:
        size *= dimension
    need(size < 1 << 63, "size of a tensor")
    return size


def pieces(data):
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]


def unshuffle(shuffled, width):
    if width == 0:
        return shuffled
    count = len(shuffled) // width
    raw = bytearray(shuffled)
    for byte in range(width):
        raw[byte : count * width : width] = shuffled[byte * count : (byte + 1) * count]
    return bytes(raw)


def unpack_zstd(frame, length):
    try:
        raw = zstd_decompress(frame, length)
    except Unsupported:
        raise
    except Exception as error:  # each module has an error class of its own
        raise AchError(f"not a zstd frame: {error}") from error
    need(len(raw) == length, "a frame of another length")
    return raw


def zstd_decompress(frame, length):
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        pass
    else:
        return zstd.ZstdDecompressor().decompress(frame, length + 1)
    return zstd_decompress_by_system(frame, length)


def zstd_decompress_by_system(frame, length):
    """Before Python 3.14 the standard library has no zstd, but most systems have its C library."""
    found = ctypes.util.find_library("zstd")
    if found is None:
        raise Unsupported("this Python cannot unpack zstd, and there is no libzstd")
    library = ctypes.CDLL(found)
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t] * 2
    library.ZSTD_isError.argtypes = [ctypes.c_size_t]
    room = ctypes.create_string_buffer(length + 1)
    unpacked = library.ZSTD_decompress(room, length + 1, frame, len(frame))
    if library.ZSTD_isError(unpacked):
        raise ValueError("libzstd refuses it")
    return room.raw[:unpacked]
