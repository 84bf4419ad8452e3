//! Promise: with `lazy_table` opening checks the head of the table alone, and one variable what it
//! needs of the rest; answers are those of a table that was checked at open, and what is wrong is the
//! same named error where it is used. What needs the whole table checks all of it, once.

mod reseal;
mod samples;
mod small;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, EnvError, OpenOptions, Part, Problem, Record, RestoreOptions, SaveOptions,
    SessionOptions, Tensor, Value, content_hash, diff, env_info, restore_from, save,
};
use reseal::{Entry, Extent, Handmade, Patch, Tree};
use small::LAZY_ROADS;

fn lazy() -> OpenOptions {
    OpenOptions::new().lazy_table(true)
}

fn options() -> SaveOptions {
    SaveOptions::new().durable(false).created_at(1)
}

/// Names of 11 bytes, a number each.
fn numbered(dir: &Path, count: usize) -> PathBuf {
    let path = dir.join(format!("{count}.ach"));
    let numbers = (0..count).map(|n| (format!("var {n:07}"), n as i64));
    save(&path, numbers, &options()).unwrap();
    path
}

/// Tensors, records and numbers: `count` of each.
fn mixed(dir: &Path, count: usize) -> PathBuf {
    let path = dir.join("mixed.ach");
    let values = (0..count).flat_map(|n| {
        let tensor = Tensor::from_vec(vec![n as f64; 64], [8, 8]).unwrap();
        let record = Record::from([("n", Value::from(n as i64)), ("tag", "some words".into())]);
        [
            (format!("tensor {n:05}"), Value::from(tensor)),
            (format!("record {n:05}"), record.into()),
            (format!("number {n:05}"), Value::from(n as i64)),
        ]
    });
    save(&path, values, &options()).unwrap();
    path
}

/// Where the body of the table begins and the table ends.
fn body(path: &Path) -> std::ops::Range<usize> {
    let bytes = std::fs::read(path).unwrap();
    let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let table = u64_at(40);
    table + u64_at(table + 16)..table + u64_at(48)
}

fn flip(path: &Path, at: usize) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at as u64).unwrap();
}

#[test]
fn every_variable_is_the_same_and_names_are_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = mixed(dir.path(), 1200);
    let full = Archive::open(&path).unwrap();
    for (road, open) in LAZY_ROADS {
        // In an order that jumps, so that pages are touched here and there.
        let archive = open(&path).unwrap();
        for n in 0..1200 {
            let n = n * 7919 % 1200;
            for kind in ["tensor", "record", "number"] {
                let name = format!("{kind} {n:05}");
                let (found, expected) = (archive.get(&name).unwrap(), full.get(&name).unwrap());
                assert!(found.identical(&expected).unwrap(), "{road}: {name}");
                let binding = archive.binding(&name).unwrap();
                let expected = full.binding(&name).unwrap();
                assert_eq!(binding.name(), name);
                assert_eq!(binding.shape(), expected.shape(), "{road}: {name}");
                assert_eq!(binding.extents().unwrap(), expected.extents().unwrap());
                assert_eq!(binding.sizes().unwrap(), expected.sizes().unwrap());
                assert_eq!(binding.ordinal(), expected.ordinal());
            }
        }
        let names = |archive: &Archive, prefix: &str| -> Vec<String> {
            let found = archive.with_prefix(prefix);
            found.map(|binding| binding.name().to_owned()).collect()
        };
        // Few of them, and many.
        for prefix in ["record 0010", "record", "", "nothing"] {
            let archive = open(&path).unwrap();
            assert_eq!(archive.count_prefix(prefix), full.count_prefix(prefix));
            assert_eq!(
                names(&archive, prefix),
                names(&full, prefix),
                "{road}: {prefix}"
            );
        }
        let archive = open(&path).unwrap();
        assert_eq!(archive.children("", ' '), full.children("", ' '));
        assert!(open(&path).unwrap().names().eq(full.names()), "{road}");
        assert_eq!(archive.sections(), full.sections());
        assert_eq!(archive.stored_bytes(), full.stored_bytes());
        let range = archive.in_range("number 01199".."record 00002");
        assert_eq!(range.len(), 3);
        let matching = |archive: &Archive| archive.matching("*0077*").unwrap().len();
        assert_eq!(matching(&archive), matching(&full));
    }
}

