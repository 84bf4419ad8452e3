//! Version 1 files, where an environment is restored or looked at.

use std::path::Path;
use std::sync::Arc;

use super::info::EnvironmentInfo;
use super::restore::{Arrivals, RestoreReport, check_writer};
use super::restore_options::RestoreOptions;
use super::variables::Variable;
use crate::error::{EnvError, Result};
use crate::finding::Finding;
use crate::read::Metadata;
use crate::value::{Kind, Value};
use crate::version1::Version1;

/// What `present` answers; or, when it says that the file is of version 1, what `old` makes of it.
pub(super) fn either<T>(present: Result<T>, old: impl FnOnce() -> Result<T>) -> Result<T> {
    match present {
        Err(EnvError::Version1 { .. }) => old(),
        answer => answer,
    }
}

/// What a version 1 file brings under these options. All of it is read and checked.
pub(super) fn arrivals(path: &Path, options: &RestoreOptions) -> Result<Arrivals> {
    let mut selection = options.check()?;
    let file = Version1::open_with(path, &options.limits)?;
    let metadata = file.metadata();
    let mut report = RestoreReport {
        path: file.origin().clone(),
        format: (metadata.major, metadata.minor),
        created_by: metadata.writer.clone(),
        created_at: metadata.created,
        bindings: 0,
        omitted: 0,
        findings: Vec::new(),
    };
    check_writer(&mut report, options)?;
    let names = file.bindings().map(|(name, _)| name);
    let lost = file.findings().iter().map(|finding| finding.name.as_str());
    let all: Vec<&str> = names.chain(lost).collect();
    let told: Vec<Finding> = file
        .findings()
        .iter()
        .filter(|finding| finding.name.is_empty() || selection.takes(&finding.name))
        .cloned()
        .collect();
    let taken: Vec<(Arc<str>, Variable)> = file
        .bindings()
        .filter(|(name, _)| selection.takes(name))
        .map(|(name, value)| (Arc::from(name), Variable::new(value.clone())))
        .collect();
    report.omitted = file.len() - taken.len();
    report.findings.extend(told);
    report.findings.extend(selection.unmet(all.iter().copied()));
    Ok(Arrivals {
        variables: taken,
        report,
        // Told by the file's own findings.
        placeholders_told: true,
    })
}

/// What a version 1 file says about itself. All of it is read and checked: it has no table.
pub(super) fn info(path: &Path) -> Result<EnvironmentInfo> {
    let file = Version1::open(path)?;
    let functions = file.bindings().filter(|(_, value)| is_function(value));
    let metadata = file.metadata();
    Ok(EnvironmentInfo {
        version: (metadata.major, metadata.minor),
        created_at: metadata.created,
        created_by: metadata.created_by.clone(),
        num_bindings: file.len(),
        num_constants: 0,
        num_functions: functions.count(),
        compressed: metadata.compressed,
        file_size: file.file_len(),
        description: metadata.description.clone(),
        tags: metadata.tags.clone(),
        custom: metadata.custom.clone(),
        bindings: file.bindings().map(|(name, _)| name.to_owned()).collect(),
    })
}

/// Description, tags and the like of a version 1 file. All of it is read and checked.
pub(super) fn metadata(path: &Path) -> Result<Metadata> {
    let file = Version1::open(path)?;
    let old = file.metadata();
    Ok(Metadata {
        created_at: old.created,
        created_by: old.created_by.clone(),
        description: old.description.clone(),
        tags: old.tags.clone(),
        custom: old.custom.clone(),
    })
}

fn is_function(value: &Value) -> bool {
    value.kind() == Kind::Function
}
