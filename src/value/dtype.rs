//! Element types of tensors.

use std::fmt;

/// The type of a tensor's elements. The discriminants are the codes in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum DType {
    /// One byte, 0 or 1.
    Bool = 1,
    /// Signed 8-bit integer.
    I8 = 2,
    /// Signed 16-bit integer.
    I16 = 3,
    /// Signed 32-bit integer.
    I32 = 4,
    /// Signed 64-bit integer.
    I64 = 5,
    /// Unsigned 8-bit integer.
    U8 = 6,
    /// Unsigned 16-bit integer.
    U16 = 7,
    /// Unsigned 32-bit integer.
    U32 = 8,
    /// Unsigned 64-bit integer.
    U64 = 9,
    /// IEEE 754 binary16.
    F16 = 10,
    /// bfloat16: the upper half of a binary32.
    BF16 = 11,
    /// IEEE 754 binary32.
    F32 = 12,
    /// IEEE 754 binary64.
    F64 = 13,
    /// Two binary32: real, imaginary.
    Complex64 = 14,
    /// Two binary64: real, imaginary.
    Complex128 = 15,
    /// One-byte float with 4 exponent bits (OCP 8-bit floating point, E4M3), opaque here.
    F8E4M3 = 16,
    /// One-byte float with 5 exponent bits (OCP 8-bit floating point, E5M2), opaque here.
    F8E5M2 = 17,
}

impl DType {
    /// Every dtype, in the order of their codes.
    pub const ALL: [DType; 17] = [
        DType::Bool,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F16,
        DType::BF16,
        DType::F32,
        DType::F64,
        DType::Complex64,
        DType::Complex128,
        DType::F8E4M3,
        DType::F8E5M2,
    ];

    /// The code in the file.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The dtype of a code in the file.
    pub fn from_code(code: u8) -> Option<DType> {
        // Codes count from 1, in the order of `ALL`.
        DType::ALL.get(usize::from(code.checked_sub(1)?)).copied()
    }

    /// The name, as NumPy and the array libraries spell it: `float64`, `bfloat16`, `complex128`.
    pub fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::I8 => "int8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::U8 => "uint8",
            DType::U16 => "uint16",
            DType::U32 => "uint32",
            DType::U64 => "uint64",
            DType::F16 => "float16",
            DType::BF16 => "bfloat16",
            DType::F32 => "float32",
            DType::F64 => "float64",
            DType::Complex64 => "complex64",
            DType::Complex128 => "complex128",
            DType::F8E4M3 => "float8_e4m3",
            DType::F8E5M2 => "float8_e5m2",
        }
    }

    /// The dtype of a name that [`DType::name`] gives.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DType::Bool | DType::I8 | DType::U8 | DType::F8E4M3 | DType::F8E5M2 => 1,
            DType::I16 | DType::U16 | DType::F16 | DType::BF16 => 2,
            DType::I32 | DType::U32 | DType::F32 => 4,
            DType::I64 | DType::U64 | DType::F64 | DType::Complex64 => 8,
            DType::Complex128 => 16,
        }
    }

    /// Bytes of one number: of an element, or of the real part of a complex one.
    pub(crate) fn component_size(self) -> usize {
        match self {
            DType::Complex64 | DType::Complex128 => self.size() / 2,
            _ => self.size(),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The order in which a tensor's elements stand in memory. Both are contiguous.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Row-major: the last index runs fastest.
    #[default]
    C,
    /// Column-major: the first index runs fastest.
    Fortran,
}

impl Order {
    /// The code in the file.
    pub fn code(self) -> u8 {
        match self {
            Order::C => 0,
            Order::Fortran => 1,
        }
    }

    /// The order of a code in the file.
    pub fn from_code(code: u8) -> Option<Order> {
        match code {
            0 => Some(Order::C),
            1 => Some(Order::Fortran),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_lead_back() {
        for dtype in DType::ALL {
            assert_eq!(DType::from_code(dtype.code()), Some(dtype));
            assert_eq!(DType::from_name(dtype.name()), Some(dtype));
        }
        assert_eq!(DType::from_code(0), None);
        assert_eq!(DType::from_code(18), None);
    }
}
