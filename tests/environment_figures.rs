//! Promise: a restored environment costs what is looked at: restoring reads header, table and
//! nodes, and saving it back copies no tensor in memory, also over the very file it came from.
#![cfg(target_os = "linux")]

mod environment;
mod samples;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use achronyme_env::{
    Archive, Cell, DType, Environment, Order, Record, RestoreOptions, SaveOptions, Storage, Tensor,
    Value, env_info, get_metadata, restore_environment, save_environment,
};
use environment::{ROADS, assert_same, environment, quick};

/// Zeros of any length that need no memory.
#[derive(Debug)]
struct Zeros(u64, u64);

impl Storage for Zeros {
    fn byte_len(&self) -> u64 {
        self.0
    }

    fn range(&self, _: u64, _: u64) -> achronyme_env::Result<&[u8]> {
        unreachable!("a save reads piece by piece")
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> achronyme_env::Result<()> {
        out.fill(0);
        // The first number keeps tensors from being one.
        if let (0, Some(first)) = (start, out.first_chunk_mut()) {
            *first = self.1.to_le_bytes();
        }
        Ok(())
    }
}

/// Saves `count` tensors of `len` bytes each, and a thousand other variables.
fn large(path: &Path, count: u64, len: u64) {
    let tensor = |n: u64| {
        let storage = std::sync::Arc::new(Zeros(len, n));
        Value::from(Tensor::from_storage(DType::F64, [len / 8], Order::C, storage).unwrap())
    };
    let mut env = Environment::new();
    for n in 0..count {
        env.set(&format!("tensor {n}"), tensor(n)).unwrap();
    }
    for n in 0..1000i64 {
        let value = match n % 2 {
            0 => n.into(),
            _ => Value::from(samples::record(3)),
        };
        env.set(&format!("v{n}"), value).unwrap();
    }
    save_environment(&env, path, quick()).unwrap();
}

/// Makes holes of the zeros in a file.
fn sparse(path: &Path) {
    let dug = Command::new("fallocate")
        .arg("--dig-holes")
        .arg(path)
        .status();
    // Only the disk is spared by it.
    let _ = dug;
}

/// Bytes that this thread has read with system calls.
fn bytes_read() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/io").unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("rchar:"))
        .unwrap();
    line.split_once(": ").unwrap().1.parse().unwrap()
}

#[test]
fn restoring_a_gibibyte_reads_header_table_and_nodes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.ach");
    large(&path, 16, 64 << 20);
    sparse(&path);
    let counting = {
        let first = bytes_read();
        bytes_read() - first
    };
    for (road, open) in ROADS {
        let before = bytes_read();
        let back = open(&path, &RestoreOptions::new()).unwrap();
        let read = bytes_read() - before - counting;
        assert_eq!(back.report.bindings, 1016);
        assert!(read < 512 << 10, "{road} read {read} bytes");
        let tensor = back
            .environment
            .get("tensor 7")
            .unwrap()
            .as_tensor()
            .unwrap();
        assert_eq!(tensor.shape(), [8 << 20]);
    }
}

#[test]
fn metadata_and_info_read_no_array_data() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.ach");
    large(&path, 1, 64 << 20);
    let whole = fs::metadata(&path).unwrap().len();
    let read = |look: &dyn Fn()| {
        let before = bytes_read();
        look();
        bytes_read() - before
    };
    let of_info = read(&|| assert_eq!(env_info(&path).unwrap().num_bindings, 1001));
    let of_metadata = read(&|| assert!(get_metadata(&path).unwrap().created_at > 0));
    assert!(of_info < 512 << 10, "{of_info} of {whole} bytes");
    assert!(of_metadata < 256 << 10, "{of_metadata} of {whole} bytes");
}

