//! Workspace archives: named values and tensors of any size in one `.ach` file.
//!
//! - **Save** everything atomically: the old file or the new one, never something between
//!   ([`save`], [`ArchiveWriter`]).
//! - **Open** at once, whatever the size: header and table of contents are read and checked, nothing
//!   else is ([`Archive::open`], [`Archive::open_mmap`], [`Archive::from_bytes`]).
//! - **Load one variable** without touching the others ([`Archive::load_var`]); a tensor of a mapped
//!   archive is a slice of the map.
//! - **Trust**: every byte is covered by a sum, checked when it is first touched; a damaged or hostile
//!   file is an error that says where ([`Archive::verify`]).
//!
//! ```
//! use achronyme_env::{save, Archive, Record, SaveOptions, Tensor, Value};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("run.ach");
//!
//! let weights = Tensor::from_vec(vec![0.5f32; 6], [2, 3])?;
//! let config = Record::from([("rate", Value::from(1e-3)), ("tags", Value::vector(["a", "b"]))]);
//! let bindings = [("weights", Value::from(weights)), ("config", config.into())];
//! save(&path, bindings.iter().map(|(name, value)| (*name, value)), &SaveOptions::new())?;
//!
//! let archive = Archive::open(&path)?;
//! assert_eq!(archive.tensor("weights")?.as_slice::<f32>()?[5], 0.5);
//! assert_eq!(archive.at("config.rate")?.as_f64(), Some(1e-3));
//! assert_eq!(archive.at("config.tags[-1]")?.as_str(), Some("b"));
//! assert_eq!(archive.at("weights[0, 1:]")?.as_tensor().map(Tensor::shape), Some(&[2][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What to use
//!
//! | you have | you want | use |
//! |---|---|---|
//! | a session: named values with attributes and marks | a file, and back | [`Environment`], [`save_environment`], [`restore_environment`] |
//! | a session | to undo, or to share with other processes | [`Snapshot`] |
//! | values of this crate, or borrowed ones | a file | [`save`], [`ArchiveWriter`] with [`ValueRef`], [`TensorRef`] |
//! | a file | one value | [`Archive::load_var`], [`Archive::at`] |
//! | a file | a look at a large structured value | [`Archive::view`], [`View`] |
//! | arrays that together are larger than memory | a file | [`SaveOptions::streaming`] |
//! | an array larger than memory | a file in which it is computed | [`ArchiveWriter::reserve_tensor`] |
//! | a file | a look at all of an array larger than memory | [`Tensor::blocks`] |
//! | a file | several variables with their arrays, on all cores | [`Archive::get_many`], [`Archive::prefetch`] |
//! | a file | part of a tensor | [`Tensor::slice`], [`Archive::at`] with a slice |
//! | a session that goes on for hours | to save what changed, to undo, to be followed | [`Session`], [`SessionReader`], [`Autosave`] |
//! | an interpreter with values of its own | its session in a file, and back | [`host::save`], [`host::adopt`] |
//! | a version 1 file | its values, or an archive | [`Version1`], [`upgrade`] |
//! | two files or environments | what differs, down to the leaves | [`diff`], [`differs`] |
//! | two files | what must be sent for one to become the other | [`create_delta`], [`apply_delta`], [`Delta`] |
//! | a damaged file | what of it is intact, in a new one | [`salvage`] |
//! | a file or an environment | a name for its content | [`content_hash`], [`variable_hash`] |
//! | a struct of your own | it in a file, seen in place | [`TypeRegistry`], [`Archive::typed`] |
//! | a value | bytes for a message | [`serialize_value`], [`deserialize_value`] |
//! | a value | bytes by content type, JSON among them | [`codec`] |
#![cfg_attr(
    feature = "serde",
    doc = "| a type with `serde` | a value, and back | [`to_value`], [`from_value`] |"
)]
#![cfg_attr(
    feature = "arrow",
    doc = "| a record of columns | an Arrow record batch, and back | [`arrow::to_batch`], [`arrow::from_batches`] |"
)]
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `zstd` (on) | compressed arrays; without it they are an error that names it |
//! | `json` (on) | the JSON codec of values |
//! | `arrow` | the module `arrow`: records of columns as Arrow record batches and back, without a copy where memory allows it |
//! | `ndarray` | views of tensors in and out, without a copy |
//! | `half`, `num-complex` | their types as elements of tensors |
//! | `serde` | any `Serialize` becomes a value, any `Deserialize` comes from one |
//!
//! # Roads
//!
//! [`Archive::open`] is safe whatever happens to the file: array data is read and checked when it is
//! first looked at. [`Archive::open_mmap`] is `unsafe`, because nobody may change the file in place
//! while it lives; then nothing is copied, and processes share the pages. Both give the same values
//! and the same errors.
//!
//! # What it is not
//!
//! Not a database: one writer at a time, whose commits are for a session, not for a thousand
//! transactions a second; redb or SQLite are. Not authentication: sums and digests find
//! accidents and name contents, they do not say who wrote them. The library installs no signal
//! handlers and prints nothing. Hosts must be little-endian.
//!
//! `docs/format.md` specifies the bytes, `docs/architecture.md` shows the house.

