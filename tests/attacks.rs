//! Promise: each attack of `docs/attacks.md` meets its named error. Here are those that no other file of
//! tests holds; the page says where each stands.

mod reseal;
mod samples;
mod small;

use std::fs::File;
use std::io::Write;

use achronyme_env::{Archive, EnvError, Part, Problem, Result, SaveOptions, Tensor, save};
use reseal::{Entry, Extent, Handmade, Patch, preamble};
use small::ROADS;

/// An empty zip archive: 22 bytes that zip tools find from the end of any file.
const ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fn on_every_road(bytes: &[u8], mut look: impl FnMut(&str, Result<Archive>)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("attack.ach");
    std::fs::write(&path, bytes).unwrap();
    for (road, open) in ROADS {
        look(road, open(&path));
    }
}

fn one_tensor(len: usize) -> Vec<u8> {
    let data = samples::noise(1, len);
    Handmade::of_tensor(reseal::U8, &[len as u64], Extent::raw(&data)).bytes()
}

#[test]
fn a_magic_damaged_on_its_way_is_no_archive() {
    let sound = one_tensor(100);
    for magic in [
        *b"\xc1CH\0",
        *b"ACH ",
        *b"ACH\n",
        *b"ACH\x80",
        *b"ach\0",
        *b"HCA\0",
    ] {
        let mut bytes = sound.clone();
        bytes[..4].copy_from_slice(&magic);
        on_every_road(&bytes, |road, opened| {
            let error = opened.expect_err(road);
            assert!(matches!(error, EnvError::NotAnArchive { .. }), "{error}");
        });
    }
    // A line end that became two moves everything behind it.
    let mut bytes = sound.clone();
    bytes.insert(20, b'\r');
    on_every_road(&bytes, |road, opened| {
        let part = opened.expect_err(road).fault().map(|fault| fault.part);
        assert_eq!(part, Some(Part::Header));
    });
}

#[test]
fn a_file_that_is_two_files_is_none() {
    let sound = one_tensor(70_000);
    let elf = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 57]].concat();
    // Behind the end.
    for other in [ZIP, &elf] {
        on_every_road(&[&sound, other].concat(), |road, opened| {
            let error = opened.expect_err(road);
            let fault = error.fault().expect(road);
            assert_eq!(fault.part, Part::FileLength, "{error}");
        });
    }
    // Where nothing stands: before an extent that begins on a page.
    let patch = Patch::of(sound.clone());
    let extent = patch.u64_at(patch.extent(0, 0)) as usize;
    assert_eq!(extent % 4096, 0);
    for other in [ZIP, &elf] {
        let mut bytes = sound.clone();
        bytes[extent - 64..][..other.len()].copy_from_slice(other);
        on_every_road(&bytes, |road, opened| {
            let report = opened.expect(road).verify().unwrap();
            let parts: Vec<Part> = report.faults.iter().map(|found| found.fault.part).collect();
            assert_eq!(parts, [Part::Padding], "{road}");
        });
    }
    // There is no place for more than that: a gap of a page is no padding.
    let mut wide = sound;
    wide.splice(extent..extent, [0; 4096]);
    let mut patch = Patch::of(wide);
    let file_len = patch.bytes.len() as u64;
    patch.put_u64(patch.preamble(preamble::FILE_LEN), file_len);
    for field in [patch.extent(0, 0), patch.preamble(preamble::SUMS_AREA)] {
        let moved = patch.u64_at(field) + 4096;
        patch.put_u64(field, moved);
    }
    let moved = patch.u64_at(patch.extent(0, 24)) + 4096;
    patch.put_u64(patch.extent(0, 24), moved);
    let len = patch.u64_at(patch.preamble(preamble::EXTENTS_AREA + 8)) + 4096;
    patch.put_u64(patch.preamble(preamble::EXTENTS_AREA + 8), len);
    on_every_road(&patch.seal(), |road, opened| {
        let error = opened.expect_err(road);
        assert!(error.fault().is_some(), "{error}");
    });
}

