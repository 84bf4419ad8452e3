//! `achronyme_env._native`: what of the Python package is not Python. Values are converted here,
//! arrays are lent to and from NumPy, and the library reads and writes.

mod archive;
mod decode;
mod encode;
mod error;
mod foreign;
mod interrupt;
mod memory;
mod mount;
mod pattern;
mod save;

use pyo3::prelude::*;

#[pymodule(gil_used = true)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<archive::Archive>()?;
    module.add_class::<foreign::Foreign>()?;
    module.add_class::<pattern::Pattern>()?;
    module.add_function(wrap_pyfunction!(save::save, module)?)?;
    module.add_function(wrap_pyfunction!(mount::is_network, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
