//! Promises: arrays larger than memory are written piece by piece, computed in place, and walked in
//! blocks; what is published is whole, and what fails leaves nothing.

mod samples;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use achronyme_env::{
    Archive, ArchiveWriter, BindingOptions, Codec, DType, EnvError, Order, Record, SaveOptions,
    Slice, Storage, StringArray, Tensor, TensorRef, Typed, Value, content_hash, read_cancellable,
    save,
};

fn options() -> SaveOptions {
    SaveOptions::new().created_at(0).durable(false)
}

fn overwrite() -> SaveOptions {
    options().allow_overwrite(true)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[allow(unsafe_code)]
fn mapped(path: &Path) -> Archive {
    // SAFETY: nobody writes to the file while it is open.
    unsafe { Archive::open_mmap(path).unwrap() }
}

fn read(path: &Path) -> Archive {
    Archive::open(path).unwrap()
}

/// Ways to a tensor of an archive.
const ROADS: [fn(&Path) -> Archive; 2] = [read, mapped];

fn verified(path: &Path) -> Archive {
    let archive = read(path);
    let report = archive.verify().unwrap();
    assert!(report.is_ok(), "{report:?}");
    archive
}

/// Numbers that compress, no two blocks alike.
fn numbers(len: u32) -> Vec<f64> {
    (0..len).map(|n| f64::from(n / 3)).collect()
}

fn tensor(len: u32) -> Tensor {
    Tensor::from_vec(numbers(len), [u64::from(len)]).unwrap()
}

// Streaming

/// Memory that knows whether it is held.
#[derive(Debug)]
struct Counted {
    bytes: Vec<u8>,
    alive: Arc<AtomicUsize>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Relaxed);
    }
}

impl Storage for Counted {
    fn byte_len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn range(&self, start: u64, len: u64) -> achronyme_env::Result<&[u8]> {
        Ok(&self.bytes[start as usize..][..len as usize])
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> achronyme_env::Result<()> {
        out.copy_from_slice(&self.bytes[start as usize..][..out.len()]);
        Ok(())
    }
}

#[test]
fn a_streaming_writer_never_holds_what_was_added_together() {
    let dir = tempfile::tempdir().unwrap();
    for compress in [false, true] {
        let path = dir.path().join("a.ach");
        let alive = Arc::new(AtomicUsize::new(0));
        let options = overwrite().streaming(true).compress(compress);
        let mut writer = ArchiveWriter::create(&path, &options).unwrap();
        let mut most = 0;
        for n in 0..40u8 {
            alive.fetch_add(1, Relaxed);
            let bytes = vec![n; 1 << 20];
            let storage = Arc::new(Counted {
                bytes,
                alive: Arc::clone(&alive),
            });
            let tensor = Tensor::from_storage(DType::U8, [1 << 20], Order::C, storage).unwrap();
            // In a record too.
            let value = match n % 2 {
                0 => Value::from(tensor),
                _ => Record::from([("inner", Value::from(tensor))]).into(),
            };
            writer.add(&format!("t{n}"), value).unwrap();
            most = most.max(alive.load(Relaxed));
        }
        assert!(most <= 5, "{most} MiB were held");
        let report = writer.finish().unwrap();
        assert_eq!((report.bindings, report.raw_bytes), (40, 40 << 20));
        let archive = verified(&path);
        for n in [0u8, 38] {
            let tensor = archive.tensor(&format!("t{n}")).unwrap();
            assert!(tensor.as_slice::<u8>().unwrap().iter().all(|b| *b == n));
        }
        let inner = archive.at("t39.inner[7:8]").unwrap();
        assert_eq!(inner.as_tensor().unwrap().as_slice::<u8>().unwrap(), [39]);
    }
}

#[test]
fn a_streamed_archive_holds_what_a_saved_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let (saved, streamed) = (
        dir.path().join("saved.ach"),
        dir.path().join("streamed.ach"),
    );
    let long = "text ".repeat(40_000);
    let values = [
        ("big", Value::from(tensor(2_000_000))),
        ("small", tensor(3).into()),
        (
            "empty",
            Tensor::from_vec(Vec::<f32>::new(), [0, 5]).unwrap().into(),
        ),
        ("text", Value::from(long.as_str())),
        ("number", Value::from(1.5)),
        (
            "tree",
            Record::from([("a", Value::from(tensor(70_000))), ("b", 1.into())]).into(),
        ),
    ];
    for (given, expected_cold) in [
        (options(), false),
        (options().compress(true), true),
        (options().cold("big").seal(true), true),
        (options().auto_cold(0.25).description("d"), true),
    ] {
        let given = given.allow_overwrite(true);
        let bindings = || values.iter().map(|(name, value)| (*name, value));
        let report = save(&saved, bindings(), &given).unwrap();
        let given = given.streaming(true);
        let other = save(&streamed, bindings(), &given).unwrap();
        assert_eq!(report.stored_bytes, other.stored_bytes);
        let (saved, archive) = (verified(&saved), verified(&streamed));
        assert_eq!(
            content_hash(&saved).unwrap(),
            content_hash(&archive).unwrap()
        );
        let extents = |archive: &Archive| archive.binding("big").unwrap().extents().unwrap();
        assert_eq!(extents(&saved)[0].digest, extents(&archive)[0].digest);
        let is_cold = extents(&archive)[0].codec == Some(Codec::Zstd);
        assert_eq!(is_cold, expected_cold);
        for (name, value) in &values {
            for road in ROADS {
                assert!(road(&streamed).get(name).unwrap().identical(value).unwrap());
            }
        }
        // Same input, same bytes.
        let first = fs::read(&streamed).unwrap();
        save(&streamed, bindings(), &given).unwrap();
        assert!(fs::read(&streamed).unwrap() == first);
    }
    save(
        &streamed,
        [] as [(&str, Value); 0],
        &overwrite().streaming(true),
    )
    .unwrap();
    assert_eq!(verified(&streamed).len(), 0);
}