#[test]
fn names_that_look_the_same_are_two_names() {
    let (one, other) = ("e\u{301}t\u{e9}", "\u{e9}t\u{e9}");
    let file = Handmade {
        entries: vec![Entry::integer(one, 1), Entry::integer(other, 2)],
        ..Handmade::default()
    };
    on_every_road(&file.bytes(), |road, opened| {
        let archive = opened.expect(road);
        assert_eq!(archive.get(one).unwrap().as_i64(), Some(1));
        assert_eq!(archive.get(other).unwrap().as_i64(), Some(2));
    });
}

#[test]
fn a_name_is_text_and_no_path() {
    let mut names = [
        "../x",
        "/etc/passwd",
        "C:\\x",
        "a\0b",
        "\x1b[2J",
        "\u{202e}x",
        "con",
    ];
    names.sort_unstable();
    let file = Handmade {
        entries: names.map(|name| Entry::integer(name, 7)).to_vec(),
        ..Handmade::default()
    };
    on_every_road(&file.bytes(), |road, opened| {
        let archive = opened.expect(road);
        for name in names {
            assert_eq!(archive.get(name).unwrap().as_i64(), Some(7), "{name:?}");
        }
        for name in names {
            let missing = format!("{name}{name}");
            let text = archive.get(&missing).unwrap_err().to_string();
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert!(!text.contains('\u{202e}'), "{text:?}");
        }
    });
}

/// `open` takes the file, and `x` cannot be read for that block.
#[cfg(feature = "zstd")]
#[track_caller]
fn block_is_refused(what: &str, frame: Vec<u8>, raw_len: u64) {
    let file = Handmade::of_tensor(reseal::U8, &[raw_len], Extent::cold(&[frame], raw_len));
    on_every_road(&file.bytes(), |road, opened| {
        let tensor = opened.expect(road).tensor("x").unwrap();
        let error = tensor.as_bytes().map(<[u8]>::len).expect_err(what);
        let fault = error.fault().expect(what);
        let block = Part::Block {
            extent: 0,
            block: 0,
        };
        assert_eq!(fault.part, block, "{what}: {error}");
    });
}

#[cfg(feature = "zstd")]
#[test]
fn a_cold_block_is_one_frame_and_nothing_else() {
    let frame = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).unwrap();
    let half = frame(&[7; 50]);
    block_is_refused("two frames", [half.clone(), half.clone()].concat(), 100);
    // Skippable frames hold anything at all.
    let skipped = [&b"\x50\x2a\x4d\x18\x04\0\0\0junk"[..], &half].concat();
    block_is_refused("a skippable frame before", skipped, 50);
    let skipped = [&half[..], b"\x50\x2a\x4d\x18\x04\0\0\0junk"].concat();
    block_is_refused("a skippable frame behind", skipped, 50);
    block_is_refused("an empty frame behind", [half, frame(&[])].concat(), 50);
    // Frame header: a dictionary of one byte of id; one raw block of one byte.
    let dictionary = b"\x28\xb5\x2f\xfd\x21\x07\x01\x09\0\0x".to_vec();
    block_is_refused("a dictionary", dictionary, 1);
    // A reserved bit of the frame header.
    block_is_refused(
        "a reserved bit",
        b"\x28\xb5\x2f\xfd\x28\x01\x09\0\0x".to_vec(),
        1,
    );
}

/// The window is what a decoder must remember, and no reason to take memory: there is the block.
#[cfg(feature = "zstd")]
#[test]
fn a_window_of_two_gibibytes_takes_no_memory() {
    // No single segment, window descriptor, one raw block of one byte.
    for window in [0xa8u8, 0xf8] {
        let frame = [&b"\x28\xb5\x2f\xfd\0"[..], &[window], b"\x09\0\0x"].concat();
        let file = Handmade::of_tensor(reseal::U8, &[1], Extent::cold(&[frame], 1));
        on_every_road(&file.bytes(), |road, opened| {
            let tensor = opened.expect(road).tensor("x").unwrap();
            match tensor.as_bytes() {
                Ok(bytes) => assert_eq!(bytes, b"x"),
                Err(error) => assert!(error.fault().is_some(), "{error}"),
            }
        });
    }
}

