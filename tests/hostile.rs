//! Promise: a file made to harm, with every sum right, gets a named error for the part that is
//! wrong, on every road; it never panics, never overflows the stack, and never allocates much more
//! than it has bytes.

mod reseal;
mod samples;
mod small;
mod small_stack;

use achronyme_env::{Archive, EnvError, Part, Problem, Result, Slice, Value};
use reseal::{Entry, Extent, Handmade, NONE, Patch, Tree, preamble};
use small::{LAZY_ROADS, ROADS, all_roads};
use small_stack::on_small_stack;

/// Opens `bytes` on every road.
fn on_every_road(bytes: &[u8], mut look: impl FnMut(&str, Result<Archive>)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.ach");
    std::fs::write(&path, bytes).unwrap();
    for (road, open) in ROADS {
        look(road, open(&path));
    }
}

/// `open` refuses the file for a fault of `part`.
#[track_caller]
fn refused(what: &str, bytes: &[u8], part: Part) -> Problem {
    let mut problem = None;
    on_every_road(bytes, |road, opened| match opened {
        Err(EnvError::Damaged { fault, .. }) => {
            assert_eq!(fault.part, part, "{what}, {road}: {fault}");
            problem = Some(fault.problem);
        }
        other => panic!("{what}, {road}: {other:?}"),
    });
    let problem = problem.unwrap();
    refused_lazily(what, bytes, part, &problem);
    problem
}

/// What `open` refuses, a road that checks the table as it is used finds when all of it is checked, and
/// so does `verify`; until then nothing panics.
#[track_caller]
fn refused_lazily(what: &str, bytes: &[u8], part: Part, problem: &Problem) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.ach");
    std::fs::write(&path, bytes).unwrap();
    for (road, open) in LAZY_ROADS {
        let archive = match open(&path) {
            Ok(archive) => archive,
            Err(error) => {
                let fault = error.fault().expect(what);
                assert_eq!(
                    (fault.part, &fault.problem),
                    (part, problem),
                    "{what}, {road}"
                );
                continue;
            }
        };
        look_at_all(&archive);
        let error = archive.check_table().expect_err(what);
        let fault = error.fault().expect(what);
        assert_eq!(
            (fault.part, &fault.problem),
            (part, problem),
            "{what}, {road}"
        );
        let report = archive.verify().unwrap();
        assert_eq!(report.faults.len(), 1, "{what}, {road}: {report:?}");
        assert_eq!(report.faults[0].fault.part, part, "{what}, {road}");
        look_at_all(&archive);
    }
}

/// Asks everything of an archive, whatever it answers.
fn look_at_all(archive: &Archive) {
    let _ = (
        archive.sections(),
        archive.stored_bytes(),
        archive.metadata(),
    );
    let _ = (archive.children("", '/'), archive.matching("*"));
    let _ = (archive.count_prefix("a"), archive.in_range("a".."c").len());
    let names = ["a", "b", "c", "d", "x", "", "x.y[3]"].map(str::to_owned);
    let found = archive.names().map(str::to_owned).collect::<Vec<_>>();
    for name in found.iter().chain(&names) {
        let _ = (
            read(archive, name),
            archive.at(name),
            archive.attributes(name),
        );
        let _ = (
            archive.view(name).map(|v| v.to_value()),
            archive.contains(name),
        );
        let _ = archive.verify_one(name);
    }
    for binding in archive.bindings() {
        let _ = (binding.value().is_ok(), binding.attributes().is_ok());
        let _ = (
            binding.kind(),
            binding.shape(),
            binding.sizes(),
            binding.extents(),
        );
    }
}

/// The file opens, `get` of `x` finds a fault of `part`, and so does `verify`.
#[track_caller]
fn refused_on_touch(what: &str, bytes: &[u8], part: Part) -> String {
    let mut text = String::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.ach");
    std::fs::write(&path, bytes).unwrap();
    for (road, open) in all_roads() {
        let archive = open(&path).unwrap_or_else(|e| panic!("{what}, {road}: {e}"));
        let error = read(&archive, "x").expect_err(what);
        let EnvError::Variable { name, .. } = &error else {
            panic!("{what}, {road}: {error:?}");
        };
        assert_eq!(name, "x");
        match error.fault() {
            Some(fault) => assert_eq!(fault.part, part, "{what}, {road}: {fault}"),
            None => panic!("{what}, {road}: {error:?}"),
        }
        let report = archive.verify().unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(
            report.faults.iter().any(|f| f.fault.part == part),
            "{what}, {road}: {report:?}"
        );
        assert!(archive.verify_one("x").is_err(), "{what}, {road}");
        text = error.to_string();
    }
    text
}

/// The value, its array data looked at.
fn read(archive: &Archive, name: &str) -> Result<Value> {
    let value = archive.get(name)?;
    let error = match &value {
        Value::Tensor(tensor) => tensor.as_bytes().err(),
        _ => None,
    };
    match error {
        Some(source) => Err(EnvError::Variable {
            name: name.to_owned(),
            source: Box::new(source),
        }),
        None => Ok(value),
    }
}

/// Three bindings, two of them tensors, and a node.
fn honest() -> Handmade {
    let data = samples::noise(3, 48);
    Handmade {
        entries: vec![
            Entry::tensor("a", reseal::F64, 2, 0, 0),
            Entry::integer("b", 5),
            Entry::node("c", 0),
            Entry::tensor("d", reseal::U8, 1, 2, 1),
        ],
        extents: vec![Extent::raw(&data), Extent::raw(&samples::noise(4, 100))],
        nodes: vec![Tree::Vector(vec![Tree::Integer(1), Tree::Text("x")]).node()],
        shapes: vec![2, 3, 100],
        shared_count: 0,
    }
}

fn patch() -> Patch {
    Patch::of(honest().bytes())
}

#[test]
fn an_honest_handmade_file_is_read() {
    on_every_road(&honest().bytes(), |_, archive| {
        let archive = archive.unwrap();
        assert_eq!(archive.get("b").unwrap().as_i64(), Some(5));
        let tensor = archive.tensor("a").unwrap();
        assert_eq!(tensor.as_bytes().unwrap(), samples::noise(3, 48));
        let vector = archive.get("c").unwrap();
        assert_eq!(vector.as_vector().unwrap()[1].as_str(), Some("x"));
        let report = archive.verify().unwrap();
        assert!(report.is_ok(), "{report:?}");
    });
    // Sealing again changes nothing, so what is refused below is what was patched.
    assert_eq!(patch().seal_all(), honest().bytes());
}

