//! Promises about version 1 files: what its reader took is taken, what it lost is recovered or
//! reported, and what it got wrong is an error that names file, variable and path.
#![cfg(feature = "zstd")]

mod old_format;

use std::path::Path;

use achronyme_env::{
    Archive, EnvError, Extension, Fault, Function, Outcome, Part, Problem, SaveOptions, Value,
    Version1, upgrade,
};
use old_format::*;
use proptest::prelude::*;

fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/version1");
    std::fs::read(folder.join(name)).unwrap()
}

#[track_caller]
fn read(bytes: &[u8]) -> Version1 {
    Version1::from_bytes(bytes).unwrap()
}

#[track_caller]
fn refused(bytes: &[u8]) -> EnvError {
    Version1::from_bytes(bytes).expect_err("it is broken")
}

#[track_caller]
fn fault(bytes: &[u8]) -> Fault {
    let error = refused(bytes);
    let fault = error.fault();
    fault.unwrap_or_else(|| panic!("{error:?}")).clone()
}

/// The findings, as text.
fn findings(old: &Version1) -> Vec<String> {
    old.findings().iter().map(ToString::to_string).collect()
}

// What is broken.

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    let whole = sample("15_metadata_z3.ach");
    for len in 0..whole.len() {
        let error = refused(&whole[..len]);
        match len {
            0 => assert!(matches!(error, EnvError::NotAnArchive { .. }), "{error:?}"),
            _ => assert!(
                matches!(error, EnvError::Damaged { .. }),
                "{len}: {error:?}"
            ),
        }
    }
    let header_only = fault(&sample("bad/b11_header_only.ach"));
    assert_eq!(header_only.part, Part::FileLength);
    assert_eq!(
        header_only.to_string(),
        "file length at byte 64: cut short: 64 of 96 bytes are there"
    );
}

#[test]
fn a_changed_or_appended_byte_of_body_or_sum_is_found_before_anything_is_decoded() {
    for name in ["15_metadata_z3.ach", "01_one_number_raw.ach"] {
        let whole = sample(name);
        for at in 64..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            let found = fault(&bytes);
            assert_eq!(
                (found.part, found.problem),
                (Part::Version1Body, Problem::Digest),
                "{at}"
            );
        }
        let longer = [&whole[..], b"x"].concat();
        assert_eq!(fault(&longer).problem, Problem::Digest);
    }
    let flipped = refused(&sample("bad/b03_flipped_body_byte_z.ach"));
    assert_eq!(
        flipped.to_string(),
        "the bytes in memory is damaged: version 1 body at byte 64: content does not match its digest"
    );
}

#[test]
fn no_metadata_are_told_of_a_damaged_or_newer_file() {
    // Version 1 answered `get_metadata` on both.
    assert!(Version1::from_bytes(sample("bad/b03_flipped_body_byte_z.ach")).is_err());
    for (major, hint) in [(2u8, " (open it as an archive of format 2)"), (3, "")] {
        let mut bytes = sample("bad/b05_newer_major.ach");
        bytes[4] = major;
        let error = refused(&bytes);
        let EnvError::Unsupported { what, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*what, format!("format version {major}.0{hint}"));
    }
}

#[test]
fn what_is_no_version_1_file_is_told_apart() {
    let mut bytes = sample("15_metadata_z3.ach");
    bytes[36] = 7;
    let found = fault(&bytes);
    assert_eq!(found.to_string(), "header at byte 36: compression is 7");
    bytes[0] = b'B';
    assert!(matches!(refused(&bytes), EnvError::NotAnArchive { .. }));
    let error = Version1::open(std::env::temp_dir()).unwrap_err();
    assert!(matches!(error, EnvError::NotAFile { .. }), "{error:?}");
    let dir = tempfile::tempdir().unwrap();
    let error = Version1::open(dir.path().join("no.ach")).unwrap_err();
    assert!(error.to_string().starts_with("cannot open "), "{error}");
}

