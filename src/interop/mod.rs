//! The optional features: `arrow`, `serde`, `ndarray`, `half` and `num-complex`.
//!
//! None of them changes what a value is or a byte of what is saved; they only convert.

#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(feature = "half")]
mod half_floats;
#[cfg(feature = "ndarray")]
mod ndarray_views;
#[cfg(feature = "num-complex")]
mod num_complex_numbers;

#[cfg(feature = "serde")]
mod serde_access;
#[cfg(feature = "serde")]
mod serde_compound;
#[cfg(feature = "serde")]
mod serde_depth;
#[cfg(feature = "serde")]
mod serde_failure;
#[cfg(feature = "serde")]
mod serde_float;
#[cfg(feature = "serde")]
mod serde_from_value;
#[cfg(feature = "serde")]
mod serde_keys;
#[cfg(feature = "serde")]
mod serde_names;
#[cfg(feature = "serde")]
mod serde_tensor;
#[cfg(feature = "serde")]
mod serde_to_value;

#[cfg(feature = "serde")]
pub use serde_from_value::from_value;
#[cfg(feature = "serde")]
pub use serde_to_value::to_value;