#[test]
fn every_tree_that_is_made_by_hand_is_read() {
    let leaf = |n: i64| Tree::Vector(vec![Tree::Integer(n), Tree::Integer(n + 1)]).node();
    let hash = |name: &str| crc32fast::hash(name.as_bytes());
    let mut index = vec![(hash("p"), 0), (hash("q"), 1)];
    index.sort_unstable();
    let nodes = vec![
        leaf(0),
        leaf(2),
        Tree::VectorParts(vec![(2, 0), (4, 1)]).node(),
        Tree::Record(vec![("p", Tree::Integer(8))]).node(),
        Tree::Record(vec![("q", Tree::Null)]).node(),
        Tree::Index(index.clone()).node(),
        Tree::RecordParts(vec![(1, 3), (2, 4)], vec![(index[0].0, 5)]).node(),
        Tree::Indexed(vec![("p", Tree::Integer(9)), ("q", Tree::Null)], index).node(),
        Tree::Record(vec![
            ("vector", Tree::Node(2)),
            ("parts", Tree::Node(6)),
            ("indexed", Tree::Node(7)),
            ("cell", Tree::Cell(0)),
        ])
        .node(),
        Tree::Vector(vec![Tree::Cell(0), Tree::Integer(4)]).node(),
    ];
    let mut file = Handmade::of_nodes(nodes);
    file.shared_count = 1;
    file.entries = vec![Entry::node("x", 8)];
    on_every_road(&file.bytes(), |_, archive| {
        let archive = archive.unwrap();
        let report = archive.verify().unwrap();
        assert!(report.is_ok(), "{report:?}");
        assert_eq!(archive.at("x.vector[3]").unwrap().as_i64(), Some(3));
        assert_eq!(archive.at("x.parts.p").unwrap().as_i64(), Some(8));
        assert_eq!(archive.at("x.indexed.p").unwrap().as_i64(), Some(9));
        let value = archive.get("x").unwrap();
        assert_eq!(value.as_record().unwrap().len(), 4);
    });
}

#[test]
fn a_table_that_is_elsewhere_is_refused() {
    let len = honest().bytes().len() as u64;
    for offset in [0, 8, 63, 65, 128, len, len - 32, len + 64, 1 << 40] {
        let bytes = patch().put_u64(40, offset).seal_header();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hostile.ach");
        std::fs::write(&path, bytes).unwrap();
        for (road, open) in ROADS {
            let error = open(&path).expect_err("a table elsewhere");
            let part = error.fault().map(|fault| fault.part);
            let known = [Part::Header, Part::Table, Part::FileLength].map(Some);
            assert!(known.contains(&part), "{offset}, {road}: {error}");
        }
    }
    for (offset, table_len) in [
        (u64::MAX, 1),
        (u64::MAX - 63, 512),
        (64, u64::MAX),
        (64, 0),
        (64, 255),
        (1 << 63, 1 << 63),
    ] {
        let mut patch = patch();
        let bytes = patch.put_u64(40, offset).put_u64(48, table_len);
        refused("table place", &bytes.seal_header(), Part::Header);
    }
}

#[test]
fn counts_and_offsets_of_the_table_are_refused() {
    use preamble::*;
    for field in [
        LAYOUT,
        PAGE_SIZE,
        ENTRY_COUNT,
        EXTENT_COUNT,
        NODE_COUNT,
        SHAPE_COUNT,
    ] {
        for value in [0, 1, 7, 1 << 20, u32::MAX] {
            let mut patch = patch();
            let at = patch.preamble(field);
            if patch.u32_at(at) == value {
                continue;
            }
            let bytes = patch.put_u32(at, value).seal();
            refused(&format!("preamble {field} = {value}"), &bytes, Part::Table);
        }
    }
    for field in [
        BODY_OFFSET,
        BODY_LEN,
        ENTRIES,
        ENTRIES + 8,
        ENTRIES + 16,
        ENTRIES + 24,
        NAMES,
        NAMES_LEN,
    ] {
        for value in [0, 8, 1 << 32, 1 << 63, u64::MAX, u64::MAX - 7] {
            let mut patch = patch();
            let bytes = patch.put_u64(patch.preamble(field), value).seal();
            refused(&format!("preamble {field} = {value}"), &bytes, Part::Table);
        }
    }
    for (field, value) in [(SHARED_COUNT, 2), (METADATA, 1), (METADATA, NONE - 1)] {
        let mut patch = patch();
        let bytes = patch.put_u32(patch.preamble(field), value).seal();
        refused(&format!("preamble {field} = {value}"), &bytes, Part::Table);
    }
    let mut patch = patch();
    let bytes = patch.put_u64(patch.preamble(FILE_LEN), 4711).seal();
    refused("file length", &bytes, Part::FileLength);
}

#[test]
fn areas_that_do_not_fit_are_refused() {
    for area in [
        preamble::NODES_AREA,
        preamble::EXTENTS_AREA,
        preamble::SUMS_AREA,
    ] {
        for field in [area, area + 8] {
            for value in [1, 65, 1 << 20, 1 << 63, u64::MAX - 63, u64::MAX] {
                let mut patch = patch();
                let bytes = patch.put_u64(patch.preamble(field), value).seal();
                on_every_road(&bytes, |road, opened| {
                    let error = opened.expect_err("an area elsewhere");
                    assert!(
                        error.fault().is_some(),
                        "{field} = {value}, {road}: {error}"
                    );
                });
            }
        }
    }
}

