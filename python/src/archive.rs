//! An open archive, as the Python layer sees it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use achronyme_env::{
    Axis, Binding, Check, DType, Extension, Kind, OpenOptions, Slice, Value, View, read_cancellable,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyEllipsis, PyInt, PySlice, PyTuple};

use crate::decode::{Decoder, Hand};
use crate::encode::{Arrays, Encoder};
use crate::error::{outside, raise};
use crate::interrupt::{self, Counts};
use crate::memory::{self, Loan};

/// Extensions whose elements are those of their storage, one by one: a part of one is the extension
/// of that part.
pub(crate) const ELEMENTWISE: [&str; 3] =
    ["numpy.datetime64", "numpy.timedelta64", "numpy.ml_dtypes"];

/// Extensions whose storage has one more axis, for the bytes of an element.
const BYTES_LAST: [&str; 3] = ["numpy.bytes", "numpy.structured", "numpy.longdouble"];
/// In smaller files nothing takes long.
const LARGE_FILE_BYTES: u64 = 16 << 20;

/// An open archive.
#[pyclass(frozen, module = "achronyme_env._native")]
pub(crate) struct Archive {
    archive: achronyme_env::Archive,
    /// The same file for private maps; only where it was mapped.
    file: Option<Arc<File>>,
    mapped: bool,
}

