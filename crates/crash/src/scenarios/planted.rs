//! Mistakes that people make with files, and the same done right. Each of these must turn red, in the
//! sweep that can see it, or the rig proves nothing.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::thread;

use crate::scenario::{Result, Scenario};
use crate::scenarios::save::{ARCHIVE, generation, options, save_generation};
use crate::told::Told;

pub(super) fn all() -> Vec<Box<dyn Scenario>> {
    let all = [
        Planted::new("planted-in-place", in_place),
        Planted::new("planted-said-too-early", said_too_early),
        Planted::new("planted-save-without-sync", without_sync),
        Planted::new("planted-rename-without-sync", without_directory),
        Planted::new("planted-journal-unlinked-too-early", unlinked_too_early),
        Planted::new("sound-journal-unlinked-in-time", unlinked_in_time),
        Planted::new("planted-nothing-done", |_, _| Ok(())),
        Planted::new("planted-hanging", |_, _| {
            loop {
                thread::park();
            }
        }),
        Planted::new("planted-log-without-sync", |directory, told| {
            log(directory, told, Bug::NoSync)
        }),
        Planted::new("planted-log-without-sum", |directory, told| {
            log(directory, told, Bug::NoSum)
        }),
        Planted::new("sound-log", |directory, told| {
            log(directory, told, Bug::None)
        }),
        Planted::new("sound-log-of-a-thread", |directory, told| {
            thread::scope(|scope| scope.spawn(|| log(directory, told, Bug::None)).join())
                .map_err(|_| "the thread panicked")?
        }),
    ];
    all.into_iter()
        .map(|planted| Box::new(planted) as _)
        .collect()
}

#[derive(Debug)]
struct Planted {
    name: &'static str,
    play: fn(&Path, &mut Told) -> Result<()>,
}

impl Planted {
    fn new(name: &'static str, play: fn(&Path, &mut Told) -> Result<()>) -> Planted {
        Planted { name, play }
    }

    fn is_log(&self) -> bool {
        self.name.contains("-log")
    }
}

impl Scenario for Planted {
    fn name(&self) -> &str {
        self.name
    }

    fn prepare(&self, directory: &Path) -> Result<()> {
        if self.is_log() {
            Ok(fs::write(directory.join(LOG), "")?)
        } else {
            save_generation(&directory.join(ARCHIVE), 1, 10_000, &options())?;
            save_generation(&directory.join(NEW), 2, 10_000, &options())
        }
    }

    fn run(&self, directory: &Path, told: &mut Told) -> Result<()> {
        (self.play)(directory, told)
    }

    fn observe(&self, directory: &Path) -> Result<String> {
        if self.is_log() {
            let checked = !self.name.ends_with("without-sum");
            return Ok(read_log(&directory.join(LOG), checked)?.to_string());
        }
        // A journal beside the archive is the truth.
        match fs::read_to_string(directory.join(JOURNAL)) {
            Ok(text) if text.ends_with('.') => Ok(text.trim_end_matches('.').to_owned()),
            Ok(_) | Err(_) => generation(&directory.join(ARCHIVE)),
        }
    }
}

const JOURNAL: &str = "x.ach-journal";

/// The archive of generation 2, made before.
const NEW: &str = "new";

fn in_place(directory: &Path, told: &mut Told) -> Result<()> {
    let bytes = fs::read(directory.join(NEW))?;
    told.step("generation 2", || -> Result<()> {
        let mut file = File::create(directory.join(ARCHIVE))?;
        file.write_all(&bytes)?;
        Ok(file.sync_all()?)
    })
}

fn said_too_early(directory: &Path, told: &mut Told) -> Result<()> {
    told.step("generation 2", || Result::Ok(()))?;
    save_generation(&directory.join(ARCHIVE), 2, 10_000, &options())
}

fn without_sync(directory: &Path, told: &mut Told) -> Result<()> {
    let options = options().durable(false);
    told.step("generation 2", || {
        save_generation(&directory.join(ARCHIVE), 2, 10_000, &options)
    })
}

fn without_directory(directory: &Path, told: &mut Told) -> Result<()> {
    told.step("generation 2", || {
        fs::rename(directory.join(NEW), directory.join(ARCHIVE))
    })
}

/// Commits to a journal, and folds it into the archive.
fn folded(
    directory: &Path,
    told: &mut Told,
    fold: impl FnOnce(&Path, &Path) -> Result<()>,
) -> Result<()> {
    let journal = directory.join(JOURNAL);
    told.step("generation 2", || -> Result<()> {
        let mut file = File::create(&journal)?;
        // The stop says that it is whole.
        file.write_all(b"generation 2.")?;
        file.sync_all()?;
        Ok(File::open(directory)?.sync_all()?)
    })?;
    told.step("generation 2", || fold(&directory.join(ARCHIVE), &journal))
}

fn unlinked_too_early(directory: &Path, told: &mut Told) -> Result<()> {
    folded(directory, told, |archive, journal| {
        save_generation(archive, 2, 10_000, &options().durable(false))?;
        fs::remove_file(journal)?;
        File::open(archive)?.sync_all()?;
        Ok(File::open(directory)?.sync_all()?)
    })
}

fn unlinked_in_time(directory: &Path, told: &mut Told) -> Result<()> {
    folded(directory, told, |archive, journal| {
        save_generation(archive, 2, 10_000, &options())?;
        Ok(fs::remove_file(journal)?)
    })
}

const LOG: &str = "log";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bug {
    None,
    NoSync,
    /// The reader does not look at the sums.
    NoSum,
}

/// Three records of 10 KB: a number over and over, and a sum.
const RECORD: usize = 10_000;

fn log(directory: &Path, told: &mut Told, bug: Bug) -> Result<()> {
    let mut file = File::options().append(true).open(directory.join(LOG))?;
    for n in 1..=3u8 {
        told.step(&n.to_string(), || -> Result<()> {
            let mut record = vec![n; RECORD];
            record.extend(sum(&record).to_le_bytes());
            file.write_all(&record)?;
            if bug != Bug::NoSync {
                file.sync_data()?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn sum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(1, |sum, byte| sum * 31 % 1_000_003 + u64::from(*byte))
}

/// The number in the last record.
fn read_log(path: &Path, checked: bool) -> Result<u8> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    let mut last = 0;
    for record in bytes.chunks_exact(RECORD + 8) {
        let (record, rest) = record.split_at(RECORD);
        if checked && sum(record).to_le_bytes() != rest {
            break;
        }
        last = record[RECORD - 1];
    }
    Ok(last)
}
