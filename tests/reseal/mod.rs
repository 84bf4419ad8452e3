//! Archives made and changed by hand, with every sum made right again: what an attacker can do.
//!
//! [`Handmade`] is a second writer of the format, made from the documentation of `src/format`;
//! [`Patch`] changes single fields of a finished file. Both share nothing with the crate's writer.
#![allow(dead_code)]

use sha2::{Digest, Sha256};

pub(crate) const NONE: u32 = u32::MAX;
pub(crate) const HEADER: usize = 64;
const PREAMBLE: usize = 256;
const PAGE: usize = 4096;

/// Kinds of a slot.
pub(crate) const NULL: u8 = 0;
pub(crate) const BOOLEAN: u8 = 1;
pub(crate) const INTEGER: u8 = 2;
pub(crate) const TENSOR: u8 = 5;
pub(crate) const NODE: u8 = 6;

/// Codes of dtypes.
pub(crate) const BOOL: u8 = 1;
pub(crate) const U8: u8 = 6;
pub(crate) const F64: u8 = 13;

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) attributes: u32,
    pub(crate) payload: [u64; 2],
}

impl Entry {
    pub(crate) fn integer(name: &str, integer: i64) -> Entry {
        Entry::new(name, INTEGER, [integer as u64, 0])
    }

    pub(crate) fn node(name: &str, node: u32) -> Entry {
        Entry::new(name, NODE, [node.into(), 0])
    }

    /// A tensor in C order, whose dimensions begin at `shape` in the list of dimensions.
    pub(crate) fn tensor(name: &str, dtype: u8, rank: u8, shape: u32, extent: u32) -> Entry {
        let low = u64::from(dtype) | u64::from(rank) << 16 | u64::from(shape) << 32;
        Entry::new(name, TENSOR, [low, extent.into()])
    }

    pub(crate) fn new(name: &str, kind: u8, payload: [u64; 2]) -> Entry {
        Entry {
            name: name.as_bytes().to_vec(),
            kind,
            flags: 0,
            attributes: NONE,
            payload,
        }
    }
}

/// Array data with its blocks as they shall stand in the file.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    /// Stored bytes of each block.
    pub(crate) blocks: Vec<Vec<u8>>,
    pub(crate) raw_len: u64,
    pub(crate) codec: u8,
    pub(crate) shuffle: u8,
    pub(crate) block_log2: u8,
}

impl Extent {
    pub(crate) fn raw(bytes: &[u8]) -> Extent {
        Extent {
            blocks: bytes.chunks(1 << 16).map(<[u8]>::to_vec).collect(),
            raw_len: bytes.len() as u64,
            codec: 0,
            shuffle: 0,
            block_log2: 16,
        }
    }

    /// A cold extent of frames that need not be what they claim.
    pub(crate) fn cold(frames: &[Vec<u8>], raw_len: u64) -> Extent {
        Extent {
            blocks: frames.to_vec(),
            raw_len,
            codec: 1,
            shuffle: 0,
            block_log2: 18,
        }
    }

    /// The list of block sums; empty when the only sum stands in the record.
    fn list(&self) -> Vec<u8> {
        if self.blocks.len() < 2 {
            return Vec::new();
        }
        let mut list = Vec::new();
        for block in &self.blocks {
            if self.codec != 0 {
                list.extend_from_slice(&(block.len() as u32).to_le_bytes());
            }
            list.extend_from_slice(&crc32fast::hash(block).to_le_bytes());
        }
        list
    }
}

/// The parts of an archive. Entries must be given sorted, unless that is the point.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handmade {
    pub(crate) entries: Vec<Entry>,
    pub(crate) extents: Vec<Extent>,
    pub(crate) nodes: Vec<Vec<u8>>,
    pub(crate) shapes: Vec<u64>,
    /// How many nodes, the last ones, are contents of cells and scopes.
    pub(crate) shared_count: u32,
}