#[pymethods]
impl Archive {
    #[new]
    #[pyo3(signature = (path, mapped, check, lazy_table))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        mapped: bool,
        check: bool,
        lazy_table: bool,
    ) -> PyResult<Archive> {
        let options = OpenOptions::new().lazy_table(lazy_table);
        let options = options.check(match check {
            true => Check::Auto,
            false => Check::Never,
        });
        let opened = py.detach(|| match mapped {
            true => {
                let file = file_at(&path);
                let archive = memory::open_mapped(&options, &path)?;
                Ok((archive, file.filter(|file| is_file_at(file, &path))))
            }
            false => Ok((options.open(&path)?, None)),
        });
        let (archive, file) = opened.map_err(|e| raise(py, e))?;
        Ok(Archive::of(archive, file.map(Arc::new), mapped))
    }

    #[getter]
    fn mapped(&self) -> bool {
        self.mapped
    }

    #[getter]
    fn file_len(&self) -> u64 {
        self.archive.file_len()
    }

    fn __len__(&self) -> usize {
        self.archive.len()
    }

    fn __contains__(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        if self.archive.contains(name) {
            return Ok(true);
        }
        // That a name is not there is only certain where the table is whole.
        self.check_table(py)?;
        Ok(self.archive.contains(name))
    }

    /// Names in the order they were saved.
    fn names(&self, py: Python<'_>) -> PyResult<Vec<&str>> {
        self.check_table(py)?;
        let bindings = self.archive.bindings_as_saved();
        Ok(bindings.iter().map(Binding::name).collect())
    }

    /// Names that a pattern matches, sorted.
    fn matching(&self, py: Python<'_>, pattern: &str) -> PyResult<Vec<&str>> {
        let bindings = self.archive.matching(pattern).map_err(|e| raise(py, e))?;
        Ok(bindings.iter().map(Binding::name).collect())
    }

    /// The value of a variable, its arrays read-only.
    fn get<'py>(&self, name: &str, context: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = context.py();
        let value = self.whole(py, name)?;
        Decoder::new(context, self.view()).value(&value)
    }

    /// The value of a variable, its arrays writable.
    fn load<'py>(
        &self,
        name: &str,
        context: Bound<'py, PyAny>,
        check: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = context.py();
        let value = self.whole(py, name)?;
        // Of what stands in the journal nobody says in which file: it is copied.
        let in_journal = self.archive.binding(name);
        let in_journal = in_journal.is_some_and(|binding| binding.is_in_journal());
        let file = self.file.as_deref().filter(|_| !in_journal);
        Decoder::new(context, Hand::Writable { file, check }).value(&value)
    }

    /// For each pair of a name and a value, whether the archive has another value of that name;
    /// `None` when it has none. `describe` is that of `save`.
    fn differs<'py>(
        &self,
        py: Python<'py>,
        items: Vec<(String, Bound<'py, PyAny>)>,
        describe: Bound<'py, PyAny>,
    ) -> PyResult<Vec<Option<bool>>> {
        let loan = Loan::default();
        let mut encoder = Encoder::new(&loan, describe).owning(Arrays::Lent);
        let mut values = Vec::with_capacity(items.len());
        for (name, object) in &items {
            values.push((name, encoder.owned_binding(name, object)?));
        }
        let bytes = self.archive.file_len();
        interrupt::read(py, bytes, || {
            self.archive.check_table()?;
            let compared = values
                .iter()
                .map(|(name, value)| match self.archive.contains(name) {
                    true => Ok(Some(!self.archive.get(name)?.identical(value)?)),
                    false => Ok(None),
                });
            compared.collect()
        })
    }

    /// The value at a path, its arrays read-only.
    fn at<'py>(&self, path: &str, context: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = context.py();
        let value = py
            .detach(|| self.archive.at(path))
            .map_err(|e| raise(py, e))?;
        Decoder::new(context, self.view()).value(&value)
    }

    /// Part of a tensor. `None` when the variable is none, or the index is not made of integers,
    /// slices and `...`: then the whole is to be indexed by NumPy.
    fn part<'py>(
        &self,
        name: &str,
        index: &Bound<'py, PyTuple>,
        context: Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = context.py();
        // Without one the whole is asked for, which says why.
        let Some(binding) = self.archive.binding(name) else {
            return Ok(None);
        };
        let failed = |e| raise(py, e);
        let view = binding.view().map_err(failed)?;
        let shape = match view.kind().map_err(failed)? {
            Kind::Tensor => view.shape(),
            // One element of these is one of what stands for them.
            Kind::Extension if ELEMENTWISE.contains(&view.type_name().map_err(failed)?) => {
                view.storage().and_then(|storage| storage.shape())
            }
            _ => return Ok(None),
        };
        let Ok(shape) = shape else {
            return Ok(None);
        };
        let Some((slice, touched)) = slice_of(name, index, &shape)? else {
            return Ok(None);
        };
        let part = interrupt::read(py, touched.saturating_mul(8), || {
            if view.kind()? == Kind::Tensor {
                return view.tensor()?.slice(&slice).map(Value::Tensor);
            }
            Ok(Value::from(Extension {
                type_name: view.type_name()?.into(),
                parameters: view.parameters()?.to_value()?,
                storage: view.storage()?.tensor()?.slice(&slice)?.into(),
            }))
        });
        let part = part?;
        let array = Decoder::new(context, self.view()).value(&part)?;
        // A single element is a scalar, as NumPy gives it.
        let single = array.getattr("ndim")?.extract::<usize>()? == 0;
        let whole = index.iter().any(|axis| axis.is(PyEllipsis::get(py)));
        match single && !whole {
            true => Ok(Some(array.get_item(PyTuple::empty(py))?)),
            false => Ok(Some(array)),
        }
    }

    /// The attributes of a variable.
    fn attributes<'py>(
        &self,
        name: &str,
        context: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = context.py();
        let record = self.archive.attributes(name).map_err(|e| raise(py, e))?;
        Decoder::new(context, self.view()).value(&record.into())
    }

    /// What the archive says about itself.
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let metadata = self.archive.metadata().map_err(|e| raise(py, e))?;
        let header = self.archive.header();
        let dict = PyDict::new(py);
        dict.set_item("created_at", metadata.created_at)?;
        dict.set_item("created_by", metadata.created_by)?;
        dict.set_item("description", metadata.description)?;
        dict.set_item("tags", metadata.tags)?;
        let custom = PyDict::new(py);
        for (key, value) in metadata.custom {
            custom.set_item(key, value)?;
        }
        dict.set_item("custom", custom)?;
        dict.set_item("format", (header.major, header.minor))?;
        dict.set_item("compressed", header.has_cold)?;
        dict.set_item("file_len", self.archive.file_len())?;
        dict.set_item("bindings", self.archive.len())?;
        Ok(dict)
    }

    /// Of the variables from place `start` on, at most `count`, in the order they were saved: name,
    /// type, dtype, shape, bytes in memory, bytes in the file, and the names of its attributes.
    /// Reads no array data.
    fn listing<'py>(
        &self,
        py: Python<'py>,
        start: usize,
        count: usize,
    ) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        self.check_table(py)?;
        let bindings = self.archive.bindings_as_saved();
        let bindings = bindings.iter().skip(start).take(count);
        bindings.map(|binding| row(py, binding)).collect()
    }

    /// Faults of the file: each a text, and names of variables it touches. `progress(done, total)`
    /// is called some times a second.
    #[pyo3(signature = (progress))]
    fn verify(
        &self,
        py: Python<'_>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Vec<(String, Vec<String>)>> {
        let (flag, counts) = (Arc::new(AtomicBool::new(false)), Counts::default());
        let progress = progress.map(|told| (&counts, told));
        let report = interrupt::watched(py, &flag, progress, || {
            let told = |done, total| counts.tell(done, total);
            read_cancellable(&flag, || self.archive.verify_with(told))
        })?;
        let report = report.map_err(|e| raise(py, e))?;
        let faults = report.faults.into_iter();
        Ok(faults
            .map(|fault| (fault.fault.to_string(), fault.variables))
            .collect())
    }

    /// Checks everything that belongs to one variable.
    fn verify_one(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        interrupt::read(py, self.archive.file_len(), || {
            self.archive.verify_one(name)
        })
    }
}