#[test]
fn names_that_cannot_be_are_refused() {
    let with = |names: &[&[u8]]| {
        let entries = names.iter().map(|name| Entry {
            name: name.to_vec(),
            ..Entry::integer("", 1)
        });
        let file = Handmade {
            entries: entries.collect(),
            ..Handmade::default()
        };
        file.bytes()
    };
    let unsorted = refused("unsorted", &with(&[b"b", b"a"]), Part::Entry(1));
    assert_eq!(unsorted, Problem::Unsorted);
    let twice = refused("twice", &with(&[b"a", b"b", b"b"]), Part::Entry(2));
    assert_eq!(twice, Problem::Unsorted);
    let empty_twice = refused("empty twice", &with(&[b"", b""]), Part::Entry(1));
    assert_eq!(empty_twice, Problem::Unsorted);
    for bad in [&b"a\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"] {
        assert_eq!(
            refused("UTF-8", &with(&[bad]), Part::Names),
            Problem::NotUtf8
        );
    }
    // A character cut by two names: the heap is text, the names are not.
    refused("cut", &with(&[b"a\xc3", b"\xa9"]), Part::Entry(0));
    refused("long", &with(&[&[b'x'; 4097]]), Part::Entry(0));
    on_every_road(&with(&[&[b'x'; 4096]]), |_, opened| {
        assert_eq!(opened.unwrap().len(), 1);
    });
}

#[test]
fn name_ranges_that_are_off_are_refused() {
    for (field, value) in [(0, 1), (0, 3), (0, u32::MAX)] {
        let mut patch = patch();
        let bytes = patch.put_u32(patch.entry(2, field), value).seal();
        refused("name offset", &bytes, Part::Entry(2));
    }
    let mut short = patch();
    let bytes = short.put(short.entry(3, 4), &[0, 0]).seal();
    // Sorted before the others, since it is now empty.
    refused("name length", &bytes, Part::Entry(3));
    let mut long = patch();
    let bytes = long.put(long.entry(3, 4), &[2, 0]).seal();
    refused("name length", &bytes, Part::Entry(3));
}

#[test]
fn entries_that_name_what_is_not_there_are_refused() {
    let tensor = |dtype: u64, order: u64, rank: u64, zero: u64, shape: u64| {
        dtype | order << 8 | rank << 16 | zero << 24 | shape << 32
    };
    let f64 = u64::from(reseal::F64);
    let cases: &[(&str, usize, usize, u64)] = &[
        ("extent", 0, 24, 2),
        ("extent", 0, 24, 1 << 32),
        ("no extent", 0, 24, NONE.into()),
        ("node", 2, 16, 1),
        ("node", 2, 16, 1 << 32),
        ("node", 2, 16, u64::MAX),
        ("node, second payload", 2, 24, 1),
        ("rank beyond the shapes", 0, 16, tensor(f64, 0, 4, 0, 0)),
        ("rank", 0, 16, tensor(f64, 0, 65, 0, 0)),
        ("rank", 0, 16, tensor(f64, 0, 255, 0, 0)),
        ("shape", 0, 16, tensor(f64, 0, 2, 0, 2)),
        ("shape", 0, 16, tensor(f64, 0, 2, 0, u32::MAX.into())),
        ("order", 0, 16, tensor(f64, 2, 2, 0, 0)),
        ("reserved byte", 0, 16, tensor(f64, 0, 2, 1, 0)),
        ("width", 0, 16, tensor(12, 0, 2, 0, 0)),
        ("rank 0", 0, 16, tensor(f64, 0, 0, 0, 0)),
        ("integer, second payload", 1, 24, 1),
    ];
    for (what, entry, field, value) in cases {
        let mut patch = patch();
        let bytes = patch.put_u64(patch.entry(*entry, *field), *value).seal();
        refused(what, &bytes, Part::Entry(*entry as u32));
    }
    for (kind, what) in [
        (reseal::NULL, "null with payload"),
        (reseal::BOOLEAN, "boolean 5"),
    ] {
        let mut patch = patch();
        let bytes = patch.put_u8(patch.entry(1, 6), kind).seal();
        refused(what, &bytes, Part::Entry(1));
    }
    for attributes in [1, NONE - 1] {
        let mut patch = patch();
        let bytes = patch.put_u32(patch.entry(1, 12), attributes).seal();
        refused("attributes", &bytes, Part::Entry(1));
    }
    let mut flags = patch();
    let bytes = flags.put_u8(flags.entry(1, 7), 8).seal();
    refused("flags", &bytes, Part::Entry(1));
}

#[test]
fn an_archive_removes_nothing_and_a_delta_is_none() {
    let mut removing = patch();
    let bytes = removing.put_u8(removing.entry(1, 7), 4).seal();
    refused("a removal", &bytes, Part::Entry(1));
    let mut delta = patch();
    let bytes = delta.put_u32(8, 2).seal();
    on_every_road(&bytes, |_, opened| {
        let error = opened.expect_err("a delta");
        assert!(matches!(error, EnvError::IsDelta { .. }), "{error}");
    });
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    for (first, second) in [
        (2, 4),
        (0, 3),
        (3, 0),
        (0, 0),
        (1 << 32, 1 << 32),
        (1 << 61, 8),
        (u64::MAX, u64::MAX),
        (u64::MAX, 1),
    ] {
        let mut patch = patch();
        let bytes = patch.put_u64(patch.shape(0), first);
        let at = bytes.shape(1);
        let bytes = bytes.put_u64(at, second).seal();
        refused(&format!("({first}, {second})"), &bytes, Part::Entry(0));
    }
}

#[test]
fn extents_that_cannot_be_are_refused() {
    let cases: &[(&str, usize, u64)] = &[
        ("misaligned", 0, 1),
        ("misaligned", 0, 8),
        ("overlapping the first", 0, 0),
        ("in the table", 0, 64),
        ("far away", 0, 1 << 40),
        ("at the end of numbers", 0, u64::MAX - 63),
        ("stored length", 8, 0),
        ("stored length", 8, 1 << 40),
        ("stored length", 8, u64::MAX),
        ("raw length", 16, 0),
        ("raw length", 16, 1 << 40),
        ("raw length", 16, u64::MAX),
        ("sum list", 24, 64),
    ];
    for (what, field, value) in cases {
        let mut patch = patch();
        let at = patch.extent(1, *field);
        let value = match (*what, *field) {
            ("misaligned", 0) => patch.u64_at(at) + value,
            ("overlapping the first", 0) => patch.u64_at(patch.extent(0, 0)),
            _ => *value,
        };
        let bytes = patch.put_u64(at, value).seal();
        refused(what, &bytes, Part::Extent(1));
    }
    for (what, field, value) in [
        ("codec with a raw block size", 36, 1),
        ("shuffle of a raw extent", 37, 8),
        ("block size", 38, 0),
        ("block size", 38, 255),
        ("digest without a kind", 47, 1),
    ] {
        let mut patch = patch();
        let bytes = patch.put_u8(patch.extent(1, field), value).seal();
        refused(what, &bytes, Part::Extent(1));
    }
}

