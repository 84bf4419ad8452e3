//! One version of a program's type: its name, its layout, and what makes bytes valid.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rkyv::api::high::{HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::BoxedError;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;
use rkyv::validation::Validator;
use rkyv::validation::archive::ArchiveValidator;
use rkyv::validation::shared::SharedValidator;
use rkyv::{Archive, Serialize};

use super::fault::TypeFault;
use super::layout::Layout;
use super::memory::{ALIGNMENT, ArchivedBytes, InMemory};
use super::view::Checked;
use crate::error::phrases::checking;
use crate::error::{EnvError, Result};
use crate::limits::MAX_NESTING;
use crate::stack::with_room;
use crate::value::{DType, HeldBytes, Order, Tensor, Typed};

/// A type that can be registered: any that rkyv archives and whose archived form can be validated
/// and shared between threads. Implemented for all of them; `#[derive(Archive, Serialize)]` is
/// enough.
pub trait ProgramType:
    Archive<
        Archived: for<'a> CheckBytes<HighValidator<'a, BoxedError>> + Send + Sync + Sized + 'static,
    > + for<'a> Serialize<
        HighSerializer<AlignedVec<{ ALIGNMENT as usize }>, ArenaHandle<'a>, BoxedError>,
    > + 'static
{
}

impl<T> ProgramType for T
where
    T: for<'a> Serialize<
            HighSerializer<AlignedVec<{ ALIGNMENT as usize }>, ArenaHandle<'a>, BoxedError>,
        > + 'static,
    T::Archived: for<'a> CheckBytes<HighValidator<'a, BoxedError>> + Send + Sync + Sized + 'static,
{
}

/// One version of a program's type, to be registered with [`TypeRegistry::register`].
///
/// [`TypeRegistry::register`]: crate::TypeRegistry::register
pub struct Schema<T: ProgramType> {
    pub(super) name: Arc<str>,
    pub(super) version: u32,
    pub(super) aliases: Vec<Arc<str>>,
    layout: Layout<T>,
    pub(super) fingerprint: u64,
    validate: Option<Box<Validate<T>>>,
    /// Tells it from every other schema of this process.
    pub(super) id: u64,
}

/// The program's own check of an archived value.
type Validate<T> = dyn Fn(&<T as Archive>::Archived) -> Result<(), String> + Send + Sync;

/// Nested ranges the validator may enter; it needs two itself. What is deeper is refused, so that
/// bytes cannot be made to take the stack.
const MAX_DEPTH: usize = MAX_NESTING + 2;

impl<T: ProgramType> Schema<T> {
    /// Version `version` of the type `name`, as a program gives it to all who share archives:
    /// `simulation.State`. Not the path in Rust, which may change.
    pub fn new(name: impl Into<Arc<str>>, version: u32, layout: Layout<T>) -> Schema<T> {
        Schema {
            name: name.into(),
            version,
            aliases: Vec::new(),
            fingerprint: layout.fingerprint(),
            layout,
            validate: None,
            id: new_id(),
        }
    }

    /// A name the type had, under which archives may hold it.
    pub fn alias(mut self, name: impl Into<Arc<str>>) -> Schema<T> {
        self.aliases.push(name.into());
        self
    }

    /// What else must hold of a value, once rkyv found its bytes to be one: the text says what does
    /// not. Asked when a value is first seen, and before it is stored.
    pub fn validate(
        mut self,
        validate: impl Fn(&T::Archived) -> Result<(), String> + Send + Sync + 'static,
    ) -> Schema<T> {
        self.validate = Some(Box::new(validate));
        self
    }

    /// The layout.
    pub fn layout(&self) -> &Layout<T> {
        &self.layout
    }

    /// `value` archived and checked: what is stored can be seen again.
    pub(super) fn archive(&self, value: &T) -> Result<(Typed, Arc<Checked<T>>)> {
        let bytes = AlignedVec::<{ ALIGNMENT as usize }>::new();
        let bytes = with_room(|| rkyv::api::high::to_bytes_in::<_, BoxedError>(value, bytes));
        let bytes = bytes.map_err(|e| {
            self.fault(TypeFault::NotMade {
                reason: first_line(&e),
            })
        })?;
        let bytes = Arc::new(ArchivedBytes(bytes));
        let checked = Arc::new(self.check(Arc::<ArchivedBytes>::clone(&bytes))?);
        let storage = InMemory::new(bytes);
        storage.found().keep(&[self.id], &checked);
        let len = crate::value::Storage::byte_len(&storage);
        let typed = Typed {
            type_name: Arc::clone(&self.name),
            version: self.version,
            alignment: ALIGNMENT,
            fingerprint: self.fingerprint,
            bytes: Tensor::from_storage(DType::U8, [len], Order::C, Arc::new(storage))?,
        };
        Ok((typed, checked))
    }

    /// Sees the bytes of a value of this version as what they are, after checking everything that
    /// was not checked before.
    pub(super) fn open(&self, typed: &Typed) -> Result<Arc<Checked<T>>> {
        if typed.fingerprint != self.fingerprint {
            return Err(self.fault(TypeFault::OtherLayout {
                version: self.version,
                expected: self.fingerprint,
                found: typed.fingerprint,
            }));
        }
        let key = [self.id];
        let (storage, start, len) = typed.bytes.storage();
        // Part of a storage is not what was found of the whole.
        let whole = start == 0 && len == storage.byte_len() && len > 0;
        let held = if whole { storage.held()? } else { None };
        let Some(held) = held else {
            return Ok(Arc::new(self.check(copied(typed)?)?));
        };
        if let Some(checked) = held.found.get::<Checked<T>>(&key) {
            return Ok(checked);
        }
        let fits = held.bytes.bytes().as_ptr().addr() % ALIGNMENT as usize == 0;
        let bytes = if fits { held.bytes } else { copied(typed)? };
        let checked = Arc::new(self.check(bytes)?);
        held.found.keep(&key, &checked);
        Ok(checked)
    }

    fn check(&self, bytes: Arc<dyn HeldBytes>) -> Result<Checked<T>> {
        let checked = Checked::new(bytes, &self.name, |bytes| {
            let archive = ArchiveValidator::with_max_depth(bytes, NonZeroUsize::new(MAX_DEPTH));
            let mut validator = Validator::new(archive, SharedValidator::new());
            let value = with_room(|| {
                rkyv::api::access_with_context::<T::Archived, _, BoxedError>(bytes, &mut validator)
            });
            let value = value.map_err(|e| checking(&e, bytes))?;
            match &self.validate {
                Some(validate) => validate(value).map(|()| value),
                None => Ok(value),
            }
        });
        checked.map_err(|reason| {
            self.fault(TypeFault::Invalid {
                version: self.version,
                reason,
            })
        })
    }

    fn fault(&self, fault: TypeFault) -> EnvError {
        EnvError::Typed {
            type_name: self.name.to_string(),
            fault,
        }
    }
}

/// A copy of the bytes, aligned: of memory that is not this crate's, which others may write or which
/// stands anywhere.
fn copied(typed: &Typed) -> Result<Arc<dyn HeldBytes>> {
    let mut buffer = crate::value::Buffer::zeroed(typed.bytes.byte_len())?;
    typed.bytes.read_at(0, buffer.as_bytes_mut())?;
    Ok(Arc::new(buffer))
}

/// A number that no other schema or upgrade of this process has.
pub(super) fn new_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Relaxed)
}

/// rkyv's text is a chain of contexts over several lines; its first line says what.
pub(super) fn first_line(error: &BoxedError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

impl<T: ProgramType> fmt::Debug for Schema<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({}, version {})", self.name, self.version)
    }
}
