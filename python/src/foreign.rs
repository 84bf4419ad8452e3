//! Values of other hosts that Python has no type for: kept as they are, and saved again unchanged.

use achronyme_env::{EnvError, Value};
use pyo3::prelude::*;

use crate::error::raise;

/// A function, cell, edge, error or typed value of another host. Opaque; saving it again writes
/// what was read.
#[pyclass(frozen, module = "achronyme_env")]
pub(crate) struct Foreign(pub(crate) Value);

#[pymethods]
impl Foreign {
    /// The kind of the value: `function`, `cell`, `edge`, `error` or `typed`.
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind().name()
    }

    /// The value as bytes, for `pickle`.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Vec<u8>,))> {
        let py = slf.py();
        let image = achronyme_env::serialize_value(&slf.get().0).map_err(|e| raise(py, e))?;
        Ok((slf.get_type().getattr("_from_image")?, (image,)))
    }

    #[staticmethod]
    fn _from_image(py: Python<'_>, image: &[u8]) -> PyResult<Foreign> {
        let value = achronyme_env::deserialize_value(image);
        value.map(Foreign).map_err(|e: EnvError| raise(py, e))
    }

    fn __repr__(&self) -> String {
        format!("<a {} of another language>", self.kind())
    }
}
