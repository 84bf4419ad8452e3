//! Promise: no flipped bit goes unseen. `verify` reports every one in the file, `open` every one in
//! header and table, and no value is ever read wrong in silence.

mod samples;
mod small;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use achronyme_env::{Archive, EnvError, Value, deserialize_value, serialize_value};
use small::{LAZY_ROADS, ROADS, Small, all_roads};

/// Every bit of small files; of larger ones every bit of header, table and the last 512 bytes, and
/// one bit of every seventh byte between them: padding and array data.
fn bits(file: &Small) -> impl Iterator<Item = (usize, u8)> {
    let data = match file.bytes.len() {
        ..4096 => 0..0,
        len => file.table_end()..len - 512,
    };
    (0..file.bytes.len()).flat_map(move |at| {
        let sampled = data.contains(&at);
        let mine = (at % 8) as u8;
        (0..8u8)
            .filter(move |bit| !sampled || (*bit == mine && at % 7 == 0))
            .map(move |bit| (at, 1 << bit))
    })
}

/// Runs `look` for every flipped bit, with the file flipped on disk.
fn for_every_flip(file: &Small, mut look: impl FnMut(&Path, usize, u8)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flipped.ach");
    std::fs::write(&path, &file.bytes).unwrap();
    let disk = File::options().write(true).open(&path).unwrap();
    for (at, bit) in bits(file) {
        disk.write_all_at(&[file.bytes[at] ^ bit], at as u64)
            .unwrap();
        look(&path, at, bit);
        disk.write_all_at(&file.bytes[at..=at], at as u64).unwrap();
    }
}

#[test]
fn every_flipped_bit_is_reported() {
    for file in small::archives() {
        let table_end = file.table_end();
        let mut seen = 0;
        for_every_flip(&file, |path, at, bit| {
            for (road, open) in &ROADS[..2] {
                let place = || format!("{}: {road}, byte {at}, bit {bit:#04x}", file.shape);
                match open(path) {
                    Ok(archive) => {
                        assert!(at >= table_end, "{} is not seen by open", place());
                        let report = archive.verify().unwrap();
                        assert!(!report.is_ok(), "{} is not seen by verify", place());
                    }
                    Err(error) => {
                        let text = error.to_string();
                        assert!(at < table_end, "{}: {text}", place());
                        assert!(text.contains("flipped.ach"), "{}: {text}", place());
                        let expected = matches!(
                            error,
                            EnvError::Damaged { .. } | EnvError::NotAnArchive { .. }
                        );
                        assert!(expected, "{}: {error:?}", place());
                    }
                }
            }
            seen += 1;
        });
        assert!(seen >= 8 * table_end, "{}: {seen} flips", file.shape);
    }
}

#[test]
fn every_flipped_bit_of_a_lazy_table_is_found_where_it_is_used() {
    for file in small::archives() {
        let table_end = file.table_end();
        let body =
            u64::from_le_bytes(file.bytes[64 + 16..64 + 24].try_into().unwrap()) as usize + 64;
        assert!(table_end - body <= 4096, "one page: {}", file.shape);
        for_every_flip(&file, |path, at, bit| {
            if at >= table_end {
                return;
            }
            // Every other byte on the other road.
            let (road, open) = LAZY_ROADS[at % 2];
            let place = || format!("{}: {road}, byte {at}, bit {bit:#04x}", file.shape);
            let archive = match open(path) {
                Ok(archive) => archive,
                Err(_) => return assert!(at < body, "{} is seen too early", place()),
            };
            assert!(at >= body, "{} is not seen by open", place());
            for (name, _) in &file.values {
                let error = archive.get(name).expect_err(&place());
                assert!(error.fault().is_some(), "{}: {error:?}", place());
                assert!(error.to_string().contains("flipped.ach"), "{error}");
                assert!(archive.binding(name).is_none(), "{}", place());
            }
            assert!(archive.check_table().is_err(), "{}", place());
            let report = archive.verify().unwrap();
            assert_eq!(report.faults.len(), 1, "{}: {report:?}", place());
        });
    }
}

#[test]
fn no_flipped_bit_gives_a_wrong_value() {
    for file in small::archives() {
        let mut refused = 0;
        for_every_flip(&file, |path, at, bit| {
            // Every byte on another road.
            let roads: Vec<_> = all_roads().collect();
            let (road, open) = roads[at % roads.len()];
            let Ok(archive) = open(path) else {
                return;
            };
            let place = || format!("{}: {road}, byte {at}, bit {bit:#04x}", file.shape);
            refused += usize::from(!reads_right(&archive, &file, &place));
        });
        let has_data = file.bytes.len() > file.table_end() + 128;
        assert!(!has_data || refused > 0, "{}: nothing refused", file.shape);
    }
}

/// Whether all values could be read; those that could must be right.
fn reads_right(archive: &Archive, file: &Small, place: &dyn Fn() -> String) -> bool {
    let mut all = true;
    let mut look = |what: &str, same: achronyme_env::Result<bool>| match same {
        Ok(same) => assert!(same, "{}: {what} is read wrong", place()),
        Err(_) => all = false,
    };
    let attributes = Value::from(file.attributes.clone());
    for (name, value) in &file.values {
        look(name, archive.get(name).and_then(|v| value.identical(&v)));
        let seen = archive.view(name).and_then(|view| view.to_value());
        look(name, seen.and_then(|v| value.identical(&v)));
        let found = archive.attributes(name).map(Value::from);
        look(name, found.and_then(|v| attributes.identical(&v)));
    }
    if file.shape == "described" {
        let description = archive.metadata().map(|m| m.description);
        look(
            "description",
            description.map(|text| text.as_deref() == Some("a description")),
        );
    }
    all
}

#[test]
fn every_flipped_bit_of_a_value_image_is_an_error() {
    for (name, value) in samples::every_kind() {
        let image = serialize_value(&value).unwrap();
        if image.len() > 8192 {
            continue;
        }
        for bit in 0..image.len() * 8 {
            let mut flipped = image.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = deserialize_value(&flipped);
            assert!(read.is_err(), "{name}: byte {}, bit {}", bit / 8, bit % 8);
        }
        for length in 0..image.len() {
            assert!(deserialize_value(&image[..length]).is_err(), "{name}");
        }
    }
}
