//! One writer at a time: a lock on a file that is never replaced. Only whoever holds the lock removes
//! it, and whoever gets the lock of a file that was removed tries again.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::file::identity;
use super::paths::Companions;
use crate::error::{EnvError, Result};
use crate::name::escape_for_terminal;

/// A listing that asks for the holder has the lock for a moment: so often it is tried again.
const TRIES: u32 = 10;
const BETWEEN: Duration = Duration::from_millis(2);
/// Bytes of the file that are looked at.
const LONGEST: u64 = 1024;

/// The right to write a session's files. Given back when dropped, by the process that took it.
#[derive(Debug)]
pub(crate) struct WriterLock {
    file: File,
    archive: PathBuf,
    owner: u32,
    /// Whether the file goes with the lock.
    is_brief: bool,
    /// The process that asks.
    current: fn() -> u32,
}

impl WriterLock {
    /// Takes the lock beside an archive; makes its file when there is none.
    ///
    /// # Errors
    /// [`EnvError::SessionLocked`] names who has it; [`EnvError::Io`].
    pub(crate) fn take(companions: &Companions) -> Result<WriterLock> {
        WriterLock::take_file(companions).map(|(lock, _)| lock)
    }

    /// As [`WriterLock::take`], for one save: a lock file that is made for it is removed with it, so
    /// that beside an archive without a session nothing is left.
    ///
    /// # Errors
    /// As [`WriterLock::take`].
    pub(crate) fn take_briefly(companions: &Companions) -> Result<WriterLock> {
        let (mut lock, is_new) = WriterLock::take_file(companions)?;
        lock.is_brief = is_new;
        Ok(lock)
    }

    /// The lock, and whether its file was made for it.
    fn take_file(companions: &Companions) -> Result<(WriterLock, bool)> {
        let path = companions.lock();
        let failed = |e| EnvError::io("lock", path.as_path(), e);
        let open = || -> io::Result<(File, bool)> {
            let mut options = File::options();
            let options = options.read(true).write(true);
            loop {
                match options.clone().create_new(true).open(&path) {
                    Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                    other => return Ok((other?, true)),
                }
                match options.open(&path) {
                    // It was removed in between.
                    Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                    other => return Ok((other?, false)),
                }
            }
        };
        let (mut file, mut is_new) = open().map_err(failed)?;
        let mut tries = 1..TRIES;
        loop {
            match file.try_lock() {
                Ok(()) if is_at(&file, &path).map_err(failed)? => break,
                Ok(()) => (file, is_new) = open().map_err(failed)?,
                Err(TryLockError::WouldBlock) if tries.next().is_some() => thread::sleep(BETWEEN),
                Err(TryLockError::WouldBlock) => {
                    let holder = named(&mut file).unwrap_or(None);
                    return Err(EnvError::SessionLocked {
                        path: companions.archive().into(),
                        holder: holder.unwrap_or_else(|| "another process".into()),
                    });
                }
                Err(TryLockError::Error(e)) => return Err(failed(e)),
            }
        }
        let lock = WriterLock {
            file,
            archive: companions.archive().into(),
            owner: process::id(),
            is_brief: false,
            current: process::id,
        };
        lock.write(&text()).map_err(failed)?;
        Ok((lock, is_new))
    }

    /// Who holds the lock beside an archive, in words; `None` when nobody does. For listings: it may
    /// be taken or given back at any time.
    ///
    /// # Errors
    /// [`EnvError::Io`].
    pub(crate) fn holder(companions: &Companions) -> Result<Option<String>> {
        let path = companions.lock();
        let failed = |e| EnvError::io("read", path.as_path(), e);
        let mut file = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        // Given back, it is empty; a writer that was killed left its name, and no lock.
        match named(&mut file).map_err(failed)? {
            Some(name) => match file.try_lock_shared() {
                Ok(()) => Ok(None),
                Err(TryLockError::WouldBlock) => Ok(Some(name)),
                Err(TryLockError::Error(e)) => Err(failed(e)),
            },
            None => Ok(None),
        }
    }

    /// Refuses a process that was forked from the one that took the lock.
    ///
    /// # Errors
    /// [`EnvError::ForkedChild`].
    pub(crate) fn check_process(&self) -> Result<()> {
        match (self.current)() {
            process if process == self.owner => Ok(()),
            process => Err(EnvError::ForkedChild {
                path: self.archive.as_path().into(),
                owner: self.owner,
                process,
            }),
        }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())
    }

    #[cfg(test)]
    pub(super) fn pretend_to_be(&mut self, current: fn() -> u32) {
        self.current = current;
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // A forked child shares the lock: only its owner gives it back, for both.
        if self.check_process().is_ok() {
            if self.is_brief
                && let Ok(companions) = Companions::of(&self.archive)
                && !companions.journal().exists()
            {
                let _ = std::fs::remove_file(companions.lock());
            }
            let _ = self.write("");
            let _ = self.file.unlock();
        }
    }
}

/// Whether `path` leads to `file`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let there = match std::fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    Ok(identity(&there) == identity(&file.metadata()?))
}

/// What the file says of this process.
fn text() -> String {
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(|path| path.file_name());
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    format!(
        "process {}\nprogram {}\nhost {}\nsince {}\n",
        process::id(),
        program.unwrap_or_default().to_string_lossy(),
        host(),
        date_and_time(now.unwrap_or_default().as_secs())
    )
}

/// Who a lock file names, in words.
fn named(file: &mut File) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(LONGEST).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let field = |name: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        escape_for_terminal(value.unwrap_or("?"))
    };
    Ok((!text.trim().is_empty()).then(|| {
        format!(
            "process {} ({}) on {} since {}",
            field("process"),
            field("program"),
            field("host"),
            field("since")
        )
    }))
}

fn host() -> String {
    #[cfg(unix)]
    return rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "this host".into())
}

/// Seconds since 1970 as a date and a time of UTC.
fn date_and_time(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March, in eras of 400 years.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!(
        "{}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
        era * 400 + year + later,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date_and_time(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date_and_time(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(date_and_time(1_700_000_000), "2023-11-14 22:13:20 UTC");
        assert_eq!(date_and_time(4_102_444_799), "2099-12-31 23:59:59 UTC");
    }
}
