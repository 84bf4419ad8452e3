//! How a writer takes up what it finds.

use super::append::Pending;
use super::begin::Begin;
use super::chain::Chain;
use super::durability::{Durability, Waiting};
use super::file::{remove, rename_new};
use super::lock::WriterLock;
use super::recover::{SetAside, set_aside};
use super::rotate::{activate, prepare};
use super::scan::{AT_HAND, Position};
use super::segment::{Found, Segment};
use super::writer::Writer;
use crate::error::{EnvError, Result};

impl Writer {
    /// Takes up a chain that was opened while `lock` was held: sets aside what does not count, then
    /// appends to the active segment, or to a new one. A chain without a session begins one under
    /// `new_session_id`, which is random.
    ///
    /// # Errors
    /// [`EnvError::Io`], [`EnvError::NotAFile`], [`EnvError::ForkedChild`].
    pub(crate) fn open(
        lock: WriterLock,
        chain: &Chain,
        new_session_id: [u8; 16],
        durability: Durability,
        timestamp: u64,
    ) -> Result<(Writer, Vec<SetAside>)> {
        lock.check_process()?;
        let aside = set_aside(chain)?;
        let last = chain.last_segment();
        // What a header claims of frames that do not count is no claim.
        let end = last.as_ref().map_or(0, |(_, end)| end.sequence);
        let synced = chain.synced().min(end);
        let (segment, committed) = match active(chain)? {
            Some(active) => active,
            None => {
                let begin = Begin {
                    session_id: chain.session_id().unwrap_or(new_session_id),
                    timestamp: timestamp.max(last.as_ref().map_or(0, |(_, end)| end.timestamp)),
                    synced,
                    ..next_begin(chain)
                };
                let made = prepare(&chain.companions, begin);
                let made = made.and_then(|new| activate(&chain.companions).map(|()| new));
                let new = made
                    .map_err(|e| EnvError::io("make", chain.companions.journal().as_path(), e))?;
                let start = new.start();
                (new, start)
            }
        };
        let ends = chain.segments().iter().skip(1);
        let ends = ends.map(|next| next.begin().base_sequence);
        let ends = ends.chain(last.map(|(_, end)| end.sequence));
        let mut unsynced: Vec<_> = chain.segments().iter().cloned().zip(ends).collect();
        unsynced.retain(|(older, end)| {
            *end > synced && older.begin().base_sequence < segment.begin().base_sequence
        });
        let mut frames = chain.frames().from(synced.saturating_add(1));
        let large_unsynced = frames.any(|frame| frame.entry.payload_len > AT_HAND);
        let mut pending = Pending::default();
        pending.start_after(committed);
        let writer = Writer {
            lock: lock.into(),
            companions: chain.companions.clone(),
            durability,
            committed,
            pending,
            file_len: committed.offset,
            segment,
            reserves: durability != Durability::Os,
            synced,
            waiting: Waiting::default(),
            unsynced,
            names_synced: false,
            large_unsynced,
            noted: false,
            closed: None,
        };
        Ok((writer, aside))
    }
}

/// The active segment, if the chain ends in it and new frames may follow. If they may not, its path is
/// free afterwards: it is retired, or held nothing.
fn active(chain: &Chain) -> Result<Option<(Segment, Position)>> {
    let companions = &chain.companions;
    let path = companions.journal();
    let last = match chain.last_segment() {
        Some((segment, end)) if segment.is_at(&path)? => Some((segment, end)),
        _ => None,
    };
    let found = Segment::find_for(&path, true)?;
    let freed = match (last, found) {
        (Some((_, end)), Found::Segment(active)) if end.sequence == chain.sequence() => {
            return Ok(Some((active, end)));
        }
        // It ends before what is folded into the archive.
        (Some((segment, end)), _) => match segment.begin().base_sequence {
            base if base == end.sequence => remove(&path),
            base => rename_new(&path, &companions.retired(base.saturating_add(1))),
        },
        (None, Found::Nothing) => remove(&path),
        // Whatever it is, it is in the way.
        (None, _) => Ok(()),
    };
    freed.map_err(|e| EnvError::io("retire", path.as_path(), e))?;
    Ok(None)
}

/// How a segment begins that follows the chain, but for its session, time and `synced`.
fn next_begin(chain: &Chain) -> Begin {
    let last = chain.last_segment().map(|(_, end)| end);
    let last = last.filter(|end| end.sequence == chain.sequence());
    Begin {
        base_sequence: chain.sequence(),
        link: last.map_or(0, |end| end.link),
        root_digest: match chain.session_id() {
            Some(_) => [0; 32],
            None => chain.base.root_digest.unwrap_or_default(),
        },
        ..Begin::default()
    }
}
