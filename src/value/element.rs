//! Rust types that can be elements of a tensor.

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};

use super::dtype::DType;

mod sealed {
    pub trait Sealed {}
}

/// A Rust type whose slices are the bytes of a tensor of [`Element::DTYPE`].
///
/// Implemented for `bool`, the integers, `f32`, `f64`, the types of this module and, with the
/// features of those names, `half::f16`, `half::bf16` and `num_complex::Complex`.
pub trait Element:
    CheckedBitPattern + NoUninit + Send + Sync + std::fmt::Debug + sealed::Sealed + 'static
{
    /// The dtype of a tensor of this type.
    const DTYPE: DType;

    /// The bytes of `elements` for writing, when every bit pattern is a value of the type.
    #[doc(hidden)]
    fn bytes_mut(elements: &mut [Self]) -> Option<&mut [u8]>;
}

/// A binary16 number as its bits, for programs without the feature `half`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct F16(pub u16);

/// A bfloat16 number as its bits, for programs without the feature `half`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct BF16(pub u16);

/// An opaque one-byte float, E4M3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct F8E4M3(pub u8);

/// An opaque one-byte float, E5M2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct F8E5M2(pub u8);

/// A complex number of two `f32`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Complex64 {
    /// Real part.
    pub re: f32,
    /// Imaginary part.
    pub im: f32,
}

/// A complex number of two `f64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Complex128 {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

impl Complex128 {
    /// A number from its parts.
    pub const fn new(re: f64, im: f64) -> Self {
        Complex128 { re, im }
    }
}

impl Complex64 {
    /// A number from its parts.
    pub const fn new(re: f32, im: f32) -> Self {
        Complex64 { re, im }
    }
}

macro_rules! elements {
    ($($ty:ty => $dtype:ident),* $(,)?) => {$(
        impl sealed::Sealed for $ty {}
        impl Element for $ty {
            const DTYPE: DType = DType::$dtype;
            fn bytes_mut(elements: &mut [Self]) -> Option<&mut [u8]> {
                Some(bytemuck::cast_slice_mut(elements))
            }
        }
    )*};
}

elements! {
    i8 => I8, i16 => I16, i32 => I32, i64 => I64,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64,
    F16 => F16, BF16 => BF16, f32 => F32, f64 => F64,
    Complex64 => Complex64, Complex128 => Complex128,
    F8E4M3 => F8E4M3, F8E5M2 => F8E5M2,
}

impl sealed::Sealed for bool {}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
    fn bytes_mut(_: &mut [Self]) -> Option<&mut [u8]> {
        None
    }
}

#[cfg(feature = "half")]
elements! { half::f16 => F16, half::bf16 => BF16 }

#[cfg(feature = "num-complex")]
elements! { num_complex::Complex<f32> => Complex64, num_complex::Complex<f64> => Complex128 }

#[cfg(feature = "num-complex")]
impl From<num_complex::Complex<f64>> for Complex128 {
    fn from(z: num_complex::Complex<f64>) -> Self {
        Complex128 { re: z.re, im: z.im }
    }
}

#[cfg(feature = "num-complex")]
impl From<Complex128> for num_complex::Complex<f64> {
    fn from(z: Complex128) -> Self {
        num_complex::Complex { re: z.re, im: z.im }
    }
}
