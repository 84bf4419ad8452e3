//! (front door: written at the end)

mod error;
mod fault;
mod format;
pub mod limits;
mod name;
mod path;
mod pattern;
mod read;
mod shuffle;
mod slice;
mod tree;
mod value;
mod write;

#[cfg(target_endian = "big")]
compile_error!(
    "achronyme-env reads and writes little-endian memory; big-endian hosts are not supported"
);

pub use error::{EnvError, Origin, Result};
pub use fault::{Fault, Part, Problem};
pub use format::extent::{Codec, DigestKind};
pub use format::header::{
    AchHeader, FLAG_SEALED, FORMAT_VERSION_MAJOR, FORMAT_VERSION_MINOR, HEADER_LEN, MAGIC,
};
pub use limits::Limits;
pub use name::{check_name, escape_for_terminal};
pub use pattern::Patterns;
pub use read::image::deserialize_value;
pub use read::{
    Archive, Binding, Check, Child, ExtentInfo, Metadata, OpenOptions, Section, SectionKind, Sizes,
    VerifyFault, VerifyReport, View,
};
pub use slice::{Axis, Slice};
pub use value::{
    BF16, Buffer, Cell, Complex64, Complex128, DType, Edge, Element, ErrorValue, Extension, F8E4M3,
    F8E5M2, F16, Function, Kind, Order, Record, Scope, Storage, StringArray, Tensor, TensorRef,
    Typed, UserFunction, Value, ValueRef, byte_len, format_shape,
};
pub use write::{ArchiveWriter, BindingOptions, SaveOptions, SaveReport, save, serialize_value};