#[test]
fn a_compressed_body_that_is_flagged_as_raw_is_damaged() {
    let mut bytes = sample("15_metadata_z3.ach");
    bytes[8] = 0;
    let found = fault(&bytes);
    assert_eq!(found.part, Part::Version1Body);
    assert!(matches!(found.problem, Problem::Structure(_)), "{found}");
    // And the other way round.
    let mut bytes = sample("01_one_number_raw.ach");
    bytes[8] = 1;
    let found = fault(&bytes);
    assert!(
        found.to_string().contains("zstd cannot unpack it"),
        "{found}"
    );
}

#[test]
fn a_kind_of_value_that_is_unknown_costs_that_value_and_no_other() {
    let date = kind("Date", text("2024-05-01"));
    let value = record(&[("when", vector(&[number(1.0), date.clone()]))]);
    let long = "K".repeat(9000);
    let bindings = [
        ("a", number(7.0)),
        ("b", date),
        ("c", value),
        ("d", text("Unit")),
        ("e", kind(&long, array(0))),
        ("f", number(8.0)),
    ];
    let file = Version1::from_bytes(packed(&body(&bindings))).unwrap();
    let names: Vec<&str> = file.bindings().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "c", "f"]);
    assert_eq!(file.get("f").unwrap().as_f64(), Some(8.0));
    let when = file.get("c").and_then(Value::as_record).unwrap();
    let when = when.get("when").and_then(Value::as_vector).unwrap();
    assert_eq!(when[0].as_f64(), Some(1.0));
    assert!(matches!(&when[1], Value::Extension(e) if &*e.type_name == Extension::UNSUPPORTED));
    let told: Vec<String> = file.findings().iter().map(ToString::to_string).collect();
    let lost = "is lost: it is of a kind that this reader of version 1 files does not know";
    let kept = "K".repeat(80);
    assert_eq!(
        told,
        [
            format!("b (Date) {lost}"),
            format!("c.when[1] (Date) {lost}"),
            format!("d (Unit) {lost}"),
            format!("e ({kept}) {lost}"),
        ]
    );
}

#[test]
fn a_tensor_whose_shape_is_not_its_data_is_named_and_never_wraps() {
    for (shape, elements, text) in [
        (
            &[1 << 32, 1 << 32][..],
            &[][..],
            "(4294967296, 4294967296) has 0 elements",
        ),
        (&[2, 3], &[1.0; 5], "(2, 3) has 5 elements"),
        (&[], &[], "() has 0 elements"),
        (&[0], &[1.0], "(0,) has 1 elements"),
    ] {
        let value = vector(&[tensor(shape, elements)]);
        let error = refused(&one(value)).to_string();
        assert!(error.starts_with("variable 'x': "), "{error}");
        assert!(error.contains("at [0]: a tensor of shape"), "{error}");
        assert!(error.contains(text), "{error}");
    }
    let empty = read(&one(tensor(&[1 << 40, 0, 1 << 40], &[])));
    assert_eq!(
        empty.get("x").unwrap().as_tensor().unwrap().shape(),
        [1 << 40, 0, 1 << 40]
    );
    let error = refused(&one(tensor(&[1; 65], &[1.0]))).to_string();
    assert!(error.contains("65 dimensions; 64 are allowed"), "{error}");
}

#[test]
fn text_that_is_not_utf8_and_ends_in_the_middle_are_faults_with_their_place() {
    let error = refused(&one(vector(&[kind("String", b"\xa2\xff\xfe")]))).to_string();
    assert!(error.contains("at [0]: text is not UTF-8"), "{error}");
    let whole = body(&[("x", number(1.0))]);
    for len in 0..whole.len() {
        for (bytes, part) in [
            (raw(&whole[..len]), Part::Version1Body),
            (packed(&whole[..len]), Part::Version1Unpacked),
        ] {
            assert_eq!(fault(&bytes).part, part, "{len}");
        }
    }
    let cut = &frame(&whole)[..40];
    assert!(
        fault(&sealed(header(true), cut))
            .to_string()
            .contains("zstd cannot unpack it")
    );
}

// What version 1 took, its writer aside.

