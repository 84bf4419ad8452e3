//! Archives of arrays: stored, compressed, damaged, and made to harm.

use std::io::{Cursor, Write};

use achronyme_env::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::Naming;
use super::npy::file;
use super::*;

/// A zip archive of these members.
fn zip(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn find(bytes: &[u8], piece: &[u8]) -> usize {
    bytes.windows(piece.len()).position(|w| w == piece).unwrap()
}

fn i32s(value: &Value) -> Vec<i32> {
    let tensor = value.as_tensor().unwrap();
    tensor.as_slice::<i32>().unwrap().to_vec()
}

fn both() -> [CompressionMethod; 2] {
    [CompressionMethod::Stored, CompressionMethod::Deflated]
}

#[test]
fn members_become_values_stored_or_compressed() {
    let numbers: Vec<u8> = (0..100_000_i32).flat_map(i32::to_le_bytes).collect();
    let big: Vec<u8> = (0..100_000_i32).flat_map(i32::to_be_bytes).collect();
    let words = file("'|S2'", false, "(2,)", b"abc\0");
    let little = file("'<i4'", false, "(100000,)", &numbers);
    // Long enough for the file without a name.
    let large = file("'>i4'", false, "(1000000,)", &big.repeat(10));
    for method in both() {
        let bytes = zip(
            &[
                ("w.npy", &words),
                ("group/x.npy", &little),
                ("a.b[0].npy", &large),
            ],
            method,
        );
        let imports = read("m.npz", bytes);
        assert_eq!(imports.naming, Naming::Members);
        let names: Vec<&str> = imports.values.iter().map(|v| &*v.name).collect();
        assert_eq!(names, ["w", "group/x", "a.b[0]"]);
        assert_eq!(strings(&imports.values[0].value), ["ab", "c"]);
        assert_eq!(i32s(&imports.values[1].value)[99_999], 99_999);
        let large = i32s(&imports.values[2].value);
        assert!(large.len() == 1_000_000 && large[999_998] == 99_998);
        assert!(
            imports.values[2]
                .note
                .as_deref()
                .unwrap()
                .starts_with("big-endian")
        );
    }
}

#[test]
fn a_flipped_bit_in_a_member_is_found_before_anything_is_saved() {
    let member = file("'|u1'", false, "(64,)", &[b'q'; 64]);
    let mut bytes = zip(&[("x.npy", &member)], CompressionMethod::Stored);
    let at = find(&bytes, &[b'q'; 64]) + 30;
    bytes[at] ^= 4;
    let text = refusal("m.npz", &bytes);
    assert!(
        text.starts_with("m.npz: member 'x.npy': its CRC-32 is recorded as "),
        "{text}"
    );
    assert!(text.contains("the file is damaged"), "{text}");
}

#[test]
fn no_flipped_byte_of_a_compressed_archive_gives_other_values() {
    let data: Vec<u8> = (0..200_u8).collect();
    let whole = zip(
        &[("x.npy", &file("'|u1'", false, "(200,)", &data))],
        CompressionMethod::Deflated,
    );
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let files = Files::new();
        if let Ok(imports) = import(&files.add("m.npz", bytes), &ImportOptions::default()) {
            for imported in imports.values {
                assert_eq!(
                    imported.value.as_tensor().unwrap().as_bytes().unwrap(),
                    data,
                    "{at}"
                );
            }
        }
    }
    for end in 0..whole.len() {
        refusal("m.npz", &whole[..end]);
    }
}

#[test]
fn members_that_are_no_readable_arrays_are_named() {
    for method in both() {
        let object = file("'|O'", false, "(1,)", b"\x80\x04N.");
        let text = refusal(
            "m.npz",
            zip(
                &[
                    ("good.npy", &file("'|u1'", false, "()", b"a")),
                    ("o.npy", &object),
                ],
                method,
            ),
        );
        assert!(
            text.starts_with("m.npz: member 'o.npy': the array holds Python objects"),
            "{text}"
        );
        let text = refusal(
            "m.npz",
            zip(
                &[("x.npy", &file("'<f8'", false, "(3,)", &[0; 16]))],
                method,
            ),
        );
        assert!(
            text.contains("member 'x.npy'") && text.contains("but only 16 bytes follow"),
            "{text}"
        );
        let text = refusal("m.npz", zip(&[("notes.txt", b"hello")], method));
        assert!(
            text.contains("member 'notes.txt': it is not an array (.npy)"),
            "{text}"
        );
    }
    assert!(refusal("m.npz", b"").contains("the file is empty"));
    assert!(refusal("m.npz", b"not a zip archive at all").contains("no whole zip archive"));
    let long = format!("{}.npy", "n".repeat(5000));
    let text = refusal(
        "m.npz",
        zip(
            &[(&long, &file("'|u1'", false, "()", b"a"))],
            CompressionMethod::Stored,
        ),
    );
    assert!(
        text.contains("has 5000 bytes; a name may have 4096"),
        "{text}"
    );
}

#[test]
fn a_name_given_twice_is_an_error() {
    let array = file("'|u1'", false, "()", b"a");
    let mut bytes = zip(
        &[("a.npy", &array), ("b.npy", &array)],
        CompressionMethod::Stored,
    );
    for at in 0..bytes.len() - 5 {
        if &bytes[at..at + 5] == b"b.npy" {
            bytes[at] = b'a';
        }
    }
    let text = refusal("m.npz", bytes);
    assert!(text.contains("two members have the same name"), "{text}");
}

#[test]
fn an_encrypted_member_is_told_as_one() {
    let mut bytes = zip(
        &[("x.npy", &file("'|u1'", false, "()", b"a"))],
        CompressionMethod::Stored,
    );
    let central = find(&bytes, b"PK\x01\x02");
    bytes[central + 8] |= 1;
    bytes[6] |= 1;
    let text = refusal("m.npz", bytes);
    assert!(text.contains("member 'x.npy': it is encrypted"), "{text}");
}

#[test]
fn a_bomb_is_bounded_by_what_it_declares_and_by_the_cap() {
    let zeros = file("'|u1'", false, "(5000000,)", &vec![0; 5_000_000]);
    let mut bytes = zip(&[("x.npy", &zeros)], CompressionMethod::Deflated);
    let options = ImportOptions {
        max_member_bytes: 1_000_000,
        ..ImportOptions::default()
    };
    let files = Files::new();
    let text = import(&files.add("m.npz", &bytes), &options)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("declares 5000128 bytes uncompressed, above the cap of 1000000"),
        "{text}"
    );
    // A smaller size is declared, in the zip and in the header of the array.
    let central = find(&bytes, b"PK\x01\x02");
    bytes[central + 24..central + 28].copy_from_slice(&228_u32.to_le_bytes());
    let text = refusal("m.npz", bytes);
    assert!(text.contains("member 'x.npy'"), "{text}");
}
