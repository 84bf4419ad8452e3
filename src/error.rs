//! What can go wrong, told for the person who reads it: what was being done, to which file and
//! which variable, what was found there, and what to do.

pub(crate) mod phrases;

use std::io;

use phrases::{counted, first_losses, hex, known_hint, nearest_hint};

use crate::fault::Fault;
use crate::finding::Finding;
pub use crate::origin::Origin;

/// The result of every fallible function of this crate.
pub type Result<T, E = EnvError> = std::result::Result<T, E>;

/// Every error of this crate.
///
/// The text of each is lower-case, one sentence where it can be, and names file and variable. Names
/// that came from a file are shown with control characters escaped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvError {
    /// A restore would put a record in the place of a variable.
    #[error(
        "the environment has a variable {}; choose another namespace, or allow overwriting", crate::name::quoted(.name)
    )]
    NameTaken {
        /// The name.
        name: String,
    },

    /// Under `strict_version`: another version of the format or of the library wrote the file.
    #[error(
        "{path} is {found}, where exactly {expected} is asked for; turn strict_version off to restore it"
    )]
    WriterDiffers {
        /// The file.
        path: Origin,
        /// What wrote it.
        found: String,
        /// What was asked for.
        expected: String,
    },

    /// The output exists and overwriting was not allowed.
    #[error("{path} exists already; allow overwriting, or choose another name")]
    AlreadyExists {
        /// The file that is in the way.
        path: Origin,
    },

    /// The caller stopped a save through [`SaveOptions::cancel`](crate::SaveOptions::cancel), or a
    /// read through [`read_cancellable`](crate::read_cancellable).
    #[error("the work on {path} was cancelled; the file, if any, is as it was")]
    Cancelled {
        /// The file that was to be written or read.
        path: Origin,
    },

    /// The file was changed or replaced in place while it was open.
    #[error("{path} was changed in place while it was open ({what}); open it again")]
    ChangedInPlace {
        /// The file.
        path: Origin,
        /// What differs: its length, its modification time, or its inode.
        what: &'static str,
    },

    /// A commit is in the journal, but the system could not promise that it survives a power cut.
    /// A failed sync is never tried again: the system may have dropped what it could not write.
    #[error(
        "the last commit to {path} may not survive a power cut: {source}; nothing more is appended to it: save elsewhere, and see to the disk"
    )]
    CommitNotDurable {
        /// The journal.
        path: Origin,
        /// What the operating system answered.
        source: io::Error,
    },

    /// A constant was to be changed.
    #[error("{} is a constant, which nothing replaces or removes; choose another name", crate::name::quoted(.name))]
    Constant {
        /// Its name.
        name: String,
    },

    /// Bytes of the file do not say what they must: it is damaged, cut short, or was made to harm.
    #[error("{path} is damaged: {fault}")]
    Damaged {
        /// The file.
        path: Origin,
        /// The place in the file, what was expected there and what was found.
        fault: Fault,
    },

    /// The file system is full.
    #[error(
        "no room to save {path}: {needed} bytes are needed, {free} are free; the old file, if any, is untouched"
    )]
    DiskFull {
        /// The file that was to be written.
        path: Origin,
        /// Bytes the new file needs.
        needed: u64,
        /// Bytes the file system has for this user.
        free: u64,
    },

    /// Elements were asked for as another type than they are. Nothing is ever cast in silence.
    #[error(
        "the tensor holds {found}, not {asked}; ask for {found}, or convert the elements yourself"
    )]
    DTypeMismatch {
        /// The type asked for.
        asked: &'static str,
        /// The dtype of the tensor.
        found: &'static str,
    },

    /// A name was given twice.
    #[error("the name {} is given twice; give one of them another name", crate::name::quoted(.name))]
    DuplicateName {
        /// The name.
        name: String,
    },

    /// The file would be larger than `max_file_size` allows.
    #[error(
        "saving {path} needs {needed} bytes or more, above max_file_size ({max}); nothing was written"
    )]
    FileTooLarge {
        /// The file that was to be written.
        path: Origin,
        /// Bytes it would have at least.
        needed: u64,
        /// Bytes it may have.
        max: u64,
    },

    /// The journal beside an archive belongs to another archive or session. It is not replayed, and
    /// not written to.
    #[error(
        "{path} does not belong to {archive}: {reason}; put the archive it belongs to back, or move it away"
    )]
    ForeignJournal {
        /// The journal.
        path: Origin,
        /// The archive beside it.
        archive: Origin,
        /// What differs.
        reason: String,
    },

    /// There is no history where it was asked for.
    #[error("the history of {path} does not reach there: {reason}")]
    HistoryEnds {
        /// The archive.
        path: Origin,
        /// Where it ends.
        reason: String,
    },

    /// The history of a session has no mark of that name.
    #[error("{path} has no mark {}{}", crate::name::quoted(.name), nearest_hint(.nearest))]
    NoSuchMark {
        /// The archive.
        path: Origin,
        /// The name asked for.
        name: String,
        /// The nearest there is.
        nearest: Option<String>,
    },

    /// A process that was forked from the writer of a session used that writer.
    #[error(
        "the session of {path} belongs to process {owner}, from which this process ({process}) was forked; open a session of its own in the child"
    )]
    ForkedChild {
        /// The archive.
        path: Origin,
        /// The process that opened the session.
        owner: u32,
        /// This process.
        process: u32,
    },

    /// Frames are missing between an archive and the journal beside it.
    #[error(
        "{path} begins with frame {found}, but what stands before it, {archive} or a segment, ends with frame {last}; put back what is missing"
    )]
    JournalGap {
        /// The journal.
        path: Origin,
        /// The archive beside it.
        archive: Origin,
        /// Sequence of the last frame there is before the gap.
        last: u64,
        /// Sequence of the first frame behind it.
        found: u64,
    },

    /// The writer of a journal met an error after which it must not go on.
    #[error("nothing more is appended to {path}, since {reason}; open the session again")]
    JournalClosed {
        /// The journal.
        path: Origin,
        /// What happened.
        reason: String,
    },

    /// The file is a delta and no archive. [`crate::Delta`] opens it.
    #[error(
        "{path} is a delta, which says how another archive is to be changed; `ach delta apply` makes the new archive of both"
    )]
    IsDelta {
        /// The file.
        path: Origin,
    },

    /// Under `strict`: something would be lost.
    #[error("cannot {action} {path} without loss: {}", first_losses(.findings))]
    Lossy {
        /// What was being done, as a verb: "save", "restore".
        action: &'static str,
        /// The file.
        path: Origin,
        /// What would be lost, and everything else that was found.
        findings: Vec<Finding>,
    },

    /// Reading or writing failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was being done, as a verb: "open", "read", "write", "rename".
        action: &'static str,
        /// The file.
        path: Origin,
        /// What the operating system answered.
        source: io::Error,
    },

    /// A value cannot be written, or text cannot be a value.
    #[error("{what}: {reason}")]
    InvalidValue {
        /// The value or its place.
        what: String,
        /// Why it cannot be.
        reason: String,
    },

    /// A binding's name is too long.
    #[error("the name {} has {} bytes; a name may have {}", crate::name::quoted(.name), .name.len(), crate::limits::MAX_NAME_BYTES)]
    NameTooLong {
        /// The name.
        name: String,
    },

    /// Vectors, records, edges, functions or cells are nested deeper than the format allows.
    #[error("{} is nested deeper than {} levels; flatten it, or store the parts under names of their own", crate::name::escape_for_terminal(.path), crate::limits::MAX_NESTING)]
    NestingTooDeep {
        /// The path to the value that is too deep, shortened in the middle.
        path: String,
    },

    /// The file system has no room for a commit. It is undone, and the session goes on.
    #[error(
        "no room to commit to {path}: {needed} bytes are needed, {free} are free; nothing is committed, and what was committed before stands"
    )]
    NoRoomToCommit {
        /// The journal.
        path: Origin,
        /// Bytes the commit takes.
        needed: u64,
        /// Bytes the file system has for this user.
        free: u64,
    },

    /// The file is an archive and no delta.
    #[error("{path} is an archive, not a delta; `ach delta create` makes a delta of two archives")]
    NotADelta {
        /// The file.
        path: Origin,
    },

    /// The path names a directory, a FIFO, a device or a socket.
    #[error("{path} is {found}, not a regular file")]
    NotAFile {
        /// The path.
        path: Origin,
        /// What it is: "a directory", "a FIFO", ...
        found: &'static str,
    },

    /// The file does not begin as an archive does.
    #[error("{path} is not an .ach archive: {found}")]
    NotAnArchive {
        /// The file.
        path: Origin,
        /// What was found at its beginning.
        found: String,
    },

    /// No binding has that name.
    #[error("{path} has no variable {}{}", crate::name::quoted(.name), nearest_hint(.nearest))]
    NotFound {
        /// The archive.
        path: Origin,
        /// The name asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },

    /// A value has no such field, element or step.
    #[error("{}: {reason}", crate::name::escape_for_terminal(.path))]
    NoSuchPart {
        /// The path into the value, as far as it was asked for.
        path: String,
        /// What is there instead.
        reason: String,
    },

    /// A delta is for another archive.
    #[error(
        "{path} is for the archive with root digest {}, and {parent} has {}; apply it to that one, or make a delta of this one", hex(.expected), hex(.found)
    )]
    OtherParent {
        /// The delta.
        path: Origin,
        /// Root digest of the archive it is for.
        expected: Box<[u8; 32]>,
        /// The archive it was to be applied to.
        parent: Origin,
        /// The root digest of that.
        found: Box<[u8; 32]>,
    },

    /// Text is not a path into a value, or not a slice.
    #[error("cannot read {} as {expected}: {}", crate::name::quoted(.text), crate::name::escape_for_terminal(.reason))]
    Syntax {
        /// The text.
        text: String,
        /// What it should be: "a path", "a slice", "a pattern".
        expected: &'static str,
        /// Where and why not.
        reason: String,
    },

    /// No snapshot is kept under that name.
    #[error("no snapshot is kept under the name {}{}", crate::name::quoted(.name), nearest_hint(.nearest))]
    NoSnapshot {
        /// The name asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },

    /// The operating system has no means for it.
    #[error("{what} is not possible on this system; {instead}")]
    NotOnThisSystem {
        /// What was asked for.
        what: &'static str,
        /// What to do instead.
        instead: &'static str,
    },

    /// The new file replaced the old one, but the system could not promise that it survives a
    /// power cut.
    #[error(
        "{path} is replaced and complete, but may not survive a power cut: {source}; save again, or call sync"
    )]
    ReplacedNotDurable {
        /// The file.
        path: Origin,
        /// What the operating system answered.
        source: io::Error,
    },

    /// An archive is not replaced whose journal holds commits that it does not, or beside which
    /// history is kept ([`SessionOptions::keep_history`](crate::SessionOptions::keep_history)): that
    /// would be gone.
    #[error(
        "{path} is not replaced: {}",
        match *frames {
            0 => format!("the history of its session, which begins with {journal}, would be gone; say that it is to be discarded"),
            1 => format!("{journal} holds 1 change that it does not; fold with `ach checkpoint`, or say that it is to be discarded"),
            frames => format!("{journal} holds {frames} changes that it does not; fold with `ach checkpoint`, or say that it is to be discarded"),
        }
    )]
    UnfoldedJournal {
        /// The archive.
        path: Origin,
        /// Its journal; the archive that history begins with, when `frames` is 0.
        journal: Origin,
        /// Number of frames that are not in the archive; 0 when history is all that would be lost.
        frames: u64,
    },

    /// Another writer has the session.
    #[error(
        "the session of {path} is open for writing in {holder}; close it there, or open it for reading only"
    )]
    SessionLocked {
        /// The archive.
        path: Origin,
        /// Process, program, host, and since when.
        holder: String,
    },

    /// An index or range lies outside a tensor.
    #[error("{slice} does not fit the shape {shape}: {reason}")]
    SliceOutOfRange {
        /// The slice as asked for.
        slice: String,
        /// The shape of the tensor.
        shape: String,
        /// Which axis, and its length.
        reason: String,
    },

    /// A cap on memory was reached.
    #[error(
        "{path}: {what} needs {found} bytes, above the cap of {cap}; raise `Limits` if the file is to be trusted"
    )]
    TooLarge {
        /// The file.
        path: Origin,
        /// What is too large.
        what: String,
        /// The size it declares, in bytes.
        found: u64,
        /// The cap, in bytes.
        cap: u64,
    },

    /// A pool of buffers has lent what it may.
    #[error(
        "a buffer of {asked} bytes does not fit the pool: {lent} of its {capacity} bytes are lent; drop what holds them, or make the pool larger"
    )]
    PoolExhausted {
        /// The room that was asked for, in bytes.
        asked: u64,
        /// Bytes that are lent.
        lent: u64,
        /// The most bytes the pool may hold.
        capacity: u64,
    },

    /// A value of a program's own type cannot be seen as that type: see
    /// [`TypeRegistry`](crate::TypeRegistry).
    #[error("the value of type {}: {fault}", crate::name::quoted(.type_name))]
    Typed {
        /// The type: its registered name, or its name in Rust.
        type_name: String,
        /// What stands against it.
        fault: crate::typed::TypeFault,
    },

    /// The file uses something this reader does not know or was built without.
    #[error(
        "{path} uses {what}, which this reader does not know; read it with a newer version of ach"
    )]
    Unsupported {
        /// The file.
        path: Origin,
        /// What is not known: a format version, a feature flag, a dtype, a codec.
        what: String,
    },

    /// A version 1 archive. [`crate::Version1`] reads it, [`crate::upgrade`] converts it.
    #[error(
        "{path} is a version 1 archive (format {major}.{minor}); read it with `restore_environment`, or convert it with `ach upgrade`"
    )]
    Version1 {
        /// The file.
        path: Origin,
        /// Major version found.
        major: u16,
        /// Minor version found.
        minor: u16,
    },

    /// No codec has that content type, or none of those that are accepted.
    #[error("no codec is known for {}; known are: {}", crate::name::quoted(.asked), .known.join(", "))]
    UnknownContentType {
        /// What was asked for.
        asked: String,
        /// The content types that are known.
        known: Vec<String>,
    },

    /// An option has a name that none has.
    #[error("there is no {operation} option {}{}", crate::name::quoted(.option), known_hint(.nearest, .known))]
    UnknownOption {
        /// What was to be done, as a verb: "save", "restore".
        operation: &'static str,
        /// The name that was given.
        option: String,
        /// The nearest name of an option.
        nearest: Option<String>,
        /// The names of all options.
        known: Vec<&'static str>,
    },

    /// A value is of another kind than was asked for.
    #[error("expected {asked}, found {found}")]
    WrongKind {
        /// What was asked for.
        asked: &'static str,
        /// What is there.
        found: &'static str,
    },

    /// An operation was called with more or fewer arguments than it takes.
    #[error("{operation} takes {}, {found} {} given; it is {signature}", counted(.arity), if *.found == 1 { "is" } else { "are" })]
    WrongArity {
        /// Its name.
        operation: &'static str,
        /// How it is called.
        signature: &'static str,
        /// Fewest and most arguments it takes.
        arity: (usize, usize),
        /// How many were given.
        found: usize,
    },

    /// An argument of an operation is of another type or value than it takes.
    #[error("{}: {} is {found}, where {expected} is expected", signature, crate::name::escape_for_terminal(.argument))]
    WrongArgument {
        /// How the operation is called.
        signature: &'static str,
        /// The argument, and the part of it.
        argument: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },

    /// An option is of another type, or out of its range.
    #[error("the option {} is {found}, where {expected} is expected", crate::name::quoted(.option))]
    WrongOption {
        /// Its name, and the part of it: `tags[1]`, `custom.run`.
        option: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },

    /// Archives that are merged have a variable of the same name, and nothing says which counts.
    #[error(
        "{first} and {second} both have a variable {}; say whether the first or the last counts, or give each archive a namespace", crate::name::quoted(.name)
    )]
    NameClash {
        /// The name.
        name: String,
        /// The archive that has it first.
        first: Origin,
        /// The other.
        second: Origin,
    },

    /// An error about one variable: its name, and the cause.
    #[error("variable {}: {source}", crate::name::quoted(.name))]
    Variable {
        /// The binding's name.
        name: String,
        /// What went wrong.
        source: Box<EnvError>,
    },
}

