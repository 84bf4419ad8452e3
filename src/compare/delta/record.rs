//! The record in a delta's metadata that says what no entry can say.

use crate::error::{EnvError, Result};
use crate::fault::{Fault, Part, Problem};
use crate::read::Archive;
use crate::read::overlay::Overlay;
use crate::value::{DType, Record, Tensor, Value};

/// Field of the metadata record of a delta.
pub(super) const FIELD: &str = "delta";
/// Field of the metadata record of an archive that a delta made: the root digest of the archive
/// whose content it has.
pub(super) const STANDS_FOR: &str = "stands_for";

/// Version of the record.
const VERSION: i64 = 1;

/// What a delta says of the archive it makes.
#[derive(Clone, Debug)]
pub(super) struct DeltaRecord {
    /// Root digest of the archive it was made of.
    pub(super) result: [u8; 32],
    /// Creation time of that.
    pub(super) created: u64,
    /// Number of its bindings.
    pub(super) bindings: u64,
    /// The runs of [`super::order`], start and length of each; `None` when there are none.
    order: Option<Tensor>,
    /// Ordinals, in the delta, of the bindings whose arrays stay compressed.
    pub(super) cold: Vec<u32>,
}

impl DeltaRecord {
    pub(super) fn new(
        result: [u8; 32],
        created: u64,
        bindings: u64,
        runs: &[(u64, u64)],
        cold: Vec<u32>,
    ) -> Result<DeltaRecord> {
        let numbers: Vec<u64> = runs.iter().flat_map(|(at, len)| [*at, *len]).collect();
        let order = match runs.len() {
            0 => None,
            count => Some(Tensor::from_vec(numbers, [count as u64, 2])?),
        };
        Ok(DeltaRecord {
            result,
            created,
            bindings,
            order,
            cold,
        })
    }

    /// The runs of the order; `None` when there are more than `most`.
    pub(super) fn runs(&self, most: u64) -> Option<Result<Vec<(u64, u64)>>> {
        let Some(order) = &self.order else {
            return Some(Ok(Vec::new()));
        };
        let all = order.as_slice::<u64>();
        let pairs = |all: &[u64]| {
            let pairs = all.as_chunks::<2>().0.iter();
            pairs.map(|[start, len]| (*start, *len)).collect()
        };
        (order.len() / 2 <= most).then(|| all.map(pairs))
    }

    pub(super) fn to_record(&self) -> Result<Record> {
        let mut record = Record::from([
            ("version", Value::from(VERSION)),
            ("result", Value::Bytes(self.result.as_slice().into())),
            ("created", self.created.cast_signed().into()),
            ("bindings", self.bindings.cast_signed().into()),
        ]);
        if let Some(order) = &self.order {
            record.insert("order", order.clone());
        }
        if !self.cold.is_empty() {
            let shape = [self.cold.len() as u64];
            record.insert("cold", Tensor::from_vec(self.cold.clone(), shape)?);
        }
        Ok(record)
    }

    /// The record of a delta; `sent` is how many bindings stand in that.
    pub(super) fn of(delta: &Archive, sent: u64) -> Result<DeltaRecord> {
        let broken = |what: &str| damaged(delta, format!("the record `{FIELD}`: {what}"));
        let metadata = delta.metadata_record()?.unwrap_or_default();
        let record = metadata.get(FIELD).and_then(Value::as_record);
        let record = record.ok_or_else(|| broken("it is not there"))?;
        let integer = |name: &str| {
            let found = record.get(name).and_then(Value::as_i64);
            found.ok_or_else(|| broken(&format!("it has no integer `{name}`")))
        };
        let version = integer("version")?;
        if version != VERSION {
            return Err(EnvError::Unsupported {
                path: delta.origin().clone(),
                what: format!("deltas of version {version}"),
            });
        }
        let bindings = integer("bindings")?.cast_unsigned();
        let result = match record.get("result") {
            Some(Value::Bytes(bytes)) => <[u8; 32]>::try_from(&**bytes).ok(),
            _ => None,
        };
        let order = match record.get("order") {
            None => None,
            Some(Value::Tensor(order))
                if order.dtype() == DType::U64 && matches!(order.shape(), [_, 2]) =>
            {
                // Read when it is known how long it can be.
                Some(order.clone())
            }
            Some(_) => return Err(broken("`order` has another form")),
        };
        let cold = match record.get("cold") {
            None => Vec::new(),
            Some(Value::Tensor(cold)) if cold.dtype() == DType::U32 && cold.len() <= sent => {
                cold.as_slice::<u32>()?.to_vec()
            }
            Some(_) => return Err(broken("`cold` has another form")),
        };
        Ok(DeltaRecord {
            result: result.ok_or_else(|| broken("`result` has another form"))?,
            created: integer("created")?.cast_unsigned(),
            bindings,
            order,
            cold,
        })
    }
}

/// The root digest that deltas know an archive by: its own, or that of the archive whose content a
/// delta gave it.
///
/// # Errors
/// [`EnvError::InvalidValue`] for an archive with what its journal says over it: no digest names
/// that.
pub(super) fn known_digest(archive: &Archive) -> Result<[u8; 32]> {
    refuse_journal(archive)?;
    let metadata = archive.metadata_record()?;
    match metadata.as_ref().and_then(|record| record.get(STANDS_FOR)) {
        Some(Value::Bytes(bytes)) => match <[u8; 32]>::try_from(&**bytes) {
            Ok(digest) => Ok(digest),
            Err(_) => archive.root_digest(),
        },
        _ => archive.root_digest(),
    }
}

/// Refuses an archive with what its journal says over it, unless that says nothing.
///
/// # Errors
/// [`EnvError::InvalidValue`].
pub(super) fn refuse_journal(archive: &Archive) -> Result<()> {
    if archive.overlay().is_some_and(Overlay::says_something) {
        return Err(EnvError::InvalidValue {
            what: format!("{} with its journal", archive.origin()),
            reason:
                "a delta leads from archive to archive; fold the journal with `ach checkpoint` \
                     first"
                    .to_owned(),
        });
    }
    Ok(())
}

/// The error for a delta whose parts do not hold together.
pub(super) fn damaged(delta: &Archive, what: String) -> EnvError {
    EnvError::Damaged {
        path: delta.origin().clone(),
        fault: Fault::new(
            Part::Table,
            delta.header().table_offset,
            Problem::Structure(what),
        ),
    }
}