#[test]
fn equal_arrays_are_stored_once_though_the_first_is_let_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let options = options().streaming(true);
    let mut writer = ArchiveWriter::create(&path, &options).unwrap();
    for n in 0..10 {
        // New memory each time, perhaps at the address of the last.
        let mut values = numbers(700_000);
        values[350_000] = f64::from(n % 2);
        let tensor = Tensor::from_vec(values, [700_000]).unwrap();
        writer.add(&format!("t{n}"), Value::from(tensor)).unwrap();
    }
    let report = writer.finish().unwrap();
    assert_eq!(report.raw_bytes, 2 * 700_000 * 8);
    let archive = verified(&path);
    for n in 0..10 {
        let value = archive.at(&format!("t{n}[350000:350001]")).unwrap();
        let elements = value.as_tensor().unwrap().as_slice::<f64>().unwrap();
        assert_eq!(elements, [f64::from(n % 2)]);
    }
}

#[test]
fn another_implementation_reads_a_streamed_archive() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut writer = ArchiveWriter::create(&path, &options()).unwrap();
    writer.add("before", 1.5).unwrap();
    writer.add("text", "a text").unwrap();
    let mut reserved = writer
        .reserve_tensor("t", DType::F64, &[1000, 100])
        .unwrap();
    reserved
        .as_mut_slice::<f64>()
        .unwrap()
        .copy_from_slice(&numbers(100_000));
    writer.finish().unwrap();
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python_reader");
    let script = "import sys; sys.path.insert(0, sys.argv[1]); import ach_reader; \
                  a = ach_reader.Archive(open(sys.argv[2], 'rb').read()); \
                  print(a.verify(), sorted(a.entries))";
    let mut command = std::process::Command::new("python3");
    command.args(["-B", "-c", script]).args([&reader, &path]);
    let out = command.output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{errors}");
    assert_eq!(text.trim(), "[] ['before', 't', 'text']");
}

// Reserved tensors