#[test]
fn a_cold_extent_that_declares_what_cannot_be_is_refused() {
    for raw_len in [1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX] {
        let file = Handmade::of_tensor(reseal::U8, &[100], Extent::cold(&[vec![1; 50]], 100));
        let mut patch = Patch::of(file.bytes());
        patch.put_u64(patch.extent(0, 16), raw_len);
        patch.put_u64(patch.shape(0), raw_len);
        on_every_road(&patch.seal(), |road, opened| {
            let error = opened.expect_err(road);
            let part = error.fault().map(|fault| fault.part);
            let known = [Part::Extent(0), Part::Entry(0)].map(Some);
            assert!(known.contains(&part), "{raw_len}, {road}: {error}");
        });
    }
}

/// A vector of two vectors whose elements are the same bytes: fifty such levels would be 2^50 values.
#[test]
fn no_byte_of_a_node_is_part_of_two_objects() {
    let vector = |at: usize, target: usize, len: u64| {
        let mut tree = [0; 24];
        tree[0] = 9;
        tree[8..16].copy_from_slice(&(target as i64 - (at as i64 + 8)).to_le_bytes());
        tree[16..].copy_from_slice(&len.to_le_bytes());
        tree
    };
    let null = [0; 24];
    let cases = [
        // Both of its elements hold the null at 0.
        (
            "shared",
            vec![null, vector(24, 0, 1), vector(48, 0, 1), vector(72, 24, 2)],
        ),
        // The only element of the root is the root.
        ("itself", vec![null, vector(24, 24, 1)]),
        // Two that hold each other.
        (
            "a circle",
            vec![vector(0, 24, 1), vector(24, 0, 1), vector(48, 0, 2)],
        ),
        // The elements of one reach into those of the other.
        (
            "overlap",
            vec![
                null,
                null,
                vector(48, 0, 2),
                vector(72, 24, 1),
                vector(96, 48, 2),
            ],
        ),
    ];
    for (what, trees) in cases {
        let bytes = Handmade::of_nodes(vec![trees.concat()]).bytes();
        let mut told = None;
        on_every_road(&bytes, |road, opened| {
            let archive = opened.expect(road);
            let error = archive.get("x").expect_err(what);
            // Nothing of where this process keeps its bytes: the same text on every road.
            let text = error.fault().expect(what).to_string();
            assert!(!text.contains("0x"), "{text}");
            assert_eq!(*told.get_or_insert_with(|| text.clone()), text, "{road}");
            let part = error.fault().map(|fault| fault.part);
            assert_eq!(part, Some(Part::Node(0)), "{what}, {road}: {error}");
            assert!(archive.view("x").is_err(), "{what}, {road}");
            assert!(!archive.verify().unwrap().is_ok(), "{what}, {road}");
        });
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_sparse_file_of_a_tebibyte_is_refused_without_reading_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sparse.ach");
    let mut file = File::create(&path).unwrap();
    if file.set_len(1 << 40).is_err() {
        // Not every file system has files of that length.
        return;
    }
    for (road, open) in &ROADS[..2] {
        let error = open(&path).expect_err(road);
        assert!(matches!(error, EnvError::NotAnArchive { .. }), "{error}");
    }
    // A header that is right, and a table that takes all of the rest.
    let mut header = one_tensor(10)[..64].to_vec();
    for table_len in [(1u64 << 40) - 64 - 32, 8 << 30, 1 << 20] {
        header[48..56].copy_from_slice(&table_len.to_le_bytes());
        let crc = crc32fast::hash(&header[..60]);
        header[60..].copy_from_slice(&crc.to_le_bytes());
        std::io::Seek::rewind(&mut file).unwrap();
        file.write_all(&header).unwrap();
        for (road, open) in &ROADS[..2] {
            let error = open(&path).expect_err(road);
            // Through a map no memory is taken for the table, so its length is no reason to refuse it.
            let is_too_large = matches!(error, EnvError::TooLarge { .. });
            assert!(is_too_large || error.fault().is_some(), "{error}");
            assert_eq!(
                is_too_large,
                *road == "open" && table_len > 4 << 30,
                "{error}"
            );
        }
    }
}

#[test]
fn a_file_that_changes_its_length_while_it_is_open_is_no_longer_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("changing.ach");
    for change in [-1, -70_000, 1, 4096] {
        let tensor = Tensor::from_vec(samples::noise(2, 100_000), [100_000]).unwrap();
        let options = SaveOptions::new().durable(false).allow_overwrite(true);
        save(&path, [("x", tensor)], &options).unwrap();
        let archive = Archive::open(&path).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        let len = file.metadata().unwrap().len();
        file.set_len(len.checked_add_signed(change).unwrap())
            .unwrap();
        let error = archive.tensor("x").unwrap().as_bytes().map(<[u8]>::len);
        let error = error.expect_err("the file changed");
        let mut told = &error;
        while let EnvError::Variable { source, .. } = told {
            told = source;
        }
        assert!(
            matches!(told, EnvError::ChangedInPlace { .. }),
            "{change}: {error}"
        );
    }
}

