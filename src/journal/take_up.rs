//! How a writer takes up what it finds.

use super::append::Pending;
use super::begin::Begin;
use super::chain::Chain;
use super::durability::{Durability, Waiting};
use super::file::rename_new;
use super::lock::WriterLock;
use super::recover::{SetAside, set_aside};
use super::rotate::{activate, prepare};
use super::scan::AT_HAND;
use super::segment::{Found, Segment};
use super::writer::Writer;
use crate::error::{EnvError, Result};

impl Writer {
    /// Takes up a chain that was opened while `lock` was held: sets aside what does not count, then
    /// appends to the active segment, or to a new one. A chain without a session begins one under
    /// `new_session_id`, which is random.
    ///
    /// # Errors
    /// [`EnvError::Io`], [`EnvError::ForkedChild`].
    pub(crate) fn open(
        lock: WriterLock,
        chain: &Chain,
        new_session_id: [u8; 16],
        durability: Durability,
        timestamp: u64,
    ) -> Result<(Writer, Vec<SetAside>)> {
        lock.check_process()?;
        let aside = set_aside(chain)?;
        let companions = chain.companions.clone();
        let path = companions.journal();
        let sequence = chain.sequence();
        let last = chain.last_segment();
        // What a header claims of frames that do not count is no claim.
        let synced = chain
            .synced()
            .min(last.as_ref().map_or(0, |(_, end)| end.sequence));
        // An active segment that ends before what is folded is no place for what follows.
        let active = match &last {
            Some((segment, end)) if segment.is_at(&path)? => {
                let base = segment.begin().base_sequence;
                if end.sequence < sequence && end.sequence > base {
                    let retired = companions.retired(base + 1);
                    rename_new(&path, &retired).map_err(|e| EnvError::io("retire", &*path, e))?;
                }
                (end.sequence == sequence).then_some(*end)
            }
            _ => None,
        };
        let (segment, committed) = match (active, Segment::find_for(&path, true)?) {
            (Some(end), Found::Segment(segment)) => (segment, end),
            _ => {
                let before = last.as_ref().map(|(_, end)| *end);
                let before = before.filter(|end| end.sequence == sequence);
                let begins = chain.session_id().is_none();
                let begin = Begin {
                    session_id: chain.session_id().unwrap_or(new_session_id),
                    root_digest: match begins {
                        true => chain.base.root_digest.unwrap_or_default(),
                        false => [0; 32],
                    },
                    base_sequence: sequence,
                    timestamp: timestamp.max(before.map_or(0, |end| end.timestamp)),
                    link: before.map_or(0, |end| end.link),
                    synced,
                };
                let made = prepare(&companions, begin);
                let made = made.and_then(|new| activate(&companions).map(|()| new));
                let new = made.map_err(|e| EnvError::io("make", &*path, e))?;
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
            lock,
            companions,
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
