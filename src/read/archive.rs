//! An open archive.

use std::cell::OnceCell;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::binding::Binding;
use super::open::OpenOptions;
use super::overlay::Overlay;
use super::store::Store;
use super::view::View;
use crate::error::{EnvError, Origin, Result};
use crate::format::header::AchHeader;
use crate::format::records::Preamble;
use crate::path::{Path as ValuePath, Step};
use crate::value::{Record, Tensor, Value};

/// An open archive: its header and table are in memory and checked, and nothing else was read. (With
/// [`OpenOptions::lazy_table`] the table is checked as it is used.)
///
/// `Send`, `Sync` and cheap to clone. Tensors taken from it keep it alive.
///
/// ```no_run
/// use achronyme_env::Archive;
///
/// let archive = Archive::open("run.ach")?;
/// let weights = archive.load_var("weights")?;
/// let score = archive.at("results.lr.score")?;
/// let rows = archive.at("data[1000:2000, :, 3]")?;
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone)]
pub struct Archive(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    header: AchHeader,
    store: Arc<Store>,
    /// What a journal says over it.
    overlay: Option<Overlay>,
}

/// What an archive says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// When it was made, in seconds since 1970-01-01 00:00 UTC.
    pub created_at: u64,
    /// Version of the library that wrote it.
    pub created_by: String,
    /// A description.
    pub description: Option<String>,
    /// Tags, in order.
    pub tags: Vec<String>,
    /// Anything else, in order.
    pub custom: Vec<(String, String)>,
}