impl EnvError {
    /// Wraps the error with the name of the variable it is about. That it was given up is about none.
    pub(crate) fn of_variable(self, name: &str) -> EnvError {
        match self {
            EnvError::Variable { .. } | EnvError::NotFound { .. } | EnvError::Cancelled { .. } => {
                self
            }
            other => EnvError::Variable {
                name: name.to_owned(),
                source: Box::new(other),
            },
        }
    }

    /// Whether it says that a part of a file is of a later version, and nothing worse.
    pub(crate) fn is_about_the_unknown(&self) -> bool {
        match self {
            EnvError::Unsupported { .. } => true,
            EnvError::Variable { source, .. } => source.is_about_the_unknown(),
            _ => false,
        }
    }

    /// Puts the whole path that was asked for into an error about a part of it.
    pub(crate) fn at_path(self, whole: &str) -> EnvError {
        match self {
            EnvError::NoSuchPart { reason, .. } => EnvError::NoSuchPart {
                path: whole.to_owned(),
                reason,
            },
            other => other,
        }
    }

    pub(crate) fn io(action: &'static str, path: impl Into<Origin>, source: io::Error) -> EnvError {
        EnvError::Io {
            action,
            path: path.into(),
            source,
        }
    }

    /// The fault in the file, when the error is about damage.
    pub fn fault(&self) -> Option<&Fault> {
        self.damaged_file().map(|(_, fault)| fault)
    }

    /// The file that is damaged, and the place in it.
    pub(crate) fn damaged_file(&self) -> Option<(&Origin, &Fault)> {
        match self {
            EnvError::Damaged { path, fault } => Some((path, fault)),
            EnvError::Variable { source, .. } => source.damaged_file(),
            _ => None,
        }
    }
}
