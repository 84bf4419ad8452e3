//! Files of format 1, read only: a header of 64 bytes, a MessagePack body that may be one zstd
//! stream, and the SHA-256 of the body as stored. `docs/version1.md` tells their users what becomes
//! of them; nothing here writes that format.

mod body;
mod convert;
mod decoder;
mod file;
mod header;
mod messagepack;
mod metadata;
mod source;
mod stream;
mod values;

pub use convert::{UpgradeReport, upgrade};
pub use file::Version1;
pub use metadata::Version1Metadata;
