//! Applying a delta to the archive it is for.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::create::{add, with_words_of};
use super::file::Delta;
use super::options::DeltaOptions;
use super::order::in_order;
use super::record::{STANDS_FOR, damaged, known_digest, refuse_journal};
use crate::compare::groups::Groups;
use crate::compare::loading::Loading;
use crate::compare::workspace::Side;
use crate::error::{EnvError, Result};
use crate::read::{Archive, Binding};
use crate::value::Value;
use crate::write::{ArchiveWriter, Lineage, SaveReport};

/// Makes the archive that the delta in the file `delta` was made of, out of `parent`:
/// [`Delta::apply`].
///
/// # Errors
/// As [`Delta::open`] and [`Delta::apply`].
pub fn apply_delta(
    parent: &Archive,
    delta: impl AsRef<Path>,
    path: impl AsRef<Path>,
    options: &DeltaOptions,
) -> Result<SaveReport> {
    Delta::open(delta)?.apply(parent, path, options)
}

/// Where a binding of the result comes from: the parent or the delta, and its place there in the
/// order of names.
#[derive(Clone, Copy)]
enum Taken {
    Parent(usize),
    Delta(usize),
}

impl Delta {
    /// Makes the archive that the delta was made of: of the same content, order of definition,
    /// metadata and creation time. It may replace `parent`. Arrays of `parent` are copied as they
    /// stand there; those of the delta are compressed when some array of their variable was.
    ///
    /// The result has a root digest of its own, and says whose content it has: a delta for that
    /// archive is for this one too. Belongs to no session, whatever `parent` does.
    ///
    /// # Errors
    /// [`EnvError::OtherParent`] when the delta is for another archive; [`EnvError::InvalidValue`]
    /// for an archive with what its journal says over it; what is wrong with the delta; as
    /// [`save`](crate::save).
    pub fn apply(
        &self,
        parent: &Archive,
        path: impl AsRef<Path>,
        options: &DeltaOptions,
    ) -> Result<SaveReport> {
        // Its digest is that of the archive without the journal.
        refuse_journal(parent)?;
        let (expected, found) = (self.parent_digest(), parent.root_digest()?);
        if expected != found && expected != known_digest(parent)? {
            return Err(EnvError::OtherParent {
                path: self.origin().clone(),
                expected: Box::new(expected),
                parent: parent.origin().clone(),
                found: Box::new(found),
            });
        }
        parent.check_table()?;
        let order = self.order(parent)?;
        let metadata = self.metadata()?;
        let mut save = options.save.clone().keep_coding(true);
        save = save.created_at(metadata.created_at);
        save = save.seal(self.header().is_sealed());
        save = with_words_of(save, metadata);
        save = save.own_metadata(STANDS_FOR, Value::Bytes(self.result_digest()[..].into()));
        save = save.lineage(Lineage {
            parent_digest: found,
            ..Lineage::default()
        });

        save = save.replacing_in_place(parent.origin(), path.as_ref(), found);

        let sides = [Side::Archive(parent), Side::Archive(&self.file)];
        let orders = [
            of_side(&order, |taken| match taken {
                Taken::Parent(index) => Some(index),
                Taken::Delta(_) => None,
            }),
            of_side(&order, |taken| match taken {
                Taken::Parent(_) => None,
                Taken::Delta(index) => Some(index),
            }),
        ];
        let groups = [Groups::of(&sides[0])?, Groups::of(&sides[1])?];
        let mut kept = Loading::new(&sides[0], &groups[0], &orders[0]);
        let mut sent = Loading::new(&sides[1], &groups[1], &orders[1]);
        let cold: HashSet<u32> = self.record.cold.iter().copied().collect();
        let mut writer = ArchiveWriter::create(path, &save)?;
        let (mut from_parent, mut from_delta) = (0, 0);
        for taken in order {
            match taken {
                Taken::Parent(index) => {
                    add(&mut writer, &sides[0], index, false, || {
                        kept.take(from_parent)
                    })?;
                    from_parent += 1;
                }
                Taken::Delta(index) => {
                    let unpacked = !cold.contains(&self.file.nth(index).ordinal());
                    add(&mut writer, &sides[1], index, unpacked, || {
                        sent.take(from_delta)
                    })?;
                    from_delta += 1;
                }
            }
        }
        writer.finish()
    }

    /// Where each binding of the result comes from, in their order.
    fn order(&self, parent: &Archive) -> Result<Vec<Taken>> {
        let quoted = crate::name::quoted;
        let names = self.file.bindings().enumerate();
        let mut entries: HashMap<&str, (usize, Binding<'_>)> =
            names.map(|(index, b)| (b.name(), (index, b))).collect();
        let mut order = Vec::new();
        let mut saved: Vec<usize> = (0..parent.len()).collect();
        saved.sort_by_key(|index| parent.nth(*index).ordinal());
        for index in saved {
            match entries.remove(parent.nth(index).name()) {
                Some((_, binding)) if binding.is_removal() => {}
                Some((replacing, _)) => order.push(Taken::Delta(replacing)),
                None => order.push(Taken::Parent(index)),
            }
        }
        let mut new: Vec<(usize, Binding<'_>)> = entries.into_values().collect();
        new.sort_by_key(|(index, binding)| (binding.ordinal(), *index));
        for (index, binding) in new {
            if binding.is_removal() {
                let name = quoted(binding.name());
                let what = format!("it removes {name}, which its parent does not have");
                return Err(damaged(&self.file, what));
            }
            order.push(Taken::Delta(index));
        }
        if order.len() as u64 != self.record.bindings {
            let (made, said) = (order.len(), self.record.bindings);
            let what = format!("it makes {made} bindings, and says {said}");
            return Err(damaged(&self.file, what));
        }
        let runs = self.record.runs(order.len() as u64);
        let runs = runs.unwrap_or_else(|| {
            let what = "its order says more than there is";
            Err(damaged(&self.file, what.to_owned()))
        })?;
        let ordered = in_order(order, &runs);
        ordered.ok_or_else(|| {
            let what = "its order does not name each binding once";
            damaged(&self.file, what.to_owned())
        })
    }
}

/// Those of one side, in their order.
fn of_side(order: &[Taken], place: impl Fn(Taken) -> Option<usize>) -> Vec<usize> {
    order.iter().filter_map(|from| place(*from)).collect()
}