#[test]
fn a_reserved_tensor_has_the_bytes_of_one_saved_from_memory() {
    let dir = tempfile::tempdir().unwrap();
    let (from_memory, in_place) = (dir.path().join("m.ach"), dir.path().join("p.ach"));
    for len in [1u32, 8192, 8193, 131_072, 1_000_003] {
        for seal in [false, true] {
            let given = overwrite().seal(seal);
            let attributes = BindingOptions::new().attributes(Record::from([("unit", "K")]));
            let shape = [u64::from(len)];
            let values = numbers(len);

            let mut writer =
                ArchiveWriter::create(&from_memory, &given.clone().streaming(true)).unwrap();
            writer.add("before", tensor(10)).unwrap();
            let borrowed = TensorRef::new(&values, &shape).unwrap();
            writer.add_with("t", borrowed, &attributes).unwrap();
            writer.add("after", "text").unwrap();
            writer.finish().unwrap();

            let mut writer = ArchiveWriter::create(&in_place, &given).unwrap();
            writer.add("before", tensor(10)).unwrap();
            let mut reserved = writer
                .reserve_tensor_with("t", DType::F64, &shape, &attributes)
                .unwrap();
            assert!(
                reserved
                    .as_slice::<f64>()
                    .unwrap()
                    .iter()
                    .all(|x| *x == 0.0)
            );
            reserved.as_mut_slice().unwrap().copy_from_slice(&values);
            writer.add("after", "text").unwrap();
            // Written again after something was added behind it.
            let reserved = writer.reserved("t").unwrap();
            assert_eq!(reserved.as_slice::<f64>().unwrap(), values);
            let report = writer.finish().unwrap();
            assert_eq!(report.bindings, 3);

            assert!(
                fs::read(&in_place).unwrap() == fs::read(&from_memory).unwrap(),
                "{len} {seal}"
            );
            let archive = verified(&in_place);
            assert_eq!(
                archive.tensor("t").unwrap().as_slice::<f64>().unwrap(),
                values
            );
            assert_eq!(
                archive
                    .attributes("t")
                    .unwrap()
                    .get("unit")
                    .unwrap()
                    .as_str(),
                Some("K")
            );
        }
    }
}

#[test]
fn what_is_never_written_is_zero_and_its_sums_are_right() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut writer = ArchiveWriter::create(&path, &options()).unwrap();
    writer
        .reserve_tensor("zeros", DType::I32, &[300, 1000])
        .unwrap();
    writer
        .reserve_tensor("none", DType::F64, &[0, 1 << 40])
        .unwrap();
    writer.reserve_tensor("scalar", DType::U8, &[]).unwrap();
    let mut none = writer.reserved("none").unwrap();
    assert!(none.is_empty() && none.as_mut_slice::<f64>().unwrap().is_empty());
    assert!(none.rows_mut::<f64>(0, 0).unwrap().is_empty());
    assert!(none.rows_mut::<f64>(0, 1).is_err());
    writer.finish().unwrap();
    let archive = verified(&path);
    let zeros = archive.tensor("zeros").unwrap();
    assert!(zeros.as_slice::<i32>().unwrap().iter().all(|x| *x == 0));
    assert_eq!(archive.tensor("none").unwrap().shape(), [0, 1 << 40]);
    assert_eq!(
        archive.tensor("scalar").unwrap().as_slice::<u8>().unwrap(),
        [0]
    );
}

#[test]
fn several_reserved_tensors_are_written_at_once_and_touch_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut writer = ArchiveWriter::create(&path, &options()).unwrap();
    let shapes: [&[u64]; 4] = [&[7], &[1000, 100], &[3, 5], &[250_000]];
    for (n, shape) in shapes.iter().enumerate() {
        writer.add(&format!("v{n}"), tensor(10 + n as u32)).unwrap();
        writer
            .reserve_tensor(&format!("t{n}"), DType::F32, shape)
            .unwrap();
    }
    std::thread::scope(|scope| {
        for (n, mut tensor) in writer.all_reserved().enumerate() {
            scope.spawn(move || tensor.as_mut_slice::<f32>().unwrap().fill(n as f32 + 1.0));
        }
    });
    writer.finish().unwrap();
    let archive = verified(&path);
    for (n, shape) in shapes.iter().enumerate() {
        let t = archive.tensor(&format!("t{n}")).unwrap();
        assert_eq!(t.shape(), *shape);
        assert!(
            t.as_slice::<f32>()
                .unwrap()
                .iter()
                .all(|x| *x == n as f32 + 1.0)
        );
        let v = archive.get(&format!("v{n}")).unwrap();
        assert!(v.identical(&tensor(10 + n as u32).into()).unwrap());
    }
}

#[test]
fn arrays_that_are_equal_to_one_that_was_packed_are_streamed_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let given = options().streaming(true).auto_cold(0.5);
    let mut writer = ArchiveWriter::create(&path, &given).unwrap();
    for name in ["a", "b"] {
        let zeros = Tensor::from_vec(vec![0u8; 8 << 20], [8 << 20]).unwrap();
        writer.add(name, zeros).unwrap();
    }
    writer.finish().unwrap();
    let archive = verified(&path);
    for name in ["a", "b"] {
        let extent = archive.binding(name).unwrap().extents().unwrap()[0];
        assert_eq!(extent.codec, Some(Codec::Zstd));
        let zeros = archive.tensor(name).unwrap();
        assert!(
            zeros
                .as_slice::<u8>()
                .unwrap()
                .iter()
                .all(|byte| *byte == 0)
        );
    }
}

