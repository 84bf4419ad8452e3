//! `achronyme_env._native`: what of the Python package is not Python. Values are converted here,
//! arrays are lent to and from NumPy, and the library reads and writes.

mod archive;
mod decode;
mod digest;
mod encode;
mod error;
mod foreign;
mod history;
mod interrupt;
mod many;
mod memory;
mod mount;
mod owned;
mod pattern;
mod reader;
mod save;
mod session;
mod writer;

use pyo3::prelude::*;

#[pymodule(gil_used = true)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Finds the functions of NumPy now: a Ctrl-C while it looks for them could only be a panic.
    numpy::dtype::<f64>(module.py());
    module.add_class::<archive::Archive>()?;
    module.add_class::<foreign::Foreign>()?;
    module.add_class::<pattern::Pattern>()?;
    module.add_class::<history::Event>()?;
    module.add_class::<history::Events>()?;
    module.add_class::<reader::Reader>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<writer::Writer>()?;
    module.add_function(wrap_pyfunction!(digest::digests, module)?)?;
    module.add_function(wrap_pyfunction!(many::get_many, module)?)?;
    module.add_function(wrap_pyfunction!(many::outline, module)?)?;
    module.add_function(wrap_pyfunction!(many::prefetch, module)?)?;
    module.add_function(wrap_pyfunction!(session::backup, module)?)?;
    module.add_function(wrap_pyfunction!(save::save, module)?)?;
    module.add_function(wrap_pyfunction!(mount::is_network, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