#[test]
fn whatever_takes_all_of_an_archive_takes_it_from_a_lazy_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = mixed(dir.path(), 100);
    let full = Archive::open(&path).unwrap();
    let archive = || lazy().open(&path).unwrap();
    assert!(archive().verify().unwrap().is_ok());
    let restored = restore_from(&archive(), RestoreOptions::default()).unwrap();
    assert_eq!(restored.environment.len(), 300);
    assert!(
        diff(&archive(), &full, &Default::default())
            .unwrap()
            .is_same()
    );
    assert_eq!(
        content_hash(&archive()).unwrap(),
        content_hash(&full).unwrap()
    );
    let checked = lazy().check(achronyme_env::Check::AtOpen);
    assert!(checked.open(&path).is_ok());
    // Over the file itself.
    let opened = archive();
    let bindings = opened.bindings_as_saved();
    let values = bindings.iter().map(|b| (b.name(), b.value().unwrap()));
    let values: Vec<(&str, Value)> = values.collect();
    save(&path, values, &options().allow_overwrite(true)).unwrap();
    assert_eq!(
        content_hash(&archive()).unwrap(),
        content_hash(&full).unwrap()
    );
    assert_eq!(env_info(&path).unwrap().num_bindings, 300);
}

#[test]
fn a_name_that_is_not_there_is_told_with_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbered(dir.path(), 5000);
    for (road, open) in LAZY_ROADS {
        let archive = open(&path).unwrap();
        assert!(!archive.contains("var 000"));
        match archive.get("var 000123") {
            Err(EnvError::NotFound { nearest, .. }) => {
                assert!(nearest.unwrap().starts_with("var 000"), "{road}");
            }
            other => panic!("{road}: {other:?}"),
        }
        assert_eq!(archive.at("var 0004999").unwrap().as_i64(), Some(4999));
        // Before the first, behind the last, and between any two.
        let archive = open(&path).unwrap();
        for name in [
            "",
            "a",
            "var",
            "var 0005000",
            "w",
            "var 0002500x",
            "var 000x",
        ] {
            assert!(!archive.contains(name), "{road}: {name}");
        }
        for n in 0..5000 {
            assert!(archive.contains(&format!("var {n:07}")), "{road}: {n}");
            assert!(!archive.contains(&format!("var {n:07}.")), "{road}: {n}");
        }
    }
}

#[test]
fn a_damaged_page_hurts_what_stands_in_it_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = mixed(dir.path(), 1200);
    let body = body(&path);
    let pages = body.len().div_ceil(4096);
    let names = |path: &Path| -> Vec<String> {
        Archive::open(path)
            .unwrap()
            .names()
            .map(str::to_owned)
            .collect()
    };
    let all = names(&path);
    let mut hurt_nothing = 0;
    for page in 0..pages {
        let at = (body.start + page * 4096 + 17).min(body.end - 1);
        flip(&path, at);
        let eager = Archive::open(&path).unwrap_err();
        for (road, open) in LAZY_ROADS {
            let archive = open(&path).unwrap();
            let hurt = all.iter().filter(|name| match archive.get(name) {
                Ok(value) => {
                    let n: i64 = name[7..].parse().unwrap();
                    let found = match &value {
                        Value::Tensor(tensor) => tensor.as_slice::<f64>().unwrap()[63] as i64,
                        Value::Record(record) => record.get("n").unwrap().as_i64().unwrap(),
                        value => value.as_i64().unwrap(),
                    };
                    assert_eq!(found, n, "{road}, page {page}: {name}");
                    false
                }
                Err(error) => {
                    let fault = error.fault().unwrap_or_else(|| panic!("{error:?}"));
                    assert_eq!(Some(fault), eager.fault(), "{road}, page {page}");
                    true
                }
            });
            let hurt = hurt.count();
            hurt_nothing += usize::from(hurt == 0);
            let error = archive.check_table().unwrap_err();
            assert_eq!(error.fault(), eager.fault(), "{road}, page {page}");
            // Nothing that takes all goes on without what cannot be read.
            assert!(restore_from(&archive, RestoreOptions::default()).is_err());
            let report = archive.verify().unwrap();
            assert_eq!(report.faults.len(), 1, "{report:?}");
            assert_eq!(Some(&report.faults[0].fault), eager.fault());
            assert_eq!(archive.names().count(), all.len());
        }
        flip(&path, at);
    }
    assert_eq!(hurt_nothing, 0, "a page that nothing uses");
    assert_eq!(names(&path), all);
}

