//! Walking the frames that are as nearly all are, with few instructions for each.

use super::frame::{FRAME_MAGIC, FrameKind, MESSAGE_HEADER_LEN, MessageHeader, crc_of};
use super::run::{BLOCK_LEN, Entry, SHORT_KEY};
use super::scan::{AT_HAND, Findings, Position, Walk, key_of};

impl Walk<'_> {
    /// Takes frames that begin before `bound`, as long as they stand in the window, have a short key and
    /// are just what must stand there. All others are left to [`Walk::step`], which can say what is
    /// wrong with them; it would take all that this takes.
    pub(super) fn take_plain(&mut self, bound: u64, findings: &mut Findings) {
        let Some(mut held) = self.window.held(self.at.offset) else {
            return;
        };
        if !held.starts_with(&FRAME_MAGIC) {
            return;
        }
        let session = self.window.session();
        let (mut at, mut synced) = (self.at, findings.synced);
        let run = findings.frames.run_for(at.offset);
        while at.offset < bound && run.takes(at.offset) {
            let Some((bytes, behind)) = held.split_first_chunk::<MESSAGE_HEADER_LEN>() else {
                break;
            };
            let header = MessageHeader::fields(bytes);
            let follows = bytes.starts_with(&FRAME_MAGIC)
                && header.session == session
                && at.sequence.checked_add(1) == Some(header.sequence)
                && header.link == at.link
                && header.synced <= at.sequence
                && header.kind != FrameKind::Begin
                && (1..=SHORT_KEY as u32).contains(&header.key_len)
                && header.payload_len <= AT_HAND;
            if !follows {
                break;
            }
            let payload_area = (header.payload_len as usize).next_multiple_of(MESSAGE_HEADER_LEN);
            let Some((block, behind)) = behind.split_first_chunk::<BLOCK_LEN>() else {
                break;
            };
            let Some(behind) = behind.get(payload_area..) else {
                break;
            };
            let key = match run.known_short(block, header.key_len as usize) {
                Some(known) => known,
                None => {
                    let Ok((key, sum)) = key_of(&header, block) else {
                        break;
                    };
                    self.sums.add(key, sum);
                    run.add_key(key, sum)
                }
            };
            let entry = Entry {
                offset: at.offset,
                payload_len: header.payload_len,
                type_id: header.type_id,
                kind: bytes[32],
                ends_commit: header.ends_commit(),
            };
            let end = at.offset + (MESSAGE_HEADER_LEN + BLOCK_LEN + payload_area) as u64;
            run.push(&entry, end, key);
            self.sums.add(&bytes[8..], crc_of(bytes));
            synced = synced.max(header.synced);
            at = Position {
                offset: end,
                sequence: header.sequence,
                link: crc_of(bytes),
                timestamp: at.timestamp.max(header.timestamp),
            };
            held = behind;
        }
        (self.at, findings.synced) = (at, synced);
    }
}
