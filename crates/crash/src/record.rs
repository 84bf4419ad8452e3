//! What a child does to the files of a directory, in order, with the bytes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::unistd::Pid;

use crate::calls::Call;
use crate::disk::{Change, Disk, FileId, NameChange};
use crate::scenario::Result;
use crate::told::Heard;
use crate::trace::{Then, Tracee, Watch};

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Content(FileId, Change),
    Names(NameChange),
    /// All events before `before` that are about this are on the disk.
    Synced {
        what: Synced,
        before: usize,
    },
    /// The child has told something; this is all it has told.
    Told(Heard),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Synced {
    File(FileId),
    Directory,
    Everything,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Content(file, change) => write!(f, "{change} of file {file}"),
            Event::Names(change) => write!(f, "{change}"),
            Event::Synced { what, .. } => write!(f, "sync of {what:?}"),
            Event::Told(heard) => match heard.last() {
                Some(state) => write!(f, "the promise of {state:?}"),
                None => f.write_str("the beginning of a step"),
            },
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Handle {
    Directory,
    File { id: FileId, synced: bool },
}

/// Files of a directory larger than this are not for this rig.
const MAX_LENGTH: u64 = 64 << 20;

/// Writes down what a child does. A call that it cannot follow is an error, not a gap.
#[derive(Debug)]
pub(crate) struct Recorder {
    directory: PathBuf,
    /// What was there at the gate.
    pub(crate) start: Disk,
    pub(crate) events: Vec<Event>,
    pub(crate) heard: Heard,
    files: usize,
    names: BTreeMap<String, FileId>,
    open: HashMap<i32, Handle>,
    /// How long the record was when a thread began to sync.
    syncing: HashMap<Pid, usize>,
    /// The names in the call a thread is in: none where they are elsewhere.
    named: HashMap<Pid, [Option<String>; 2]>,
}

impl Recorder {
    pub(crate) fn new(directory: &Path, heard: Heard) -> io::Result<Recorder> {
        Ok(Recorder {
            directory: directory.canonicalize()?,
            start: Disk::default(),
            events: Vec::new(),
            heard,
            files: 0,
            names: BTreeMap::new(),
            open: HashMap::new(),
            syncing: HashMap::new(),
            named: HashMap::new(),
        })
    }

    /// The name in the directory that a path argument means, if it means one.
    fn name(&self, tracee: &Tracee, at: i32, address: u64) -> Result<Option<String>> {
        let path = PathBuf::from(tracee.text(address)?);
        let path = match (path.is_absolute(), at) {
            (true, _) => path,
            (false, libc::AT_FDCWD) => tracee.directory()?.join(path),
            (false, at) => fs::read_link(tracee.descriptor(at))?.join(path),
        };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        let ours = parent
            .canonicalize()
            .is_ok_and(|parent| parent == self.directory);
        Ok(ours.then(|| name.to_string_lossy().into_owned()))
    }

    /// What a descriptor is open on; `None` for what is elsewhere.
    fn opened(&mut self, tracee: &Tracee, descriptor: i32) -> Result<Option<Handle>> {
        let path = fs::read_link(tracee.descriptor(descriptor))?;
        if path == self.directory {
            return Ok(Some(Handle::Directory));
        }
        let Ok(name) = path.strip_prefix(&self.directory) else {
            return Ok(None);
        };
        let name = name.to_string_lossy().into_owned();
        if name.contains('/') {
            return Err(format!("{} is below the directory", path.display()).into());
        }
        let synced = tracee.flags(descriptor)? & libc::O_DSYNC != 0;
        let id = match self.names.get(&name) {
            Some(id) => *id,
            None => {
                let id = self.files;
                self.files += 1;
                // A file without a name, for scratch.
                if !name.ends_with(" (deleted)") {
                    self.names.insert(name.clone(), id);
                    self.events.push(Event::Names(NameChange {
                        removed: None,
                        added: Some((name, id)),
                    }));
                }
                id
            }
        };
        Ok(Some(Handle::File { id, synced }))
    }

    fn content(&mut self, file: FileId, change: Change) -> Result<()> {
        let end = match &change {
            Change::Write { offset, data } => offset + data.len() as u64,
            Change::Length(len) | Change::AtLeast(len) => *len,
        };
        if end > MAX_LENGTH {
            return Err(format!("a file of {end} bytes is too large for cuts").into());
        }
        self.events.push(Event::Content(file, change));
        Ok(())
    }

    /// `len` bytes were written to a descriptor: at `offset`, or before its position.
    fn wrote(
        &mut self,
        tracee: &Tracee,
        descriptor: i32,
        offset: Option<u64>,
        len: i64,
        synced: bool,
    ) -> Result<()> {
        let Some(&Handle::File { id, synced: always }) = self.open.get(&descriptor) else {
            return Ok(());
        };
        let offset = match offset {
            Some(offset) => offset,
            None => tracee.position(descriptor)? - len as u64,
        };
        // From the file, so that it does not matter where the call had them from.
        let mut data = vec![0; len as usize];
        File::open(tracee.descriptor(descriptor))?.read_exact_at(&mut data, offset)?;
        self.content(id, Change::Write { offset, data })?;
        if synced || always {
            let before = self.events.len();
            let what = Synced::File(id);
            self.events.push(Event::Synced { what, before });
        }
        Ok(())
    }

    /// The offset that a call has moved on by `len`, unless it used the position of the file.
    fn moved(tracee: &Tracee, address: u64, len: i64) -> Result<Option<u64>> {
        if address == 0 {
            return Ok(None);
        }
        let bytes = tracee.bytes(address, 8)?;
        let after = u64::from_le_bytes(bytes.try_into().map_err(|_| "8 bytes")?);
        Ok(Some(after - len as u64))
    }

    fn renamed(&mut self, from: Option<String>, to: Option<String>, keep: bool) -> Result<()> {
        let (from, to) = match (from, to) {
            (None, None) => return Ok(()),
            (Some(from), Some(to)) => (from, to),
            (from, to) => return Err(format!("a name moves in or out: {from:?}, {to:?}").into()),
        };
        let id = *self.names.get(&from).ok_or("a rename of no known file")?;
        if !keep {
            self.names.remove(&from);
        }
        self.names.insert(to.clone(), id);
        self.events.push(Event::Names(NameChange {
            removed: (!keep).then_some(from),
            added: Some((to, id)),
        }));
        Ok(())
    }

    fn is_ours(&self, descriptor: i32) -> bool {
        matches!(self.open.get(&descriptor), Some(Handle::File { .. }))
    }
}

impl Watch for Recorder {
    fn gate(&mut self, tracee: &Tracee) -> Result<()> {
        self.start = Disk::read(&self.directory)?;
        self.names = self.start.names.clone();
        self.files = self.start.files.len();
        for descriptor in tracee.descriptors()? {
            if let Some(handle) = self.opened(tracee, descriptor)? {
                self.open.insert(descriptor, handle);
            }
        }
        Ok(())
    }

    fn entry(&mut self, tracee: &Tracee, thread: Pid, call: &Call) -> Result<Then> {
        let [a, b, c, d, ..] = call.arguments;
        let name = |at: u64, address| self.name(tracee, at as i32, address);
        let here = libc::AT_FDCWD as u64;
        let named = match call.number {
            #[cfg(target_arch = "x86_64")]
            libc::SYS_rename | libc::SYS_link => [name(here, a)?, name(here, b)?],
            #[cfg(target_arch = "x86_64")]
            libc::SYS_unlink | libc::SYS_mkdir | libc::SYS_rmdir => [name(here, a)?, None],
            #[cfg(target_arch = "x86_64")]
            libc::SYS_symlink => [name(here, b)?, None],
            libc::SYS_renameat | libc::SYS_renameat2 | libc::SYS_linkat => {
                [name(a, b)?, name(c, d)?]
            }
            libc::SYS_unlinkat | libc::SYS_mkdirat => [name(a, b)?, None],
            libc::SYS_symlinkat => [name(b, c)?, None],
            libc::SYS_truncate => [name(here, a)?, None],
            _ => [None, None],
        };
        self.named.insert(thread, named);
        match call.number {
            libc::SYS_fsync | libc::SYS_fdatasync | libc::SYS_sync | libc::SYS_syncfs => {
                // Only what was done before it began is sure to be synced.
                self.syncing.insert(thread, self.events.len());
            }
            libc::SYS_close => {
                // Now, since another thread may get the number before this one returns.
                self.open.remove(&call.descriptor(0));
            }
            _ => {}
        }
        Ok(Then::Go)
    }

    fn exit(&mut self, tracee: &Tracee, thread: Pid, call: &Call, result: i64) -> Result<()> {
        if self.heard.call(tracee, call, result)? {
            self.events.push(Event::Told(self.heard.clone()));
            return Ok(());
        }
        let [one, two] = self.named.remove(&thread).unwrap_or_default();
        if result < 0 {
            return Ok(());
        }
        let arguments = call.arguments;
        let lost = || Err(format!("{} is not followed here", call.name()).into());
        match call.number {
            libc::SYS_openat => self.follow_open(tracee, result as i32, arguments[2]),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open => self.follow_open(tracee, result as i32, arguments[1]),
            libc::SYS_write | libc::SYS_writev => {
                self.wrote(tracee, call.descriptor(0), None, result, false)
            }
            libc::SYS_pwrite64 | libc::SYS_pwritev => self.wrote(
                tracee,
                call.descriptor(0),
                Some(arguments[3]),
                result,
                false,
            ),
            libc::SYS_pwritev2 => {
                let offset = (arguments[3] != u64::MAX).then_some(arguments[3]);
                let synced = arguments[5] as i32 & (libc::RWF_DSYNC | libc::RWF_SYNC) != 0;
                self.wrote(tracee, call.descriptor(0), offset, result, synced)
            }
            libc::SYS_copy_file_range | libc::SYS_splice if self.is_ours(call.descriptor(2)) => {
                let offset = Recorder::moved(tracee, arguments[3], result)?;
                self.wrote(tracee, call.descriptor(2), offset, result, false)
            }
            libc::SYS_sendfile => self.wrote(tracee, call.descriptor(0), None, result, false),
            libc::SYS_ftruncate | libc::SYS_fallocate => {
                let Some(&Handle::File { id, .. }) = self.open.get(&call.descriptor(0)) else {
                    return Ok(());
                };
                match (call.number == libc::SYS_ftruncate, arguments[1] as i32) {
                    (true, _) => self.content(id, Change::Length(arguments[1])),
                    (false, 0) => self.content(id, Change::AtLeast(arguments[2] + arguments[3])),
                    // Space, but no bytes.
                    (false, libc::FALLOC_FL_KEEP_SIZE) => Ok(()),
                    _ => lost(),
                }
            }
            libc::SYS_fsync | libc::SYS_fdatasync | libc::SYS_sync | libc::SYS_syncfs => {
                let whole = matches!(call.number, libc::SYS_sync | libc::SYS_syncfs);
                let what = match self.open.get(&call.descriptor(0)) {
                    _ if whole => Synced::Everything,
                    Some(Handle::Directory) => Synced::Directory,
                    Some(Handle::File { id, .. }) => Synced::File(*id),
                    None => return Ok(()),
                };
                let before = self.syncing.remove(&thread).unwrap_or_default();
                self.events.push(Event::Synced { what, before });
                Ok(())
            }
            #[cfg(target_arch = "x86_64")]
            libc::SYS_rename => self.renamed(one, two, false),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_link => self.renamed(one, two, true),
            libc::SYS_renameat => self.renamed(one, two, false),
            libc::SYS_renameat2 if arguments[4] as u32 & libc::RENAME_EXCHANGE == 0 => {
                self.renamed(one, two, false)
            }
            libc::SYS_linkat => self.renamed(one, two, true),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_unlink => self.unlinked(one),
            libc::SYS_unlinkat => self.unlinked(one),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_dup2 => self.copied(call.descriptor(0), result),
            libc::SYS_dup | libc::SYS_dup3 => self.copied(call.descriptor(0), result),
            libc::SYS_fcntl
                if matches!(arguments[1] as i32, libc::F_DUPFD | libc::F_DUPFD_CLOEXEC) =>
            {
                self.copied(call.descriptor(0), result)
            }
            libc::SYS_mmap if self.is_ours(call.descriptor(4)) => {
                let written = arguments[2] as i32 & libc::PROT_WRITE != 0;
                let shared = arguments[3] as i32 & libc::MAP_SHARED != 0;
                if written && shared { lost() } else { Ok(()) }
            }
            libc::SYS_ioctl if self.is_ours(call.descriptor(0)) => {
                let clones = [libc::FICLONE as u32, libc::FICLONERANGE as u32];
                if clones.contains(&(arguments[1] as u32)) {
                    lost()
                } else {
                    Ok(())
                }
            }
            libc::SYS_io_uring_setup | libc::SYS_openat2 => lost(),
            // Making directories and links, truncating by path.
            _ if one.is_some() => lost(),
            _ => Ok(()),
        }
    }
}

impl Recorder {
    fn follow_open(&mut self, tracee: &Tracee, to: i32, flags: u64) -> Result<()> {
        let Some(handle) = self.opened(tracee, to)? else {
            self.open.remove(&to);
            return Ok(());
        };
        self.open.insert(to, handle);
        match handle {
            Handle::File { id, .. } if flags as i32 & libc::O_TRUNC != 0 => {
                self.content(id, Change::Length(0))
            }
            _ => Ok(()),
        }
    }

    fn unlinked(&mut self, name: Option<String>) -> Result<()> {
        let Some(name) = name else { return Ok(()) };
        self.names
            .remove(&name)
            .ok_or("an unlink of no known file")?;
        self.events.push(Event::Names(NameChange {
            removed: Some(name),
            added: None,
        }));
        Ok(())
    }

    fn copied(&mut self, from: i32, to: i64) -> Result<()> {
        match self.open.get(&from).copied() {
            Some(handle) => self.open.insert(to as i32, handle),
            None => self.open.remove(&(to as i32)),
        };
        Ok(())
    }
}
