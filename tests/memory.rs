//! Promise: a save needs little memory beside the values, opening little beside the table, and
//! processes that map one archive share it.
//!
//! The first two are bounds that the system keeps: a child allows itself so much more memory for data
//! (heap, stacks and other private memory, touched or not) than it has, and then works.
#![cfg(target_os = "linux")]

mod samples;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use achronyme_env::{Archive, SaveOptions, Tensor, Value, save};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

const MIB: u64 = 1 << 20;

fn options() -> SaveOptions {
    SaveOptions::new().durable(false).allow_overwrite(true)
}

#[allow(unsafe_code)]
fn mapped(path: &Path) -> Archive {
    // SAFETY: the files of these tests are not written while they are mapped.
    unsafe { Archive::open_mmap(path) }.unwrap()
}

fn numbers(count: usize) -> Vec<(String, Value)> {
    let numbered = (0..count).map(|n| (format!("session/var{n:06}"), Value::Number(n as f64)));
    numbered.collect()
}

fn tensors(count: usize, bytes: u64) -> Vec<(String, Value)> {
    let tensor = |n: usize| {
        let first = n as u64 * bytes;
        let values: Vec<u64> = (first..first + bytes / 8).collect();
        let tensor = Tensor::from_vec(values, [bytes / 8]).unwrap();
        (format!("tensor {n:06}"), Value::from(tensor))
    };
    (0..count).map(tensor).collect()
}

fn saved(path: &Path, values: &[(String, Value)], options: &SaveOptions) {
    save(
        path,
        values.iter().map(|(name, value)| (name, value)),
        options,
    )
    .unwrap();
}

/// Bytes of a field of `/proc/PID/FILE` that is in kB.
fn field(pid: u32, file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    let number = line.split_whitespace().nth(1).unwrap();
    number.parse::<u64>().unwrap() * 1024
}

/// Allows this process `more` bytes for data than it has, on two processors, whose threads have
/// stacks.
fn allow(more: u64) {
    let all = sched_getaffinity(None).unwrap();
    let mut two = CpuSet::new();
    let there = (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu));
    there.take(2).for_each(|cpu| two.set(cpu));
    sched_setaffinity(None, &two).unwrap();
    let limit = Some(field(std::process::id(), "status", "VmData:") + more);
    let limit = Rlimit {
        current: limit,
        maximum: limit,
    };
    setrlimit(Resource::Data, limit).unwrap();
}

/// A command that runs the ignored test `name` of this program, which finds its file in `BIG_FILE`.
fn child(name: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        name,
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env("BIG_FILE", path);
    command
}

fn path_of_child() -> PathBuf {
    std::env::var_os("BIG_FILE").unwrap().into()
}

/// Runs a child, which must say that it came to its end.
fn runs(name: &str, path: &Path) {
    let out = child(name, path).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success() && text.contains("came to its end"),
        "{name}: {text} {errors}"
    );
}

#[test]
#[ignore = "started by `a_save_needs_16_mib_beside_the_values`"]
fn child_saves_tensors() {
    let mut values = tensors(8, 32 * MIB);
    values.extend(numbers(10_000));
    values.extend(samples::every_kind());
    let path = path_of_child();
    allow(16 * MIB);
    for options in [options(), options().seal(true), options().durable(true)] {
        saved(&path, &values, &options);
    }
    println!("came to its end");
}

#[test]
fn a_save_needs_16_mib_beside_the_values() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    runs("child_saves_tensors", &path);
    assert!(Archive::open(&path).unwrap().verify().unwrap().is_ok());
}

/// Bytes of the table of 1,000,000 numbers with names of 17 bytes.
const TABLE_OF_A_MILLION: u64 = 49_000_000 + 49_000_000 / 4096 * 4;

#[test]
#[ignore = "started by `a_save_of_a_million_numbers_needs_twice_their_table`"]
fn child_saves_numbers() {
    let values = numbers(1_000_000);
    let path = path_of_child();
    allow(2 * TABLE_OF_A_MILLION);
    saved(&path, &values, &options());
    println!("came to its end");
}

