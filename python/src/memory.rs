//! The unsafe room: memory of Python objects lent to the library, memory of the library lent to
//! NumPy, and maps of files.
//!
//! The buffer protocol is not part of the stable ABI of CPython 3.10, so arrays are looked at and
//! made through NumPy's own C API, which is.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{c_int, c_long};
use std::fs::File;
use std::path::Path;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

use achronyme_env::{
    Buffer, DType, OpenOptions, Order, ReservedMemory, ReservedTensor, Session, SessionOptions,
    SessionReader, Storage, Tensor,
};
use memmap2::{MmapMut, MmapOptions};
use numpy::npyffi::{
    self, NPY_ARRAY_ALIGNED, NPY_ARRAY_WRITEABLE, NPY_TYPES, NpyTypes, PY_ARRAY_API, npy_intp,
};
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::interrupt;

/// Bytes copied between two looks at whether they are still wanted; whole blocks.
const COPIED_AT_ONCE: usize = 64 << 20;

/// Python objects whose memory is lent out, kept alive as long as this.
#[derive(Default)]
pub(crate) struct Loan(RefCell<Vec<Py<PyAny>>>);

impl Loan {
    /// The bytes of a contiguous array, in its order.
    pub(crate) fn array<'l>(&'l self, array: &Bound<'_, PyUntypedArray>) -> &'l [u8] {
        let len = array.len() * array.dtype().itemsize();
        if len == 0 {
            return &[];
        }
        self.keep(array.as_any());
        // SAFETY: `array` is an ndarray. Its elements are contiguous (the caller looked), so `len`
        // bytes stand at `data`, and they stay there while `self` holds a reference: NumPy moves
        // the memory of an array only in `resize`, which refuses while there is another reference
        // unless told not to look. Other threads may write the bytes meanwhile, as they may under
        // every library that reads an array without the interpreter's lock: the save treats them
        // as volatile, copies each piece before it uses it, and draws no conclusion from two reads
        // being equal.
        unsafe {
            let data = (*npyffi::_PyArray_GET_ITEM_DATA(array.as_array_ptr())).data;
            std::slice::from_raw_parts(data.cast::<u8>(), len)
        }
    }

    /// The bytes of a `bytes`.
    pub(crate) fn bytes<'l>(&'l self, bytes: &Bound<'_, PyBytes>) -> &'l [u8] {
        self.keep(bytes.as_any());
        let bytes = bytes.as_bytes();
        // SAFETY: a `bytes` never changes nor moves, and `self` keeps a reference to it.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) }
    }

    /// The text of a `str`; `None` when it holds lone surrogates.
    pub(crate) fn text<'l>(&'l self, text: &Bound<'_, PyString>) -> Option<&'l str> {
        let lent = text.to_str().ok()?;
        self.keep(text.as_any());
        let bytes = lent.as_bytes();
        // SAFETY: a `str` never changes, the UTF-8 is kept with it until it is freed, and `self`
        // keeps a reference to it. It was a `&str`, so it is UTF-8.
        unsafe {
            let bytes = std::slice::from_raw_parts(bytes.as_ptr(), bytes.len());
            Some(std::str::from_utf8_unchecked(bytes))
        }
    }

    fn keep(&self, object: &Bound<'_, PyAny>) {
        self.0.borrow_mut().push(object.clone().unbind());
    }
}

/// The memory of a contiguous array, for a value that outlives the call. The array is kept alive.
#[derive(Debug)]
pub(crate) struct Lent {
    _array: Py<PyAny>,
    data: NonNull<u8>,
    len: usize,
}

// SAFETY: `Py` may be sent and shared. What is at `data` is only read, and all types in it may be
// read from any thread; for others that write meanwhile see `Loan::array`.
unsafe impl Send for Lent {}
// SAFETY: likewise.
unsafe impl Sync for Lent {}

impl Lent {
    /// The memory of an array that is contiguous and not empty.
    pub(crate) fn of(array: &Bound<'_, PyUntypedArray>) -> Option<Lent> {
        let len = array.len() * array.dtype().itemsize();
        // SAFETY: `array` is an ndarray.
        let data = unsafe { (*npyffi::_PyArray_GET_ITEM_DATA(array.as_array_ptr())).data };
        Some(Lent {
            data: NonNull::new(data.cast::<u8>()).filter(|_| len > 0)?,
            len,
            _array: array.clone().into_any().unbind(),
        })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: as in `Loan::array`, while `self` holds a reference to the array.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }
}

impl Storage for Lent {
    fn byte_len(&self) -> u64 {
        self.len as u64
    }