#[test]
fn a_header_that_was_changed_where_nothing_protects_it_is_taken_as_it_stands() {
    let mut bytes = sample("15_metadata_z3.ach");
    bytes[12..20].copy_from_slice(&5u64.to_le_bytes());
    bytes[6] = 9;
    bytes[11] = 0x80;
    bytes[50] = 1;
    bytes[4] = 0;
    let old = read(&bytes);
    assert_eq!(old.metadata().created, 5);
    assert_eq!((old.metadata().major, old.metadata().minor), (0, 9));
    assert_eq!(old.len(), 3);
}

#[test]
fn header_fields_that_contradict_each_other_are_reported() {
    let mut bytes = sample("15_metadata_z3.ach");
    bytes[36] = 0;
    let old = read(&bytes);
    assert!(old.metadata().compressed);
    assert!(findings(&old)[0].contains("the flags were followed"));
}

#[test]
fn structures_may_be_maps_in_any_order_with_fields_that_nobody_knows() {
    let metadata = [
        map(6),
        text("platform"),
        text("linux x86_64"),
        text("later"),
        nested_vectors(100_000),
        text("created_by"),
        text("me"),
        // A field by its number.
        unsigned(1),
        text("now"),
        text("num_bindings"),
        unsigned(1),
        text("description"),
        text("d"),
    ];
    let body = [
        map(2),
        text("bindings"),
        bindings_map(&[("x", number(2.0))]),
        text("metadata"),
        metadata.concat(),
    ];
    let old = read(&packed(&body.concat()));
    assert_eq!(old.get("x").unwrap().as_f64(), Some(2.0));
    let said = old.metadata();
    assert_eq!(
        (&*said.created_by, &*said.created_at, &*said.platform),
        ("me", "now", "linux x86_64")
    );
    assert_eq!(said.description.as_deref(), Some("d"));
    assert_eq!(findings(&old), [""; 0]);
    let twice = [
        map(2),
        text("metadata"),
        metadata_of_one(),
        text("metadata"),
        metadata_of_one(),
    ];
    assert!(
        fault(&raw(&twice.concat()))
            .to_string()
            .contains("metadata of the body is given twice")
    );
    let missing = [map(1), text("metadata"), metadata_of_one()].concat();
    assert!(
        fault(&raw(&missing))
            .to_string()
            .contains("bindings of the body is missing")
    );
}

fn metadata_of_one() -> Vec<u8> {
    metadata(&["x"])
}

#[test]
fn metadata_may_end_after_four_fields() {
    let metadata = [array(4), first_fields(1)].concat();
    let body = [array(2), metadata, bindings_map(&[("x", null())])].concat();
    let old = read(&raw(&body));
    assert_eq!(old.metadata().num_bindings, 1);
    assert!(old.metadata().tags.is_empty());
    assert_eq!(findings(&old), [""; 0]);
    let three = [array(3), first_fields(1)].concat();
    let body = [array(2), three, bindings_map(&[])].concat();
    assert!(
        fault(&raw(&body))
            .to_string()
            .contains("num_bindings of the metadata is missing")
    );
}

