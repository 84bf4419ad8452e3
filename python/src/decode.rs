//! Values of the library as Python's. What is common is made here; strings and extensions are
//! handed to the Python layer, with their parts made already.

use std::fs::File;

use achronyme_env::{DType, Tensor, Value};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyComplex, PyDict, PyList, PyTuple};

use crate::foreign::Foreign;
use crate::interrupt;
use crate::memory;

/// Arrays from this many bytes on are mapped privately; below, a copy costs less than a map.
const MAPPED_FROM_BYTES: u64 = 64 << 10;
/// Mapped arrays up to this many bytes are checked before they are handed out, as by the library.
const CHECKED_UP_TO_BYTES: u64 = 64 << 20;

/// Values made between two looks for Ctrl-C.
const SIGNAL_EVERY: usize = 4096;

/// Dimensions that an array may have in NumPy 1; from NumPy 2 on, as many as in the format.
const RANK_OF_EVERY_NUMPY: usize = 32;

/// How arrays are handed out.
pub(crate) enum Hand<'f> {
    /// Read-only, where they are.
    View {
        /// Whether they are mapped, so that large ones are handed out without being looked at.
        mapped: bool,
    },
    /// Writable: of a file, a private map where that is possible; else a copy.
    Writable {
        /// The file the tensors come from.
        file: Option<&'f File>,
        /// Whether what is mapped is checked first, up to 64 MiB an array.
        check: bool,
    },
}

/// Makes the values of one call.
pub(crate) struct Decoder<'f, 'py> {
    py: Python<'py>,
    hand: Hand<'f>,
    /// The context of the Python layer: `extension(type_name, parameters, storage)`,
    /// `strings(shape, offsets, bytes)`, `special(dtype_name, array)`, `check_rank(rank)`.
    context: Bound<'py, PyAny>,
}

impl<'f, 'py> Decoder<'f, 'py> {
    pub(crate) fn new(context: Bound<'py, PyAny>, hand: Hand<'f>) -> Self {
        Decoder {
            py: context.py(),
            hand,
            context,
        }
    }

    /// A value. The depth is bounded by the library, which refuses deeper files.
    pub(crate) fn value(&self, value: &Value) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        Ok(match value {
            Value::Null => py.None().into_bound(py),
            Value::Boolean(boolean) => boolean.into_pyobject(py)?.to_owned().into_any(),
            Value::Integer(integer) => integer.into_pyobject(py)?.into_any(),
            Value::Number(number) => number.into_pyobject(py)?.into_any(),
            Value::Complex(z) => PyComplex::from_doubles(py, z.re, z.im).into_any(),
            Value::String(text) => text.into_pyobject(py)?.into_any(),
            Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
            Value::Vector(elements) => {
                let list = PyList::empty(py);
                for (index, element) in elements.iter().enumerate() {
                    if index % SIGNAL_EVERY == SIGNAL_EVERY - 1 {
                        py.check_signals()?;
                    }
                    list.append(self.value(element)?)?;
                }
                list.into_any()
            }
            Value::Record(record) => {
                let dict = PyDict::new(py);
                for (name, value) in record.iter() {
                    dict.set_item(name, self.value(value)?)?;
                }
                dict.into_any()
            }
            Value::Tensor(tensor) => self.tensor(tensor)?,
            Value::StringArray(array) => {
                let shape = PyTuple::new(py, array.shape())?;
                let offsets = memory::view(py, array.offsets(), array.offsets().byte_len())?;
                let bytes = memory::view(py, array.bytes(), array.bytes().byte_len())?;
                let method = intern!(py, "strings");
                self.context.call_method1(method, (shape, offsets, bytes))?
            }
            Value::Extension(extension) => {
                let parameters = self.value(&extension.parameters)?;
                let storage = self.value(&extension.storage)?;
                let name = &*extension.type_name;
                let method = intern!(py, "extension");
                self.context
                    .call_method1(method, (name, parameters, storage))?
            }
            other => Bound::new(py, Foreign(other.clone()))?.into_any(),
        })
    }

    fn tensor(&self, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
        if tensor.shape().len() > RANK_OF_EVERY_NUMPY {
            let method = intern!(self.py, "check_rank");
            self.context.call_method1(method, (tensor.shape().len(),))?;
        }
        let array = match self.hand {
            Hand::View { mapped } => {
                let large = tensor.byte_len() > CHECKED_UP_TO_BYTES;
                let looked_at = match mapped && large && tensor.file_offset().is_some() {
                    true => 0,
                    false => tensor.byte_len(),
                };
                memory::view(self.py, tensor, looked_at)?
            }
            Hand::Writable { file, check } => match file {
                Some(file) if tensor.byte_len() >= MAPPED_FROM_BYTES => {
                    match self.private(tensor, file, check)? {
                        Some(array) => array,
                        None => memory::copy(self.py, tensor)?,
                    }
                }
                _ => memory::copy(self.py, tensor)?,
            },
        };
        match tensor.dtype() {
            dtype @ (DType::BF16 | DType::F8E4M3 | DType::F8E5M2) => {
                let method = intern!(self.py, "special");
                self.context.call_method1(method, (dtype.name(), array))
            }
            _ => Ok(array),
        }
    }

    fn private(
        &self,
        tensor: &Tensor,
        file: &File,
        check: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(offset) = tensor.file_offset() else {
            return Ok(None);
        };
        if check && tensor.byte_len() <= CHECKED_UP_TO_BYTES {
            interrupt::read(self.py, tensor.byte_len(), || tensor.as_bytes().map(drop))?;
        }
        memory::private(self.py, tensor, file, offset)
    }
}