    fn range(&self, start: u64, len: u64) -> achronyme_env::Result<&[u8]> {
        Ok(&self.bytes()[start as usize..][..len as usize])
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> achronyme_env::Result<()> {
        out.copy_from_slice(&self.bytes()[start as usize..][..out.len()]);
        Ok(())
    }

    fn identity(&self) -> (usize, u64) {
        (self.data.as_ptr().addr(), 0)
    }

    fn is_volatile(&self) -> bool {
        true
    }
}

/// What a read-only array stands on: the tensor, which holds the map or the memory read.
#[pyclass(frozen, module = "achronyme_env._native")]
struct Lease(#[allow(dead_code)] Tensor);

/// What a writable array stands on: memory of its own.
#[pyclass(module = "achronyme_env._native")]
struct Owned(Buffer);

/// What a writable array stands on: a private map of a part of the file.
#[pyclass(module = "achronyme_env._native")]
struct Private(MmapMut);

/// What a writable array stands on: the memory of a reserved tensor, which the library sets free from
/// the file before that is published.
#[pyclass(frozen, module = "achronyme_env._native")]
struct Reserved(#[allow(dead_code)] Arc<ReservedMemory>);

/// What an array is apart from its memory.
struct Outline {
    dtype: DType,
    shape: Vec<npy_intp>,
    strides: Vec<npy_intp>,
    empty: bool,
    fortran: bool,
}

impl Outline {
    fn of(tensor: &Tensor) -> Outline {
        Outline {
            dtype: tensor.dtype(),
            shape: tensor.shape().iter().map(|n| *n as npy_intp).collect(),
            strides: tensor.strides().iter().map(|n| *n as npy_intp).collect(),
            empty: tensor.is_empty(),
            fortran: tensor.order() == Order::Fortran,
        }
    }

    /// That of an array in C order.
    fn in_c_order(dtype: DType, shape: &[u64]) -> Outline {
        let shape: Vec<npy_intp> = shape.iter().map(|n| *n as npy_intp).collect();
        let mut strides = vec![0; shape.len()];
        let mut stride = dtype.size() as npy_intp;
        for (at, length) in strides.iter_mut().zip(&shape).rev() {
            *at = stride;
            stride = stride.saturating_mul(*length);
        }
        Outline {
            dtype,
            empty: shape.contains(&0),
            shape,
            strides,
            fortran: false,
        }
    }
}

/// A writable array over the bytes of `tensor` in the unpublished file. When the archive is finished
/// and the array lives, its memory stays, and no longer is that of the file.
pub(crate) fn reserved<'py>(
    py: Python<'py>,
    mut tensor: ReservedTensor<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    let outline = Outline::in_c_order(tensor.dtype(), tensor.shape());
    let memory = tensor.memory().map_err(|e| crate::error::raise(py, e))?;
    let data = memory.as_ref().map_or(null_mut(), |memory| memory.as_ptr());
    let base = match memory {
        Some(memory) => Bound::new(py, Reserved(memory))?.into_any(),
        None => py.None().into_bound(py),
    };
    // SAFETY: the memory is that of all elements, stays at its address and writable while the base
    // holds it, and the array is the only one made of it; `Writer` never takes a slice of the tensor.
    // The library reads the file only after it has set the memory free.
    unsafe { array(py, outline, data, true, base) }
}

/// A read-only array over the elements of `tensor`, where they are. Of one of 16-bit or 8-bit
/// floats that NumPy does not know, an array of integers of that width. `looked_at` is about how
/// many bytes are read on the way.
pub(crate) fn view<'py>(
    py: Python<'py>,
    tensor: &Tensor,
    looked_at: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let bytes = interrupt::read(py, looked_at, || tensor.as_bytes())?;
    let data = bytes.as_ptr();
    let base = Bound::new(py, Lease(tensor.clone()))?.into_any();
    // SAFETY: the bytes of a tensor stay where they are while a clone of it lives, and the base
    // holds one; they are as many as dtype and shape need; nobody is allowed to write them.
    unsafe { array(py, Outline::of(tensor), data.cast_mut(), false, base) }
}

/// A writable array with a copy of the elements of `tensor`, checked as they are copied.
pub(crate) fn copy<'py>(py: Python<'py>, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    let buffer = interrupt::read(py, tensor.byte_len(), || {
        let mut buffer = Buffer::zeroed(tensor.byte_len())?;
        let mut at = 0;
        for piece in buffer.as_bytes_mut().chunks_mut(COPIED_AT_ONCE) {
            tensor.read_at(at, piece)?;
            at += piece.len() as u64;
        }
        Ok(buffer)
    });
    let base = Bound::new(py, Owned(buffer?))?;
    let data = base.borrow_mut().0.as_bytes_mut().as_mut_ptr();
    // SAFETY: the buffer does not move while the base lives, has as many bytes as dtype and shape
    // need, and nothing but the array uses it from here on.
    unsafe { array(py, Outline::of(tensor), data, true, base.into_any()) }
}

