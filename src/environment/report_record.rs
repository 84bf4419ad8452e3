//! Reports as records, for a language.

use super::restore::RestoreReport;
use crate::error::Origin;
use crate::finding::Finding;
use crate::value::{Record, Value};
use crate::write::SaveReport;

impl SaveReport {
    /// The report as a record: `path`, `bindings`, `omitted`, `file_size`, `raw_bytes`,
    /// `stored_bytes`, and `findings` as a vector of records.
    pub fn to_record(&self) -> Record {
        Record::from([
            ("path", place(&self.path)),
            ("bindings", count(self.bindings as u64)),
            ("omitted", count(self.omitted as u64)),
            ("file_size", count(self.file_len)),
            ("raw_bytes", count(self.raw_bytes)),
            ("stored_bytes", count(self.stored_bytes)),
            ("findings", records(&self.findings)),
        ])
    }
}

impl RestoreReport {
    /// The report as a record: `path`, `bindings`, `omitted`, `version` of the format,
    /// `created_by`, `created_at`, and `findings` as a vector of records.
    pub fn to_record(&self) -> Record {
        let (major, minor) = self.format;
        Record::from([
            ("path", place(&self.path)),
            ("bindings", count(self.bindings as u64)),
            ("omitted", count(self.omitted as u64)),
            ("version", Value::from(format!("{major}.{minor}"))),
            ("created_by", Value::from(self.created_by.as_str())),
            ("created_at", count(self.created_at)),
            ("findings", records(&self.findings)),
        ])
    }
}

impl Finding {
    /// The finding as a record of strings: `name`, `path`, `kind`, `outcome`, `reason`.
    pub fn to_record(&self) -> Record {
        Record::from([
            ("name", self.name.as_str()),
            ("path", self.path.as_str()),
            ("kind", self.kind.as_str()),
            ("outcome", self.outcome.name()),
            ("reason", self.reason.as_str()),
        ])
    }
}

/// A path as it is; a message would show it escaped.
fn place(origin: &Origin) -> Value {
    match origin.path() {
        Some(path) => Value::from(&*path.to_string_lossy()),
        None => Value::from(origin.to_string()),
    }
}

fn records(findings: &[Finding]) -> Value {
    Value::vector(findings.iter().map(Finding::to_record))
}

/// A count as an integer; none here comes near the limit.
pub(super) fn count(n: u64) -> Value {
    Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))
}
