//! A typed value, checked, seen where its bytes are.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rkyv::Deserialize;
use rkyv::api::high::HighDeserializer;
use rkyv::rancor::BoxedError;
use yoke::Yoke;

use super::fault::TypeFault;
use super::schema::ProgramType;
use crate::error::{EnvError, Result};
use crate::value::HeldBytes;

/// A value of a program's own type, validated, where its bytes are: reads as `T::Archived`.
///
/// Holds the bytes: the map, or the buffer that they were read or upgraded into. Cheap to clone,
/// and independent of the archive it came from.
pub struct TypedView<T: ProgramType> {
    checked: Arc<Checked<T>>,
    upgraded_from: Option<u32>,
}

/// Bytes that were found to be a `T`.
pub(super) struct Checked<T: ProgramType> {
    value: Yoke<&'static T::Archived, Arc<dyn HeldBytes>>,
    type_name: Arc<str>,
}

impl<T: ProgramType> Checked<T> {
    /// Bytes that `check` finds to be a `T`.
    pub(super) fn new<E>(
        bytes: Arc<dyn HeldBytes>,
        type_name: &Arc<str>,
        check: impl for<'b> FnOnce(&'b [u8]) -> Result<&'b T::Archived, E>,
    ) -> Result<Checked<T>, E> {
        let value = Yoke::try_attach_to_cart(bytes, |held| check(held.bytes()))?;
        Ok(Checked {
            value,
            type_name: Arc::clone(type_name),
        })
    }
}

impl<T: ProgramType> TypedView<T> {
    /// What was checked; `upgraded_from` is the version that was stored, when the bytes are an
    /// upgrade of it.
    pub(super) fn new(checked: Arc<Checked<T>>, upgraded_from: Option<u32>) -> TypedView<T> {
        TypedView {
            checked,
            upgraded_from,
        }
    }

    /// The version that was stored, when it was an earlier one: what is seen is then an upgrade of
    /// it, in memory.
    pub fn upgraded_from(&self) -> Option<u32> {
        self.upgraded_from
    }

    /// The value itself, taken out of its archived form.
    ///
    /// # Errors
    /// [`EnvError::Typed`] when rkyv cannot make it.
    pub fn deserialize(&self) -> Result<T>
    where
        T::Archived: Deserialize<T, HighDeserializer<BoxedError>>,
    {
        let value = crate::stack::with_room(|| rkyv::deserialize::<T, BoxedError>(&**self));
        value.map_err(|e| EnvError::Typed {
            type_name: self.checked.type_name.to_string(),
            fault: TypeFault::NotMade {
                reason: super::schema::first_line(&e),
            },
        })
    }
}

impl<T: ProgramType> Deref for TypedView<T> {
    type Target = T::Archived;

    fn deref(&self) -> &T::Archived {
        self.checked.value.get()
    }
}

impl<T: ProgramType> Clone for TypedView<T> {
    fn clone(&self) -> Self {
        TypedView::new(Arc::clone(&self.checked), self.upgraded_from)
    }
}

impl<T: ProgramType> fmt::Debug for TypedView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedView({})", self.checked.type_name)
    }
}
