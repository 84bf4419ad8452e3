//! Variables that are read together, or some of one at a time.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use achronyme_env::{Kind, Order, Tensor, read_cancellable};
use pyo3::prelude::*;

use crate::archive::{Archive, ELEMENTWISE};
use crate::decode::Decoder;
use crate::error::raise;
use crate::interrupt::{Counts, watched};

/// Shape, bytes of an element, and whether the first index runs fastest.
type Outline = (Vec<u64>, usize, bool);

/// The values of several variables, their arrays read-only, read on all cores.
/// `progress(done, total)` is called some times a second.
#[pyfunction]
#[pyo3(signature = (archive, names, context, progress))]
pub(crate) fn get_many<'py>(
    archive: &Bound<'py, Archive>,
    names: Vec<String>,
    context: Bound<'py, PyAny>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let (py, archive) = (context.py(), archive.get());
    let (flag, counts) = (Arc::new(AtomicBool::new(false)), Counts::default());
    let progress = progress.map(|told| (&counts, told));
    let values = watched(py, &flag, progress, || {
        let told = |done, total| counts.tell(done, total);
        read_cancellable(&flag, || archive.library().get_many_with(&names, told))
    })?;
    let values = values.map_err(|e| raise(py, e))?;
    let decoder = Decoder::new(context, archive.view());
    values.iter().map(|value| decoder.value(value)).collect()
}

/// Tells the system that these variables will be read soon. For how many bytes it took the hint.
#[pyfunction]
pub(crate) fn prefetch(py: Python<'_>, archive: &Bound<'_, Archive>, names: Vec<String>) -> u64 {
    let archive = archive.get();
    py.detach(|| archive.library().prefetch(&names))
}

/// What is to be known of an array before it is read in parts; `None` when the variable is none, or
/// can only be read whole.
#[pyfunction]
pub(crate) fn outline(
    py: Python<'_>,
    archive: &Bound<'_, Archive>,
    name: &str,
) -> PyResult<Option<Outline>> {
    let of = |tensor: &Tensor| {
        let fortran = tensor.order() == Order::Fortran;
        (tensor.shape().to_vec(), tensor.dtype().size(), fortran)
    };
    let found = || {
        let view = archive.get().library().view(name)?;
        Ok(match view.kind()? {
            Kind::Tensor => Some(of(&view.tensor()?)),
            Kind::Extension if ELEMENTWISE.contains(&view.type_name()?) => {
                view.storage()?.tensor().ok().as_ref().map(of)
            }
            _ => None,
        })
    };
    found().map_err(|e| raise(py, e))
}
