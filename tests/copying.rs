//! Promise: what is saved again from an archive is copied as it stands there and is the same file
//! as if its values had been in memory; damage is found on the way and named, never summed anew.

mod reseal;
mod samples;
mod small;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use achronyme_env::{
    Archive, ArchiveWriter, BindingOptions, Check, Codec, DType, DigestKind, EnvError, OpenOptions,
    Order, Record, Result, SaveOptions, Tensor, Value, save,
};
use small::ROADS;

fn options() -> SaveOptions {
    SaveOptions::new()
        .created_at(1_700_000_000)
        .allow_overwrite(true)
        .durable(false)
}

fn bytes(seed: u64, len: usize) -> Tensor {
    Tensor::from_vec(samples::noise(seed, len), [len as u64]).unwrap()
}

/// Arrays of every length at which something changes: blocks, pages, small ones that are gathered,
/// pieces and jobs. Some are equal, some stand inside other values.
fn arrays() -> Vec<(String, Value)> {
    let lengths = [
        1,
        (64 << 10) - 1,
        64 << 10,
        (64 << 10) + 1,
        200_000,
        (256 << 10) - 1,
        256 << 10,
        (1 << 20) + 1,
        (5 << 20) + 3,
    ];
    let mut all: Vec<(String, Value)> = lengths
        .iter()
        .map(|len| (format!("bytes {len}"), bytes(*len as u64, *len).into()))
        .collect();
    let words: Vec<f64> = (0..200_000u32).map(|n| f64::from(n / 100)).collect();
    let words = Tensor::from_vec(words, [400, 500]).unwrap();
    let parts = Record::from([
        ("equal", Value::from(bytes(200_000, 200_000))),
        ("row", words.slice(&"7".parse().unwrap()).unwrap().into()),
        ("empty", samples::tensor(DType::F32, &[0], Order::C).into()),
    ]);
    all.push(("words".to_owned(), words.into()));
    all.push(("parts".to_owned(), parts.into()));
    all.push(("text".to_owned(), "long ".repeat(40_000).into()));
    all
}

/// Saves the values, the arrays of the last one as attributes of the first.
fn written(path: &Path, values: &[(String, Value)], options: &SaveOptions) -> Result<Vec<u8>> {
    let mut writer = ArchiveWriter::create(path, options)?;
    for (n, (name, value)) in values.iter().enumerate() {
        let attributes = match n {
            0 => Record::from([("mean", values[1].1.clone())]),
            _ => Record::new(),
        };
        writer.add_with(name, value, &BindingOptions::new().attributes(attributes))?;
    }
    writer.finish()?;
    Ok(fs::read(path).unwrap())
}

fn loaded(archive: &Archive, values: &[(String, Value)]) -> Vec<(String, Value)> {
    let names = values.iter().map(|(name, _)| name);
    names
        .map(|name| (name.clone(), archive.get(name).unwrap()))
        .collect()
}

#[test]
fn the_file_is_the_same_whether_values_were_owned_or_lent() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    let owned = arrays();
    let kinds: [fn(SaveOptions) -> SaveOptions; 4] = [
        |hot| hot,
        |hot| hot.seal(true),
        |hot| hot.cold("*"),
        |hot| hot.cold("words").seal(true),
    ];
    for (from, of_old) in kinds.iter().enumerate() {
        written(&old, &owned, &of_old(options())).unwrap();
        for (to, of_new) in kinds.iter().enumerate() {
            let expected = written(&new, &owned, &of_new(options())).unwrap();
            for (road, open) in ROADS {
                let lent = loaded(&open(&old).unwrap(), &owned);
                let found = written(&new, &lent, &of_new(options())).unwrap();
                assert!(found == expected, "{from} to {to}, {road}");
            }
        }
    }
}

#[test]
fn the_file_is_the_same_when_some_values_were_lent() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    // Every length four times: two equal, one that differs, one that differs between samples only.
    let mut owned = Vec::new();
    for len in [3_000, 100_000, 2 << 20] {
        let mut near = samples::noise(1, len);
        near[len / 3] ^= 1;
        let near = Tensor::from_vec(near, [len as u64]).unwrap();
        for (name, tensor) in [
            ("a", bytes(1, len)),
            ("b", bytes(2, len)),
            ("c", near),
            ("d", bytes(1, len)),
        ] {
            owned.push((format!("{name} {len}"), Value::from(tensor)));
        }
    }
    let expected = written(&old, &owned, &options()).unwrap();
    assert_eq!(Archive::open(&old).unwrap().verify().unwrap().extents, 9);
    for (road, open) in ROADS {
        // Two archives, so that one memory never tells.
        let lent = [open(&old).unwrap(), open(&old).unwrap()].map(|it| loaded(&it, &owned));
        for pattern in 0..81u32 {
            let mixed = owned.iter().enumerate().map(|(n, own)| {
                let source = pattern / 3u32.pow(n as u32 % 4) % 3;
                lent.get(source as usize).map_or(own, |lent| &lent[n])
            });
            let mixed: Vec<_> = mixed.cloned().collect();
            let found = written(&new, &mixed, &options()).unwrap();
            assert!(found == expected, "{road}, {pattern}");
        }
    }
}

