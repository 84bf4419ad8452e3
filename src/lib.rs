//! (front door: written at the end)

mod error;
mod fault;
mod interop;
pub mod limits;
mod name;
mod value;

#[cfg(target_endian = "big")]
compile_error!(
    "achronyme-env reads and writes little-endian memory; big-endian hosts are not supported"
);

pub use error::{EnvError, Origin, Result};
pub use fault::{Fault, Part, Problem};
#[cfg(feature = "serde")]
pub use interop::{from_value, to_value};
pub use limits::Limits;
pub use name::{check_name, escape_for_terminal};
pub use value::{
    BF16, Buffer, Cell, Complex64, Complex128, DType, Edge, Element, ErrorValue, Extension, F8E4M3,
    F8E5M2, F16, Function, Kind, Order, Record, Scope, Storage, StringArray, Tensor, TensorRef,
    Typed, UserFunction, Value, ValueRef, byte_len, format_shape,
};
