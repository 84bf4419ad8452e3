//! Promise: a save leaves the old file or the new one, whole, and nothing beside it; it overwrites
//! only when allowed; and who has the old file open keeps it.
#![cfg(unix)]

mod samples;
mod small;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use achronyme_env::{
    Archive, ArchiveWriter, DType, EnvError, Order, Result, SaveOptions, Storage, Tensor, Value,
    save,
};
use small::ROADS;

fn overwrite() -> SaveOptions {
    SaveOptions::new().allow_overwrite(true).durable(false)
}

/// Names in a directory, sorted.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// An archive of one tensor whose elements are all `generation`, and its number beside it.
fn save_generation(path: &Path, generation: u64, options: &SaveOptions) -> Result<()> {
    let tensor = Tensor::from_vec(vec![generation; 30_000], [30_000])?;
    let values = [
        ("all", Value::from(tensor)),
        ("generation", Value::Integer(generation as i64)),
    ];
    save(path, values.iter().map(|(n, v)| (n, v)), options).map(drop)
}

/// The generation of an archive that is whole.
fn generation(archive: &Archive) -> u64 {
    let report = archive.verify().unwrap();
    assert!(report.is_ok(), "{report:?}");
    let number = archive.get("generation").unwrap().as_i64().unwrap() as u64;
    let tensor = archive.tensor("all").unwrap();
    let all = tensor.as_slice::<u64>().unwrap();
    assert!(all.iter().all(|n| *n == number), "generation {number}");
    number
}

/// A storage that fails once half of it was read.
#[derive(Debug)]
struct Failing {
    len: u64,
    volatile: bool,
}

impl Failing {
    fn error() -> EnvError {
        EnvError::InvalidValue {
            what: "the storage".to_owned(),
            reason: "it fails here".to_owned(),
        }
    }
}

impl Storage for Failing {
    fn byte_len(&self) -> u64 {
        self.len
    }

    fn range(&self, _: u64, _: u64) -> Result<&[u8]> {
        Err(Failing::error())
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        // Samples, which are small, are answered: the failure comes while the file is written.
        if out.len() > 4096 && start + out.len() as u64 > self.len / 2 {
            return Err(Failing::error());
        }
        out.fill(1);
        Ok(())
    }

    fn is_volatile(&self) -> bool {
        self.volatile
    }
}

#[test]
fn a_save_that_fails_midway_leaves_the_old_file_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save_generation(&path, 1, &overwrite()).unwrap();
    let old = fs::read(&path).unwrap();
    for cold in [false, true] {
        for len in [100_000, 20 << 20] {
            for volatile in [false, true] {
                let storage = Arc::new(Failing { len, volatile });
                let tensor = Tensor::from_storage(DType::U8, [len], Order::C, storage).unwrap();
                let options = match cold {
                    true => overwrite().cold("*"),
                    false => overwrite(),
                };
                let mut writer = ArchiveWriter::create(&path, &options).unwrap();
                writer
                    .add("sound", samples::tensor(DType::F64, &[9000], Order::C))
                    .unwrap();
                writer.add("failing", tensor).unwrap();
                let error = writer.finish().unwrap_err();
                assert!(error.to_string().contains("it fails here"), "{error}");
                assert!(fs::read(&path).unwrap() == old);
                assert_eq!(names(dir.path()), ["a.ach"]);
            }
        }
    }
}

#[test]
fn values_that_cannot_be_saved_leave_the_old_file_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save_generation(&path, 1, &overwrite()).unwrap();
    let old = fs::read(&path).unwrap();
    let too_deep = samples::nested(129);
    let long_name = "x".repeat(4097);
    let cases: [(&str, Vec<(&str, Value)>); 3] = [
        ("deep", vec![("a", 1i64.into()), ("b", too_deep)]),
        ("name", vec![("a", 1i64.into()), (&long_name, 1i64.into())]),
        (
            "twice",
            vec![("a", 1i64.into()), ("b", 2i64.into()), ("a", 3i64.into())],
        ),
    ];
    for (what, values) in cases {
        let saved = save(&path, values.iter().map(|(n, v)| (n, v)), &overwrite());
        let error = saved.expect_err(what);
        let known = match what {
            "deep" => matches!(&error, EnvError::Variable { name, .. } if name == "b"),
            "name" => matches!(&error, EnvError::NameTooLong { .. }),
            _ => matches!(&error, EnvError::DuplicateName { name } if name == "a"),
        };
        assert!(known, "{what}: {error:?}");
        assert!(fs::read(&path).unwrap() == old);
        assert_eq!(names(dir.path()), ["a.ach"]);
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    // More nodes than are held in memory, so that there is a spool too.
    let large = Value::vector((0..400_000i64).map(Value::from));
    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new()).unwrap();
    writer.add("large", &large).unwrap();
    drop(writer);
    assert!(names(dir.path()).is_empty(), "{:?}", names(dir.path()));
}