impl Archive {
    /// An archive that is open already, with the same file for private maps.
    pub(crate) fn of(
        archive: achronyme_env::Archive,
        file: Option<Arc<File>>,
        mapped: bool,
    ) -> Archive {
        Archive {
            archive,
            file,
            mapped,
        }
    }

    /// Checks what was not checked of the table of contents at open.
    fn check_table(&self, py: Python<'_>) -> PyResult<()> {
        let checked = py.detach(|| self.archive.check_table());
        checked.map_err(|e| raise(py, e))
    }

    pub(crate) fn library(&self) -> &achronyme_env::Archive {
        &self.archive
    }

    pub(crate) fn view(&self) -> Hand<'static> {
        Hand::View {
            mapped: self.mapped,
        }
    }

    fn whole(&self, py: Python<'_>, name: &str) -> PyResult<Value> {
        // Tensors are read later; a long list is read here.
        let bytes = match self.archive.file_len() < LARGE_FILE_BYTES {
            true => 0,
            false => {
                let binding = self.archive.binding(name);
                let sizes = binding.and_then(|binding| binding.sizes().ok());
                sizes.map_or(0, |sizes| sizes.raw)
            }
        };
        interrupt::read(py, bytes, || self.archive.get(name))
    }
}

fn row<'py>(py: Python<'py>, binding: &Binding<'_>) -> PyResult<Bound<'py, PyTuple>> {
    let failed = |e| raise(py, e);
    let view = binding.view().map_err(failed)?;
    let kind = match view.kind().map_err(failed)? {
        Kind::Extension => view.type_name().map_err(failed)?,
        kind => kind.name(),
    };
    let sizes = binding.sizes().map_err(failed)?;
    let attributes = match binding.has_attributes() {
        true => binding.attributes().map_err(failed)?,
        false => achronyme_env::Record::new(),
    };
    let attributes: Vec<&str> = attributes.names().collect();
    let row = (
        binding.name(),
        kind,
        binding.dtype().map(DType::name),
        match binding.shape() {
            Some(shape) => Some(shape.to_vec()),
            None if kind.starts_with("numpy.") => array_shape(&view, kind),
            None => None,
        },
        sizes.raw,
        sizes.stored,
        sizes.cold,
        attributes,
    );
    row.into_pyobject(py)
}