#[test]
fn custom_metadata_are_read() {
    let custom = [map(2), text("k"), text("v"), text("a"), text("b")].concat();
    let metadata = [array(7), first_fields(0), vec![0xc0], array(0), custom].concat();
    let old = read(&raw(&[array(2), metadata, map(0)].concat()));
    let pairs = [("a", "b"), ("k", "v")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(old.metadata().custom, pairs);
    let archive = old.to_archive().unwrap();
    assert_eq!(archive.metadata().unwrap().custom[..2], pairs);
}

#[test]
fn of_a_name_given_twice_the_last_counts_and_is_reported() {
    let first = record(&[("f", unsupported("generator"))]);
    let old = read(&raw(&body(&[("x", first), ("x", number(2.0))])));
    assert_eq!(old.len(), 1);
    assert_eq!(old.get("x").unwrap().as_f64(), Some(2.0));
    let warned = findings(&old);
    assert_eq!(
        warned[0],
        "x is kept, but: the file gives this name more than once; the last value counts"
    );
    // What was lost of the first value is about nothing that is there.
    assert_eq!(
        old.findings()
            .iter()
            .filter(|f| f.outcome == Outcome::Lost)
            .count(),
        0
    );

    let old = read(&one(record(&[("a", number(1.0)), ("a", number(3.0))])));
    let x = old.get("x").unwrap().as_record().unwrap();
    assert_eq!(x.get("a").unwrap().as_f64(), Some(3.0));
    assert_eq!(old.findings()[0].path, ".a");
    assert_eq!(old.findings()[0].outcome, Outcome::Warning);
}

#[test]
fn bytes_after_the_values_are_reported() {
    let mut bytes = body(&[("x", number(1.0))]);
    bytes.extend(b"stray");
    for file in [raw(&bytes), packed(&bytes)] {
        let old = read(&file);
        assert_eq!(
            findings(&old),
            ["5 bytes stand after the end of the values; nothing was read from there"]
        );
        assert_eq!(old.body_len(), bytes.len() as u64);
    }
}

#[test]
fn metadata_that_contradict_the_values_are_reported() {
    let metadata = metadata(&["x", "gone", "lost"]);
    let bindings = bindings_map(&[("x", number(1.0)), ("y", number(1.0))]);
    let old = read(&raw(&[array(2), metadata, bindings].concat()));
    assert_eq!(
        findings(&old),
        [
            "its metadata count 3 variables, it holds 2",
            "its metadata name 'gone', 'lost', which it does not hold",
            "it holds 'y', which its metadata do not name",
        ]
    );
    assert_eq!(old.len(), 2);
}

#[test]
fn several_frames_of_zstd_are_one_body() {
    let whole = body(&[("x", tensor(&[3], &[1.0, 2.0, 3.0]))]);
    let (a, b) = whole.split_at(whole.len() / 2);
    let stored = [frame(a), frame(b"" as &[u8]), frame(b)].concat();
    let old = read(&sealed(header(true), &stored));
    assert_eq!(old.get("x").unwrap().as_tensor().unwrap().len(), 3);
    assert_eq!(old.body_len(), whole.len() as u64);
    let stray = [frame(&whole), b"no frame".to_vec()].concat();
    assert!(
        fault(&sealed(header(true), &stray))
            .to_string()
            .contains("zstd cannot unpack it")
    );
}

#[test]
fn integers_in_the_place_of_floats_are_taken_and_other_things_are_not() {
    for (bytes, expected) in [
        (vec![7], 7.0),
        (vec![0xff], -1.0),
        (vec![0xcd, 1, 0], 256.0),
        (
            vec![0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe],
            -2.0,
        ),
        ([&[0xca][..], &0.5f32.to_be_bytes()].concat(), 0.5),
    ] {
        let old = read(&one(kind("Number", &bytes)));
        assert_eq!(old.get("x").unwrap().as_f64(), Some(expected));
        let elements = [bytes.clone(), float(1.5), bytes].concat();
        let old = read(&one(tensor_of(&[3], array(3), &elements)));
        let tensor = old.get("x").unwrap().as_tensor().unwrap().clone();
        assert_eq!(tensor.as_slice::<f64>().unwrap(), [expected, 1.5, expected]);
    }
    for bytes in [
        vec![0xc0],
        vec![0xc3],
        text("1"),
        array(1),
        vec![0xc1],
        vec![0xd4, 0, 0],
    ] {
        let error = refused(&one(kind("Number", bytes)));
        assert!(matches!(error, EnvError::Variable { .. }), "{error:?}");
    }
    // And one float does for no boolean, text or list.
    for name in [
        "Boolean", "String", "Vector", "Record", "Edge", "Tensor", "Complex",
    ] {
        let error = refused(&one(kind(name, float(1.0)))).to_string();
        assert!(error.contains("expected"), "{name}: {error}");
    }
}

#[test]
fn nothing_of_a_number_changes_whatever_its_bits() {
    let bits = [
        0x7ff0_0000_0000_0001,
        0xfff8_dead_beef_0001,
        0x8000_0000_0000_0000,
        0x0000_0000_0000_0001,
        0x7fef_ffff_ffff_ffff,
    ];
    let numbers = bits.map(f64::from_bits);
    let old = read(&one(vector(&[
        tensor(&[5], &numbers),
        vector(&numbers.map(number)),
    ])));
    let x = old.get("x").unwrap().as_vector().unwrap();
    let tensor = x[0].as_tensor().unwrap().as_slice::<f64>().unwrap();
    let listed = x[1]
        .as_vector()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap());
    assert!(tensor.iter().map(|n| n.to_bits()).eq(bits));
    assert!(listed.map(f64::to_bits).eq(bits));
}