#[test]
fn the_temporary_file_is_recognisable_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("results.ach");
    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new()).unwrap();
    writer.add("a", 1i64).unwrap();
    let present = names(dir.path());
    let [temporary] = present.as_slice() else {
        panic!("{present:?}");
    };
    assert!(temporary.starts_with(".results.ach."), "{temporary}");
    assert!(temporary.ends_with(".ach-tmp"), "{temporary}");
    writer.finish().unwrap();
    assert_eq!(names(dir.path()), ["results.ach"]);
}

#[test]
fn nothing_is_overwritten_without_permission() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let careful = SaveOptions::new();
    // Any file, not only an archive.
    fs::write(&path, b"somebody's text").unwrap();
    let error = save_generation(&path, 1, &careful).unwrap_err();
    assert!(matches!(error, EnvError::AlreadyExists { .. }), "{error:?}");
    let expected = format!(
        "{} exists already; allow overwriting, or choose another name",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(fs::read(&path).unwrap(), b"somebody's text");
    fs::remove_file(&path).unwrap();
    // A file that comes between the beginning of a save and its end.
    let mut writer = ArchiveWriter::create(&path, &careful).unwrap();
    writer.add("a", 1i64).unwrap();
    fs::write(&path, b"came meanwhile").unwrap();
    let error = writer.finish().unwrap_err();
    assert!(matches!(error, EnvError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), b"came meanwhile");
    assert_eq!(names(dir.path()), ["a.ach"]);
    // A dangling link that comes meanwhile is somebody's too.
    fs::remove_file(&path).unwrap();
    let mut writer = ArchiveWriter::create(&path, &careful).unwrap();
    writer.add("a", 1i64).unwrap();
    symlink("nowhere", &path).unwrap();
    let error = writer.finish().unwrap_err();
    assert!(matches!(error, EnvError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(fs::read_link(&path).unwrap(), Path::new("nowhere"));
}

#[test]
fn of_many_writers_without_permission_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let path = dir.path().join(format!("{round}.ach"));
        let options = SaveOptions::new().durable(false);
        let start = std::sync::Barrier::new(4);
        let saved: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|n| {
                    let (path, options, start) = (&path, &options, &start);
                    scope.spawn(move || {
                        start.wait();
                        match save_generation(path, n, options) {
                            Ok(()) => true,
                            Err(EnvError::AlreadyExists { .. }) => false,
                            Err(error) => panic!("{error}"),
                        }
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let winners: Vec<u64> = (0..4).filter(|n| saved[*n as usize]).collect();
        let [winner] = winners[..] else {
            panic!("{saved:?}");
        };
        assert_eq!(generation(&Archive::open(&path).unwrap()), winner);
    }
    assert_eq!(names(dir.path()).len(), 20);
}

#[test]
fn a_place_that_cannot_be_written_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    // These tests may run as root, whom permissions do not stop: so the directories are one that
    // is not there, a file, and (on Linux) one in which nobody can make a file.
    let file = dir.path().join("file");
    fs::write(&file, b"x").unwrap();
    let mut places = vec![dir.path().join("missing"), file];
    if cfg!(target_os = "linux") {
        places.push(PathBuf::from("/proc"));
    }
    for place in places {
        let path = place.join("a.ach");
        let error = save_generation(&path, 1, &overwrite()).unwrap_err();
        let EnvError::Io { action, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*action, "write");
        let text = error.to_string();
        assert!(text.contains(&path.display().to_string()), "{text}");
        assert!(!text.contains("ach-tmp"), "{text}");
        if !place.exists() {
            let missing = format!("there is no directory {}", place.display());
            assert!(text.ends_with(&missing), "{text}");
        }
    }
    assert_eq!(names(dir.path()), ["file"]);
}

#[test]
fn a_directory_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("a.ach");
    fs::create_dir(&target).unwrap();
    for options in [overwrite(), SaveOptions::new()] {
        let error = save_generation(&target, 1, &options).unwrap_err();
        assert!(matches!(error, EnvError::NotAFile { .. }), "{error:?}");
    }
    // One that comes meanwhile.
    fs::remove_dir(&target).unwrap();
    let writer = ArchiveWriter::create(&target, &overwrite()).unwrap();
    fs::create_dir(&target).unwrap();
    let error = writer.finish().unwrap_err();
    assert!(error.to_string().contains("a.ach"), "{error}");
    assert!(target.is_dir());
    assert_eq!(names(dir.path()), ["a.ach"]);
}

#[test]
fn links_are_followed_and_stay_links() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("data")).unwrap();
    save_generation(&at("data/real.ach"), 1, &overwrite()).unwrap();
    symlink("data/real.ach", at("relative")).unwrap();
    symlink("relative", at("chain")).unwrap();
    symlink(at("data/real.ach"), at("absolute")).unwrap();
    symlink("../chain", at("data/up")).unwrap();
    for (n, link) in ["relative", "chain", "absolute", "data/up"]
        .iter()
        .enumerate()
    {
        let number = n as u64 + 2;
        let error = save_generation(&at(link), 9, &SaveOptions::new()).unwrap_err();
        assert!(matches!(error, EnvError::AlreadyExists { .. }), "{error:?}");
        save_generation(&at(link), number, &overwrite()).unwrap();
        assert!(at(link).is_symlink(), "{link}");
        let real = Archive::open(at("data/real.ach")).unwrap();
        assert_eq!(generation(&real), number);
        assert_eq!(names(&at("data")), ["real.ach", "up"]);
    }
    // Dangling: what it names is made.
    symlink("data/new.ach", at("dangling")).unwrap();
    save_generation(&at("dangling"), 7, &SaveOptions::new()).unwrap();
    assert!(at("dangling").is_symlink());
    assert_eq!(generation(&Archive::open(at("data/new.ach")).unwrap()), 7);
    // Loops.
    symlink("loop b", at("loop a")).unwrap();
    symlink("loop a", at("loop b")).unwrap();
    let error = save_generation(&at("loop a"), 1, &overwrite()).unwrap_err();
    assert!(matches!(error, EnvError::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("symbolic links"), "{error}");
    assert!(at("loop a").is_symlink() && at("loop b").is_symlink());
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_mode_of_the_old_file_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save_generation(&path, 0, &overwrite()).unwrap();
    for wanted in [0o600, 0o640, 0o664, 0o444, 0o755, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).unwrap();
        save_generation(&path, 1, &overwrite()).unwrap();
        assert_eq!(mode(&path), wanted, "{wanted:o}");
    }
}