/// The shape of an array of a type that NumPy has and the format has not; docs/python-types.md says
/// what stands for it. `None` for what is no array, or does not hold together.
fn array_shape(view: &View<'_>, type_name: &str) -> Option<Vec<u64>> {
    let parameters = view.parameters().ok();
    let parameter = |name: &str| parameters.as_ref()?.field(name).ok()?.to_value().ok();
    if let Some(Value::Vector(shape)) = parameter("shape") {
        let lengths = shape.as_slice().iter().map(Value::as_i64);
        return lengths.map(|n| u64::try_from(n?).ok()).collect();
    }
    let mut shape = view.storage().ok()?.shape().ok()?;
    if BYTES_LAST.contains(&type_name) {
        shape.pop();
    }
    if parameter("order").is_some_and(|order| order.as_str() == Some("F")) {
        shape.reverse();
    }
    Some(shape)
}

/// The slice that an index means for an array of `shape`, in NumPy's rules; and about how many
/// elements are looked at for it: those of the range along the first axis.
fn slice_of(
    name: &str,
    index: &Bound<'_, PyTuple>,
    shape: &[u64],
) -> PyResult<Option<(Slice, u64)>> {
    let py = index.py();
    let is_ellipsis = |axis: &Bound<'_, PyAny>| axis.is(PyEllipsis::get(py));
    let ellipses = index.iter().filter(is_ellipsis).count();
    let named = index.len() - ellipses;
    if ellipses > 1 || named > shape.len() {
        // NumPy has words for it.
        return Ok(None);
    }
    let mut lengths = shape.iter();
    let mut axes = Vec::with_capacity(index.len());
    let mut touched: u64 = shape.iter().product();
    let rows = shape.first().copied().unwrap_or(1).max(1);
    let row = touched / rows;
    for (place, axis) in index.iter().enumerate() {
        if is_ellipsis(&axis) {
            axes.push(Axis::Ellipsis);
            let skipped = shape.len() - named;
            lengths.by_ref().take(skipped).for_each(drop);
            continue;
        }
        let length = lengths.next().copied().unwrap_or_default() as i64;
        if let Ok(range) = axis.cast::<PySlice>() {
            let range = range.indices(length as isize)?;
            if place == 0 {
                touched = row.saturating_mul(range.slicelength as u64);
            }
            let end = |end: isize| (end >= 0).then_some(end as i64);
            axes.push(match range.slicelength {
                0 => Axis::Range {
                    start: Some(0),
                    stop: Some(0),
                    step: 1,
                },
                _ => Axis::Range {
                    start: end(range.start),
                    stop: end(range.stop),
                    step: range.step as i64,
                },
            });
        } else if axis.is_exact_instance_of::<PyInt>() || axis.is_instance(&integer(py)?)? {
            if place == 0 {
                touched = row;
            }
            let index: i64 = axis.extract().unwrap_or(i64::MAX);
            if !(-length..length).contains(&index) {
                let text = format!(
                    "index {axis} is out of bounds for axis {place} of {name:?}, which has {length} elements"
                );
                return Err(outside(py, name, text));
            }
            axes.push(Axis::Index(index));
        } else {
            return Ok(None);
        }
    }
    Ok(Some((Slice::new(axes), touched)))
}

/// NumPy's class of integers, which index as Python's do.
fn integer(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("numpy")?.getattr("integer")
}

/// The regular file at `path`. Not a FIFO, which would wait for a writer: the library says what it
/// is.
pub(crate) fn file_at(path: &Path) -> Option<File> {
    let regular = std::fs::metadata(path).is_ok_and(|found| found.is_file());
    regular.then(|| File::open(path).ok()).flatten()
}

/// Whether `path` still leads to `file`: then what was opened by that path in between is the same
/// file, since it cannot have been another one and this one again.
#[cfg(unix)]
pub(crate) fn is_file_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(ours), Ok(there)) = (file.metadata(), std::fs::metadata(path)) else {
        return false;
    };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

#[cfg(not(unix))]
pub(crate) fn is_file_at(_: &File, _: &Path) -> bool {
    // Files cannot be told apart: arrays are copied instead of mapped privately.
    false
}