#[test]
fn every_damaged_page_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbered(dir.path(), 2000);
    let body = body(&path);
    for page in [1, 4, 9] {
        flip(&path, body.start + page * 4096 + 1);
    }
    let report = lazy().open(&path).unwrap().verify().unwrap();
    let places: Vec<u64> = report.faults.iter().map(|f| f.fault.offset).collect();
    let expected = [1, 4, 9].map(|page| (body.start + page * 4096) as u64);
    assert_eq!(places, expected);
}

/// Nodes, extents and names that lie over each other, with every sum right.
#[test]
fn what_is_used_never_overlaps() {
    let data = [1u8; 64];
    let leaf = |n: i64| Tree::Vector(vec![Tree::Integer(n), Tree::Integer(n)]).node();
    let honest = Handmade {
        entries: vec![
            Entry::tensor("a", reseal::U8, 1, 0, 0),
            Entry::tensor("b", reseal::U8, 1, 0, 1),
            Entry::node("c", 0),
            Entry::node("d", 1),
        ],
        extents: vec![Extent::raw(&data), Extent::raw(&data)],
        nodes: vec![leaf(1), leaf(2)],
        shapes: vec![64],
        shared_count: 0,
    };
    let mut patch = Patch::of(honest.bytes());
    let (first, second) = (patch.u64_at(patch.node(0, 0)), patch.node(1, 0));
    let nodes = patch.put_u64(second, first).seal_all();
    let mut patch = Patch::of(honest.bytes());
    let (first, second) = (patch.u64_at(patch.extent(0, 0)), patch.extent(1, 0));
    let extents = patch.put_u64(second, first).seal_all();
    let dir = tempfile::tempdir().unwrap();
    for (bytes, names, part) in [
        (nodes, ["c", "d"], Part::Node(1)),
        (extents, ["a", "b"], Part::Extent(1)),
    ] {
        let path = dir.path().join("overlap.ach");
        std::fs::write(&path, bytes).unwrap();
        for (road, open) in LAZY_ROADS {
            // Whichever is first is read; the other is then one too many.
            for order in [names, [names[1], names[0]]] {
                let archive = open(&path).unwrap();
                assert!(archive.get(order[0]).is_ok(), "{road}: {order:?}");
                let error = archive.get(order[1]).expect_err(road);
                let fault = error.fault().unwrap();
                assert_eq!(fault.problem, Problem::Overlap, "{road}: {order:?}");
                let error = archive.check_table().unwrap_err();
                assert_eq!(error.fault().unwrap().part, part, "{road}");
            }
        }
    }
}

#[test]
fn names_that_do_not_rise_are_found_by_the_search_that_meets_them() {
    let entries = ["a", "b", "c", "z", "e", "f", "g"];
    let entries = entries.map(|name| Entry::integer(name, 1)).to_vec();
    let bytes = Handmade {
        entries,
        ..Handmade::default()
    }
    .bytes();
    let archive = lazy().from_bytes(&bytes).unwrap();
    assert_eq!(archive.get("z").unwrap().as_i64(), Some(1));
    // "z" in the middle sends the search to the left, where the name before is.
    let bytes = Handmade {
        entries: ["m", "n", "o", "d", "e", "z", "g"]
            .map(|name| Entry::integer(name, 1))
            .to_vec(),
        ..Handmade::default()
    }
    .bytes();
    let archive = lazy().from_bytes(&bytes).unwrap();
    let error = archive.get("c").unwrap_err();
    let fault = error.fault().unwrap();
    assert_eq!(
        (fault.part, &fault.problem),
        (Part::Entry(1), &Problem::Unsorted)
    );
}