impl Handmade {
    /// One structured value under the name `x`: the last of the nodes that are not shared.
    pub(crate) fn of_nodes(nodes: Vec<Vec<u8>>) -> Handmade {
        Handmade {
            entries: vec![Entry::node("x", nodes.len() as u32 - 1)],
            nodes,
            ..Handmade::default()
        }
    }

    /// One tensor under the name `x`.
    pub(crate) fn of_tensor(dtype: u8, shape: &[u64], extent: Extent) -> Handmade {
        Handmade {
            entries: vec![Entry::tensor("x", dtype, shape.len() as u8, 0, 0)],
            extents: vec![extent],
            shapes: shape.to_vec(),
            ..Handmade::default()
        }
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let lists: Vec<Vec<u8>> = self.extents.iter().map(Extent::list).collect();
        let body_len = self.entries.len() * 32
            + self.extents.len() * 72
            + self.nodes.len() * 16
            + self.shapes.len() * 8
            + self.entries.iter().map(|e| e.name.len()).sum::<usize>();
        let body_at = (PREAMBLE + body_len.div_ceil(PAGE) * 4).next_multiple_of(8);
        let table_len = body_at + body_len;

        // Nodes, extents and sums behind the place of the table.
        let mut file = vec![0; HEADER + table_len];
        align(&mut file, 64);
        let nodes_at = file.len();
        let mut node_records = Vec::new();
        for node in &self.nodes {
            put(&mut node_records, &(file.len() as u64).to_le_bytes());
            put(&mut node_records, &(node.len() as u32).to_le_bytes());
            put(&mut node_records, &crc32fast::hash(node).to_le_bytes());
            put(&mut file, node);
        }
        let nodes_len = file.len() - nodes_at;
        align(&mut file, 64);
        let extents_at = file.len();
        let mut places = Vec::new();
        for extent in &self.extents {
            let large = extent.raw_len >= 1 << 16;
            align(&mut file, if large { 4096 } else { 64 });
            places.push(file.len());
            extent.blocks.iter().for_each(|block| put(&mut file, block));
        }
        let extents_len = file.len() - extents_at;
        align(&mut file, 64);
        let sums_at = file.len();
        let mut extent_records = Vec::new();
        for ((extent, list), place) in self.extents.iter().zip(&lists).zip(places) {
            let stored: u64 = extent.blocks.iter().map(|b| b.len() as u64).sum();
            let (sums, sum) = match extent.blocks.as_slice() {
                [only] => (0, crc32fast::hash(only)),
                _ => (file.len() as u64, crc32fast::hash(list)),
            };
            for number in [place as u64, stored, extent.raw_len, sums] {
                put(&mut extent_records, &number.to_le_bytes());
            }
            put(&mut extent_records, &sum.to_le_bytes());
            // Codec, shuffle, block size, and no content digest.
            put(
                &mut extent_records,
                &[extent.codec, extent.shuffle, extent.block_log2, 0],
            );
            put(&mut extent_records, &[0; 32]);
            put(&mut file, list);
            align(&mut file, 8);
        }
        let sums_len = file.len() - sums_at;
        put(&mut file, &[0; 32]);

        // The body of the table.
        let (mut entries, mut names) = (Vec::new(), Vec::new());
        for (ordinal, entry) in self.entries.iter().enumerate() {
            put(&mut entries, &(names.len() as u32).to_le_bytes());
            put(&mut entries, &(entry.name.len() as u16).to_le_bytes());
            put(&mut entries, &[entry.kind, entry.flags]);
            put(&mut entries, &(ordinal as u32).to_le_bytes());
            put(&mut entries, &entry.attributes.to_le_bytes());
            put(&mut entries, &entry.payload[0].to_le_bytes());
            put(&mut entries, &entry.payload[1].to_le_bytes());
            put(&mut names, &entry.name);
        }
        let shapes: Vec<u8> = self.shapes.iter().flat_map(|n| n.to_le_bytes()).collect();
        let (mut body, mut offsets) = (Vec::new(), Vec::new());
        for array in [&entries, &extent_records, &node_records, &shapes, &names] {
            offsets.push((body_at + body.len()) as u64);
            put(&mut body, array);
        }

        // The preamble.
        let mut preamble = Vec::new();
        put(&mut preamble, &(file.len() as u64).to_le_bytes());
        put(&mut preamble, &1u32.to_le_bytes());
        put(&mut preamble, &(PAGE as u32).to_le_bytes());
        put(&mut preamble, &(body_at as u64).to_le_bytes());
        put(&mut preamble, &(body_len as u64).to_le_bytes());
        let counts = [&self.entries.len(), &self.extents.len(), &self.nodes.len()];
        for count in counts.into_iter().chain([&self.shapes.len()]) {
            put(&mut preamble, &(*count as u32).to_le_bytes());
        }
        offsets.push(names.len() as u64);
        for offset in offsets {
            put(&mut preamble, &offset.to_le_bytes());
        }
        put(&mut preamble, &NONE.to_le_bytes());
        put(&mut preamble, &self.shared_count.to_le_bytes());
        put(&mut preamble, &[0; 16 + 8 + 32]);
        let areas = [
            nodes_at,
            nodes_len,
            extents_at,
            extents_len,
            sums_at,
            sums_len,
        ];
        for number in areas {
            put(&mut preamble, &(number as u64).to_le_bytes());
        }
        preamble.resize(PREAMBLE, 0);
        file[HEADER..HEADER + PREAMBLE].copy_from_slice(&preamble);
        file[HEADER + body_at..HEADER + table_len].copy_from_slice(&body);

        // The header; its sums are made by sealing.
        file[..4].copy_from_slice(b"ACH\0");
        file[4] = 2;
        file[20..24].copy_from_slice(b"hand");
        file[36] = self.extents.iter().any(|e| e.codec != 0).into();
        file[40..48].copy_from_slice(&(HEADER as u64).to_le_bytes());
        file[48..56].copy_from_slice(&(table_len as u64).to_le_bytes());
        let mut patch = Patch::of(file);
        patch.seal();
        patch.bytes
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

fn align(out: &mut Vec<u8>, alignment: usize) {
    out.resize(out.len().next_multiple_of(alignment), 0);
}

/// A finished file, changed field by field. Knows where things stood before it was changed.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    pub(crate) bytes: Vec<u8>,
    table: usize,
    table_len: usize,
    body: usize,
    entries: usize,
    extents: usize,
    nodes: usize,
    shapes: usize,
    names: usize,
    node_count: usize,
    extent_count: usize,
}

/// Offsets in the preamble.
pub(crate) mod preamble {
    pub(crate) const FILE_LEN: usize = 0;
    pub(crate) const LAYOUT: usize = 8;
    pub(crate) const PAGE_SIZE: usize = 12;
    pub(crate) const BODY_OFFSET: usize = 16;
    pub(crate) const BODY_LEN: usize = 24;
    pub(crate) const ENTRY_COUNT: usize = 32;
    pub(crate) const EXTENT_COUNT: usize = 36;
    pub(crate) const NODE_COUNT: usize = 40;
    pub(crate) const SHAPE_COUNT: usize = 44;
    pub(crate) const ENTRIES: usize = 48;
    pub(crate) const NAMES: usize = 80;
    pub(crate) const NAMES_LEN: usize = 88;
    pub(crate) const METADATA: usize = 96;
    pub(crate) const SHARED_COUNT: usize = 100;
    pub(crate) const SESSION: usize = 104;
    pub(crate) const FOLDED: usize = 120;
    pub(crate) const NODES_AREA: usize = 160;
    pub(crate) const EXTENTS_AREA: usize = 176;
    pub(crate) const SUMS_AREA: usize = 192;
    pub(crate) const RESERVED: usize = 208;
}

impl Patch {
    pub(crate) fn of(bytes: Vec<u8>) -> Patch {
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let table = u64_at(40);
        let array = |n: usize| table + u64_at(table + preamble::ENTRIES + n * 8);
        Patch {
            table,
            table_len: u64_at(48),
            body: u64_at(table + preamble::BODY_OFFSET),
            entries: array(0),
            extents: array(1),
            nodes: array(2),
            shapes: array(3),
            names: array(4),
            extent_count: u32_at(table + preamble::EXTENT_COUNT),
            node_count: u32_at(table + preamble::NODE_COUNT),
            bytes,
        }
    }

