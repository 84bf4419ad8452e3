//! Loading variables of which some may use what only a later version of the format knows.

use crate::error::{EnvError, Result};
use crate::finding::{Finding, Outcome};
use crate::read::{Archive, Binding};
use crate::value::{Kind, Record, Value};

/// A binding with its value and its attributes.
pub(super) type Loaded<'a> = (Binding<'a>, (Value, Record));

/// Variables with something unknown inside that a restore does without: each costs a new beginning.
const MOST_UNKNOWN_INSIDE: usize = 64;

/// Loads bindings. One that uses what only a later version knows costs itself and no other: it is
/// reported as lost.
pub(super) fn load_known<'a>(
    archive: &Archive,
    mut bindings: Vec<Binding<'a>>,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Loaded<'a>>> {
    let mut error = match archive.load_with_attributes(&bindings) {
        Ok(loaded) => return Ok(bindings.into_iter().zip(loaded).collect()),
        Err(error) => error,
    };
    if !cfg!(feature = "zstd") && archive.header().has_cold {
        // It is this build that does not know, and most of the file may be the same.
        return Err(error);
    }
    // What the table tells costs one look for all, however many they are.
    let mut is_known = |binding: &Binding<'_>, told: Option<&EnvError>| {
        let finding = told.and_then(|error| unknown(binding, error));
        findings.extend(finding.clone());
        finding.is_none()
    };
    bindings.retain(|binding| is_known(binding, binding.known_by_the_table().err().as_ref()));
    for _ in 0..=MOST_UNKNOWN_INSIDE {
        error = match archive.load_with_attributes(&bindings) {
            Ok(loaded) => return Ok(bindings.into_iter().zip(loaded).collect()),
            Err(error) => error,
        };
        let before = bindings.len();
        bindings.retain(|binding| is_known(binding, Some(&error)));
        if bindings.len() == before {
            break;
        }
    }
    Err(error)
}

/// The finding that a binding is lost, when the error is about it, and about what is not known.
fn unknown(binding: &Binding<'_>, error: &EnvError) -> Option<Finding> {
    let EnvError::Variable { name, source } = error else {
        return None;
    };
    let EnvError::Unsupported { what, .. } = &**source else {
        return None;
    };
    if name != binding.name() {
        return None;
    }
    let kind = binding.kind().map_or("unknown", Kind::name);
    let reason =
        format!("it uses {what}, which this version does not know; restore it with a newer one");
    Some(Finding::new(name, kind, Outcome::Lost, reason))
}