#[test]
fn a_copy_has_the_digests_its_options_ask_for() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    let owned = arrays();
    for sealed in [false, true] {
        written(&old, &owned, &options().seal(!sealed)).unwrap();
        for (road, open) in ROADS {
            let lent = loaded(&open(&old).unwrap(), &owned);
            written(&new, &lent, &options().seal(sealed)).unwrap();
            let archive = Archive::open(&new).unwrap();
            let report = archive.verify().unwrap();
            assert!(report.is_ok(), "{road}: {report:?}");
            let extents = archive.binding("words").unwrap().extents().unwrap();
            let expected = match sealed {
                true => DigestKind::Sha256,
                false => DigestKind::Xxh3,
            };
            assert_eq!(extents[0].digest_kind, Some(expected), "{road}");
            assert_eq!(extents[0].codec, Some(Codec::Raw), "{road}");
        }
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// An error that names the variable, and the file that is damaged.
#[track_caller]
fn names_the_damage(error: &EnvError, variable: &str, file: Option<&Path>, what: &str) {
    let EnvError::Variable { name, .. } = error else {
        panic!("{what}: {error:?}");
    };
    assert_eq!(name, variable, "{what}");
    assert!(error.fault().is_some(), "{what}: {error}");
    if let Some(file) = file {
        let text = error.to_string();
        assert!(text.contains(&file.display().to_string()), "{what}: {text}");
    }
}

#[test]
fn a_damaged_block_fails_the_save_and_the_old_file_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    let lengths: [usize; 3] = [1000, 150_000, (2 << 20) + 5];
    let owned: Vec<(String, Value)> = lengths
        .iter()
        .map(|len| (format!("x {len}"), bytes(9, *len).into()))
        .collect();
    let whole = written(&old, &owned, &options()).unwrap();
    let archive = Archive::open(&old).unwrap();
    let places: Vec<u64> = owned
        .iter()
        .map(|(name, _)| archive.binding(name).unwrap().extents().unwrap()[0].offset)
        .collect();
    drop(archive);
    for (n, len) in lengths.iter().enumerate() {
        for at in [0, len / 2, len - 1] {
            let mut damaged = whole.clone();
            damaged[places[n] as usize + at] ^= 0x10;
            fs::write(&old, &damaged).unwrap();
            for (road, open) in ROADS {
                for kind in [options(), options().seal(true), options().cold("*")] {
                    fs::write(&new, b"as it was").unwrap();
                    let lent = loaded(&open(&old).unwrap(), &owned);
                    let error = written(&new, &lent, &kind).unwrap_err();
                    let file = (road != "from_bytes").then_some(&*old);
                    names_the_damage(&error, &owned[n].0, file, &format!("{road}, {len}, {at}"));
                    assert_eq!(fs::read(&new).unwrap(), b"as it was");
                    assert_eq!(names(dir.path()), ["new.ach", "old.ach"]);
                }
            }
        }
    }
}

#[test]
fn a_damaged_list_of_sums_fails_the_save() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    let owned = vec![("x".to_owned(), Value::from(bytes(9, 300_000)))];
    let two = [owned[0].clone(), ("y".to_owned(), owned[0].1.clone())];
    let mut damaged = written(&old, &two, &options()).unwrap();
    // The lists stand before the trailer of 32 bytes.
    let at = damaged.len() - 32 - 16;
    damaged[at] ^= 1;
    fs::write(&old, &damaged).unwrap();
    for (road, open) in ROADS {
        let lent = loaded(&open(&old).unwrap(), &owned);
        let error = save(&new, [("renamed", &lent[0].1)], &options()).unwrap_err();
        names_the_damage(&error, "x", None, road);
        assert!(!new.exists());
    }
}

