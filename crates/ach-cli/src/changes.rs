//! What differs between two states of one archive, where the journal that would tell is gone.

use achronyme_env::{Archive, DiffOptions, EnvError, EventKind};

/// The variables that were set or removed between two states, as events. Large arrays are compared by
/// their digests.
///
/// # Errors
/// What reading answers.
pub(crate) fn changes(before: &Archive, after: &Archive) -> Result<Vec<EventKind>, EnvError> {
    let found = achronyme_env::diff(before, after, &DiffOptions::new().listed(1))?;
    let removed = found.removed.iter().map(|lone| EventKind::Remove {
        name: lone.name.as_str().into(),
    });
    let changed = found.changed.iter().map(|changed| &changed.name);
    let set = changed.chain(found.added.iter().map(|lone| &lone.name));
    let set = set.map(|name| EventKind::Set {
        name: name.as_str().into(),
        kind: after.binding(name).and_then(|binding| binding.kind().ok()),
    });
    Ok(removed.chain(set).collect())
}