#[test]
fn a_new_file_gets_the_mode_of_any_new_file() {
    for (umask, expected) in [
        ("022", 0o644),
        ("077", 0o600),
        ("002", 0o664),
        ("000", 0o666),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ach");
        let out = in_child(&format!("umask {umask}"), "child_saves_once", &path);
        assert!(out.status.success(), "{out:?}");
        assert_eq!(mode(&path), expected, "umask {umask}");
    }
}

/// Runs one of the ignored tests of this file in a process of its own, after shell commands.
fn in_child(before: &str, test: &str, path: &Path) -> std::process::Output {
    command(before, test, path).output().unwrap()
}

fn command(before: &str, test: &str, path: &Path) -> std::process::Command {
    let mut command = std::process::Command::new("sh");
    let script = format!("{before} && exec \"$0\" --exact {test} --ignored --nocapture");
    command.arg("-c").arg(script);
    command.arg(std::env::current_exe().unwrap());
    command.env("REPLACE_FILE", path);
    command
}

fn path_of_child() -> PathBuf {
    std::env::var_os("REPLACE_FILE").unwrap().into()
}

#[test]
#[ignore = "started by `a_new_file_gets_the_mode_of_any_new_file`"]
fn child_saves_once() {
    save_generation(&path_of_child(), 1, &SaveOptions::new()).unwrap();
}

#[test]
#[ignore = "started by `a_full_disk_leaves_the_old_file_and_nothing_else`"]
fn child_saves_more_than_it_may() {
    let path = path_of_child();
    let tensor = samples::tensor(DType::U8, &[1 << 20], Order::C);
    for options in [overwrite(), overwrite().cold("*"), overwrite().seal(true)] {
        let error = save(&path, [("large", tensor.clone())], &options).unwrap_err();
        let EnvError::Io { action, source, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*action, "write");
        assert_eq!(source.kind(), ErrorKind::FileTooLarge, "{error}");
        println!("refused: {error}");
    }
}