#[test]
fn two_extents_that_share_a_byte_are_refused() {
    // Both are 64 bytes long: the second is moved onto the first.
    let mut file = honest();
    file.extents = vec![
        Extent::raw(&samples::noise(1, 48)),
        Extent::raw(&samples::noise(2, 100)),
    ];
    let mut patch = Patch::of(file.bytes());
    let first = patch.u64_at(patch.extent(0, 0));
    for stored in [65u64, 128] {
        // The first reaches into the second; its own tensor then does not fit either, so the
        // extents must be looked at first.
        let at = patch.extent(0, 8);
        patch.put_u64(at, stored);
        let at = patch.extent(0, 16);
        let bytes = patch.put_u64(at, stored).seal();
        let problem = refused("overlap", &bytes, Part::Extent(1));
        assert_eq!(problem, Problem::Overlap);
    }
    assert_eq!(first % 64, 0);
}

#[test]
fn nodes_that_cannot_be_are_refused() {
    for (field, value) in [(8, 0), (8, 4), (8, 1 << 20), (8, u32::MAX), (8, 8)] {
        let mut patch = patch();
        let at = patch.node(0, field);
        let bytes = patch.put_u32(at, value).seal();
        on_every_road(&bytes, |road, opened| {
            let error = opened.expect_err("a node length");
            let part = error.fault().map(|fault| fault.part);
            let known = [Some(Part::Node(0)), Some(Part::Padding)];
            assert!(known.contains(&part), "{value}, {road}: {error}");
        });
    }
    for offset in [0, 64, 1 << 40, u64::MAX] {
        let mut patch = patch();
        let bytes = patch.put_u64(patch.node(0, 0), offset).seal();
        refused("node offset", &bytes, Part::Node(0));
    }
    // One byte more than a node may have.
    let large = Handmade::of_nodes(vec![vec![0; 65_544]]);
    refused("node of 64 KiB and 8", &large.bytes(), Part::Node(0));
}

#[test]
fn unknown_dtypes_codecs_and_kinds_leave_the_rest_readable() {
    let unknown = |what: &str, name: &str, bytes: Vec<u8>| {
        on_every_road(&bytes, |road, opened| {
            let archive = opened.unwrap_or_else(|e| panic!("{what}, {road}: {e}"));
            let error = archive.get(name).expect_err(what);
            let EnvError::Variable {
                name: found,
                source,
            } = &error
            else {
                panic!("{what}, {road}: {error:?}");
            };
            assert_eq!(found, name);
            assert!(
                matches!(**source, EnvError::Unsupported { .. }),
                "{what}, {road}: {error:?}"
            );
            assert!(error.to_string().contains("newer version"), "{error}");
            assert_eq!(archive.get("b").unwrap().as_i64(), Some(5));
            assert_eq!(archive.names().count(), 4);
            // What is not known is not broken.
            let report = archive.verify().unwrap();
            assert!(report.is_ok(), "{what}, {road}: {report:?}");
        });
    };
    let mut dtype = patch();
    let bytes = dtype.put_u8(dtype.entry(0, 16), 99).seal();
    unknown("dtype", "a", bytes);
    let mut codec = patch();
    let bytes = codec.put_u8(codec.extent(1, 36), 7).seal();
    unknown("codec", "d", bytes);
    let mut kind = patch();
    let bytes = kind.put_u8(kind.entry(2, 6), 200).seal();
    unknown("kind", "c", bytes);
}

#[test]
fn padding_that_is_not_zero_is_found_by_verify() {
    let file = honest().bytes();
    let patch = Patch::of(file.clone());
    let extents = patch.u64_at(patch.extent(0, 0)) as usize;
    for at in [extents - 1, extents + 48, extents + 63] {
        assert_eq!(file[at], 0);
        let mut bytes = file.clone();
        bytes[at] = 1;
        on_every_road(&bytes, |road, opened| {
            let report = opened.unwrap().verify().unwrap();
            let [found] = report.faults.as_slice() else {
                panic!("{at}, {road}: {report:?}");
            };
            assert_eq!(found.fault.part, Part::Padding);
            assert_eq!(found.fault.offset, at as u64);
        });
    }
}

#[test]
fn reserved_bytes_and_unknown_features_are_refused() {
    for at in [37, 38, 39] {
        let mut patch = patch();
        let bytes = patch.put_u8(at, 1).seal_header();
        refused("reserved", &bytes, Part::Header);
    }
    let mut compression = patch();
    refused(
        "compression",
        &compression.put_u8(36, 2).seal_header(),
        Part::Header,
    );
    let mut bit_0 = patch();
    refused(
        "flag bit 0",
        &bit_0.put_u8(8, 1).seal_header(),
        Part::Header,
    );
    let mut reserved = patch();
    for at in 0..48 {
        let mut patch = patch();
        let place = reserved.preamble(preamble::RESERVED) + at;
        refused("reserved", &patch.put_u8(place, 1).seal(), Part::Table);
    }
    // Bit 1 makes it a delta: see below.
    for bit in 2..16 {
        reserved = patch();
        let bytes = reserved.put_u32(8, 1 << bit).seal_header();
        on_every_road(&bytes, |_, opened| {
            let error = opened.expect_err("an unknown feature");
            assert!(matches!(error, EnvError::Unsupported { .. }), "{error}");
            assert!(error.to_string().contains("newer version"), "{error}");
        });
    }
    for bit in 16..32 {
        let mut patch = patch();
        patch.put_u32(8, 1 << bit).seal_header();
        let bytes = patch.seal();
        on_every_road(&bytes, |_, opened| {
            assert!(opened.unwrap().verify().unwrap().is_ok());
        });
    }
}

