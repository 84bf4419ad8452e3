//! Python values as the library takes them. What is common is converted here; for everything else
//! the Python layer is asked to describe the object in terms of what is common.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use achronyme_env::{
    Complex128, DType, ExtensionRef, Finding, Order, Outcome, StringArray, Tensor, TensorRef,
    Value, ValueRef, limits::MAX_NESTING,
};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::error::raise;
use crate::foreign::Foreign;
use crate::memory::{Lent, Loan};
use crate::owned::owned_value;

/// Texts from this many bytes on are lent and not copied.
const LENT_FROM_BYTES: usize = 4096;
/// Values converted between two looks for Ctrl-C.
const SIGNAL_EVERY: u32 = 4096;

/// Objects around a value, with those that only stand for another: no chain of these exhausts the
/// stack.
const MAX_AROUND: usize = 4 * MAX_NESTING;

/// Arrays from this many bytes on are lent and not copied, where values outlive the call: smaller
/// ones are read twice when they are written, and must not change in between.
const ARRAYS_LENT_FROM_BYTES: usize = 1 << 20;
/// Arrays from this many bytes on are written by a streaming writer before its `add` returns; others
/// may wait.
const STREAMED_FROM_BYTES: usize = 8 << 20;

/// How arrays become part of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrays {
    /// Where they are, as long as the loan.
    Borrowed,
    /// Where they are, as long as the value; small ones as copies.
    Lent,
    /// As `Lent`, for a writer that streams: what waits is a copy, so that its owner may go on.
    Streamed,
    /// As copies.
    Copied,
}

/// Converts the values of one call.
pub(crate) struct Encoder<'l, 'py> {
    py: Python<'py>,
    loan: &'l Loan,
    arrays: Arrays,
    /// `describe(object)` of the Python layer.
    describe: Bound<'py, PyAny>,
    /// The containers around the value that is converted, to find one that holds itself.
    around: Vec<usize>,
    path: Vec<Step<'py>>,
    converted: u32,
    /// What is kept in another form.
    pub(crate) findings: Vec<Finding>,
    pub(crate) paths: Paths,
    name: String,
}

