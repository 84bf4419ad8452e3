//! What differs between two states of one archive, where the journal that would tell is gone.

use achronyme_env::{Archive, Binding, EnvError, EventKind};

/// Values up to this many bytes in memory are compared; larger ones by the digests of their arrays.
const COMPARED: u64 = 1 << 20;

/// The variables that were set or removed between two states, as events.
pub(crate) fn changes(before: &Archive, after: &Archive) -> Vec<EventKind> {
    let mut events = Vec::new();
    for binding in before.bindings_as_saved() {
        if !after.contains(binding.name()) {
            let name = binding.name().into();
            events.push(EventKind::Remove { name });
        }
    }
    for binding in after.bindings_as_saved() {
        let same = match before.binding(binding.name()) {
            // What cannot be read is not known to differ.
            Some(old) => is_same(&old, &binding).unwrap_or(true),
            None => false,
        };
        if !same {
            events.push(EventKind::Set {
                name: binding.name().into(),
                kind: binding.kind().ok(),
            });
        }
    }
    events
}

fn is_same(old: &Binding<'_>, new: &Binding<'_>) -> Result<bool, EnvError> {
    let marks = |binding: &Binding<'_>| (binding.is_constant(), binding.is_mutable());
    let sizes = (old.sizes()?, new.sizes()?);
    if marks(old) != marks(new) || old.kind()? != new.kind()? || sizes.0.raw != sizes.1.raw {
        return Ok(false);
    }
    let attributes = (old.attributes()?, new.attributes()?);
    if !achronyme_env::Value::from(attributes.0).identical(&attributes.1.into())? {
        return Ok(false);
    }
    if sizes.0.raw <= COMPARED {
        return old.value()?.identical(&new.value()?);
    }
    let digests = |binding: &Binding<'_>| -> Result<Vec<[u8; 32]>, EnvError> {
        let extents = binding.extents()?;
        Ok(extents.iter().map(|extent| extent.digest).collect())
    };
    let same_shape = (old.dtype(), old.shape()) == (new.dtype(), new.shape());
    Ok(same_shape && digests(old)? == digests(new)?)
}