#[test]
fn damage_is_found_even_where_a_file_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    let owned = vec![("x".to_owned(), Value::from(bytes(9, 300_000)))];
    let tensors = [owned[0].clone(), ("y".to_owned(), owned[0].1.clone())];
    let mut damaged = written(&old, &tensors, &options()).unwrap();
    let archive = Archive::open(&old).unwrap();
    let extent = archive.binding("x").unwrap().extents().unwrap()[0];
    damaged[extent.offset as usize + 100_000] ^= 1;
    fs::write(&old, &damaged).unwrap();
    let archive = OpenOptions::new().check(Check::Never).open(&old).unwrap();
    let lent = loaded(&archive, &owned);
    for kind in [options(), options().seal(true)] {
        let error = save(&new, [("x", &lent[0].1)], &kind).unwrap_err();
        names_the_damage(&error, "x", Some(&old), "trusted");
    }
}

#[test]
fn a_file_that_lies_about_its_digests_cannot_swap_arrays() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    let owned: Vec<(String, Value)> = [1, 2]
        .map(|n| (format!("x{n}"), bytes(n, 100_000).into()))
        .to_vec();
    let values = owned.iter().map(|(name, value)| (name, value));
    save(&old, values, &options()).unwrap();
    let mut patch = reseal::Patch::of(fs::read(&old).unwrap());
    let (first, second) = (patch.extent(0, 40), patch.extent(1, 40));
    let digest = patch.bytes[first..first + 32].to_vec();
    fs::write(&old, patch.put(second, &digest).seal()).unwrap();
    for (road, open) in ROADS {
        let archive = open(&old).unwrap();
        assert_eq!(archive.verify().unwrap().faults.len(), 1, "{road}");
        let lent = loaded(&archive, &owned);
        written(&new, &lent, &options()).unwrap();
        let copy = Archive::open(&new).unwrap();
        for (name, value) in &owned {
            assert!(copy.get(name).unwrap().identical(value).unwrap(), "{road}");
        }
    }
}

#[test]
fn equal_arrays_of_several_archives_are_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a", "b", "c"].map(|name| dir.path().join(name).with_extension("ach"));
    let tensor = Value::from(bytes(5, 500_000));
    for (path, kind) in paths
        .iter()
        .zip([options(), options().seal(true), options().cold("*")])
    {
        save(path, [("x", &tensor)], &kind).unwrap();
    }
    let new = dir.path().join("new.ach");
    for (road, open) in ROADS {
        let lent = paths.each_ref().map(|path| {
            let archive = open(path).unwrap();
            archive.get("x").unwrap()
        });
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let mut values: Vec<(String, &Value)> =
                order.iter().map(|n| (format!("x{n}"), &lent[*n])).collect();
            values.push(("own".to_owned(), &tensor));
            save(&new, values, &options()).unwrap();
            let report = Archive::open(&new).unwrap().verify().unwrap();
            assert!(report.is_ok(), "{road}");
            assert_eq!(report.extents, 1, "{road}, {order:?}");
        }
    }
}

#[test]
fn a_cancelled_copy_leaves_the_old_file_and_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    let owned = vec![("x".to_owned(), Value::from(bytes(3, 20 << 20)))];
    save(&old, [("x", &owned[0].1)], &options()).unwrap();
    for (road, open) in ROADS {
        let lent = loaded(&open(&old).unwrap(), &owned);
        fs::write(&new, b"as it was").unwrap();
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        let seen = Arc::new(AtomicU64::new(0));
        let most = Arc::clone(&seen);
        let kind = options().cancel(flag).on_progress(move |done, _| {
            most.fetch_max(done, Ordering::Relaxed);
            raised.store(true, Ordering::Relaxed);
        });
        let error = save(&new, [("x", &lent[0].1)], &kind).unwrap_err();
        assert!(matches!(error, EnvError::Cancelled { .. }), "{road}");
        assert!(seen.load(Ordering::Relaxed) < 20 << 20, "{road}");
        assert_eq!(fs::read(&new).unwrap(), b"as it was");
        assert_eq!(names(dir.path()), ["new.ach", "old.ach"]);
    }
}

#[test]
fn progress_counts_what_is_copied() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    let owned = arrays();
    written(&old, &owned, &options()).unwrap();
    for (road, open) in ROADS {
        let lent = loaded(&open(&old).unwrap(), &owned);
        let steps = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&steps);
        let kind = options().on_progress(move |done, total| {
            told.lock().unwrap().push((done, total));
        });
        let values = lent.iter().map(|(name, value)| (name, value));
        let raw = save(&new, values, &kind).unwrap().raw_bytes;
        let steps = steps.lock().unwrap();
        assert!(steps.iter().all(|(_, total)| *total == raw), "{road}");
        assert_eq!(steps.iter().map(|(done, _)| *done).max(), Some(raw));
        // Not all at once: a tensor of 5 MiB is six pieces.
        assert!(steps.len() > 6, "{road}: {steps:?}");
    }
}
