//! Options for writing again what another file held.

use super::options::SaveOptions;

impl SaveOptions {
    /// Whether what is compressed in the archive it comes from is copied as it stands there.
    /// Otherwise it is written raw, or packed anew, as the other options say.
    #[allow(dead_code, reason = "asked for by checkpoints and deltas")]
    pub(crate) fn keep_coding(mut self, keep: bool) -> SaveOptions {
        self.keep_coding = keep;
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
