//! Patterns over names, for the Python layer.

use pyo3::prelude::*;

use crate::error::raise;

/// A pattern over names, with the meaning it has everywhere in the library.
#[pyclass(frozen, module = "achronyme_env._native")]
pub(crate) struct Pattern(achronyme_env::Patterns);

#[pymethods]
impl Pattern {
    #[new]
    fn new(py: Python<'_>, text: &str) -> PyResult<Pattern> {
        let patterns = achronyme_env::Patterns::new([text]);
        patterns.map(Pattern).map_err(|e| raise(py, e))
    }

    fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}