#[test]
fn a_flipped_byte_of_a_reserved_tensor_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut writer = ArchiveWriter::create(&path, &options()).unwrap();
    let mut reserved = writer.reserve_tensor("t", DType::U8, &[1 << 20]).unwrap();
    reserved.as_mut_slice::<u8>().unwrap().fill(5);
    writer.finish().unwrap();
    let extent = verified(&path).binding("t").unwrap().extents().unwrap()[0];
    let mut bytes = fs::read(&path).unwrap();
    bytes[extent.offset as usize + 700_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let report = read(&path).verify().unwrap();
    assert_eq!(report.faults.len(), 1);
    assert_eq!(report.faults[0].variables, ["t"]);
    let archive = read(&path);
    let tensor = archive.tensor("t").unwrap();
    let mut blocks = tensor.blocks::<u8>(1 << 16).unwrap();
    let failed = std::iter::from_fn(|| blocks.next_block().map(|b| b.map(drop)).transpose())
        .find(Result::is_err);
    assert!(
        failed
            .unwrap()
            .unwrap_err()
            .to_string()
            .contains("variable 't'")
    );
}

#[test]
fn another_type_or_a_range_that_is_not_there_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut writer = ArchiveWriter::create(&path, &options()).unwrap();
    let mut t = writer.reserve_tensor("t", DType::F64, &[10, 4]).unwrap();
    assert_eq!(
        (t.name(), t.dtype(), t.shape(), t.len()),
        ("t", DType::F64, &[10, 4][..], 40)
    );
    let error = t.as_mut_slice::<f32>().unwrap_err().to_string();
    assert!(
        error.contains("variable 't'") && error.contains("not float32"),
        "{error}"
    );
    assert!(t.as_slice::<i64>().is_err());
    assert_eq!(t.range_mut::<f64>(36, 4).unwrap().len(), 4);
    assert_eq!(t.range_mut::<f64>(40, 0).unwrap().len(), 0);
    for (start, len) in [(37, 4), (41, 0), (u64::MAX, 2), (0, u64::MAX)] {
        let error = t.range_mut::<f64>(start, len).unwrap_err().to_string();
        assert!(error.contains("there are 40 elements"), "{error}");
    }
    t.rows_mut::<f64>(8, 2).unwrap().fill(1.0);
    for (start, len) in [(9, 2), (11, 0), (u64::MAX, 2)] {
        let error = t.rows_mut::<f64>(start, len).unwrap_err().to_string();
        assert!(error.contains("there are 10 rows"), "{error}");
    }
    writer.finish().unwrap();
    let rows = verified(&path).at("t[7:9]").unwrap();
    let expected = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    assert_eq!(
        rows.as_tensor().unwrap().as_slice::<f64>().unwrap(),
        expected
    );
}

#[test]
fn what_cannot_be_reserved_is_refused_at_once_and_the_archive_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let given = options()
        .cold("cold*")
        .exclude("tmp*")
        .max_file_size(1 << 20);
    let mut writer = ArchiveWriter::create(&path, &given).unwrap();
    writer.add("known", 1i64).unwrap();
    let mut refused = |name: &str, shape: &[u64], expected: &str| {
        let error = writer
            .reserve_tensor(name, DType::F64, shape)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused("cold one", &[4], "cannot be compressed");
    refused("tmp", &[4], "leave it out");
    refused("known", &[4], "given twice");
    refused("t", &[1 << 40, 1 << 40], "does not fit 63 bits");
    refused("t", &[1; 65], "65 dimensions");
    refused("t", &[1 << 20], "above max_file_size");
    writer.reserve_tensor("t", DType::F64, &[4]).unwrap();
    let error = writer.add("t", 2i64).unwrap_err().to_string();
    assert!(error.contains("given twice"), "{error}");
    let deep = (0..200).fold(Value::from(1i64), |inner, _| Value::vector([inner]));
    let deep = BindingOptions::new().attributes(Record::from([("deep", deep)]));
    let error = writer.reserve_tensor_with("deep", DType::F64, &[4], &deep);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("levels"), "{error}");
    writer.finish().unwrap();
    assert_eq!(verified(&path).names().collect::<Vec<_>>(), ["known", "t"]);
}