mod allocate;
pub mod codec;
mod compare;
mod environment;
mod error;
mod fault;
mod finding;
mod format;
pub mod host;
mod interop;
mod journal;
pub mod limits;
mod mapped;
mod marks;
mod message;
mod name;
mod origin;
mod path;
mod pattern;
mod pool;
mod read;
mod salvage;
mod selection;
mod session;
mod shuffle;
mod slice;
mod stack;
mod statistics;
mod tree;
mod typed;
mod value;
mod version1;
mod write;
#[cfg(feature = "zstd")]
mod zstd_frame;

#[cfg(target_endian = "big")]
compile_error!(
    "achronyme-env reads and writes little-endian memory: big-endian hosts are not supported"
);

pub use compare::{
    Changed, Delta, DeltaOptions, DeltaReport, Diff, DiffOptions, Difference, ElementMismatch,
    Lone, Mismatch, Summary, WorkspaceRef, apply_delta, content_hash, create_delta, diff, differs,
    variable_hash,
};
pub use environment::{
    Clash, Environment, EnvironmentInfo, FunctionRegistry, Operation, RestoreMode, RestoreOptions,
    RestoreReport, Restored, SharedSnapshot, Snapshot, Variable, env_info, env_load_var,
    env_load_vars, get_metadata, merge, operations, restore_environment, restore_from,
    restore_into, save_environment,
};
pub use error::{EnvError, Origin, Result};
pub use fault::{Fault, Part, Problem};
pub use finding::{Finding, Outcome};
pub use format::extent::{Codec, DigestKind};
pub use format::header::{
    AchHeader, FLAG_SEALED, FORMAT_VERSION_MAJOR, FORMAT_VERSION_MINOR, HEADER_LEN, MAGIC,
};
#[cfg(feature = "arrow")]
pub use interop::arrow;
#[cfg(feature = "serde")]
pub use interop::{from_value, to_value};
pub use journal::{Durability, FLAG_COMMIT, FrameKind, MESSAGE_HEADER_LEN, MessageHeader};
pub use limits::Limits;
pub use mapped::{MmapFile, ReservedMemory};
pub use message::{
    Message, MessageCompression, MessageId, MessageReader, MessageWriter, VALUE_IMAGE,
};
pub use name::{check_name, escape_for_terminal};
pub use pattern::{Patterns, escape_pattern};
pub use pool::{BufferPool, PoolCounts, PooledBuffer};
pub use read::image::deserialize_value;
pub use read::{
    Archive, Binding, Check, Child, ExtentInfo, Metadata, OpenOptions, Section, SectionKind, Sizes,
    ValueImage, VerifyFault, VerifyReport, View, read_cancellable,
};
/// The version of rkyv that typed values are archived with.
pub use rkyv;
pub use salvage::{SalvageOptions, SalvageReport, salvage};
pub use session::{
    Autosave, AutosaveOptions, AutosavePause, AutosaveStatus, Checkpoint, Checkpointed, Closed,
    Commit, Event, EventKind, JournalDamage, JournalFault, JournalInfo, JournalReport, Moment,
    Session, SessionOptions, SessionReader, Travelled, backup,
};
pub use slice::{Axis, Slice};
pub use statistics::{EncodingStatistics, Temperature, TypeStatistics};
pub use typed::{Layout, ProgramType, Schema, TypeFault, TypeRegistry, TypedView};
pub use value::{
    BF16, Blocks, Buffer, Callable, Cell, Complex64, Complex128, DType, Edge, EdgeRef, Element,
    ElementSource, ErrorRef, ErrorValue, Extension, ExtensionRef, F8E4M3, F8E5M2, F16, Function,
    FunctionRef, Handle, Kind, Order, Record, Scope, ScopeRef, SharedContents, SharedId, Storage,
    StringArray, Tensor, TensorRef, Typed, UserFunction, UserFunctionRef, Value, ValueRef, Vector,
    byte_len, format_shape,
};
pub use version1::{UpgradeReport, Version1, Version1Metadata, upgrade};
pub use write::{
    ArchiveWriter, BindingOptions, DEFAULT_COLD_SHARE, DEFAULT_LARGE_BYTES, ReservedTensor,
    SaveOptions, SaveReport, save, serialize_value,
};

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// So do those of the guide.
#[cfg(doctest)]
#[doc = include_str!("../docs/environment.md")]
struct Guide;

/// So do those of the page on version 1 files.
#[cfg(doctest)]
#[doc = include_str!("../docs/version1.md")]
struct Version1Page;

/// So do those of the page about sessions.
#[cfg(doctest)]
#[doc = include_str!("../docs/sessions.md")]
struct SessionsPage;

/// So does the one of the page about messages.
#[cfg(doctest)]
#[doc = include_str!("../docs/messages.md")]
struct MessagesPage;

/// So do those of the page on typed values.
#[cfg(doctest)]
#[doc = include_str!("../docs/typed-values.md")]
struct TypedValuesPage;

/// So do those of the page on JSON.
#[cfg(all(doctest, feature = "json"))]
#[doc = include_str!("../docs/json.md")]
struct JsonPage;

/// So do those of the page about data larger than memory.
#[cfg(doctest)]
#[doc = include_str!("../docs/big-data.md")]
struct BigData;

/// So does the one of the page about tables.
#[cfg(all(doctest, feature = "arrow"))]
#[doc = include_str!("../docs/arrow.md")]
struct TablesPage;

/// So does the one of the page about operations.
#[cfg(doctest)]
#[doc = include_str!("../docs/operations.md")]
struct Operations;