/// Version 1 checked neither sum nor version before it answered.
#[test]
fn metadata_and_info_answer_for_no_byte_that_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("small.ach");
    let env = environment([("x", samples::record(3).into()), ("f", 1.5.into())]);
    let options = quick().description("a run").tag("t").custom("k", "v");
    save_environment(&env, &path, options).unwrap();
    let expected = (get_metadata(&path).unwrap(), env_info(&path).unwrap());
    assert_eq!(expected.0.description.as_deref(), Some("a run"));
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x21;
        fs::write(&path, bytes).unwrap();
        match get_metadata(&path) {
            // What is not looked at may be anything.
            Ok(metadata) => assert_eq!(metadata, expected.0, "{at}"),
            Err(_) => refused += 1,
        }
        if let Ok(info) = env_info(&path) {
            assert_eq!(info, expected.1, "{at}");
        }
    }
    let table_end = 64
        + whole[48..56]
            .iter()
            .rev()
            .fold(0, |n, b| n << 8 | *b as usize);
    assert!(refused >= table_end, "{refused} of {}", whole.len());
    let mut newer = whole;
    newer[4] = 3;
    fs::write(&path, newer).unwrap();
    assert!(get_metadata(&path).is_err() && env_info(&path).is_err());
}

fn field_kib(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    let number = line.split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}

fn child(test: &str, road: &str, path: &Path) -> Command {
    // All the memory it may have of its own, maps of files aside: one tensor does not fit.
    let script = "ulimit -d 60000 && exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.env("FIGURES_FILE", path).env("FIGURES_ROAD", road);
    command
}

/// What a child printed after the word `peak`, in KiB.
fn peak(test: &str, road: &str, path: &Path) -> u64 {
    let output = child(test, road, path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{road}: {output:?}");
    let told = text.split("peak ").nth(1).expect(&text);
    told.split_whitespace().next().unwrap().parse().unwrap()
}

fn path_of_child() -> PathBuf {
    std::env::var_os("FIGURES_FILE").unwrap().into()
}

fn restored_in_child() -> Environment {
    let road = std::env::var("FIGURES_ROAD").unwrap();
    let (_, open) = ROADS.into_iter().find(|(name, _)| *name == road).unwrap();
    open(&path_of_child(), &RestoreOptions::new())
        .unwrap()
        .environment
}

#[test]
#[ignore = "started by `restoring_a_gibibyte_peaks_below_32_mib`"]
fn child_restores() {
    let env = restored_in_child();
    println!("{} peak {} ", env.len(), field_kib("VmHWM:"));
}

#[test]
fn restoring_a_gibibyte_peaks_below_32_mib() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.ach");
    large(&path, 16, 64 << 20);
    sparse(&path);
    for (road, _) in ROADS {
        let peak = peak("child_restores", road, &path);
        assert!(peak < 32 << 10, "{road} peaked at {peak} KiB");
    }
}

#[test]
#[ignore = "started by `saving_back_copies_no_tensor`"]
fn child_saves_back() {
    let env = restored_in_child();
    let path = path_of_child();
    save_environment(&env, path.with_extension("other"), quick()).unwrap();
    save_environment(&env, &path, quick()).unwrap();
    println!("peak {} ", field_kib("VmHWM:"));
}

#[test]
fn saving_back_copies_no_tensor() {
    let dir = tempfile::tempdir().unwrap();
    for (road, _) in ROADS {
        let path = dir.path().join("large.ach");
        large(&path, 4, 64 << 20);
        let peak = peak("child_saves_back", road, &path);
        // Pages of a map count as the process's, though they are the file's.
        if road != "open_mmap" {
            assert!(peak < 32 << 10, "{road} peaked at {peak} KiB");
        }
        let first = fs::read(&path).unwrap();
        assert!(fs::read(path.with_extension("other")).unwrap().len() == first.len());
        assert!(Archive::open(&path).unwrap().verify().unwrap().is_ok());
    }
}

/// A session with tensors hot or cold, in a record and in a cell too.
fn session() -> Environment {
    let tensor = |n: u64| samples::tensor(DType::F64, &[30_000 + n], Order::C);
    environment([
        ("a", tensor(0).into()),
        (
            "b",
            Record::from([("w", tensor(1)), ("v", tensor(2))]).into(),
        ),
        ("c", Cell::new(tensor(3)).into()),
        ("text", "a long text of many words ".repeat(10_000).into()),
        ("n", 1.5.into()),
    ])
}