#[test]
fn what_was_read_and_checked_does_not_change() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbered(dir.path(), 20_000);
    let archive = lazy().open(&path).unwrap();
    let near = ["var 0007777", "var 0007778"];
    assert_eq!(archive.get(near[0]).unwrap().as_i64(), Some(7777));
    let body = body(&path);
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&vec![0x55; body.len()], body.start as u64)
        .unwrap();
    for (name, n) in near.into_iter().zip(7777..) {
        assert_eq!(archive.get(name).unwrap().as_i64(), Some(n), "{name}");
    }
    let error = archive.get("var 0015000").unwrap_err();
    let is_named = error.fault().is_some() || error.to_string().contains("changed");
    assert!(is_named, "{error:?}");
    assert!(archive.check_table().is_err());
    assert_eq!(archive.get(near[1]).unwrap().as_i64(), Some(7778));
}

#[test]
fn a_file_that_was_cut_is_an_error_and_not_a_signal() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbered(dir.path(), 20_000);
    let archive = lazy().open(&path).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(10_000).unwrap();
    match archive.get("var 0015000") {
        Err(EnvError::ChangedInPlace { .. }) => {}
        other => panic!("{other:?}"),
    }
    match archive.check_table() {
        Err(EnvError::ChangedInPlace { .. } | EnvError::Io { .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_threads_touch_one_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = mixed(dir.path(), 1000);
    for (road, open) in LAZY_ROADS {
        let archive = open(&path).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8usize {
                let archive = &archive;
                scope.spawn(move || {
                    for n in 0..1000 {
                        let n = (n * 7919 + thread * 131) % 1000;
                        let name = format!("number {n:05}");
                        assert_eq!(archive.get(&name).unwrap().as_i64(), Some(n as i64));
                        let tensor = archive.tensor(&format!("tensor {n:05}")).unwrap();
                        assert_eq!(tensor.as_slice::<f64>().unwrap()[63], n as f64, "{road}");
                        if n == 500 && thread == 3 {
                            archive.check_table().unwrap();
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn one_of_a_million_names_reads_its_pages() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbered(dir.path(), 1_000_000);
    for (road, open) in LAZY_ROADS {
        let archive = open(&path).unwrap();
        assert_eq!(archive.len(), 1_000_000);
        for n in [0, 1, 499_999, 777_777, 999_999] {
            let name = format!("var {n:07}");
            assert_eq!(archive.get(&name).unwrap().as_i64(), Some(n), "{road}");
        }
        assert!(!archive.contains("var 1000000"));
        assert_eq!(archive.count_prefix("var 07"), 100_000);
        let found = archive
            .with_prefix("var 07777")
            .map(|b| b.value().unwrap().as_i64());
        assert!(found.eq((777_700..777_800).map(Some)), "{road}");
    }
    let archive = lazy().open(&path).unwrap();
    assert!(
        archive
            .names()
            .zip(0..)
            .all(|(name, n)| name == format!("var {n:07}"))
    );
}

#[test]
fn names_and_shapes_that_cross_pages_are_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.ach");
    // Names of nearly a page, and shapes of 64 dimensions.
    let names = (0..40).map(|n| format!("{n:02}{}", "\u{e9}".repeat(1900 + n)));
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for (n, name) in names.enumerate() {
        let mut shape = vec![1u64; 64];
        shape[n] = 3;
        let tensor = Tensor::from_vec(vec![n as f32; 3], shape).unwrap();
        values.insert(name, tensor.into());
    }
    save(&path, &values, &options()).unwrap();
    for (road, open) in LAZY_ROADS {
        let archive = open(&path).unwrap();
        for (name, value) in values.iter().rev() {
            assert!(
                archive.get(name).unwrap().identical(value).unwrap(),
                "{road}"
            );
            let tensor = value.as_tensor().unwrap();
            let binding = archive.binding(name).unwrap();
            assert_eq!(binding.shape(), Some(tensor.shape()), "{road}");
            assert_eq!(binding.name(), name, "{road}");
        }
        assert!(open(&path).unwrap().names().eq(values.keys()), "{road}");
    }
}

#[test]
fn a_journal_is_read_over_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbered(dir.path(), 3000);
    let with_journal = lazy().journal(true);
    assert_eq!(with_journal.open(&path).unwrap().len(), 3000);
    let mut session = SessionOptions::new()
        .checkpoint_at(None)
        .open(&path)
        .unwrap();
    session.set("var 0000007", "new").unwrap();
    session.set("another", 1.5).unwrap();
    session.remove("var 0002999").unwrap();
    session.commit().unwrap();
    let archive = with_journal.open(&path).unwrap();
    assert_eq!(archive.get("var 0000007").unwrap().as_str(), Some("new"));
    assert_eq!(archive.get("another").unwrap().as_f64(), Some(1.5));
    assert!(!archive.contains("var 0002999"));
    assert_eq!(archive.names().count(), 3000);
    let body = body(&path);
    flip(&path, body.start + 5000);
    let error = with_journal.open(&path).unwrap_err();
    assert_eq!(error.fault().unwrap().part, Part::Table);
}

#[test]
fn a_reader_is_lazy_until_the_journal_says_something() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbered(dir.path(), 3000);
    let place = body(&path).start + 5000;
    flip(&path, place);
    let mut reader = SessionOptions::new().lazy_table(true).read(&path).unwrap();
    let get = |archive: &Archive, name: &str| archive.get(name).map(|value| value.as_i64());
    assert_eq!(get(reader.archive(), "var 0000001").unwrap(), Some(1));
    assert!(!reader.refresh().unwrap());
    flip(&path, place);
    let mut session = SessionOptions::new()
        .checkpoint_at(None)
        .open(&path)
        .unwrap();
    session.set("var 0000001", 7).unwrap();
    session.commit().unwrap();
    let mut reader = SessionOptions::new().lazy_table(true).read(&path).unwrap();
    assert_eq!(get(reader.archive(), "var 0000001").unwrap(), Some(7));
    session.set("var 0000002", 8).unwrap();
    session.commit().unwrap();
    assert!(reader.refresh().unwrap());
    assert_eq!(get(reader.archive(), "var 0000002").unwrap(), Some(8));
    assert_eq!(reader.archive().names().count(), 3000);
}

#[test]
fn a_lazy_reader_sees_the_first_commit() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbered(dir.path(), 3000);
    let mut session = SessionOptions::new()
        .checkpoint_at(None)
        .open(&path)
        .unwrap();
    let mut reader = SessionOptions::new().lazy_table(true).read(&path).unwrap();
    assert_eq!(reader.archive().len(), 3000);
    session.set("another", 7).unwrap();
    session.commit().unwrap();
    assert!(reader.refresh().unwrap());
    assert_eq!(reader.archive().get("another").unwrap().as_i64(), Some(7));
    assert_eq!(reader.archive().len(), 3001);
    session.set("var 0000002", 8).unwrap();
    session.commit().unwrap();
    assert!(reader.refresh().unwrap());
    assert_eq!(
        reader.archive().get("var 0000002").unwrap().as_i64(),
        Some(8)
    );
}

#[test]
fn limits_hold_for_a_lazy_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbered(dir.path(), 5000);
    let limits = achronyme_env::Limits {
        max_table_bytes: 10_000,
        ..Default::default()
    };
    match lazy().limits(limits).open(&path) {
        Err(EnvError::TooLarge { cap: 10_000, .. }) => {}
        other => panic!("{other:?}"),
    }
}