#[test]
fn a_newer_major_version_is_refused_and_a_newer_minor_one_is_read() {
    for major in [0u16, 3, 255, u16::MAX] {
        let mut patch = patch();
        let bytes = patch.put(4, &major.to_le_bytes()).seal_header();
        on_every_road(&bytes, |_, opened| {
            let error = opened.expect_err("another major version");
            assert!(matches!(error, EnvError::Unsupported { .. }), "{error}");
            let version = format!("format version {major}.0");
            assert!(error.to_string().contains(&version), "{error}");
        });
    }
    for minor in [1u16, 900, u16::MAX] {
        let mut patch = patch();
        patch.put(6, &minor.to_le_bytes());
        on_every_road(&patch.seal(), |_, opened| {
            let archive = opened.unwrap();
            assert_eq!(archive.header().minor, minor);
            assert_eq!(archive.get("b").unwrap().as_i64(), Some(5));
        });
    }
}

#[test]
fn nodes_that_name_themselves_higher_ones_or_one_twice_are_refused() {
    let one = || Tree::Integer(1).node();
    let of = |tree: Tree| Handmade::of_nodes(vec![one(), one(), tree.node()]).bytes();
    for number in [2, 3, 1 << 20, NONE] {
        for tree in [
            Tree::Vector(vec![Tree::Node(number)]),
            Tree::Record(vec![("a", Tree::Node(number))]),
            Tree::VectorParts(vec![(1, number.into())]),
            Tree::RecordParts(vec![(1, number.into())], vec![(0, 0)]),
        ] {
            let text = refused_on_touch("not lower", &of(tree), Part::Node(2));
            assert!(text.contains("not lower"), "{text}");
        }
    }
    let beyond = of(Tree::VectorParts(vec![(1, 1 << 40)]));
    refused_on_touch("beyond 32 bits", &beyond, Part::Node(2));
    let twice = of(Tree::Vector(vec![Tree::Node(1), Tree::Node(1)]));
    let text = refused_on_touch("twice", &twice, Part::Node(1));
    assert!(text.contains("twice"), "{text}");
    let only = Handmade::of_nodes(vec![one(), Tree::Node(0).node()]);
    refused_on_touch("a node that is a node", &only.bytes(), Part::Node(1));
    let index = Handmade::of_nodes(vec![Tree::Index(vec![(1, 1)]).node()]);
    refused_on_touch("an index as a value", &index.bytes(), Part::Node(0));
    let cell = Handmade::of_nodes(vec![Tree::Vector(vec![Tree::Cell(0)]).node()]);
    on_every_road(&cell.bytes(), |_, opened| {
        let error = opened.unwrap().get("x").expect_err("no such cell");
        assert!(
            matches!(error.fault().unwrap().part, Part::Node(_)),
            "{error}"
        );
    });
}

#[test]
fn a_small_file_does_not_unfold_into_a_large_value() {
    // Each level names the one below ten times: 10^20 leaves.
    let mut nodes = vec![Tree::Integer(1).node()];
    for level in 0..20 {
        nodes.push(Tree::Vector(vec![Tree::Node(level); 10]).node());
    }
    let bytes = Handmade::of_nodes(nodes).bytes();
    on_every_road(&bytes, |road, opened| {
        let archive = opened.unwrap();
        let error = archive.get("x").expect_err("billion laughs");
        assert!(error.fault().is_some(), "{road}: {error}");
        assert!(!archive.verify().unwrap().is_ok());
        // One element costs its nodes, however many there seem to be.
        assert_eq!(archive.view("x").unwrap().len().unwrap(), 10);
    });
    // Lists of parts that name one part again and again: 4096^4 elements.
    let mut nodes = vec![Tree::Vector(vec![Tree::Integer(7); 2]).node()];
    let mut below = 2;
    for level in 0..4u64 {
        let parts: Vec<_> = (1..=4000).map(|n| (n * below, level)).collect();
        nodes.push(Tree::VectorParts(parts).node());
        below *= 4000;
    }
    let bytes = Handmade::of_nodes(nodes).bytes();
    on_every_road(&bytes, |road, opened| {
        let archive = opened.unwrap();
        assert!(archive.get("x").is_err(), "{road}");
        let all = archive.at("x[:]").expect_err("more elements than bytes");
        assert!(all.fault().is_some(), "{road}: {all}");
    });
}

#[test]
fn values_nested_too_deep_are_refused() {
    let mut nodes = vec![Tree::Integer(1).node()];
    for level in 0..200 {
        nodes.push(Tree::Vector(vec![Tree::Node(level)]).node());
        let bytes = Handmade::of_nodes(nodes.clone()).bytes();
        match level + 1 {
            ..=128 if level % 16 != 15 => {}
            ..=128 => on_every_road(&bytes, |_, opened| {
                let archive = opened.unwrap();
                assert!(archive.get("x").is_ok(), "{level}");
                assert!(archive.verify().unwrap().is_ok(), "{level}");
            }),
            depth => {
                if depth == 129 || depth == 200 {
                    let error = Patch::of(bytes).seal_all();
                    on_every_road(&error, |_, opened| {
                        let error = opened.unwrap().get("x").expect_err("too deep");
                        assert!(error.to_string().contains("128 levels"), "{error}");
                        assert!(error.fault().is_some());
                    });
                }
            }
        }
    }
}

#[test]
fn deep_trees_inside_one_node_are_refused_on_a_small_stack() {
    for levels in [129, 300, 1000] {
        let tree = (0..levels).fold(Tree::Integer(1), |tree, _| Tree::Vector(vec![tree]));
        let bytes = Handmade::of_nodes(vec![tree.node()]).bytes();
        refused_on_small_stack(bytes);
    }
    // As deep as a node has room for: 2,700 vectors of one element. Written in a loop, from the
    // innermost out, so that this test needs no stack either.
    let mut node = vec![0u8; 24];
    for _ in 0..2_700 {
        let at = node.len();
        let mut tree = [0u8; 24];
        tree[0] = 9;
        tree[8..16].copy_from_slice(&(-32i64).to_le_bytes());
        tree[16..24].copy_from_slice(&1u64.to_le_bytes());
        assert_eq!(at % 8, 0);
        node.extend_from_slice(&tree);
    }
    refused_on_small_stack(Handmade::of_nodes(vec![node]).bytes());
}

