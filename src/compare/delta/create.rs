//! Making a delta of two archives.

use std::collections::HashSet;
use std::path::Path;

use super::options::DeltaOptions;
use super::order;
use super::record::{DeltaRecord, FIELD, known_digest};
use crate::compare::diff::{Exact, exact};
use crate::compare::groups::Groups;
use crate::compare::loading::Loading;
use crate::compare::workspace::{Content, Side};
use crate::error::{Origin, Result};
use crate::read::{Archive, Metadata};
use crate::value::Value;
use crate::write::{ArchiveWriter, BindingOptions, Lineage, SaveOptions};

/// What making a delta did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeltaReport {
    /// The delta.
    pub path: Origin,
    /// Its length in bytes.
    pub file_len: u64,
    /// Variables that only the new archive has.
    pub added: usize,
    /// Variables that differ.
    pub changed: usize,
    /// Variables that do not, and are sent because they share cells with one that does.
    pub together: usize,
    /// Variables that only the old archive has.
    pub removed: usize,
    /// Variables that are not sent.
    pub unchanged: usize,
    /// Root digest of the archive that the delta is for.
    pub parent_digest: [u8; 32],
    /// Root digest of the archive that was compared with it.
    pub result_digest: [u8; 32],
}

/// Makes a delta: a file with what must be changed in `old` to make `new`, which names `old` by its
/// root digest.
///
/// It holds the variables that are new or differ in anything, each as a whole and with its arrays
/// compressed; those that share cells with one of them; the names of those that are gone; the order
/// of definition, when it cannot be told from that of `old`; and what `new` says about itself.
/// Arrays whose recorded digests are equal are not read, as in [`diff`](crate::diff).
///
/// ```
/// use achronyme_env::{apply_delta, content_hash, create_delta, save};
/// use achronyme_env::{Archive, DeltaOptions, SaveOptions, Value};
/// # let dir = tempfile::tempdir()?;
/// # let paths = ["monday.ach", "tuesday.ach", "tuesday.ach-delta", "copy.ach"];
/// # let [old, new, delta, copy] = paths.map(|name| dir.path().join(name));
///
/// save(&old, [("n", Value::from(1i64)), ("gone", true.into())], &SaveOptions::new())?;
/// save(&new, [("n", Value::from(2i64)), ("extra", 0.5.into())], &SaveOptions::new())?;
/// let (monday, tuesday) = (Archive::open(&old)?, Archive::open(&new)?);
/// let report = create_delta(&monday, &tuesday, &delta, &DeltaOptions::new())?;
/// assert_eq!((report.added, report.changed, report.removed), (1, 1, 1));
///
/// // Elsewhere, where only Monday's archive and the delta are:
/// apply_delta(&monday, &delta, &copy, &DeltaOptions::new())?;
/// assert_eq!(content_hash(&Archive::open(&copy)?)?, content_hash(&tuesday)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`diff`](crate::diff) and [`save`](crate::save); after an error nothing was written.
pub fn create_delta(
    old: &Archive,
    new: &Archive,
    path: impl AsRef<Path>,
    options: &DeltaOptions,
) -> Result<DeltaReport> {
    old.check_table()?;
    new.check_table()?;
    let (parent_digest, result_digest) = (known_digest(old)?, known_digest(new)?);
    let (ours, theirs) = (Side::Archive(old), Side::Archive(new));
    let found = exact(&ours, &theirs)?;
    let differing = found.added.len() + found.changed.len();
    let groups = match differing {
        0 => Groups::default(),
        _ => Groups::of(&theirs)?,
    };
    let sent = sent(new, &found, &groups);
    let cold = cold(new, &sent)?;
    let runs = order_of(old, new, &found);
    let (created, bindings) = (new.header().created, new.len() as u64);
    let record = DeltaRecord::new(result_digest, created, bindings, &runs, cold)?;
    let metadata = new.metadata()?;
    let mut save = options.save.clone().delta().seal(new.header().is_sealed());
    save = save.compress(cfg!(feature = "zstd")).keep_coding(true);
    save = with_words_of(save, metadata);
    save = save.own_metadata(FIELD, Value::Record(record.to_record()?));
    save = save.lineage(Lineage {
        parent_digest,
        ..Lineage::default()
    });

    let mut writer = ArchiveWriter::create(path, &save)?;
    let mut loading = Loading::new(&theirs, &groups, &sent);
    for (place, index) in sent.iter().enumerate() {
        add(&mut writer, &theirs, *index, false, || loading.take(place))?;
    }
    for index in &found.removed {
        writer.remove(ours.name(*index))?;
    }
    let saved = writer.finish()?;
    Ok(DeltaReport {
        path: saved.path,
        file_len: saved.file_len,
        added: found.added.len(),
        changed: found.changed.len(),
        together: sent.len() - differing,
        removed: found.removed.len(),
        unchanged: new.len() - sent.len(),
        parent_digest,
        result_digest,
    })
}

