//! Reading a value image: one value on its own.

use std::sync::Arc;

use super::check::Check;
use super::source::{ByteSource, MemorySource, SharedSource};
use super::store::{Store, Tables};
use crate::error::{EnvError, Origin, Result};
use crate::fault::Fault;
use crate::format::image::ImageHead;
use crate::limits::Limits;
use crate::value::{Buffer, Value};

/// The value of an image that [`crate::serialize_value`] made. The bytes are copied once; tensors
/// borrow from the copy. Every sum is checked.
///
/// # Errors
/// [`EnvError::Damaged`] when the bytes are not such an image, whole and unchanged.
///
/// ```
/// use achronyme_env::{deserialize_value, serialize_value, Value};
///
/// let bytes = serialize_value(&Value::from("hello"))?;
/// assert_eq!(deserialize_value(&bytes)?.as_str(), Some("hello"));
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
pub fn deserialize_value(bytes: &[u8]) -> Result<Value> {
    ImageHead::from_bytes(bytes).map_err(damaged)?;
    value_of(Arc::new(MemorySource(Buffer::copied(bytes)?)))
}

/// The value of an image that stands at the beginning of shared memory, from which its tensors borrow.
///
/// # Errors
/// As [`deserialize_value`].
pub(crate) fn value_in<M>(memory: Arc<M>) -> Result<Value>
where
    M: AsRef<[u8]> + Send + Sync + std::fmt::Debug + 'static,
{
    value_of(Arc::new(SharedSource(memory)))
}

fn value_of<S: ByteSource + 'static>(source: Arc<S>) -> Result<Value> {
    let bytes = source.lend(0, source.len()).unwrap_or_default();
    let head = ImageHead::from_bytes(bytes).map_err(damaged)?;
    refuse_parts_elsewhere(&head)?;
    let slot = head.slot;
    let tables = Tables::Image(head);
    let store = Arc::new(Store::new(
        source,
        tables,
        Origin::Memory,
        Check::Auto,
        Limits::default(),
    ));
    for number in 0..store.records()?.extents.len() as u32 {
        store.check_extent(number)?;
    }
    store.value(slot, None)
}

/// Refuses an image of a session.
pub(super) fn refuse_parts_elsewhere(head: &ImageHead) -> Result<()> {
    if head.shared_ids.is_none() {
        return Ok(());
    }
    Err(EnvError::Unsupported {
        path: Origin::Memory,
        what: "content that stands elsewhere in a session".to_owned(),
    })
}

pub(super) fn damaged(fault: Fault) -> EnvError {
    EnvError::Damaged {
        path: Origin::Memory,
        fault,
    }
}