fn refused_on_small_stack(bytes: Vec<u8>) {
    on_small_stack(move || {
        on_every_road(&bytes, |road, opened| {
            let archive = opened.unwrap();
            // Goes as deep as the check of a node, which is deeper than a value may be.
            let _ = archive.view("x");
            let error = archive.get("x").expect_err("too deep");
            assert_eq!(error.fault().unwrap().part, Part::Node(0), "{road}");
            assert!(!archive.verify().unwrap().is_ok());
        });
    });
}

#[test]
fn parts_and_indexes_that_do_not_hold_together_are_refused() {
    let leaf = |n: i64| Tree::Vector(vec![Tree::Integer(n), Tree::Integer(n + 1)]).node();
    let of = |parts: Vec<(u64, u64)>| {
        Handmade::of_nodes(vec![leaf(0), leaf(2), Tree::VectorParts(parts).node()]).bytes()
    };
    for ends in [(1, 4), (2, 3), (2, 5), (4, 2), (0, 4), (2, u64::MAX)] {
        let bytes = of(vec![(ends.0, 0), (ends.1, 1)]);
        on_every_road(&bytes, |road, opened| {
            let archive = opened.unwrap();
            let error = archive.get("x").expect_err("wrong ends");
            assert!(error.fault().is_some(), "{road}: {error}");
            // A view sees one part at a time, and never what is not there.
            let view = archive.view("x").unwrap();
            for index in [0, 1, 2, 3, 4, u64::MAX - 1, u64::MAX] {
                if let Ok(element) = view.index(index) {
                    assert!((0..4).contains(&element.as_i64().unwrap()));
                }
            }
            let elements = view.iter().into_iter().flatten().take(10);
            assert!(elements.filter_map(Result::ok).count() <= 4);
        });
    }
    // A record whose part is a vector, and the other way round.
    let record = || Tree::Record(vec![("p", Tree::Null)]).node();
    let mixed = [
        Handmade::of_nodes(vec![record(), Tree::VectorParts(vec![(1, 0)]).node()]),
        Handmade::of_nodes(vec![
            leaf(0),
            Tree::RecordParts(vec![(2, 0)], vec![(0, 0)]).node(),
        ]),
    ];
    for file in mixed {
        refused_on_touch("a part of another kind", &file.bytes(), Part::Node(0));
    }
    // Five levels of parts, each with one.
    let mut nodes = vec![leaf(0)];
    (0..6).for_each(|level| nodes.push(Tree::VectorParts(vec![(2, level)]).node()));
    on_every_road(&Handmade::of_nodes(nodes).bytes(), |_, opened| {
        let archive = opened.unwrap();
        assert!(archive.get("x").unwrap_err().fault().is_some());
        assert!(archive.at("x[0]").unwrap_err().fault().is_some());
    });
}

#[test]
fn a_wrong_index_gives_an_error_or_nothing_and_never_another_field() {
    let hash = |name: &str| crc32fast::hash(name.as_bytes());
    let fields = || vec![("p", Tree::Integer(1)), ("q", Tree::Integer(2))];
    let (p, q) = (hash("p"), hash("q"));
    for index in [
        vec![(p, 1), (q, 0)],
        vec![(p, 9), (q, 9)],
        vec![(p, u32::MAX), (q, 0)],
        vec![(u32::MAX, 0), (0, 1)],
        vec![(0, 0)],
    ] {
        let one = Tree::Indexed(fields(), index.clone()).node();
        let parts = vec![
            Tree::Record(fields()).node(),
            Tree::Index(index.clone()).node(),
            Tree::RecordParts(vec![(2, 0)], vec![(0, 1)]).node(),
        ];
        for nodes in [vec![one], parts] {
            on_every_road(&Handmade::of_nodes(nodes).bytes(), |road, opened| {
                let archive = opened.unwrap();
                assert!(!archive.verify().unwrap().is_ok(), "{road}: {index:?}");
                for (name, number) in [("p", 1), ("q", 2)] {
                    match archive.view("x").unwrap().find_field(name) {
                        Ok(Some(view)) => assert_eq!(view.as_i64().unwrap(), number, "{road}"),
                        Ok(None) => {}
                        Err(error) => assert!(error.fault().is_some(), "{road}: {error}"),
                    }
                }
            });
        }
    }
    // A record that names a field twice.
    let twice = Tree::Record(vec![("p", Tree::Null), ("p", Tree::Null)]).node();
    let twice = Handmade::of_nodes(vec![twice]);
    refused_on_touch("a field twice", &twice.bytes(), Part::Node(0));
}

#[test]
fn pointers_out_of_the_node_are_refused() {
    let honest = Tree::Vector(vec![Tree::Integer(1)]).node();
    let root = honest.len() - 24;
    let mut cases = Vec::new();
    for pointer in [
        0i64,
        8,
        24,
        -8,
        -4096,
        1 << 40,
        i64::MIN,
        i64::MAX,
        -(root as i64) - 16,
        -(root as i64) - 9,
    ] {
        cases.push((root + 8, pointer.to_le_bytes()));
    }
    for length in [2u64, 3, 1 << 32, 1 << 60, u64::MAX] {
        cases.push((root + 16, length.to_le_bytes()));
    }
    for (at, bytes) in cases {
        let mut node = honest.clone();
        node[at..at + 8].copy_from_slice(&bytes);
        let file = Handmade::of_nodes(vec![node]);
        refused_on_touch(&format!("{at}: {bytes:?}"), &file.bytes(), Part::Node(0));
    }
    for tag in [25, 128, 255] {
        let mut node = honest.clone();
        node[root] = tag;
        let file = Handmade::of_nodes(vec![node]);
        refused_on_touch("a tag that is none", &file.bytes(), Part::Node(0));
    }
    // A node too short for any tree.
    let short = Handmade::of_nodes(vec![vec![0; 16]]);
    refused_on_touch("16 bytes", &short.bytes(), Part::Node(0));
}

