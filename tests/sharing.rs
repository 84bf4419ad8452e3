//! Promise: equal array data is stored once, and only equal data is; an archive is shared by
//! threads; tensors keep what they need of it, share its memory, and free it with the last.

mod samples;
mod small;

use std::path::Path;
use std::sync::Arc;

use achronyme_env::{
    Archive, ArchiveWriter, DType, Environment, Order, Record, SaveOptions, Snapshot, Tensor,
    TensorRef, Value, save,
};
use small::ROADS;

const fn is_shared_by_threads<T: Send + Sync + Clone + 'static>() {}
const fn moves_between_threads<T: Send>() {}
const _: () = {
    is_shared_by_threads::<Environment>();
    is_shared_by_threads::<Snapshot>();
    moves_between_threads::<ArchiveWriter<'static>>();
    is_shared_by_threads::<Archive>();
    is_shared_by_threads::<Tensor>();
    is_shared_by_threads::<Value>();
};

fn extent_of(archive: &Archive, name: &str) -> u32 {
    archive.binding(name).unwrap().extents().unwrap()[0].number
}

fn saved(dir: &Path, values: &[(&str, Value)]) -> Archive {
    let path = dir.join("shared.ach");
    let options = SaveOptions::new().durable(false).allow_overwrite(true);
    save(&path, values.iter().map(|(n, v)| (n, v)), &options).unwrap();
    Archive::open(path).unwrap()
}

#[test]
fn equal_data_is_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let noise = samples::noise(1, 100_000);
    let tensor = Tensor::from_vec(noise.clone(), [100_000]).unwrap();
    let elsewhere = Tensor::from_vec(noise.clone(), [1000, 100]).unwrap();
    let archive = saved(
        dir.path(),
        &[
            ("a", tensor.clone().into()),
            ("same storage", tensor.clone().into()),
            ("same content", elsewhere.into()),
            ("in a record", Record::from([("w", tensor.clone())]).into()),
            ("as bytes", Value::Bytes(noise.into())),
            (
                "a part",
                tensor.slice(&"10:20".parse().unwrap()).unwrap().into(),
            ),
        ],
    );
    let first = extent_of(&archive, "a");
    for name in ["same storage", "same content", "in a record", "as bytes"] {
        assert_eq!(extent_of(&archive, name), first, "{name}");
    }
    assert_ne!(extent_of(&archive, "a part"), first);
    assert!(archive.file_len() < 120_000);
}

#[test]
fn data_that_differs_only_between_the_samples_is_stored_twice() {
    let dir = tempfile::tempdir().unwrap();
    let noise = samples::noise(1, 100_000);
    for at in [4096, 20_000, 45_000, 60_000, 95_900] {
        let mut other = noise.clone();
        other[at] ^= 1;
        let archive = saved(
            dir.path(),
            &[
                (
                    "a",
                    Tensor::from_vec(noise.clone(), [100_000]).unwrap().into(),
                ),
                (
                    "b",
                    Tensor::from_vec(other.clone(), [100_000]).unwrap().into(),
                ),
            ],
        );
        assert_ne!(extent_of(&archive, "a"), extent_of(&archive, "b"), "{at}");
        assert!(archive.tensor("a").unwrap().as_bytes().unwrap() == noise);
        assert!(archive.tensor("b").unwrap().as_bytes().unwrap() == other);
    }
}

#[test]
fn hot_and_cold_data_are_not_shared() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shared.ach");
    let tensor = samples::tensor(DType::F64, &[1000], Order::C);
    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new().cold("cold*")).unwrap();
    for name in ["cold 1", "cold 2", "hot 1", "hot 2"] {
        writer.add(name, tensor.clone()).unwrap();
    }
    writer.finish().unwrap();
    let archive = Archive::open(path).unwrap();
    assert_eq!(extent_of(&archive, "cold 1"), extent_of(&archive, "cold 2"));
    assert_eq!(extent_of(&archive, "hot 1"), extent_of(&archive, "hot 2"));
    assert_ne!(extent_of(&archive, "cold 1"), extent_of(&archive, "hot 1"));
}

/// A writer once took memory for the one that had stood at its address before: a duplicate was
/// merged and freed, and the next tensor, of other content, got its place.
#[test]
fn memory_that_is_used_again_is_not_taken_for_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shared.ach");
    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new()).unwrap();
    let full = |n: u64| Tensor::from_vec(vec![n / 2; 1000], [1000]).unwrap();
    let text = |n: u64| "abcdefgh"[n as usize / 2 % 8..][..1].repeat(70_000);
    for n in 0..16 {
        writer.add(&format!("tensor {n:02}"), full(n)).unwrap();
        let long: Arc<str> = text(n).into();
        writer.add(&format!("text {n:02}"), long).unwrap();
        let bytes = Value::Bytes(text(n).into_bytes().into());
        writer.add(&format!("bytes {n:02}"), bytes).unwrap();
    }
    writer.finish().unwrap();
    let archive = Archive::open(path).unwrap();
    for n in 0..16 {
        let tensor = archive.tensor(&format!("tensor {n:02}")).unwrap();
        let expected = full(n);
        assert_eq!(
            tensor.as_slice::<u64>().unwrap()[0],
            expected.as_slice::<u64>().unwrap()[0]
        );
        assert!(Value::from(tensor).identical(&expected.into()).unwrap());
        let found = archive.get(&format!("text {n:02}")).unwrap();
        assert!(found.as_str() == Some(&text(n)), "text {n}");
        let found = archive.get(&format!("bytes {n:02}")).unwrap();
        let bytes = Value::Bytes(text(n).into_bytes().into());
        assert!(found.identical(&bytes).unwrap(), "bytes {n}");
    }
}

