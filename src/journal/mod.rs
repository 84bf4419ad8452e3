//! The journal beside an archive: frames of bytes appended to segments, and what of them is true.
//!
//! This room knows files, sums and sequence numbers, and no values: keys and payloads are bytes.
//! [`Chain`] reads what is committed and never writes; [`Writer`] appends under a [`WriterLock`].
//! `docs/format.md` specifies the bytes.

mod append;
mod begin;
mod chain;
mod detached;
mod durability;
mod file;
mod fit;
mod frame;
mod index;
mod listing;
mod lock;
mod note;
mod paths;
mod plain;
mod recover;
mod rotate;
mod run;
mod scan;
mod segment;
mod sums;
mod take_up;
#[cfg(test)]
mod tests;
mod walk;
mod window;
mod writer;

pub(crate) use append::NewFrame;
pub(crate) use chain::{Base, Chain, Damage};
pub(crate) use detached::{DetachedFrame, find_detached, session_of};
pub use durability::Durability;
pub use frame::{FLAG_COMMIT, FrameKind, MESSAGE_HEADER_LEN, MessageHeader};
pub(crate) use frame::{crc_of, frame_len};
pub(crate) use index::{Frame, Frames};
pub(crate) use lock::WriterLock;
pub(crate) use paths::{Companions, is_same_file};
pub(crate) use scan::key_of;
pub(crate) use segment::{Place, Segment};
pub(crate) use writer::Writer;
