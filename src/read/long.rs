//! Looking at a part of a string or of bytes that may be longer than memory.

use std::sync::Arc;

use super::extents::ExtentStorage;
use super::view::View;
use crate::error::Result;
use crate::tree::schema::ArchivedTree;
use crate::value::{DType, Order, Tensor};

impl View<'_> {
    /// The bytes of a string (UTF-8) or of bytes, as a tensor of `uint8`. Those of a long one stay
    /// where they are: [`Tensor::read_at`] and [`Tensor::slice`] read the blocks of what is asked for.
    ///
    /// ```
    /// use achronyme_env::{Archive, SaveOptions, save};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.ach");
    ///
    /// save(&path, [("log", "all is well\n".repeat(100_000).as_str())], &SaveOptions::new())?;
    /// let archive = Archive::open(&path)?;
    /// let bytes = archive.view("log")?.byte_tensor()?;
    /// assert_eq!(bytes.len(), 1_200_000);
    /// let mut head = [0; 11];
    /// bytes.read_at(0, &mut head)?; // one block was read
    /// assert_eq!(&head, b"all is well");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::EnvError::WrongKind`]; [`crate::EnvError::Unsupported`] for an unknown codec.
    pub fn byte_tensor(&self) -> Result<Tensor> {
        let tree = self.tree().map(|(tree, _)| tree);
        let short = match tree {
            Some(ArchivedTree::LongString(extent) | ArchivedTree::LongBytes(extent)) => {
                let store = self.store();
                let number = extent.to_native();
                store.extent_state(number)?;
                let len = store.extent(number)?.raw_len;
                let storage = ExtentStorage::new(Arc::clone(store), number, Some(self.variable()));
                return Tensor::from_storage(DType::U8, [len], Order::C, Arc::new(storage));
            }
            Some(ArchivedTree::String(text)) => text.as_bytes(),
            Some(ArchivedTree::Bytes(bytes)) => bytes.as_slice(),
            _ => return Err(self.wrong_kind("string or bytes")),
        };
        Tensor::from_bytes(DType::U8, [short.len() as u64], Order::C, short)
    }
}