    /// Place of a field of the preamble.
    pub(crate) fn preamble(&self, field: usize) -> usize {
        self.table + field
    }

    /// Place of a field of entry `n`: 0 name offset, 4 name length, 6 kind, 7 flags, 8 ordinal,
    /// 12 attributes, 16 and 24 payload.
    pub(crate) fn entry(&self, n: usize, field: usize) -> usize {
        self.entries + n * 32 + field
    }

    /// Place of a field of extent `n`: 0 offset, 8 stored length, 16 raw length, 24 sum list,
    /// 32 sum, 36 codec, 37 shuffle, 38 block size, 39 digest kind, 40 digest.
    pub(crate) fn extent(&self, n: usize, field: usize) -> usize {
        self.extents + n * 72 + field
    }

    /// Place of a field of node `n`: 0 offset, 8 length, 12 sum.
    pub(crate) fn node(&self, n: usize, field: usize) -> usize {
        self.nodes + n * 16 + field
    }

    pub(crate) fn shape(&self, n: usize) -> usize {
        self.shapes + n * 8
    }

    pub(crate) fn name(&self, at: usize) -> usize {
        self.names + at
    }

    pub(crate) fn table_range(&self) -> std::ops::Range<usize> {
        self.table..self.table + self.table_len
    }

    pub(crate) fn u64_at(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().unwrap())
    }