enum Step<'py> {
    Key(Bound<'py, PyString>),
    Index(usize),
    /// A part of what stands for a value: in the library's paths, and not in those of Python.
    Part(&'static str),
}

/// Paths as the library writes them, of what was not kept; and as Python knows them.
pub(crate) type Paths = HashMap<(String, String), String>;

impl<'l, 'py> Encoder<'l, 'py> {
    pub(crate) fn new(loan: &'l Loan, describe: Bound<'py, PyAny>) -> Self {
        Encoder {
            py: describe.py(),
            loan,
            arrays: Arrays::Borrowed,
            describe,
            around: Vec::new(),
            path: Vec::new(),
            converted: 0,
            findings: Vec::new(),
            paths: Paths::new(),
            name: String::new(),
        }
    }

    /// For values that outlive the call: [`Encoder::owned_binding`] makes them.
    pub(crate) fn owning(mut self, arrays: Arrays) -> Self {
        self.arrays = arrays;
        self
    }

    /// The value of the binding `name`, on its own. What cannot be kept is in `findings`, and a part
    /// that cannot is what stands for it in the format.
    pub(crate) fn owned_binding(
        &mut self,
        name: &str,
        object: &Bound<'py, PyAny>,
    ) -> PyResult<Value> {
        owned_value(self.binding(name, object)?).map_err(|e| raise(self.py, e))
    }

    /// The value of the binding `name`. Fails only with what Python raises; a value that cannot be
    /// saved is `Unsupported`.
    pub(crate) fn binding(
        &mut self,
        name: &str,
        object: &Bound<'py, PyAny>,
    ) -> PyResult<ValueRef<'l>> {
        name.clone_into(&mut self.name);
        self.path.clear();
        self.value(object)
    }

    fn value(&mut self, object: &Bound<'py, PyAny>) -> PyResult<ValueRef<'l>> {
        self.converted = self.converted.wrapping_add(1);
        if self.converted.is_multiple_of(SIGNAL_EVERY) {
            self.py.check_signals()?;
        }
        if object.is_none() {
            return Ok(ValueRef::Null);
        }
        if let Ok(array) = object.cast_exact::<PyUntypedArray>()
            && let Some(tensor) = self.tensor(array)?
        {
            return Ok(tensor);
        }
        if let Ok(text) = object.cast_exact::<PyString>()
            && let Some(text) = self.text(text)
        {
            return Ok(text);
        }
        if object.is_exact_instance_of::<PyFloat>() {
            return Ok(ValueRef::Number(object.extract()?));
        }
        if object.is_exact_instance_of::<PyBool>() {
            return Ok(ValueRef::Boolean(object.extract()?));
        }
        if object.is_exact_instance_of::<PyInt>()
            && let Ok(integer) = object.extract()
        {
            return Ok(ValueRef::Integer(integer));
        }
        if let Ok(complex) = object.cast_exact::<PyComplex>() {
            let (re, im) = (complex.getattr("real")?, complex.getattr("imag")?);
            return Ok(ValueRef::Complex(Complex128::new(
                re.extract()?,
                im.extract()?,
            )));
        }
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            return Ok(ValueRef::Bytes(self.loan.bytes(bytes)));
        }
        if let Ok(foreign) = object.cast_exact::<Foreign>() {
            return Ok(ValueRef::Owned(foreign.get().0.clone()));
        }
        self.container(object)
    }

    /// A value that may hold others.
    fn container(&mut self, object: &Bound<'py, PyAny>) -> PyResult<ValueRef<'l>> {
        let address = object.as_ptr().addr();
        if self.around.contains(&address) {
            let reason = "it contains itself, and only its first level is kept";
            return self.unsupported(object, reason);
        }
        if self.around.len() >= MAX_AROUND {
            let reason = "what stands for it is described by another object, and that by another";
            return self.unsupported(object, reason);
        }
        self.around.push(address);
        let value = self.container_inside(object);
        self.around.pop();
        value
    }

    fn container_inside(&mut self, object: &Bound<'py, PyAny>) -> PyResult<ValueRef<'l>> {
        if let Ok(list) = object.cast_exact::<PyList>() {
            if self.is_too_deep() {
                return self.too_deep(object);
            }
            return self.list(list);
        }
        if let Ok(dict) = object.cast_exact::<PyDict>() {
            if self.is_too_deep() {
                return self.too_deep(object);
            }
            if let Some(record) = self.record(dict)? {
                return Ok(record);
            }
        }
        let description = self.describe.call1((object,))?;
        self.described(object, description.cast_into::<PyTuple>()?)
    }

    fn list(&mut self, list: &Bound<'py, PyList>) -> PyResult<ValueRef<'l>> {
        let mut values = Vec::with_capacity(list.len());
        for (index, item) in list.iter().enumerate() {
            values.push(self.part(Step::Index(index), &item)?);
        }
        Ok(ValueRef::Vector(values))
    }

    /// `None` when a key is not a text.
    fn record(&mut self, dict: &Bound<'py, PyDict>) -> PyResult<Option<ValueRef<'l>>> {
        // Items at once: what is asked of Python meanwhile may change the dictionary.
        let mut items = Vec::with_capacity(dict.len());
        // All keys before any value: values converted for nothing would be converted again, at
        // each level of nesting twice as often.
        for item in dict.items() {
            let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = item.extract()?;
            let Ok(key) = key.cast_into_exact::<PyString>() else {
                return Ok(None);
            };
            let Ok(name) = key.to_str() else {
                return Ok(None);
            };
            let name = Cow::Owned(name.to_owned());
            items.push((name, key, value));
        }
        let mut fields = Vec::with_capacity(items.len());
        for (name, key, value) in items {
            fields.push((name, self.part(Step::Key(key), &value)?));
        }
        Ok(Some(ValueRef::Record(fields)))
    }

    fn part(&mut self, step: Step<'py>, object: &Bound<'py, PyAny>) -> PyResult<ValueRef<'l>> {
        self.path.push(step);
        let value = self.value(object);
        self.path.pop();
        value
    }

    fn text(&self, text: &Bound<'py, PyString>) -> Option<ValueRef<'l>> {
        let short = text.to_str().ok()?;
        Some(match short.len() {
            ..LENT_FROM_BYTES => ValueRef::Owned(Value::from(short)),
            _ => ValueRef::String(self.loan.text(text)?),
        })
    }

    /// `None` for an array that is not of a dtype of the format, native, and contiguous.
    fn tensor(&self, array: &Bound<'py, PyUntypedArray>) -> PyResult<Option<ValueRef<'l>>> {
        match dtype_of(&array.dtype()) {
            Some(dtype) => self.tensor_as(dtype, array),
            None => Ok(None),
        }
    }

    fn tensor_as(
        &self,
        dtype: DType,
        array: &Bound<'py, PyUntypedArray>,
    ) -> PyResult<Option<ValueRef<'l>>> {
        let order = match () {
            () if array.is_c_contiguous() => Order::C,
            () if array.is_fortran_contiguous() => Order::Fortran,
            () => return Ok(None),
        };
        let shape: Vec<u64> = array.shape().iter().map(|n| *n as u64).collect();
        let lent = match self.arrays {
            Arrays::Borrowed | Arrays::Copied => None,
            Arrays::Lent | Arrays::Streamed => {
                let from = match self.arrays {
                    Arrays::Streamed => STREAMED_FROM_BYTES,
                    _ => ARRAYS_LENT_FROM_BYTES,
                };
                let large = array.len() * array.dtype().itemsize() >= from;
                large.then(|| Lent::of(array)).flatten()
            }
        };
        if let Some(lent) = lent {
            let tensor = Tensor::from_storage(dtype, shape, order, Arc::new(lent));
            return Ok(Some(tensor.map_err(|e| raise(self.py, e))?.into()));
        }
        let bytes = self.loan.array(array);
        if self.arrays != Arrays::Borrowed {
            let tensor = Tensor::from_bytes(dtype, shape, order, bytes);
            return Ok(Some(tensor.map_err(|e| raise(self.py, e))?.into()));
        }
        let tensor = TensorRef::from_bytes(dtype, shape, order, bytes);
        let tensor = tensor.map_err(|e| raise(self.py, e))?;
        Ok(Some(tensor.volatile().into()))
    }

    /// What the Python layer made of an object: a tuple that begins with a word.
    fn described(
        &mut self,
        object: &Bound<'py, PyAny>,
        description: Bound<'py, PyTuple>,
    ) -> PyResult<ValueRef<'l>> {
        let word = description.get_item(0)?;
        let word = word.cast::<PyString>()?.to_str()?;
        let at = |index: usize| description.get_item(index);
        match word {
            "extension" => {
                let name: String = at(1)?.extract()?;
                if self.is_too_deep() {
                    return self.too_deep(object);
                }
                let parameters = self.part(Step::Part(".parameters"), &at(2)?)?;
                let storage = self.part(Step::Part(".storage"), &at(3)?)?;
                let extension = ExtensionRef {
                    type_name: name.into(),
                    parameters,
                    storage,
                };
                Ok(extension.into())
            }
            "tensor" => {
                let name: String = at(1)?.extract()?;
                let array = at(2)?.cast_into::<PyUntypedArray>()?;
                let dtype = DType::from_name(&name)
                    .ok_or_else(|| PyValueError::new_err(format!("no dtype {name}")))?;
                self.tensor_as(dtype, &array)?
                    .ok_or_else(|| PyValueError::new_err("the array is not contiguous"))
            }
            "strings" => {
                let shape: Vec<u64> = at(1)?.extract()?;
                let offsets = self.owned(&at(2)?)?;
                let bytes = self.owned(&at(3)?)?;
                let array = StringArray::from_parts(shape, offsets, bytes);
                Ok(ValueRef::Owned(
                    array.map_err(|e| raise(self.py, e))?.into(),
                ))
            }
            "instead" => self.value(&at(1)?),
            "changed" => {
                let reason: String = at(1)?.extract()?;
                let finding = self.finding(object, Outcome::Unresolved, &reason);
                self.findings.push(finding);
                self.value(&at(2)?)
            }
            _ => {
                let reason: String = at(1)?.extract()?;
                self.unsupported(object, &reason)
            }
        }
    }

    /// A copy of a contiguous one-dimensional array of `uint64` or `uint8`.
    fn owned(&self, array: &Bound<'py, PyAny>) -> PyResult<Tensor> {
        let array = array.cast::<PyUntypedArray>()?;
        let dtype = dtype_of(&array.dtype())
            .filter(|_| array.is_c_contiguous())
            .ok_or_else(|| PyValueError::new_err("not a contiguous array of the format"))?;
        let bytes = self.loan.array(array);
        Tensor::from_bytes(dtype, [array.len() as u64], Order::C, bytes)
            .map_err(|e| raise(self.py, e))
    }

    /// Whether a container here would be nested deeper than the format allows.
    fn is_too_deep(&self) -> bool {
        self.path.len() >= MAX_NESTING
    }

    fn too_deep(&mut self, object: &Bound<'py, PyAny>) -> PyResult<ValueRef<'l>> {
        let reason = format!(
            "it is nested deeper than {MAX_NESTING} levels; save its parts under names of their own"
        );
        self.unsupported(object, &reason)
    }

    fn unsupported(&mut self, object: &Bound<'py, PyAny>, reason: &str) -> PyResult<ValueRef<'l>> {
        if self.arrays != Arrays::Borrowed {
            let finding = self.finding(object, Outcome::Lost, reason);
            self.findings.push(finding);
        } else if self.path.iter().any(|step| matches!(step, Step::Part(_))) {
            let key = (self.name.clone(), self.path_text(true));
            self.paths.insert(key, self.path_text(false));
        }
        Ok(ValueRef::unsupported(type_name(object), reason.to_owned()))
    }

    fn path_text(&self, with_parts: bool) -> String {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) => path.push_str(&format!(".{}", key.to_string_lossy())),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
                Step::Part(part) if with_parts => path.push_str(part),
                Step::Part(_) => {}
            }
        }
        path
    }

    fn finding(&self, object: &Bound<'py, PyAny>, outcome: Outcome, reason: &str) -> Finding {
        Finding::new(&self.name, type_name(object), outcome, reason).at(self.path_text(false))
    }
}

/// The name of an object's type, with its module unless that is `builtins`.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    // A class of classes may raise when it is asked.
    let name = object.get_type().fully_qualified_name();
    name.map_or_else(
        |_| "object".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The dtype of the format for a dtype of NumPy, when elements stand in memory alike.
fn dtype_of(dtype: &Bound<'_, PyArrayDescr>) -> Option<DType> {
    // `None` is for single bytes, and for what has no byte order.
    if dtype.is_native_byteorder() == Some(false) {
        return None;
    }
    // Numbers from 24 on are dtypes of other packages.
    if !(0..24).contains(&dtype.num()) {
        return None;
    }
    Some(match (dtype.kind(), dtype.itemsize()) {
        (b'b', 1) => DType::Bool,
        (b'i', 1) => DType::I8,
        (b'i', 2) => DType::I16,
        (b'i', 4) => DType::I32,
        (b'i', 8) => DType::I64,
        (b'u', 1) => DType::U8,
        (b'u', 2) => DType::U16,
        (b'u', 4) => DType::U32,
        (b'u', 8) => DType::U64,
        (b'f', 2) => DType::F16,
        (b'f', 4) => DType::F32,
        (b'f', 8) => DType::F64,
        (b'c', 8) => DType::Complex64,
        (b'c', 16) => DType::Complex128,
        _ => return None,
    })
}