#[test]
fn a_boolean_that_is_none_is_not_published() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut writer = ArchiveWriter::create(&path, &options()).unwrap();
    let mut t = writer.reserve_tensor("mask", DType::Bool, &[4]).unwrap();
    t.as_bytes_mut()[2] = 2;
    let error = writer.finish().unwrap_err().to_string();
    assert!(error.contains("variable 'mask'"), "{error}");
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_writer_dropped_with_reserved_tensors_leaves_the_old_file_and_no_litter() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    fs::write(&path, "old").unwrap();
    let mut writer = ArchiveWriter::create(&path, &overwrite()).unwrap();
    let mut t = writer.reserve_tensor("t", DType::F64, &[1 << 20]).unwrap();
    t.as_mut_slice::<f64>().unwrap().fill(1.0);
    assert_eq!(names(dir.path()).len(), 2);
    drop(writer);
    assert_eq!(names(dir.path()), ["a.ach"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn a_cancelled_publish_leaves_the_old_file_and_no_litter() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    fs::write(&path, "old").unwrap();
    // Before the summing, and within it.
    for at_first in [true, false] {
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        let seen = Arc::new(AtomicU64::new(0));
        let last = Arc::clone(&seen);
        let given = overwrite()
            .cancel(Arc::clone(&flag))
            .on_progress(move |done, total| {
                assert!(done <= total && total == 32 << 20);
                last.store(done, Relaxed);
                raised.store(true, Relaxed);
            });
        let mut writer = ArchiveWriter::create(&path, &given).unwrap();
        let mut t = writer.reserve_tensor("t", DType::F64, &[4 << 20]).unwrap();
        t.as_mut_slice::<f64>().unwrap().fill(1.0);
        flag.store(at_first, Relaxed);
        let error = writer.finish().unwrap_err();
        assert!(matches!(error, EnvError::Cancelled { .. }), "{error}");
        assert_eq!(seen.load(Relaxed) == 0, at_first);
        assert!(seen.load(Relaxed) < 32 << 20);
        assert_eq!(names(dir.path()), ["a.ach"]);
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
}

#[test]
fn progress_of_a_streamed_save_ends_at_all_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let most = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&most);
    let given = options().on_progress(move |done, total| {
        assert!(done <= total);
        seen.fetch_max(done, Relaxed);
    });
    let mut writer = ArchiveWriter::create(&path, &given).unwrap();
    writer.add("a", tensor(1_000_000)).unwrap();
    writer.reserve_tensor("t", DType::U8, &[5 << 20]).unwrap();
    writer.add("b", tensor(900_001)).unwrap();
    let report = writer.finish().unwrap();
    assert_eq!(most.load(Relaxed), report.raw_bytes);
    assert_eq!(report.raw_bytes, 8_000_000 + (5 << 20) + 900_001 * 8);
}

fn path_of_child() -> PathBuf {
    std::env::var_os("BIG_FILE").unwrap().into()
}