    pub(crate) fn u32_at(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) -> &mut Patch {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn put_u8(&mut self, at: usize, value: u8) -> &mut Patch {
        self.put(at, &[value])
    }

    pub(crate) fn put_u32(&mut self, at: usize, value: u32) -> &mut Patch {
        self.put(at, &value.to_le_bytes())
    }

    pub(crate) fn put_u64(&mut self, at: usize, value: u64) -> &mut Patch {
        self.put(at, &value.to_le_bytes())
    }

    /// Makes the sums of nodes and blocks right for the bytes they cover, where those are in the
    /// file, then those of the table. Content digests are dropped.
    pub(crate) fn seal_all(&mut self) -> Vec<u8> {
        for n in 0..self.node_count {
            let start = self.u64_at(self.node(n, 0)) as usize;
            let len = self.u32_at(self.node(n, 8)) as usize;
            if let Some(bytes) = self.bytes.get(start..start.saturating_add(len)) {
                let crc = crc32fast::hash(bytes);
                self.put_u32(self.node(n, 12), crc);
            }
        }
        for n in 0..self.extent_count {
            self.seal_extent(n);
        }
        self.seal()
    }

    fn seal_extent(&mut self, n: usize) {
        let [start, stored, _, sums] =
            [0, 8, 16, 24].map(|field| self.u64_at(self.extent(n, field)) as usize);
        self.put(self.extent(n, 39), &[0; 33]);
        if sums == 0 {
            let crc = crc32fast::hash(&self.bytes[start..start + stored]);
            self.put_u32(self.extent(n, 32), crc);
            return;
        }
        let coded = self.bytes[self.extent(n, 36)] != 0;
        let (mut at, mut place) = (start, sums);
        while at < start + stored {
            let len = match coded {
                true => self.u32_at(place) as usize,
                false => (start + stored - at).min(1 << 16),
            };
            let crc = crc32fast::hash(&self.bytes[at..at + len]);
            self.put_u32(if coded { place + 4 } else { place }, crc);
            place += if coded { 8 } else { 4 };
            at += len;
        }
        let crc = crc32fast::hash(&self.bytes[sums..place]);
        self.put_u32(self.extent(n, 32), crc);
    }

    /// Makes page sums, table sum, header sum and root digest right, at the places where they were.
    pub(crate) fn seal(&mut self) -> Vec<u8> {
        let table = self.table_range();
        let body = table.start + self.body;
        let sums: Vec<u32> = self.bytes[body..table.end]
            .chunks(PAGE)
            .map(crc32fast::hash)
            .collect();
        for (page, sum) in sums.into_iter().enumerate() {
            self.put_u32(table.start + PREAMBLE + page * 4, sum);
        }
        let crc = crc32fast::hash(&self.bytes[table.start..body]);
        self.put_u32(56, crc);
        self.seal_header();
        let mut root = Sha256::new();
        let head: Vec<u8> = [&self.bytes[..HEADER], &self.bytes[table]].concat();
        head.chunks(1 << 20)
            .for_each(|piece| root.update(Sha256::digest(piece)));
        let at = self.bytes.len() - 32;
        let root: [u8; 32] = root.finalize().into();
        self.put(at, &root);
        self.bytes.clone()
    }

    /// Makes the header's own sum right.
    pub(crate) fn seal_header(&mut self) -> Vec<u8> {
        let crc = crc32fast::hash(&self.bytes[..60]);
        self.put_u32(60, crc);
        self.bytes.clone()
    }
}

/// A node's tree, for writing archived bytes by hand. Vectors, records and lists must not be empty.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Null,
    Integer(i64),
    /// At most 8 bytes.
    Text(&'static str),
    LongString(u32),
    Vector(Vec<Tree>),
    VectorParts(Vec<(u64, u64)>),
    Record(Vec<(&'static str, Tree)>),
    Indexed(Vec<(&'static str, Tree)>, Vec<(u32, u32)>),
    RecordParts(Vec<(u64, u64)>, Vec<(u32, u32)>),
    Index(Vec<(u32, u32)>),
    Node(u32),
    Tensor {
        shape: Vec<u64>,
        extent: u32,
        dtype: u8,
        order: u8,
    },
    Strings {
        shape: Vec<u64>,
        offsets: u32,
        bytes: u32,
        byte_len: u64,
    },
    Cell(u32),
}

/// Where what a tree points at stands.
type Place = usize;

impl Tree {
    /// The bytes of a node with this tree at its root.
    pub(crate) fn node(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let place = self.write_parts(&mut out);
        align(&mut out, 8);
        let at = out.len();
        let root = self.archived(at, place);
        put(&mut out, &root);
        out
    }

    /// Writes what stands outside the 24 bytes of the tree.
    fn write_parts(&self, out: &mut Vec<u8>) -> Place {
        match self {
            Tree::Vector(elements) => {
                let places: Vec<Place> = elements.iter().map(|e| e.write_parts(out)).collect();
                align(out, 8);
                let start = out.len();
                for (element, place) in elements.iter().zip(places) {
                    let tree = element.archived(out.len(), place);
                    put(out, &tree);
                }
                start
            }
            Tree::Record(fields) => write_fields(fields, out),
            Tree::Indexed(fields, index) => {
                let start = write_fields(fields, out);
                let index_at = write_pairs(index, out);
                align(out, 8);
                let at = out.len();
                put(out, &vec_at(at, start, fields.len()));
                put(out, &vec_at(at + 16, index_at, index.len()));
                at
            }
            Tree::VectorParts(parts) => write_parts(parts, out),
            Tree::RecordParts(parts, index) => {
                let parts_at = write_parts(parts, out);
                let index_at = write_pairs(index, out);
                align(out, 8);
                let at = out.len();
                put(out, &vec_at(at, parts_at, parts.len()));
                put(out, &vec_at(at + 16, index_at, index.len()));
                at
            }
            Tree::Index(index) => write_pairs(index, out),
            Tree::Tensor {
                shape,
                extent,
                dtype,
                order,
            } => {
                let shape_at = write_u64s(shape, out);
                let at = out.len();
                put(out, &vec_at(at, shape_at, shape.len()));
                put(out, &extent.to_le_bytes());
                put(out, &[*dtype, *order, 0, 0]);
                at
            }
            Tree::Strings {
                shape,
                offsets,
                bytes,
                byte_len,
            } => {
                let shape_at = write_u64s(shape, out);
                let at = out.len();
                put(out, &vec_at(at, shape_at, shape.len()));
                put(out, &offsets.to_le_bytes());
                put(out, &bytes.to_le_bytes());
                put(out, &byte_len.to_le_bytes());
                at
            }
            _ => 0,
        }
    }

    /// The 24 bytes of the tree itself, which will stand at `at`.
    fn archived(&self, at: usize, place: Place) -> [u8; 24] {
        let mut bytes = [0; 24];
        let mut small = |tag: u8, number: u32| {
            bytes[0] = tag;
            bytes[4..8].copy_from_slice(&number.to_le_bytes());
        };
        let (tag, len) = match self {
            Tree::Null => (0, 0),
            Tree::Integer(integer) => {
                bytes[0] = 2;
                bytes[8..16].copy_from_slice(&integer.to_le_bytes());
                return bytes;
            }
            Tree::Text(text) => {
                bytes[0] = 5;
                bytes[8..24].copy_from_slice(&short(text));
                return bytes;
            }
            Tree::LongString(extent) => {
                small(7, *extent);
                return bytes;
            }
            Tree::Node(node) => {
                small(15, *node);
                return bytes;
            }
            Tree::Cell(shared) => {
                small(21, *shared);
                return bytes;
            }
            Tree::Vector(elements) => (9, elements.len()),
            Tree::VectorParts(parts) => (10, parts.len()),
            Tree::Record(fields) => (11, fields.len()),
            Tree::Indexed(..) => (12, 0),
            Tree::RecordParts(..) => (13, 0),
            Tree::Index(index) => (14, index.len()),
            Tree::Tensor { .. } => (16, 0),
            Tree::Strings { .. } => (17, 0),
        };
        bytes[0] = tag;
        if tag != 0 {
            bytes[8..24].copy_from_slice(&vec_at(at + 8, place, len));
        }
        bytes
    }
}

/// A short string as it stands in 16 bytes.
fn short(text: &str) -> [u8; 16] {
    assert!(text.len() <= 8);
    let mut bytes = [0xff; 16];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// A relative pointer at `at` to `target`, and a length. A box is the pointer alone.
fn vec_at(at: usize, target: usize, len: usize) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(target as i64 - at as i64).to_le_bytes());
    bytes[8..].copy_from_slice(&(len as u64).to_le_bytes());
    bytes
}

fn write_fields(fields: &[(&'static str, Tree)], out: &mut Vec<u8>) -> Place {
    let places: Vec<Place> = fields.iter().map(|(_, t)| t.write_parts(out)).collect();
    align(out, 8);
    let start = out.len();
    for ((name, tree), place) in fields.iter().zip(places) {
        put(out, &short(name));
        let tree = tree.archived(out.len(), place);
        put(out, &tree);
    }
    start
}

fn write_parts(parts: &[(u64, u64)], out: &mut Vec<u8>) -> Place {
    let numbers: Vec<u64> = parts.iter().flat_map(|(end, node)| [*end, *node]).collect();
    write_u64s(&numbers, out)
}

fn write_pairs(pairs: &[(u32, u32)], out: &mut Vec<u8>) -> Place {
    align(out, 8);
    let start = out.len();
    for (a, b) in pairs {
        put(out, &a.to_le_bytes());
        put(out, &b.to_le_bytes());
    }
    start
}

fn write_u64s(numbers: &[u64], out: &mut Vec<u8>) -> Place {
    align(out, 8);
    let start = out.len();
    numbers.iter().for_each(|n| put(out, &n.to_le_bytes()));
    start
}