#[test]
fn memory_that_others_write_is_never_merged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shared.ach");
    let (a, b) = (vec![1.0f64; 1000], vec![1.0f64; 1000]);
    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new()).unwrap();
    for (name, memory) in [("a", &a), ("b", &b)] {
        let tensor = TensorRef::new(memory, &[1000]).unwrap().volatile();
        writer.add(name, tensor).unwrap();
    }
    writer.finish().unwrap();
    let archive = Archive::open(path).unwrap();
    assert_ne!(extent_of(&archive, "a"), extent_of(&archive, "b"));
}

#[test]
fn threads_read_one_archive() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shared.ach");
    let all = samples::every_kind();
    let options = SaveOptions::new().cold("t/*").durable(false);
    save(&path, all.iter().map(|(n, v)| (n, v)), &options).unwrap();
    for (road, open) in ROADS {
        let archive = open(&path).unwrap();
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let (archive, start) = (archive.clone(), &start);
                scope.spawn(move || {
                    // Expected values of its own: cells and scopes are compared under their locks.
                    let expected = samples::every_kind();
                    start.wait();
                    for (name, value) in &expected {
                        let found = archive.get(name).unwrap();
                        assert!(value.identical(&found).unwrap(), "{road}: {name}");
                        let seen = archive.view(name).unwrap().to_value().unwrap();
                        assert!(value.identical(&seen).unwrap(), "{road}: {name}");
                    }
                });
            }
        });
    }
}

#[test]
fn tensors_outlive_the_archive_and_its_file() {
    for cold in [false, true] {
        for (road, open) in ROADS {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("shared.ach");
            let expected = samples::tensor(DType::F32, &[300, 100], Order::C);
            let mut options = SaveOptions::new().durable(false);
            if cold {
                options = options.cold("*");
            }
            save(&path, [("a", expected.clone())], &options).unwrap();
            let archive = open(&path).unwrap();
            let tensor = archive.tensor("a").unwrap();
            drop(archive);
            std::fs::remove_file(&path).unwrap();
            let row = tensor.slice(&"7".parse().unwrap()).unwrap();
            let bytes = expected.as_bytes().unwrap();
            assert!(tensor.as_bytes().unwrap() == bytes, "{road}");
            drop(tensor);
            assert_eq!(row.as_bytes().unwrap(), &bytes[7 * 400..8 * 400], "{road}");
        }
    }
}

#[test]
fn tensors_over_one_extent_share_one_buffer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shared.ach");
    let tensor = samples::tensor(DType::F64, &[1000], Order::C);
    save(
        &path,
        [("a", tensor.clone()), ("b", tensor)],
        &SaveOptions::new().cold("*"),
    )
    .unwrap();
    for (road, open) in ROADS {
        let archive = open(&path).unwrap();
        let (a, again, b) = (
            archive.tensor("a").unwrap(),
            archive.tensor("a").unwrap(),
            archive.tensor("b").unwrap(),
        );
        let place = a.as_bytes().unwrap().as_ptr();
        assert_eq!(again.as_bytes().unwrap().as_ptr(), place, "{road}");
        assert_eq!(b.as_bytes().unwrap().as_ptr(), place, "{road}");
        // Writing to one copies it and leaves the others.
        let mut own = a.clone();
        own.as_mut_slice::<f64>().unwrap()[0] = 1.5;
        assert_ne!(own.as_bytes().unwrap().as_ptr(), place);
        assert_eq!(a.as_bytes().unwrap(), b.as_bytes().unwrap());
    }
}

/// The child: looks at a tensor of 64 MiB again and again, and prints what stays resident.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "started by `memory_goes_with_the_last_tensor`"]
fn child_reads_large_tensors_and_tells_what_stays() {
    let path = std::env::var_os("SHARED_FILE").unwrap();
    let archive = Archive::open(path).unwrap();
    let before = resident_kib("VmRSS:");
    for _ in 0..3 {
        let tensor = archive.tensor("a").unwrap();
        assert_eq!(tensor.as_slice::<u8>().unwrap()[1 << 20], 7);
        assert!(resident_kib("VmRSS:") > before + 50_000);
    }
    let (after, peak) = (resident_kib("VmRSS:"), resident_kib("VmHWM:"));
    println!("grew {} {}", after.saturating_sub(before), peak - before);
}

#[cfg(target_os = "linux")]
fn resident_kib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    let number = line.split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn memory_goes_with_the_last_tensor() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shared.ach");
    let tensor = Tensor::from_vec(vec![7u8; 64 << 20], [64 << 20]).unwrap();
    save(&path, [("a", tensor)], &SaveOptions::new().durable(false)).unwrap();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_reads_large_tensors_and_tells_what_stays"])
        .args(["--ignored", "--nocapture"])
        .env("SHARED_FILE", &path)
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(child.status.success(), "{out}");
    let told = out.split("grew ").nth(1).expect(&out);
    let numbers: Vec<u64> = told
        .split_whitespace()
        .map_while(|word| word.parse().ok())
        .collect();
    let [stays, peak] = numbers[..] else {
        panic!("{out}");
    };
    assert!(stays < 8 * 1024, "{stays} KiB stay");
    assert!(peak < 80 * 1024, "{peak} KiB at the peak");
}