/// A writable array over a private map of the `tensor`'s bytes at `offset` of `file`: pages are
/// shared until they are written. `None` when the system will not map.
pub(crate) fn private<'py>(
    py: Python<'py>,
    tensor: &Tensor,
    file: &File,
    offset: u64,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let len = tensor.byte_len() as usize;
    let mut options = MmapOptions::new();
    // Only pages that are written need memory: the array may be larger than there is.
    options.offset(offset).len(len).no_reserve_swap();
    // SAFETY: the contract of `open`, which the documentation of the package states, is that
    // nobody changes the file in place while something taken from it lives.
    let Ok(map) = (unsafe { options.map_copy(file) }) else {
        return Ok(None);
    };
    let base = Bound::new(py, Private(map))?;
    let data = base.borrow_mut().0.as_mut_ptr();
    // SAFETY: the map does not move while the base lives, has `len` bytes, and nothing but the
    // array uses it from here on.
    let array = unsafe { array(py, Outline::of(tensor), data, true, base.into_any())? };
    Ok(Some(array))
}

/// Opens an archive by mapping it.
pub(crate) fn open_mapped(
    options: &OpenOptions,
    path: &Path,
) -> achronyme_env::Result<achronyme_env::Archive> {
    // SAFETY: as in `private`: the contract that the documentation hands on to the caller, who has
    // chosen to map, or has not chosen to read.
    unsafe { options.open_mmap(path) }
}

/// Opens a session for reading by mapping its archive and journal.
pub(crate) fn read_mapped(
    options: &SessionOptions,
    path: &Path,
) -> achronyme_env::Result<SessionReader> {
    // SAFETY: as in `open_mapped`; committed frames of a journal are never changed, and what is cut
    // off of one was never committed.
    unsafe { options.read_mmap(path) }
}

/// Opens a session for writing by mapping its archive and journal.
pub(crate) fn write_mapped(
    options: &SessionOptions,
    path: &Path,
) -> achronyme_env::Result<Session> {
    // SAFETY: as in `read_mapped`.
    unsafe { options.open_mmap(path) }
}

/// An array at `data`, which keeps `base` alive.
///
/// # Safety
/// The bytes that `outline` needs stay valid at `data` while `base` lives, and nobody else writes
/// them; nobody reads them either while they may be written.
unsafe fn array<'py>(
    py: Python<'py>,
    outline: Outline,
    data: *mut u8,
    writable: bool,
    base: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let Outline {
        dtype,
        mut shape,
        mut strides,
        empty,
        fortran,
    } = outline;
    // Of an empty one NumPy allocates the nothing itself.
    let data = if empty { null_mut() } else { data };
    let strides = match empty {
        true => null_mut(),
        false => strides.as_mut_ptr(),
    };
    let flags = match (empty, writable) {
        (true, _) => c_int::from(fortran),
        (false, true) => NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE,
        (false, false) => NPY_ARRAY_ALIGNED,
    };
    // SAFETY: NumPy takes over the reference to the descriptor, copies shape and strides, and
    // answers a new reference or null with an exception set. Bytes, shape and strides agree.
    let array = unsafe {
        let kind = npyffi::get_type_object(py, NpyTypes::PyArray_Type);
        let descr = PY_ARRAY_API.PyArray_DescrFromType(py, type_number(dtype) as c_int);
        let nd = shape.len() as c_int;
        let shape = shape.as_mut_ptr();
        let made = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            kind,
            descr,
            nd,
            shape,
            strides,
            data.cast(),
            flags,
            null_mut(),
        );
        Bound::from_owned_ptr_or_err(py, made)?
    };
    if empty {
        if !writable {
            array.getattr("flags")?.setattr("writeable", false)?;
        }
        return Ok(array);
    }
    // SAFETY: `array` is an ndarray without a base yet; NumPy takes over the reference.
    let set =
        unsafe { PY_ARRAY_API.PyArray_SetBaseObject(py, array.as_ptr().cast(), base.into_ptr()) };
    match set {
        0 => Ok(array),
        _ => Err(PyErr::fetch(py)),
    }
}

/// NumPy's number for a dtype, or for the integer of its width where it has none.
fn type_number(dtype: DType) -> NPY_TYPES {
    let long = size_of::<c_long>() == 8;
    match dtype {
        DType::Bool => NPY_TYPES::NPY_BOOL,
        DType::I8 => NPY_TYPES::NPY_BYTE,
        DType::I16 => NPY_TYPES::NPY_SHORT,
        DType::I32 => NPY_TYPES::NPY_INT,
        DType::I64 if long => NPY_TYPES::NPY_LONG,
        DType::I64 => NPY_TYPES::NPY_LONGLONG,
        DType::U16 | DType::BF16 => NPY_TYPES::NPY_USHORT,
        DType::U32 => NPY_TYPES::NPY_UINT,
        DType::U64 if long => NPY_TYPES::NPY_ULONG,
        DType::U64 => NPY_TYPES::NPY_ULONGLONG,
        DType::F16 => NPY_TYPES::NPY_HALF,
        DType::F32 => NPY_TYPES::NPY_FLOAT,
        DType::F64 => NPY_TYPES::NPY_DOUBLE,
        DType::Complex64 => NPY_TYPES::NPY_CFLOAT,
        DType::Complex128 => NPY_TYPES::NPY_CDOUBLE,
        // One byte: `uint8` and the 8-bit floats.
        _ => NPY_TYPES::NPY_UBYTE,
    }
}