#[test]
fn a_save_of_a_million_numbers_needs_twice_their_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    runs("child_saves_numbers", &path);
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.len(), 1_000_000);
    assert!(archive.header().table_len.abs_diff(TABLE_OF_A_MILLION) < 4096);
    let last = archive.get("session/var999999").unwrap();
    assert_eq!(last.as_f64(), Some(999_999.0));
}

#[test]
#[ignore = "started by `opening_needs_twice_the_table_and_a_mebibyte`"]
fn child_opens() {
    let path = path_of_child();
    let table = Archive::open(&path).unwrap().header().table_len;
    // What the allocator kept of that is not given back for this.
    allow(2 * table + MIB);
    let read = Archive::open(&path).unwrap();
    let last = read.names().next_back().unwrap().to_owned();
    read.get(&last).unwrap();
    drop(read);
    let map = mapped(&path);
    map.get(&last).unwrap();
    println!("came to its end");
}

#[test]
fn opening_needs_twice_the_table_and_a_mebibyte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    for values in [numbers(1000), numbers(300_000), tensors(100_000, 512)] {
        saved(&path, &values, &options());
        runs("child_opens", &path);
    }
}

#[test]
#[ignore = "started by `four_processes_that_sum_one_archive_share_it`"]
fn child_sums() {
    let path = path_of_child();
    let mut lines = std::io::stdin().lines();
    let mut step = |text: &str| {
        println!("{text}");
        std::io::stdout().flush().unwrap();
        lines.next().unwrap().unwrap();
    };
    step("child began");
    let archive = mapped(&path);
    let mut sum = 0u64;
    for name in archive.names() {
        let tensor = archive.tensor(name).unwrap();
        let numbers = tensor.as_slice::<u64>().unwrap();
        sum = numbers.iter().fold(sum, |sum, n| sum.wrapping_add(*n));
    }
    step(&format!("child summed {sum}"));
    drop(archive);
}

struct Summing {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// Proportional and private bytes before it opened the archive.
    before: (u64, u64),
}

impl Summing {
    fn start(path: &Path) -> Summing {
        let mut command = child("child_sums", path);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        let mut summing = Summing {
            child,
            to,
            from,
            before: (0, 0),
        };
        summing.wait_for("child began");
        summing.before = summing.memory();
        summing
    }

    fn wait_for(&mut self, text: &str) -> String {
        let mut line = String::new();
        while self.from.read_line(&mut line).unwrap() > 0 {
            // The harness writes the name of the test on the same line.
            if let Some(start) = line.find(text) {
                return line[start + text.len()..].trim().to_owned();
            }
            line.clear();
        }
        panic!("the child ended before `{text}`");
    }

    fn go_on(&mut self) {
        self.to.write_all(b"\n").unwrap();
    }

    fn memory(&self) -> (u64, u64) {
        let of = |name| field(self.child.id(), "smaps_rollup", name);
        (of("Pss:"), of("Private_Clean:") + of("Private_Dirty:"))
    }
}

#[test]
fn four_processes_that_sum_one_archive_share_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let values = tensors(4, 32 * MIB);
    saved(&path, &values, &options());
    let file_len = std::fs::metadata(&path).unwrap().len();
    drop(values);
    let mut children: Vec<Summing> = (0..4).map(|_| Summing::start(&path)).collect();
    let total = |children: &[Summing]| children.iter().map(|child| child.memory().0).sum::<u64>();
    let before = total(&children);
    let mut sums = Vec::new();
    for child in &mut children {
        child.go_on();
        sums.push(child.wait_for("child summed"));
    }
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
    let grown = total(&children) - before;
    println!("PSS of four: {grown} bytes for a file of {file_len}");
    assert!(
        grown as f64 <= 1.05 * file_len as f64,
        "{grown} of {file_len}"
    );
    // And they did look at all of it.
    assert!(
        grown as f64 >= 0.9 * file_len as f64,
        "{grown} of {file_len}"
    );
    // Of all before one ends: what it shared with the last is then the other's own.
    let private = children
        .iter()
        .map(|child| child.memory().1.saturating_sub(child.before.1));
    let private: Vec<u64> = private.collect();
    println!("private: {private:?} bytes");
    assert!(private.iter().all(|own| *own < MIB), "{private:?}");
    for child in &mut children {
        child.go_on();
        assert!(child.child.wait().unwrap().success());
    }
}