#[test]
#[ignore = "started by `a_full_disk_is_an_error_of_the_reservation_and_no_signal`"]
fn child_reserves_more_than_it_may() {
    let path = path_of_child();
    let mut writer = ArchiveWriter::create(&path, &overwrite()).unwrap();
    let error = writer
        .reserve_tensor("t", DType::U8, &[1 << 20])
        .unwrap_err();
    let EnvError::Io { action, source, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!((*action, source.kind()), ("write", ErrorKind::FileTooLarge));
    println!("refused: {error}");
    // The writer goes on, with what fits.
    let mut t = writer.reserve_tensor("t", DType::U8, &[50 << 10]).unwrap();
    t.as_mut_slice::<u8>().unwrap().fill(9);
    writer.finish().unwrap();
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_of_the_reservation_and_no_signal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    fs::write(&path, "old").unwrap();
    let mut command = std::process::Command::new("sh");
    // The signal of the limit is ignored, as it is by programs that expect the error.
    let script = "trap '' XFSZ && ulimit -f 200 && exec \"$0\" --exact child_reserves_more_than_it_may --ignored --nocapture";
    command
        .arg("-c")
        .arg(script)
        .arg(std::env::current_exe().unwrap());
    let out = command.env("BIG_FILE", &path).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success(),
        "{text} {}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert_eq!(text.matches("refused: ").count(), 1, "{text}");
    assert_eq!(names(dir.path()), ["a.ach"]);
    assert_eq!(
        verified(&path)
            .tensor("t")
            .unwrap()
            .as_slice::<u8>()
            .unwrap()[0],
        9
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_reservation_beyond_the_disk_is_an_error_with_both_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut writer = ArchiveWriter::create(&path, &options()).unwrap();
    let error = writer
        .reserve_tensor("t", DType::U8, &[8 << 40])
        .unwrap_err();
    let EnvError::DiskFull { needed, free, .. } = error else {
        panic!("{error}")
    };
    assert!(needed > 8 << 40 && free < needed);
    drop(writer);
    assert!(names(dir.path()).is_empty());
}

// Blocks

#[test]
fn blocks_are_all_elements_once_on_every_road_hot_and_cold() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let values = numbers(500_001);
    for given in [overwrite(), overwrite().compress(true)] {
        save(&path, [("t", tensor(500_001))], &given).unwrap();
        for road in ROADS {
            let archive = road(&path);
            let whole = archive.tensor("t").unwrap();
            let part = whole
                .slice(&"1003:400000".parse::<Slice>().unwrap())
                .unwrap();
            for (tensor, expected) in [(&whole, &values[..]), (&part, &values[1003..400_000])] {
                for most in [8, 1000, 64 << 10, 100_001, 1 << 20, 1 << 30] {
                    // A few blocks of the smallest are enough.
                    let expected = if most < 1000 {
                        &expected[..20_000]
                    } else {
                        expected
                    };
                    let mut found = Vec::new();
                    let mut blocks = tensor.blocks::<f64>(most).unwrap();
                    while found.len() < expected.len() {
                        let (first, block) = blocks.next_block().unwrap().unwrap();
                        assert_eq!(first as usize, found.len());
                        assert!(!block.is_empty() && size_of_val(block) as u64 <= most);
                        found.extend_from_slice(block);
                    }
                    assert!(found == expected, "{most}");
                    if most >= 1000 {
                        assert!(blocks.next_block().unwrap().is_none());
                    }
                }
            }
        }
    }
}

#[test]
fn blocks_of_memory_and_of_nothing() {
    let memory = tensor(1000);
    let mut blocks = memory.blocks::<f64>(4000).unwrap();
    let (_, first) = blocks.next_block().unwrap().unwrap();
    // Lent, not copied.
    assert_eq!(first.as_ptr(), memory.as_slice::<f64>().unwrap().as_ptr());
    let none = Tensor::from_vec(Vec::<f64>::new(), [3, 0]).unwrap();
    assert!(
        none.blocks::<f64>(8)
            .unwrap()
            .next_block()
            .unwrap()
            .is_none()
    );
    assert!(matches!(
        memory.blocks::<f32>(4000),
        Err(EnvError::DTypeMismatch { .. })
    ));
    let error = memory.blocks::<f64>(7).unwrap_err().to_string();
    assert!(error.contains("blocks of 7 bytes"), "{error}");
}

#[test]
fn a_damaged_block_ends_the_walk_where_it_stands_on_every_road() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    for given in [overwrite(), overwrite().compress(true)] {
        // Above what a map lends without a check as a whole.
        save(&path, [("t", tensor(9 << 20))], &given).unwrap();
        let extent = read(&path).binding("t").unwrap().extents().unwrap()[0];
        let mut bytes = fs::read(&path).unwrap();
        bytes[(extent.offset + extent.stored_len / 2) as usize] ^= 64;
        fs::write(&path, bytes).unwrap();
        for road in ROADS {
            for most in [1 << 20, 1 << 30] {
                let archive = road(&path);
                let tensor = archive.tensor("t").unwrap();
                let mut blocks = tensor.blocks::<f64>(most).unwrap();
                let mut good = 0;
                let error = loop {
                    match blocks.next_block() {
                        Ok(Some(_)) => good += 1,
                        Ok(None) => panic!("nothing was found"),
                        Err(error) => break error,
                    }
                };
                assert_eq!(good > 0, most == 1 << 20);
                let text = error.to_string();
                assert!(
                    text.contains("variable 't'") && error.fault().is_some(),
                    "{text}"
                );
                // The same block fails again; nothing is passed over.
                assert!(blocks.next_block().is_err());
            }
        }
    }
}