/// Room for 100 or 200 KiB (shells differ) and no more: the write is cut short, then refused.
#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let tiny = [("a", Value::from(1i64))];
    save(&path, tiny.iter().map(|(n, v)| (n, v)), &overwrite()).unwrap();
    let old = fs::read(&path).unwrap();
    // The signal of the limit is ignored, as it is by programs that expect the error.
    let limited = "trap '' XFSZ && ulimit -f 200";
    let out = in_child(limited, "child_saves_more_than_it_may", &path);
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}");
    assert_eq!(text.matches("refused: ").count(), 3, "{text}");
    assert!(fs::read(&path).unwrap() == old);
    assert_eq!(names(dir.path()), ["a.ach"]);
}

#[test]
fn an_archive_is_saved_over_the_file_its_values_come_from() {
    for cold in [false, true] {
        for (road, open) in ROADS {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a.ach");
            let options = match cold {
                true => overwrite().cold("*"),
                false => overwrite(),
            };
            let all = samples::every_kind();
            save(&path, all.iter().map(|(n, v)| (n, v)), &options).unwrap();
            let archive = open(&path).unwrap();
            let (untouched, touched) = (
                archive.tensor("t/large").unwrap(),
                archive.tensor("t/two blocks").unwrap(),
            );
            let borrowed = touched.as_slice::<u8>().unwrap();
            let before = borrowed.to_vec();
            for _ in 0..2 {
                let mut writer = ArchiveWriter::create(&path, &options).unwrap();
                for binding in archive.bindings_as_saved() {
                    writer
                        .add(binding.name(), binding.value().unwrap())
                        .unwrap();
                }
                writer.finish().unwrap();
            }
            // What was open is as it was.
            assert!(borrowed == before, "{road}");
            let found = Value::from(untouched);
            let (_, expected) = all.iter().find(|(n, _)| n == "t/large").unwrap();
            assert!(found.identical(expected).unwrap(), "{road}");
            assert!(archive.verify().unwrap().is_ok(), "{road}");
            // What was saved is the same.
            let again = open(&path).unwrap();
            for (name, value) in &all {
                let found = again.get(name).unwrap();
                assert!(value.identical(&found).unwrap(), "{road}: {name}");
            }
        }
    }
}

#[test]
fn readers_keep_the_generation_they_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save_generation(&path, 1, &overwrite()).unwrap();
    let archives = ROADS.map(|(road, open)| (road, open(&path).unwrap()));
    let tensors = ROADS.map(|(_, open)| open(&path).unwrap().tensor("all").unwrap());
    for number in 2..5 {
        save_generation(&path, number, &overwrite()).unwrap();
    }
    for ((road, archive), tensor) in archives.iter().zip(tensors) {
        assert_eq!(generation(archive), 1, "{road}");
        assert_eq!(tensor.as_slice::<u64>().unwrap()[29_999], 1, "{road}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(generation(&archives[0].1), 1);
}

#[test]
fn a_reader_during_200_replaces_sees_whole_generations_that_rise() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save_generation(&path, 0, &overwrite()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = ROADS
            .iter()
            .map(|(road, open)| {
                let (path, done) = (&path, &done);
                scope.spawn(move || {
                    let (mut last, mut reads) = (0, 0);
                    while !done.load(Ordering::Relaxed) || reads == 0 {
                        let number = generation(&open(path).unwrap());
                        assert!(number >= last, "{road}: {number} after {last}");
                        (last, reads) = (number, reads + 1);
                    }
                    assert!((0..=200).contains(&last));
                })
            })
            .collect();
        for number in 1..=200 {
            save_generation(&path, number, &overwrite()).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        readers
            .into_iter()
            .for_each(|reader| reader.join().unwrap());
    });
    assert_eq!(generation(&Archive::open(&path).unwrap()), 200);
    assert_eq!(names(dir.path()), ["a.ach"]);
}

#[test]
fn two_writers_at_once_leave_one_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    std::thread::scope(|scope| {
        for start in [1000, 2000] {
            let path = &path;
            scope.spawn(move || {
                for n in 0..50 {
                    save_generation(path, start + n, &overwrite()).unwrap();
                    generation(&Archive::open(path).unwrap());
                }
            });
        }
    });
    let last = generation(&Archive::open(&path).unwrap());
    assert!([1049, 2049].contains(&last), "{last}");
    assert_eq!(names(dir.path()), ["a.ach"]);
}

