//! A value image that is looked at where it is.

use std::fmt;
use std::sync::Arc;

use super::binding::Root;
use super::check::Check;
use super::image::{damaged, refuse_parts_elsewhere};
use super::source::{ByteSource, MemorySource, SharedSource};
use super::store::{Store, Tables};
use super::view::View;
use crate::error::{Origin, Result};
use crate::format::image::ImageHead;
use crate::format::records::Slot;
use crate::limits::{EXTENT_ALIGNMENT, Limits};
use crate::value::{Buffer, Value};

/// One value as bytes ([`crate::serialize_value`]), of which only what is asked for is read and checked:
/// a field of a record costs about the same whatever else stands in it.
///
/// ```
/// use achronyme_env::{Record, Tensor, Value, ValueImage, serialize_value};
///
/// let waves = Tensor::from_vec(vec![0.5f32; 100_000], [100_000])?;
/// let bytes = serialize_value(&Value::from(Record::from([("step", Value::from(7i64)), ("waves", waves.into())])))?;
/// let image = ValueImage::open(bytes)?;
/// assert_eq!(image.view()?.field("step")?.as_i64()?, 7);
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone)]
pub struct ValueImage {
    store: Arc<Store>,
    slot: Slot,
}

impl ValueImage {
    /// Checks the head of an image: what stands where in it. The bytes are borrowed when they are aligned
    /// to 64 bytes, as those of a message and of a [`crate::PooledBuffer`] are, and copied otherwise.
    ///
    /// # Errors
    /// [`crate::EnvError::Damaged`] when they do not begin as an image of their length;
    /// [`crate::EnvError::Unsupported`] for one of a session, whose parts stand elsewhere.
    pub fn open<M>(bytes: M) -> Result<ValueImage>
    where
        M: AsRef<[u8]> + Send + Sync + fmt::Debug + 'static,
    {
        ValueImage::shared(Arc::new(bytes))
    }

    /// As [`ValueImage::open`], of memory that others share.
    pub(crate) fn shared<M>(bytes: Arc<M>) -> Result<ValueImage>
    where
        M: AsRef<[u8]> + Send + Sync + fmt::Debug + 'static,
    {
        let held = (*bytes).as_ref();
        let head = ImageHead::from_bytes(held).map_err(damaged)?;
        refuse_parts_elsewhere(&head)?;
        let is_aligned = held
            .as_ptr()
            .addr()
            .is_multiple_of(EXTENT_ALIGNMENT as usize);
        let source: Arc<dyn ByteSource> = match is_aligned {
            true => Arc::new(SharedSource(bytes)),
            false => Arc::new(MemorySource(Buffer::copied(held)?)),
        };
        let (slot, limits) = (head.slot, Limits::default());
        let tables = Tables::Image(head);
        let store = Store::new(source, tables, Origin::Memory, Check::Auto, limits);
        let store = Arc::new(store);
        Ok(ValueImage { store, slot })
    }

    /// A view of the value.
    ///
    /// # Errors
    /// [`crate::EnvError::Damaged`] when its root is.
    pub fn view(&self) -> Result<View<'_>> {
        let root = Root {
            store: &self.store,
            slot: self.slot,
            attributes: None,
        };
        View::of_root(root, "value", None)
    }

    /// The value. Tensors borrow from the bytes, and are checked when they are touched.
    ///
    /// # Errors
    /// [`crate::EnvError::Damaged`].
    pub fn value(&self) -> Result<Value> {
        self.store.value(self.slot, None)
    }
}

impl fmt::Debug for ValueImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueImage({} bytes)", self.store.source.len())
    }
}