/// A text that is content is content: nothing of a value is looked at as anything else.
#[test]
fn what_a_value_holds_may_look_like_anything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("content.ach");
    let archive = one_tensor(10);
    let texts = [ZIP, b"\x7fELF", &archive, b"\0\0\0\0"];
    let values = texts.iter().enumerate().map(|(n, bytes)| {
        let tensor = Tensor::from_vec(bytes.to_vec(), [bytes.len() as u64]).unwrap();
        (format!("{n}"), tensor)
    });
    save(&path, values, &SaveOptions::new().durable(false)).unwrap();
    let read = Archive::open(&path).unwrap();
    assert!(read.verify().unwrap().is_ok());
    for (n, bytes) in texts.iter().enumerate() {
        assert_eq!(
            read.tensor(&n.to_string()).unwrap().as_bytes().unwrap(),
            *bytes
        );
    }
}

/// Each would have a piece of the text read anew: 40 GiB of it here.
#[test]
fn offsets_of_strings_that_go_to_and_fro_take_no_time() {
    let text = vec![b'x'; 1 << 20];
    let offsets = (0..40_001u64).map(|n| (n % 2) << 20);
    let offsets: Vec<u8> = offsets.flat_map(u64::to_le_bytes).collect();
    let tree = reseal::Tree::Strings {
        shape: vec![40_000],
        offsets: 0,
        bytes: 1,
        byte_len: text.len() as u64,
    };
    let file = Handmade {
        extents: vec![Extent::raw(&offsets), Extent::raw(&text)],
        ..Handmade::of_nodes(vec![tree.node()])
    };
    let archive = Archive::from_bytes(file.bytes()).unwrap();
    let report = archive.verify().unwrap();
    assert_eq!(report.faults.len(), 1, "{report:?}");
}

#[test]
fn a_zero_dimension_beside_huge_ones_is_an_empty_tensor() {
    for shape in [[0, u64::MAX], [u64::MAX, 0], [0, 0]] {
        let file = Handmade {
            entries: vec![Entry::tensor("x", reseal::F64, 2, 0, reseal::NONE)],
            shapes: shape.to_vec(),
            ..Handmade::default()
        };
        on_every_road(&file.bytes(), |road, opened| {
            let tensor = opened.expect(road).tensor("x").unwrap();
            assert_eq!((tensor.len(), tensor.as_bytes().unwrap().len()), (0, 0));
        });
    }
    // And not where no dimension is 0.
    let file = Handmade {
        entries: vec![Entry::tensor("x", reseal::F64, 2, 0, reseal::NONE)],
        shapes: vec![1 << 32, 1 << 32],
        ..Handmade::default()
    };
    on_every_road(&file.bytes(), |road, opened| {
        let error = opened.expect_err(road);
        let fault = error.fault().expect(road);
        assert_eq!(fault.part, Part::Entry(0), "{error}");
        assert_ne!(fault.problem, Problem::NotUtf8);
    });
}