fn saves_over_its_own_file(options: &SaveOptions, what: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.ach");
    let expected = session();
    for (road, open) in ROADS {
        save_environment(&expected, &path, options).unwrap();
        let mut env = open(&path, &RestoreOptions::new()).unwrap().environment;
        // One tensor is in memory already, the others are not.
        env.get("a")
            .unwrap()
            .as_tensor()
            .unwrap()
            .as_bytes()
            .unwrap();
        let inode = |path: &Path| fs::metadata(path).unwrap().ino();
        for round in 0..3 {
            let old = inode(&path);
            save_environment(&env, &path, options).unwrap();
            assert_ne!(
                inode(&path),
                old,
                "{what}, {road}, {round}: replaced, not written over"
            );
            let again = restore_environment(&path, RestoreOptions::new()).unwrap();
            assert_same(
                &again.environment,
                &expected,
                &format!("{what}, {road}, {round}"),
            );
        }
        // What was restored first still reads its own file, which has no name any more.
        assert_same(&env, &expected, &format!("{what}, {road}"));
        // And goes on: a changed value, saved, and an environment of what was just saved.
        env.set("n", 2.5).unwrap();
        save_environment(&env, &path, options).unwrap();
        let env = open(&path, &RestoreOptions::new()).unwrap().environment;
        save_environment(&env, &path, options).unwrap();
        let last = restore_environment(&path, RestoreOptions::new())
            .unwrap()
            .environment;
        assert_eq!(last.get("n").unwrap().as_f64(), Some(2.5));
        assert_eq!(environment::files(dir.path()), ["own.ach"]);
    }
}

#[test]
fn an_environment_is_saved_over_the_file_its_tensors_come_from() {
    saves_over_its_own_file(&quick(), "hot");
    saves_over_its_own_file(&quick().seal(true).durable(true), "sealed");
}

#[cfg(feature = "zstd")]
#[test]
fn a_cold_environment_is_saved_over_the_file_its_tensors_come_from() {
    saves_over_its_own_file(&quick().compress(true), "cold");
    saves_over_its_own_file(&quick().auto_cold(0.1), "by a sample");
}

/// A number, and a tensor that is full of it.
fn generation(number: i64) -> Environment {
    let all = Tensor::from_vec(vec![number; 100_000], [100_000]).unwrap();
    let kept = samples::tensor(DType::U8, &[300_000], Order::C);
    environment([
        ("number", number.into()),
        ("all", all.into()),
        ("kept", kept.into()),
    ])
}

fn number_of(path: &Path) -> i64 {
    let archive = Archive::open(path).unwrap();
    assert!(archive.verify().unwrap().is_ok());
    let env = achronyme_env::restore_from(&archive, RestoreOptions::new())
        .unwrap()
        .environment;
    let number = env.get("number").unwrap().as_i64().unwrap();
    assert_same(&env, &generation(number), "a generation");
    number
}

#[test]
#[ignore = "started by `a_save_over_its_own_file_that_is_killed_leaves_the_old_or_the_new`"]
fn child_saves_over_its_own_file_until_it_is_killed() {
    let path = path_of_child();
    loop {
        let mut env = restored_in_child();
        let number = env.get("number").unwrap().as_i64().unwrap() + 1;
        for name in ["number", "all"] {
            env.set(name, generation(number).get(name).unwrap().clone())
                .unwrap();
        }
        save_environment(&env, &path, quick()).unwrap();
    }
}

#[test]
fn a_save_over_its_own_file_that_is_killed_leaves_the_old_or_the_new() {
    let test = "child_saves_over_its_own_file_until_it_is_killed";
    for (road, _) in ROADS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.ach");
        save_environment(&generation(0), &path, quick()).unwrap();
        let mut interrupted = 0;
        for moment in samples::noise(7, 15) {
            let begun = number_of(&path);
            let mut child = child(test, road, &path)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            while number_of(&path) == begun {
                assert!(
                    child.try_wait().unwrap().is_none(),
                    "{road}: the child ended"
                );
            }
            std::thread::sleep(std::time::Duration::from_micros(u64::from(moment) * 20));
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(number_of(&path) > begun);
            for name in environment::files(dir.path()) {
                if name != "own.ach" {
                    assert!(name.starts_with(".own.ach.") && name.ends_with(".ach-tmp"));
                    fs::remove_file(dir.path().join(name)).unwrap();
                    interrupted += 1;
                }
            }
        }
        assert!(interrupted > 0, "{road}: no save was killed midway");
    }
}