/// Adds a variable of `side` to an archive, with all that is said of it.
pub(super) fn add(
    writer: &mut ArchiveWriter<'_>,
    side: &Side<'_>,
    index: usize,
    unpacked: bool,
    load: impl FnOnce() -> Result<(Value, crate::value::Record)>,
) -> Result<()> {
    let head = side.head(index)?;
    let (value, attributes) = match (&head.content, head.has_attributes) {
        (Content::Scalar(slot), false) => (slot.to_scalar(), Default::default()),
        _ => load()?,
    };
    let options = BindingOptions {
        attributes,
        constant: head.constant,
        mutable: head.mutable,
        unpacked,
    };
    writer.add_with(side.name(index), value, &options)
}

/// The places of what is sent, in the order of definition: what is new, what differs, and what
/// shares cells with those.
fn sent(new: &Archive, found: &Exact, groups: &Groups) -> Vec<usize> {
    let differing = found.added.iter().chain(&found.changed);
    let mut sent: HashSet<usize> = HashSet::new();
    for index in differing {
        if sent.insert(*index) {
            sent.extend(groups.around(*index).into_iter().flatten());
        }
    }
    let mut sent: Vec<usize> = sent.into_iter().collect();
    sent.sort_by_key(|index| (new.nth(*index).ordinal(), *index));
    sent
}

/// Which of those sent have compressed arrays, by their places.
fn cold(new: &Archive, sent: &[usize]) -> Result<Vec<u32>> {
    let mut cold = Vec::new();
    if new.stored_bytes().1 == 0 {
        return Ok(cold);
    }
    for (place, index) in sent.iter().enumerate() {
        if new.nth(*index).sizes()?.cold {
            cold.push(place as u32);
        }
    }
    Ok(cold)
}

/// The order of `new` as runs of the default order.
fn order_of(old: &Archive, new: &Archive, found: &Exact) -> Vec<(u64, u64)> {
    let saved = |archive: &Archive| {
        let mut saved: Vec<usize> = (0..archive.len()).collect();
        saved.sort_by_key(|index| archive.nth(*index).ordinal());
        saved
    };
    // Places of the old ones, by their numbers in `old`.
    let mut gone = vec![false; old.len()];
    found.removed.iter().for_each(|index| gone[*index] = true);
    let mut place_of_old = vec![0u64; old.len()];
    let mut next = 0;
    for index in saved(old) {
        place_of_old[index] = next;
        next += u64::from(!gone[index]);
    }
    // Names are in one order on both sides: those that stay meet in it.
    let mut is_new = vec![false; new.len()];
    found.added.iter().for_each(|index| is_new[*index] = true);
    let mut stay = (0..old.len()).filter(|index| !gone[*index]);
    let stays = is_new.iter().map(|new| match new {
        true => None,
        false => stay.next(),
    });
    let stays: Vec<Option<usize>> = stays.collect();
    let places = saved(new).into_iter().map(|index| match stays[index] {
        Some(of_old) => place_of_old[of_old],
        None => {
            next += 1;
            next - 1
        }
    });
    order::runs(places)
}

/// Options that write what an archive says of itself.
pub(super) fn with_words_of(mut save: SaveOptions, metadata: Metadata) -> SaveOptions {
    if let Some(description) = metadata.description {
        save = save.description(description);
    }
    save = metadata
        .tags
        .into_iter()
        .fold(save, |save, tag| save.tag(tag));
    let pairs = metadata.custom.into_iter();
    pairs.fold(save, |save, (key, value)| save.custom(key, value))
}
