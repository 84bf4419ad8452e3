//! Before anything is written: which extents are cold, and how long the file will be.

use super::archive::ArchiveWriter;
use super::areas::{aligned, extent_alignment, is_packed};
use super::cancel::Cancel;
use super::options::SaveOptions;
use crate::error::{EnvError, Result};
use crate::format::{AREA_ALIGNMENT, TRAILER_LEN};
use crate::tree::extent_source::PlannedExtent;

/// Extents below this many bytes are not tried: what they could save is less than a page.
#[cfg(feature = "zstd")]
const TRIED_FROM_BYTES: u64 = 4096;

/// Makes the extents cold whose sample says that it pays.
#[cfg(feature = "zstd")]
pub(super) fn choose_cold(
    options: &SaveOptions,
    cancel: &Cancel,
    extents: &mut [PlannedExtent<'_>],
) -> Result<()> {
    let Some(share) = options.auto_cold else {
        return Ok(());
    };
    let tried = extents
        .iter_mut()
        .filter(|extent| !extent.cold && extent.raw_len >= TRIED_FROM_BYTES);
    for extent in tried {
        cancel.check()?;
        extent.cold = super::cold::is_worth(extent, options.compression_level, share)?;
    }
    Ok(())
}

#[cfg(not(feature = "zstd"))]
pub(super) fn choose_cold(_: &SaveOptions, _: &Cancel, _: &mut [PlannedExtent<'_>]) -> Result<()> {
    // Compression was refused when the options were checked.
    Ok(())
}

impl ArchiveWriter<'_> {
    /// Refuses a file longer than the options allow. Cold extents are packed to measure them only
    /// where the answer depends on it.
    pub(super) fn refuse_too_large(&self, start: u64, extents: &[PlannedExtent<'_>]) -> Result<()> {
        let Some(max) = self.options.max_file_size else {
            return Ok(());
        };
        let refuse_above = |needed: u64| match needed > max {
            true => Err(EnvError::FileTooLarge {
                path: self.destination.origin(),
                needed,
                max,
            }),
            false => Ok(()),
        };
        refuse_above(self.file_len(start, extents, |_| Ok(0))?)?;
        #[cfg(feature = "zstd")]
        {
            use super::cold::{packed_bound, packed_len};
            if self.file_len(start, extents, |extent| Ok(packed_bound(extent)))? > max {
                let level = self.options.compression_level;
                let cancel = self.cancel();
                let packed_len = |extent: &PlannedExtent<'_>| packed_len(extent, level, &cancel);
                let len = self.file_len(start, extents, packed_len)?;
                return refuse_above(len);
            }
        }
        Ok(())
    }

    /// Length of the file whose extents begin at `start`, when those that are packed have the
    /// length `packed` says.
    pub(super) fn file_len(
        &self,
        start: u64,
        extents: &[PlannedExtent<'_>],
        packed: impl Fn(&PlannedExtent<'_>) -> Result<u64>,
    ) -> Result<u64> {
        let (mut end, mut sums) = (start, 0);
        for extent in extents {
            let record = self.blank_record(extent);
            let stored = match is_packed(extent) {
                true => packed(extent)?,
                false => record.stored_len,
            };
            end = aligned(end, extent_alignment(extent.raw_len)).saturating_add(stored);
            sums += record.sums_len().next_multiple_of(8);
        }
        Ok(aligned(end, AREA_ALIGNMENT)
            .saturating_add(sums)
            .saturating_add(TRAILER_LEN))
    }
}