#[test]
fn a_walk_is_given_up_when_its_flag_is_raised() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save(&path, [("t", tensor(1 << 20))], &options()).unwrap();
    for road in ROADS {
        let archive = road(&path);
        let tensor = archive.tensor("t").unwrap();
        let flag = Arc::new(AtomicBool::new(false));
        let walked = read_cancellable(&flag, || -> achronyme_env::Result<u64> {
            let mut blocks = tensor.blocks::<f64>(1 << 20)?;
            let mut count = 0;
            while blocks.next_block()?.is_some() {
                count += 1;
                flag.store(count == 3, Relaxed);
            }
            Ok(count)
        });
        assert!(matches!(
            walked.unwrap_err(),
            EnvError::Variable { .. } | EnvError::Cancelled { .. }
        ));
    }
}

// Several variables at once

fn three(path: &Path, given: &SaveOptions) -> Vec<(String, Value)> {
    let inner = Record::from([("inner", Value::from(tensor(300_000)))]);
    let cell = achronyme_env::Cell::new(tensor(100_001));
    let values = vec![
        ("a".to_owned(), Value::from(tensor(500_000))),
        ("b".to_owned(), inner.into()),
        ("c".to_owned(), Value::Cell(cell.clone())),
        ("d".to_owned(), Value::Cell(cell)),
        ("e".to_owned(), Value::from(7)),
    ];
    save(path, values.iter().map(|(n, v)| (n, v)), given).unwrap();
    values
}

#[test]
fn get_many_answers_in_the_order_of_the_names_with_everything_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    for given in [overwrite(), overwrite().compress(true)] {
        let values = three(&path, &given);
        for road in ROADS {
            let archive = road(&path);
            let most = AtomicU64::new(0);
            let all = 500_000 * 8 + 300_000 * 8 + 100_001 * 8;
            let many = archive.get_many_with(&["e", "b", "d", "a", "c"], |done, total| {
                assert!(done <= total && total == all);
                most.fetch_max(done, Relaxed);
            });
            let many = many.unwrap();
            assert_eq!(most.load(Relaxed), all);
            for (found, expected) in many.iter().zip([4, 1, 3, 0, 2]) {
                assert!(found.identical(&values[expected].1).unwrap());
            }
            let (Value::Cell(d), Value::Cell(c)) = (&many[2], &many[4]) else {
                panic!("{many:?}");
            };
            assert!(c.same(d));
            assert!(archive.is_checked("a").unwrap());
            let error = archive.get_many(&["a", "bb"]).unwrap_err();
            assert!(matches!(error, EnvError::NotFound { .. }), "{error}");
            assert!(archive.get_many::<&str>(&[]).unwrap().is_empty());
            let flag = Arc::new(AtomicBool::new(true));
            let error = read_cancellable(&flag, || road(&path).get_many(&["a"])).unwrap_err();
            assert!(matches!(error, EnvError::Cancelled { .. }), "{error}");
        }
    }
}

#[test]
fn get_many_names_the_variable_that_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    three(&path, &overwrite());
    let extent = read(&path).binding("b").unwrap().extents().unwrap()[0];
    let mut bytes = fs::read(&path).unwrap();
    bytes[extent.offset as usize + 9] ^= 1;
    fs::write(&path, bytes).unwrap();
    for road in ROADS {
        let error = road(&path).get_many(&["a", "b", "c"]).unwrap_err();
        assert!(error.to_string().starts_with("variable 'b'"), "{error}");
    }
}

#[test]
fn get_many_reads_what_stands_behind_strings_and_typed_values() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let words: Vec<String> = (0..5000).map(|n| format!("word {n}")).collect();
    let strings = StringArray::new(&words, [5000]).unwrap();
    let typed = Typed {
        type_name: "a.Type".into(),
        version: 1,
        alignment: 8,
        fingerprint: 7,
        bytes: Tensor::from_vec(vec![5u8; 4096], [4096]).unwrap(),
    };
    let values = [("strings", Value::from(strings)), ("typed", typed.into())];
    let borrowed = values.iter().map(|(name, value)| (*name, value));
    save(&path, borrowed, &overwrite()).unwrap();
    let whole = fs::read(&path).unwrap();
    for (name, _) in &values {
        for extent in read(&path).binding(name).unwrap().extents().unwrap() {
            let mut bytes = whole.clone();
            bytes[extent.offset as usize + 9] ^= 1;
            let damaged = dir.path().join("damaged.ach");
            fs::write(&damaged, bytes).unwrap();
            for road in ROADS {
                let error = road(&damaged).get_many(&[name]).unwrap_err();
                assert!(error.fault().is_some(), "{name}: {error}");
            }
        }
    }
}