// What version 1 lost.

#[test]
fn builtin_functions_come_back_wherever_they_stand() {
    let everywhere = vector(&[
        builtin("sin"),
        record(&[("f", builtin("cos"))]),
        edge(&[("g", builtin("tan"))]),
    ]);
    let old = read(&raw(&body(&[("f", builtin("map")), ("all", everywhere)])));
    assert_eq!(findings(&old), [""; 0]);
    let name = |value: &Value| match value {
        Value::Function(function) => match &**function {
            Function::Builtin { name } => name.to_string(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(name(old.get("f").unwrap()), "map");
    let all = old.get("all").unwrap().as_vector().unwrap();
    assert_eq!(name(&all[0]), "sin");
    assert_eq!(name(all[1].as_record().unwrap().get("f").unwrap()), "cos");
    let Value::Edge(edge) = &all[2] else {
        panic!("{all:?}");
    };
    assert_eq!(name(edge.properties.get("g").unwrap()), "tan");
}

#[test]
fn a_record_with_a_method_keeps_everything_else_and_the_method_is_reported() {
    let counter = record(&[
        ("v", number(1.0)),
        ("inc", unsupported("user-defined function")),
    ]);
    let old = read(&packed(&body(&[("counter", counter)])));
    assert_eq!(
        findings(&old),
        [
            "counter.inc (user-defined function) is lost: version 1 had stored it without its content"
        ]
    );
    let record = old.get("counter").unwrap().as_record().unwrap();
    assert_eq!(record.get("v").unwrap().as_f64(), Some(1.0));
    let Value::Extension(extension) = record.get("inc").unwrap() else {
        panic!("{record:?}");
    };
    assert_eq!(&*extension.type_name, Extension::UNSUPPORTED);
}

#[test]
fn a_finding_names_the_path_in_edges_vectors_and_odd_names() {
    let value = vector(&[edge(&[(
        "a b'c",
        record(&[("", unsupported("generator"))]),
    )])]);
    let old = read(&one(value));
    assert_eq!(old.findings()[0].path, "[0].properties.'a b''c'.''");
}

#[test]
fn a_variable_without_content_is_left_out_and_reported() {
    let old = read(&raw(&body(&[
        ("g", unsupported("generator")),
        ("x", number(1.0)),
    ])));
    assert_eq!(
        old.bindings().map(|(name, _)| name).collect::<Vec<_>>(),
        ["x"]
    );
    assert_eq!(
        findings(&old),
        ["g (generator) is lost: version 1 had stored it without its content"]
    );
}

// Converting.

#[test]
fn an_upgrade_carries_over_what_the_file_says_of_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    std::fs::write(&old, sample("15_metadata_z3.ach")).unwrap();
    let options = SaveOptions::new().tag("more").custom("run", "7");
    let report = upgrade(&old, &new, &options).unwrap();
    assert_eq!(report.saved.bindings, 3);
    assert!(report.findings.is_empty());
    let archive = Archive::open(&new).unwrap();
    let metadata = archive.metadata().unwrap();
    assert!(metadata.description.unwrap().contains("second line"));
    assert_eq!(
        metadata.tags,
        ["experiment", "2025-Q1", "señal", "", "experiment", "more"]
    );
    assert_eq!(metadata.custom[3], ("run".to_owned(), "7".to_owned()));
    assert_eq!(
        metadata.custom[2],
        ("version1.platform".to_owned(), "linux x86_64".to_owned())
    );
    assert_eq!(
        metadata.created_at,
        Version1::open(&old).unwrap().metadata().created
    );
    // What the options say wins.
    let again = SaveOptions::new()
        .description("mine")
        .created_at(9)
        .allow_overwrite(true);
    upgrade(&old, &new, &again).unwrap();
    let metadata = Archive::open(&new).unwrap().metadata().unwrap();
    assert_eq!(metadata.description.as_deref(), Some("mine"));
    assert_eq!(metadata.created_at, 9);
}

#[test]
fn an_upgrade_replaces_a_file_only_when_allowed_and_whole_also_its_own_source() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.ach");
    let bytes = sample("10_records_z3.ach");
    std::fs::write(&path, &bytes).unwrap();
    let error = upgrade(&path, &path, &SaveOptions::new()).unwrap_err();
    assert!(matches!(error, EnvError::AlreadyExists { .. }), "{error:?}");
    let other = dir.path().join("other.ach");
    std::fs::write(&other, sample("bad/b03_flipped_body_byte_z.ach")).unwrap();
    let error = upgrade(&other, &path, &SaveOptions::new().allow_overwrite(true)).unwrap_err();
    assert!(error.fault().is_some(), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let long = raw(&body(&[(&"n".repeat(4097), number(1.0))]));
    std::fs::write(&other, long).unwrap();
    let error = upgrade(&other, &path, &SaveOptions::new().allow_overwrite(true)).unwrap_err();
    assert!(matches!(error, EnvError::NameTooLong { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    upgrade(&path, &path, &SaveOptions::new().allow_overwrite(true)).unwrap();
    assert_eq!(Archive::open(&path).unwrap().len(), 5);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn an_upgrade_gives_the_same_bytes_whatever_the_order_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let fields = |a, b| record(&[(a, number(1.0)), (b, number(1.0))]);
    let mut files = Vec::new();
    for bindings in [
        [("a", fields("p", "q")), ("b", number(1.0))],
        [("b", number(1.0)), ("a", fields("q", "p"))],
    ] {
        let path = dir.path().join(format!("{}.ach", files.len()));
        read(&raw(&body(&bindings)))
            .save(&path, &SaveOptions::new())
            .unwrap();
        files.push(std::fs::read(path).unwrap());
    }
    assert_eq!(files[0], files[1]);
}

#[test]
fn an_open_archive_says_what_to_do_with_a_version_1_file() {
    let error = Archive::from_bytes(sample("01_one_number_raw.ach")).unwrap_err();
    assert!(
        matches!(
            error,
            EnvError::Version1 {
                major: 1,
                minor: 0,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("`ach upgrade`"), "{error}");
}

fn everything() -> Vec<u8> {
    body(&[
        ("n", number(1.5)),
        (
            "v",
            vector(&[
                null(),
                kind("Boolean", [0xc2]),
                kind("String", text("text")),
            ]),
        ),
        ("t", tensor(&[2, 2], &[1.0, 2.0, 3.0, 4.0])),
        (
            "r",
            record(&[("f", unsupported("generator")), ("g", builtin("sin"))]),
        ),
        ("e", edge(&[("w", nested_vectors(20))])),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The sum is right, so that what is behind it is reached.
    #[test]
    fn no_change_of_the_body_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
        packs in any::<bool>(),
    ) {
        let mut bytes = everything();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        let file = if packs { packed(&bytes) } else { raw(&bytes) };
        if let Ok(old) = Version1::from_bytes(&file) {
            // What it makes can be saved; only names may be too long.
            prop_assert!(old.to_archive().is_ok());
        }
    }

    #[test]
    fn no_change_of_a_zstd_frame_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut stored = frame(&everything());
        for (at, byte) in changes {
            let at = at.index(stored.len());
            stored[at] = byte;
        }
        let _ = Version1::from_bytes(sealed(header(true), &stored));
    }
}