impl Archive {
    /// Opens a file: safe whatever happens to it. Array data is read, and checked, when it is
    /// first looked at, into memory that all tensors over it share.
    ///
    /// # Errors
    /// [`EnvError::Io`], [`EnvError::NotAFile`], [`EnvError::NotAnArchive`], [`EnvError::Version1`],
    /// [`EnvError::Unsupported`] and [`EnvError::Damaged`], each naming the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Archive> {
        OpenOptions::new().open(path)
    }

    /// Maps a file: array data is borrowed from the map, without a copy; processes that map the
    /// same file share its pages.
    ///
    /// # Safety
    /// While the archive or a tensor of it lives, nobody may write to the file in place or shorten
    /// it: its bytes are lent as `&[u8]`. This crate never does; it replaces files as a whole,
    /// which leaves existing maps as they were. A file changed in place gives wrong numbers or ends
    /// the process with a signal; the first access to each variable looks for it, as a net.
    ///
    /// # Errors
    /// As [`Archive::open`].
    #[allow(unsafe_code)]
    pub unsafe fn open_mmap(path: impl AsRef<Path>) -> Result<Archive> {
        // SAFETY: the caller's promise is the one `OpenOptions::open_mmap` asks for.
        unsafe { OpenOptions::new().open_mmap(path) }
    }

    /// Opens the bytes of an archive, copied once into aligned memory; tensors borrow from there.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Result<Archive> {
        OpenOptions::new().from_bytes(bytes)
    }

    /// Maps a memory file that its seals keep from changing: safe and without a copy (Linux).
    ///
    /// # Errors
    /// [`EnvError::Io`] when a seal is missing; otherwise as [`Archive::open`].
    #[cfg(target_os = "linux")]
    pub fn from_sealed_fd(fd: std::os::fd::OwnedFd) -> Result<Archive> {
        OpenOptions::new().from_sealed_fd(fd)
    }

    /// Maps a sealed memory file by a path of it, such as that of a
    /// [`crate::SharedSnapshot`]: safe and without a copy (Linux).
    ///
    /// # Errors
    /// [`EnvError::Io`] when it cannot be opened or a seal is missing; otherwise as
    /// [`Archive::open`].
    #[cfg(target_os = "linux")]
    pub fn open_sealed(path: impl AsRef<Path>) -> Result<Archive> {
        OpenOptions::new().open_sealed(path)
    }

    pub(super) fn new(header: AchHeader, store: Arc<Store>) -> Archive {
        Archive(Arc::new(Inner {
            header,
            store,
            overlay: None,
        }))
    }

    /// The archive with what a journal says over it.
    pub(crate) fn overlaid(&self, overlay: Overlay) -> Archive {
        Archive(Arc::new(Inner {
            header: self.0.header.clone(),
            store: Arc::clone(&self.0.store),
            overlay: Some(overlay),
        }))
    }

    /// The archive without what a journal says over it.
    pub(crate) fn without_overlay(&self) -> Archive {
        match self.0.overlay {
            None => self.clone(),
            Some(_) => Archive::new(self.0.header.clone(), Arc::clone(&self.0.store)),
        }
    }

    /// What a journal says over it, to say more. Clones of the archive keep what was said.
    pub(crate) fn overlay_mut(&mut self) -> Option<&mut Overlay> {
        Arc::make_mut(&mut self.0).overlay.as_mut()
    }

    pub(crate) fn overlay(&self) -> Option<&Overlay> {
        self.0.overlay.as_ref()
    }

    /// Where it was opened from.
    pub fn origin(&self) -> &Origin {
        &self.0.store.origin
    }

    /// The header.
    pub fn header(&self) -> &AchHeader {
        &self.0.header
    }

    /// Length of the file in bytes.
    pub fn file_len(&self) -> u64 {
        self.0.store.source.len()
    }

    /// The root digest: SHA-256 over header and table, which hold the sums and digests of
    /// everything else. Reads 32 bytes.
    ///
    /// # Errors
    /// [`EnvError::Io`].
    pub fn root_digest(&self) -> Result<[u8; 32]> {
        let mut digest = [0; 32];
        self.0
            .store
            .read(self.file_len() - crate::format::TRAILER_LEN, &mut digest)?;
        Ok(digest)
    }

    /// What the archive says about itself.
    ///
    /// # Errors
    /// [`EnvError::Damaged`] when the metadata do not hold together.
    pub fn metadata(&self) -> Result<Metadata> {
        let mut metadata = Metadata {
            created_at: self.0.header.created,
            created_by: self.0.header.writer.clone(),
            ..Metadata::default()
        };
        let broken = || {
            self.0.store.damaged_node(
                self.preamble().metadata_node,
                "metadata of another form".to_owned(),
            )
        };
        let Some(record) = self.metadata_record()? else {
            return Ok(metadata);
        };
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(broken);
        metadata.description = record.get("description").map(text).transpose()?;
        if let Some(tags) = record.get("tags") {
            let tags = tags.as_vector().ok_or_else(broken)?;
            metadata.tags = tags.iter().map(text).collect::<Result<_>>()?;
        }
        if let Some(custom) = record.get("custom") {
            let custom = custom.as_record().ok_or_else(broken)?;
            let pairs = custom
                .iter()
                .map(|(key, value)| Ok((key.to_owned(), text(value)?)));
            metadata.custom = pairs.collect::<Result<_>>()?;
        }
        Ok(metadata)
    }

    /// The metadata record with all its fields; `None` when there is none.
    pub(crate) fn metadata_record(&self) -> Result<Option<Record>> {
        let node = self.preamble().metadata_node;
        if node == crate::format::NONE {
            return Ok(None);
        }
        let slot = crate::format::records::Slot::Node(node);
        match self.0.store.value(slot, None)? {
            Value::Record(record) => Ok(Some(record)),
            _ => {
                let what = "metadata of another form".to_owned();
                Err(self.0.store.damaged_node(node, what))
            }
        }
    }

    /// The binding of that exact name.
    pub fn binding(&self, name: &str) -> Option<Binding<'_>> {
        self.find(name).ok()?.map(|found| self.found(found))
    }

    /// The binding of that exact name, or why there is none.
    fn bound(&self, name: &str) -> Result<Binding<'_>> {
        match self.find(name)? {
            Some(found) => Ok(self.found(found)),
            None => Err(self.not_found(name)),
        }
    }

    /// Checks what was not checked of the table of contents when the archive was opened with
    /// [`OpenOptions::lazy_table`]; of others it was. From then on the whole is known to hold together,
    /// as if it had been checked at open.
    ///
    /// ```
    /// use achronyme_env::{OpenOptions, SaveOptions, save};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.ach");
    ///
    /// save(&path, [("a", 1.5), ("b", 2.5)], &SaveOptions::new())?;
    /// let archive = OpenOptions::new().lazy_table(true).open(&path)?;
    /// archive.check_table()?;
    /// assert!(archive.names().eq(["a", "b"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EnvError::Damaged`] with the first thing that is wrong, as opening without that option
    /// answers; what reading answers.
    pub fn check_table(&self) -> Result<()> {
        self.0.store.records().map(drop)
    }

    /// The value of the binding of that exact name. Array data is not read before it is looked at.
    ///
    /// # Errors
    /// [`EnvError::NotFound`] with the nearest name; what reading and checking answers, wrapped
    /// with the name of the variable.
    pub fn get(&self, name: &str) -> Result<Value> {
        let binding = self.bound(name)?;
        binding.value()
    }

    /// The value of one variable, the others untouched: [`Archive::get`] under the name hosts know.
    ///
    /// # Errors
    /// As [`Archive::get`].
    pub fn load_var(&self, name: &str) -> Result<Value> {
        self.get(name)
    }

    /// The values of several variables, in the order asked for. What was one cell or scope under
    /// two of the names is one again.
    ///
    /// # Errors
    /// As [`Archive::get`].
    pub fn load_vars<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<Value>> {
        let bindings = names.iter().map(|name| self.bound(name.as_ref()));
        let bindings: Vec<Binding<'_>> = bindings.collect::<Result<_>>()?;
        self.load_bindings(&bindings)
    }

    /// The tensor of that name.
    ///
    /// # Errors
    /// As [`Archive::get`], and [`EnvError::WrongKind`].
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        match self.get(name)? {
            Value::Tensor(tensor) => Ok(tensor),
            other => {
                let error = EnvError::WrongKind {
                    asked: "tensor",
                    found: other.kind().name(),
                };
                Err(error.of_variable(name))
            }
        }
    }

    /// A view of the binding of that exact name: reads and checks only the nodes it passes through,
    /// and allocates nothing for the values seen.
    ///
    /// # Errors
    /// As [`Archive::get`].
    pub fn view(&self, name: &str) -> Result<View<'_>> {
        let binding = self.bound(name)?;
        binding.view()
    }

    /// The value at a path: `name`, `results.lr.score`, `models[2].weights`,
    /// `data[1000:2000, :, 3]`, `'a name.with dots'.field`.
    ///
    /// An exact binding name wins; otherwise the longest binding name that is followed by `.` or
    /// `[`. Of a tensor, only what the slice names is read.
    ///
    /// # Errors
    /// [`EnvError::NotFound`], [`EnvError::NoSuchPart`], [`EnvError::Syntax`],
    /// [`EnvError::SliceOutOfRange`]; what reading answers.
    pub fn at(&self, path: &str) -> Result<Value> {
        let (binding, steps) = self.resolve(path)?;
        let mut view = binding.view()?;
        let in_variable = |e: EnvError| e.of_variable(binding.name());
        for (n, step) in steps.iter().enumerate() {
            if let Step::Slice(slice) = step
                && view.ends_at(slice).map_err(in_variable)?
            {
                let sliced = view.slice(slice).map_err(in_variable)?;
                let rest = steps.get(n + 1..).unwrap_or_default();
                return match rest.first() {
                    None => Ok(sliced),
                    Some(step) => Err(in_variable(EnvError::NoSuchPart {
                        path: path.to_owned(),
                        reason: format!("a slice has no part {step}"),
                    })),
                };
            }
            view = view.step(step).map_err(|e| in_variable(e.at_path(path)))?;
        }
        view.to_value().map_err(in_variable)
    }

    /// A view of the value at a path without slices.
    ///
    /// # Errors
    /// As [`Archive::at`].
    pub fn view_at(&self, path: &str) -> Result<View<'_>> {
        let (binding, steps) = self.resolve(path)?;
        let mut view = binding.view()?;
        for step in &steps {
            let next = view.step(step).map_err(|e| e.at_path(path));
            view = next.map_err(|e| e.of_variable(binding.name()))?;
        }
        Ok(view)
    }

    /// The attributes of the binding of that exact name; empty when it has none.
    ///
    /// # Errors
    /// As [`Archive::get`].
    pub fn attributes(&self, name: &str) -> Result<Record> {
        let binding = self.bound(name)?;
        binding.attributes()
    }

    /// Whether every block and node of that variable was checked since the archive was opened.
    ///
    /// # Errors
    /// [`EnvError::NotFound`].
    pub fn is_checked(&self, name: &str) -> Result<bool> {
        let binding = self.bound(name)?;
        binding.is_checked()
    }

    /// Reads and checks everything that belongs to one variable.
    ///
    /// # Errors
    /// The first fault, or what reading answers.
    pub fn verify_one(&self, name: &str) -> Result<()> {
        let binding = self.bound(name)?;
        binding.verify()
    }

    /// Whether its table was not yet checked as a whole.
    pub(crate) fn is_lazy(&self) -> bool {
        self.0.store.tables.if_checked().is_none()
    }

    /// Splits a path into the binding it begins with and the steps into its value.
    pub(crate) fn resolve(&self, path: &str) -> Result<(Binding<'_>, Vec<Step>)> {
        if let Some(found) = self.find(path)? {
            return Ok((self.found(found), Vec::new()));
        }
        let unread = OnceCell::new();
        let split = ValuePath::split(path, |name| match self.find(name) {
            Ok(found) => found.is_some(),
            Err(error) => {
                let _ = unread.set(error);
                false
            }
        });
        if let Some(error) = unread.into_inner() {
            return Err(error);
        }
        let split = split?;
        let Some(found) = self.find(&split.name)? else {
            // `layr1.weight` may be a name with a dot: the whole of it may be nearest to one.
            return Err(match self.nearest(path) {
                Some(_) => self.not_found(path),
                None => self.not_found(&split.name),
            });
        };
        Ok((self.found(found), split.steps))
    }

    pub(crate) fn not_found(&self, name: &str) -> EnvError {
        // The nearest name is one of all: so that it is not there is certain too.
        if let Err(error) = self.check_table() {
            return error;
        }
        EnvError::NotFound {
            path: self.origin().clone(),
            name: name.to_owned(),
            nearest: self.nearest(name),
        }
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.0.store
    }

    pub(super) fn preamble(&self) -> &Preamble {
        match self.0.store.tables.preamble() {
            Some(preamble) => preamble,
            // An archive is only ever made over a table: see `OpenOptions::open_source`.
            None => unreachable!("an archive has a table"),
        }
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Archive({}, {} bindings)", self.origin(), self.len())
    }
}