#[test]
fn a_prefetch_changes_nothing_and_never_fails() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let values = three(&path, &overwrite());
    for road in ROADS {
        let archive = road(&path);
        let asked = archive.prefetch(&["a", "b", "e", "no such name"]);
        if cfg!(target_os = "linux") {
            assert_eq!(asked, 800_000 * 8);
        }
        assert!(!archive.is_checked("a").unwrap());
        assert!(archive.get("a").unwrap().identical(&values[0].1).unwrap());
    }
    let memory = Archive::from_bytes(fs::read(&path).unwrap()).unwrap();
    assert_eq!(memory.prefetch(&["a"]), 0);
}

// Memory that outlives its writer

#[test]
#[cfg(unix)]
#[allow(unsafe_code)]
fn memory_that_outlives_the_writer_keeps_its_bytes_and_does_not_change_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut writer = ArchiveWriter::create(&path, &options()).unwrap();
    // The second stands in the middle of a page, and its neighbours with it.
    for (name, len) in [("large", 100_000), ("small", 100), ("other", 100)] {
        let mut reserved = writer.reserve_tensor(name, DType::F64, &[len]).unwrap();
        reserved
            .as_mut_slice::<f64>()
            .unwrap()
            .copy_from_slice(&numbers(len as u32));
    }
    let memory = |writer: &mut ArchiveWriter<'_>, name: &str| {
        let mut reserved = writer.reserved(name).unwrap();
        let memory = reserved.memory().unwrap().unwrap();
        let again = reserved.memory().unwrap().unwrap();
        assert_eq!(memory.as_ptr(), again.as_ptr());
        assert_eq!(memory.len() as u64, reserved.byte_len());
        memory
    };
    let (large, small) = (memory(&mut writer, "large"), memory(&mut writer, "small"));
    // SAFETY: nobody else reads or writes them.
    unsafe {
        large.as_ptr().cast::<f64>().write(-1.0);
        small.as_ptr().cast::<f64>().add(99).write(-2.0);
    }
    writer.finish().unwrap();
    let published = fs::read(&path).unwrap();
    for (memory, len, changed) in [(large, 100_000, 0), (small, 100, 99)] {
        // SAFETY: as many elements as were reserved, which nobody writes meanwhile.
        let kept = unsafe { std::slice::from_raw_parts(memory.as_ptr().cast::<f64>(), len) };
        let mut expected = numbers(len as u32);
        expected[changed] = if len == 100 { -2.0 } else { -1.0 };
        assert_eq!(kept, expected);
        // SAFETY: `kept` is used no more.
        unsafe { memory.as_ptr().write_bytes(0xFF, memory.len()) };
    }
    assert_eq!(fs::read(&path).unwrap(), published);
    let archive = verified(&path);
    let small = archive.tensor("small").unwrap();
    assert_eq!(small.as_slice::<f64>().unwrap()[99], -2.0);
    let other = archive.tensor("other").unwrap();
    assert_eq!(other.as_slice::<f64>().unwrap(), numbers(100));
    assert_eq!(names(dir.path()), ["a.ach"]);
}

#[test]
#[cfg(unix)]
#[allow(unsafe_code)]
fn memory_of_a_writer_that_was_dropped_can_still_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut writer = ArchiveWriter::create(&path, &options()).unwrap();
    let mut reserved = writer.reserve_tensor("t", DType::U8, &[1 << 20]).unwrap();
    let memory = reserved.memory().unwrap().unwrap();
    assert!(
        writer
            .reserve_tensor("none", DType::U8, &[0])
            .unwrap()
            .memory()
            .unwrap()
            .is_none()
    );
    drop(writer);
    assert_eq!(names(dir.path()), [""; 0]);
    // SAFETY: nobody else reads or writes it.
    unsafe { memory.as_ptr().write_bytes(7, memory.len()) };
    // SAFETY: as above.
    assert_eq!(unsafe { memory.as_ptr().add(memory.len() - 1).read() }, 7);
}
