//! What an archive says about itself, as a record.

use super::archive::ArchiveWriter;
use super::options::SaveOptions;
use crate::error::Result;
use crate::format::NONE;
use crate::value::{Record, Value};

impl ArchiveWriter<'_> {
    /// The node of the metadata record, or `NONE` when there is nothing to say.
    pub(super) fn metadata_node(&mut self) -> Result<u32> {
        let mut metadata = Record::new();
        if let Some(description) = &self.options.description {
            metadata.insert("description", description.as_str());
        }
        if !self.options.tags.is_empty() {
            metadata.insert(
                "tags",
                Value::vector(self.options.tags.iter().map(String::as_str)),
            );
        }
        if !self.options.custom.is_empty() {
            let custom = self.options.custom.iter();
            let custom: Record = custom
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect();
            metadata.insert("custom", custom);
        }
        for (name, value) in self.options.own_metadata.iter() {
            metadata.insert(name, value.clone());
        }
        if metadata.is_empty() {
            return Ok(NONE);
        }
        self.record_node(Value::Record(metadata))
    }
}

impl SaveOptions {
    /// Adds a field to the metadata record that is for programs, and that no reader need know.
    pub(crate) fn own_metadata(mut self, field: &str, value: impl Into<Value>) -> SaveOptions {
        self.own_metadata.insert(field, value);
        self
    }
}