#[test]
fn tensors_inside_structured_values_are_checked_as_those_of_the_table() {
    let tensor = |shape: &[u64], extent: u32, dtype: u8, order: u8| {
        let tree = Tree::Tensor {
            shape: shape.to_vec(),
            extent,
            dtype,
            order,
        };
        Handmade {
            extents: vec![Extent::raw(&samples::noise(1, 64))],
            ..Handmade::of_nodes(vec![Tree::Vector(vec![tree]).node()])
        }
    };
    on_every_road(&tensor(&[8], 0, reseal::F64, 0).bytes(), |_, opened| {
        let archive = opened.unwrap();
        assert!(archive.verify().unwrap().is_ok());
        assert_eq!(archive.at("x[0]").unwrap().as_tensor().unwrap().len(), 8);
    });
    for (what, shape, extent, order) in [
        ("extent", &[8u64][..], 1, 0),
        ("extent", &[8], NONE - 1, 0),
        ("no extent", &[8], NONE, 0),
        ("order", &[8], 0, 2),
        ("length", &[9], 0, 0),
        ("zero", &[0], 0, 0),
        ("overflow", &[1 << 40, 1 << 40], 0, 0),
        ("overflow", &[u64::MAX, 2], 0, 0),
        ("overflow without extent", &[u64::MAX, 2], NONE, 0),
        ("rank 65", &[1; 65], 0, 0),
    ] {
        let bytes = tensor(shape, extent, reseal::F64, order).bytes();
        on_every_road(&bytes, |road, opened| {
            let archive = opened.unwrap();
            let error = archive.get("x").expect_err(what);
            assert!(error.fault().is_some(), "{what}, {road}: {error:?}");
            assert!(error.to_string().contains("'x'"), "{error}");
            assert!(!archive.verify().unwrap().is_ok(), "{what}, {road}");
        });
    }
    on_every_road(&tensor(&[8], 0, 99, 0).bytes(), |_, opened| {
        let archive = opened.unwrap();
        let error = archive.get("x").expect_err("dtype");
        assert!(error.to_string().contains("newer version"), "{error}");
        assert!(archive.verify().unwrap().is_ok());
    });
}

#[test]
fn strings_that_are_none_are_refused() {
    let mut file = Handmade {
        extents: vec![Extent::raw(b"abc\xff")],
        ..Handmade::of_nodes(vec![Tree::LongString(0).node()])
    };
    let text = refused_on_touch("not UTF-8", &file.bytes(), Part::Node(0));
    assert!(text.contains("not UTF-8"), "{text}");
    on_every_road(&file.bytes(), |_, opened| {
        let archive = opened.unwrap();
        assert!(archive.view("x").unwrap().as_str().is_err());
    });
    file.nodes = vec![Tree::LongString(1).node()];
    refused_on_touch("no such extent", &file.bytes(), Part::Extent(1));
}

#[test]
fn string_arrays_with_offsets_out_of_order_are_refused() {
    let of = |offsets: [u64; 3], text: &[u8]| {
        let offsets: Vec<u8> = offsets.iter().flat_map(|n| n.to_le_bytes()).collect();
        let tree = Tree::Strings {
            shape: vec![2],
            offsets: 0,
            bytes: 1,
            byte_len: text.len() as u64,
        };
        let file = Handmade {
            extents: vec![Extent::raw(&offsets), Extent::raw(text)],
            ..Handmade::of_nodes(vec![tree.node()])
        };
        file.bytes()
    };
    on_every_road(&of([0, 1, 3], b"abc"), |_, opened| {
        let Value::StringArray(array) = opened.unwrap().get("x").unwrap() else {
            panic!();
        };
        assert_eq!(array.get(1).unwrap(), "bc");
    });
    for (offsets, text) in [
        ([0, 2, 1], &b"abc"[..]),
        ([2, 1, 3], b"abc"),
        ([0, 1, 4], b"abc"),
        ([0, u64::MAX, 3], b"abc"),
        ([0, 1, 2], b"a\xff"),
        ([0, 1, 2], "\u{e9}".as_bytes()),
    ] {
        on_every_road(&of(offsets, text), |road, opened| {
            let archive = opened.unwrap();
            let Value::StringArray(array) = archive.get("x").unwrap() else {
                panic!();
            };
            let errors: Vec<_> = array.iter().filter_map(Result::err).collect();
            assert!(!errors.is_empty(), "{offsets:?}, {road}");
            let known = |e: &EnvError| matches!(e, EnvError::InvalidValue { .. });
            assert!(errors.iter().all(known), "{errors:?}");
        });
    }
}

#[test]
fn a_boolean_of_another_byte_is_no_boolean() {
    let file = Handmade::of_tensor(reseal::BOOL, &[3], Extent::raw(&[0, 2, 1]));
    on_every_road(&file.bytes(), |road, opened| {
        let tensor = opened.unwrap().tensor("x").unwrap();
        let error = tensor.as_slice::<bool>().expect_err(road);
        assert!(matches!(error, EnvError::InvalidValue { .. }), "{error}");
        let one = tensor.slice(&"1".parse::<Slice>().unwrap()).unwrap();
        assert!(one.as_slice::<bool>().is_err());
    });
}

/// A frame of `len` zeros, and what it takes.
#[cfg(feature = "zstd")]
fn frame(len: usize) -> Vec<u8> {
    zstd::bulk::compress(&vec![0; len], 1).unwrap()
}

#[cfg(feature = "zstd")]
#[test]
fn cold_blocks_that_unpack_to_another_length_are_refused() {
    let of = |frames: &[Vec<u8>], raw_len: u64| {
        Handmade::of_tensor(reseal::U8, &[raw_len], Extent::cold(frames, raw_len)).bytes()
    };
    on_every_road(
        &of(&[frame(1 << 18), frame(10)], (1 << 18) + 10),
        |_, opened| {
            let archive = opened.unwrap();
            assert!(archive.verify().unwrap().is_ok());
            let tensor = archive.tensor("x").unwrap();
            assert!(tensor.as_bytes().unwrap().iter().all(|b| *b == 0));
        },
    );
    let block = |block| Part::Block { extent: 0, block };
    for (what, frames, raw_len, part) in [
        ("less", vec![frame(99)], 100, block(0)),
        ("more", vec![frame(101)], 100, block(0)),
        ("far more", vec![frame(1 << 24)], 100, block(0)),
        ("none", vec![b"not a frame at all".to_vec()], 100, block(0)),
        (
            "less in the first",
            vec![frame(100), frame(10)],
            (1 << 18) + 10,
            block(0),
        ),
        (
            "more in the last",
            vec![frame(1 << 18), frame(1 << 18)],
            (1 << 18) + 10,
            block(1),
        ),
        (
            "a frame of too many bytes",
            vec![[frame(100), vec![0; 4000]].concat()],
            100,
            block(0),
        ),
        (
            "junk behind",
            vec![[frame(100), vec![1; 9]].concat()],
            100,
            block(0),
        ),
    ] {
        refused_on_touch(what, &of(&frames, raw_len), part);
    }
}

