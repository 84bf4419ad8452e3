//! Options for writing again what another file held.

use std::path::Path;

use super::options::SaveOptions;
use crate::error::Origin;
use crate::journal::is_same_file;

impl SaveOptions {
    /// Whether array data that comes whole from an archive, and is compressed there, is copied as
    /// it stands, its sums compared on the way. Otherwise (the default) it is written raw, or packed
    /// anew, as the other options say. [`crate::BindingOptions::unpack`] makes exceptions.
    ///
    /// ```
    /// use achronyme_env::{Archive, ArchiveWriter, SaveOptions, Tensor, Value, save};
    /// # let dir = tempfile::tempdir()?;
    /// # let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
    ///
    /// let zeros = Value::from(Tensor::from_vec(vec![0.0f64; 4096], [4096])?);
    /// save(&old, [("zeros", &zeros)], &SaveOptions::new().compress(true))?;
    ///
    /// let archive = Archive::open(&old)?;
    /// let mut writer = ArchiveWriter::create(&new, &SaveOptions::new().keep_coding(true))?;
    /// writer.add("copy", archive.load_var("zeros")?)?; // not unpacked
    /// let report = writer.finish()?;
    /// assert!(report.stored_bytes < report.raw_bytes);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep_coding(mut self, keep: bool) -> SaveOptions {
        self.keep_coding = keep;
        self
    }

    /// Says which archive is to be replaced, by its [root digest](crate::Archive::root_digest): for
    /// a save of what was read from it, so that what another process saved meanwhile is not lost.
    /// [`crate::ArchiveWriter::create`] then answers [`crate::EnvError::ChangedInPlace`] when
    /// another archive stands there, and no session is opened on it for writing until the save is
    /// done.
    pub fn replaces(mut self, root_digest: [u8; 32]) -> SaveOptions {
        self.allow_overwrite = true;
        self.replaces = Some(root_digest);
        self
    }

    /// As [`SaveOptions::replaces`], where the file that is written is the one that was read.
    pub(crate) fn replacing_in_place(
        mut self,
        read: &Origin,
        written: &Path,
        root_digest: [u8; 32],
    ) -> SaveOptions {
        let same = read.path().is_some_and(|read| is_same_file(read, written));
        if same && self.allow_overwrite {
            self.replaces = Some(root_digest);
        }
        self
    }

    /// For the archive of a session, written by the session itself.
    pub(crate) fn for_session(mut self) -> SaveOptions {
        self.for_session = true;
        self
    }

    /// Whether something lost is an error.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// These options over what the old file says about itself: its tags come first, and its other
    /// fields count where these options say nothing.
    pub(crate) fn over<'m>(
        &self,
        description: Option<&str>,
        tags: &[String],
        custom: impl Iterator<Item = (&'m str, &'m String)>,
        created: u64,
    ) -> SaveOptions {
        let mut options = self.clone();
        let own_custom = std::mem::take(&mut options.custom);
        options.description = options.description.or(description.map(str::to_owned));
        options.tags = tags.iter().chain(&self.tags).cloned().collect();
        for (key, value) in custom {
            options = options.custom(key, value.as_str());
        }
        for (key, value) in own_custom {
            options = options.custom(key, value);
        }
        options.created = options.created.or(Some(created));
        options
    }
}