#[test]
#[ignore = "started by `a_save_that_is_killed_leaves_a_whole_file`"]
fn child_saves_until_it_is_killed() {
    let path = path_of_child();
    let first = generation(&Archive::open(&path).unwrap());
    for number in first + 1.. {
        save_generation(&path, number, &overwrite()).unwrap();
    }
}

#[test]
fn a_save_that_is_killed_leaves_a_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save_generation(&path, 0, &overwrite()).unwrap();
    let mut last = 0;
    let mut interrupted = 0;
    // As many as it takes on a busy machine for one to fall into a save.
    for (kills, moment) in samples::noise(1, 600).into_iter().enumerate() {
        if kills >= 30 && interrupted > 0 {
            break;
        }
        let mut child = command(":", "child_saves_until_it_is_killed", &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Not before it has saved once; then at any moment of a later save.
        let begun = last;
        while generation(&Archive::open(&path).unwrap()) == begun {
            std::thread::yield_now();
            assert!(child.try_wait().unwrap().is_none(), "the child ended");
        }
        std::thread::sleep(std::time::Duration::from_micros(u64::from(moment) * 40));
        child.kill().unwrap();
        child.wait().unwrap();
        last = generation(&Archive::open(&path).unwrap());
        assert!(last > begun);
        // What may remain has a name that tells what it is.
        for name in names(dir.path()) {
            if name != "a.ach" {
                assert!(
                    name.starts_with(".a.ach.") && name.ends_with(".ach-tmp"),
                    "{name}"
                );
                fs::remove_file(dir.path().join(name)).unwrap();
                interrupted += 1;
            }
        }
    }
    assert!(interrupted > 0, "no save was killed midway");
}

/// Zeros of any length that nobody has: after a few pieces they cannot be read.
#[derive(Debug)]
struct Immense {
    len: u64,
    reads: std::sync::atomic::AtomicU32,
}

impl achronyme_env::Storage for Immense {
    fn byte_len(&self) -> u64 {
        self.len
    }

    fn range(&self, _: u64, _: u64) -> achronyme_env::Result<&[u8]> {
        unreachable!("a save reads such a storage piece by piece")
    }

    fn read_at(&self, _: u64, out: &mut [u8]) -> achronyme_env::Result<()> {
        // Should the file system have room after all, the save ends here.
        if self
            .reads
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            > 100
        {
            let what = "the immense tensor".to_owned();
            return Err(EnvError::InvalidValue {
                what,
                reason: "read too often".to_owned(),
            });
        }
        out.fill(0);
        Ok(())
    }
}

/// Space is reserved before anything is written, so a full disk is known at once.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_room_is_an_error_with_both_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    std::fs::write(&path, "old").unwrap();
    let len = 8 << 40;
    let storage = std::sync::Arc::new(Immense {
        len,
        reads: 0.into(),
    });
    let tensor =
        achronyme_env::Tensor::from_storage(DType::U8, [len], achronyme_env::Order::C, storage);
    let value = Value::from(tensor.unwrap());
    let options = SaveOptions::new().allow_overwrite(true);
    let error = achronyme_env::save(&path, [("x", &value)], &options).unwrap_err();
    let EnvError::DiskFull { needed, free, .. } = error else {
        panic!("{error}")
    };
    assert!(
        needed > len && free < needed,
        "{needed} needed, {free} free"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_cancelled_save_leaves_the_old_file_and_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save_generation(&path, 1, &overwrite()).unwrap();
    let tensor = Tensor::from_vec((0..4u64 << 20).collect::<Vec<u64>>(), [4 << 20]).unwrap();
    for compress in [false, true] {
        // Raised while array data is written, and before that.
        for at_first in [true, false] {
            let flag = Arc::new(AtomicBool::new(at_first));
            let raised = Arc::clone(&flag);
            let options = overwrite()
                .compress(compress)
                .cancel(flag)
                .on_progress(move |_, _| raised.store(true, Ordering::Relaxed));
            let error = save(&path, [("big", tensor.clone())], &options).unwrap_err();
            assert!(matches!(error, EnvError::Cancelled { .. }), "{error}");
            assert!(error.to_string().contains("a.ach was cancelled"), "{error}");
            assert_eq!(names(dir.path()), ["a.ach"]);
            assert_eq!(generation(&Archive::open(&path).unwrap()), 1);
        }
    }
    let options = overwrite().cancel(Arc::new(AtomicBool::new(false)));
    save_generation(&path, 2, &options).unwrap();
    assert_eq!(generation(&Archive::open(&path).unwrap()), 2);
}