#[cfg(feature = "zstd")]
#[test]
fn stored_lengths_that_lie_are_refused() {
    let raw_len = (1 << 18) + 10u64;
    let file = Handmade::of_tensor(
        reseal::U8,
        &[raw_len],
        Extent::cold(&[frame(1 << 18), frame(10)], raw_len),
    );
    let patch = Patch::of(file.bytes());
    let sums = patch.u64_at(patch.extent(0, 24)) as usize;
    let first = patch.u32_at(sums);
    for lengths in [
        [0, first],
        [first + 1, 1],
        [u32::MAX, u32::MAX],
        [first, u32::MAX],
        [first - 1, 1],
    ] {
        let mut lying = patch.clone();
        lying
            .put_u32(sums, lengths[0])
            .put_u32(sums + 8, lengths[1]);
        let list = crc32fast::hash(&lying.bytes[sums..sums + 16]);
        let bytes = lying.put_u32(lying.extent(0, 32), list).seal();
        refused_on_touch(&format!("{lengths:?}"), &bytes, Part::SumList(0));
    }
}

/// Peak memory of this process in KiB.
#[cfg(target_os = "linux")]
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    let number = line.split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}

/// The child: reads every binding of the file on every road and prints its peak memory.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "started by `no_file_makes_the_reader_allocate_without_bound`"]
fn child_reads_and_tells_its_peak() {
    let path = std::path::PathBuf::from(std::env::var_os("HOSTILE_FILE").unwrap());
    let before = peak_kib();
    let mut errors = 0;
    for (_, open) in ROADS {
        match open(&path) {
            Err(_) => errors += 1,
            Ok(archive) => {
                errors += usize::from(read(&archive, "x").is_err());
                let seen = archive.view("x").map(|view| view.as_str().map(str::len));
                errors += usize::from(!matches!(seen, Ok(Ok(_))));
            }
        }
    }
    println!("peak grew by {} with {errors} errors", peak_kib() - before);
}

#[cfg(all(target_os = "linux", feature = "zstd"))]
#[test]
fn no_file_makes_the_reader_allocate_without_bound() {
    let mut files = Vec::new();
    // 2^40 bytes of array in a file of 1 KiB: there is no room for its sums.
    let tensor = |raw_len: u64, extent: Extent| Handmade::of_tensor(reseal::U8, &[raw_len], extent);
    files.push(tensor(1 << 40, Extent::cold(&[frame(100)], 1 << 40)).bytes());
    // 128 GiB, every sum there: 8 bytes for each block of 256 KiB, all of them one frame that is
    // no frame. Above the cap of 64 GiB.
    let blocks = vec![b"x".to_vec(); 1 << 19];
    let bomb = Extent::cold(&blocks, 1 << 37);
    files.push(tensor(1 << 37, bomb.clone()).bytes());
    // The same as a string, and one of 8 GiB, below the cap, whose first block is broken.
    let text = |extent: Extent| Handmade {
        extents: vec![extent],
        ..Handmade::of_nodes(vec![Tree::LongString(0).node()])
    };
    files.push(text(bomb).bytes());
    let blocks = vec![b"x".to_vec(); 1 << 15];
    let broken = Extent::cold(&blocks, 1 << 33);
    files.push(text(broken.clone()).bytes());
    files.push(tensor(1 << 33, broken).bytes());
    let dir = tempfile::tempdir().unwrap();
    for (number, bytes) in files.into_iter().enumerate() {
        let path = dir.path().join("hostile.ach");
        std::fs::write(&path, &bytes).unwrap();
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_reads_and_tells_its_peak"])
            .args(["--ignored", "--nocapture"])
            .env("HOSTILE_FILE", &path)
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success(), "file {number}: {out}");
        let told = out.split("peak grew by ").nth(1).expect(&out);
        let grown: u64 = told.split_whitespace().next().unwrap().parse().unwrap();
        let errors = told.split_whitespace().nth(2).unwrap();
        assert_ne!(errors, "0", "file {number} was read");
        // Four times the file, and 16 MiB.
        let allowed = bytes.len() as u64 * 4 / 1024 + 16 * 1024;
        assert!(grown <= allowed, "file {number}: {grown} KiB of {allowed}");
    }
}

#[test]
fn damage_that_is_found_late_still_names_the_variable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("late.ach");
    let tensor = Value::from(achronyme_env::Tensor::from_vec(vec![7u8; 1000], [1000]).unwrap());
    let record = Value::from(achronyme_env::Record::from([("w", tensor.clone())]));
    let bindings = [("top", &tensor), ("inside", &record)];
    achronyme_env::save(&path, bindings, &achronyme_env::SaveOptions::new()).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes
        .windows(1000)
        .position(|window| window == [7; 1000])
        .unwrap();
    bytes[at + 500] = 8;
    std::fs::write(&path, bytes).unwrap();
    let archive = Archive::open(&path).unwrap();
    // Both are handed out unread; what is wrong shows when their elements are asked for.
    let top = archive.tensor("top").unwrap();
    let inside = archive
        .view("inside")
        .unwrap()
        .field("w")
        .unwrap()
        .tensor()
        .unwrap();
    for (tensor, name) in [(top, "top"), (inside, "inside")] {
        let text = tensor.as_slice::<u8>().unwrap_err().to_string();
        assert!(text.contains(&format!("variable '{name}'")), "{text}");
        assert!(text.contains("late.ach is damaged"), "{text}");
    }
}
