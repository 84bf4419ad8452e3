//! Payloads as zstd frames.

use crate::error::{EnvError, Result};
use crate::pool::{BufferPool, PooledBuffer};

/// The bytes as a zstd frame of that level, if that is shorter.
#[cfg(feature = "zstd")]
pub(super) fn pack(bytes: &[u8], level: i32) -> Result<Option<Vec<u8>>> {
    let packed = zstd::bulk::compress(bytes, level).map_err(|e| EnvError::InvalidValue {
        what: "a message".to_owned(),
        reason: format!("zstd: {e}"),
    })?;
    Ok(Some(packed).filter(|packed| packed.len() < bytes.len()))
}

/// The bytes of a zstd frame that says that it holds at most `most`; `damaged` words what is wrong with it.
#[cfg(feature = "zstd")]
pub(super) fn unpack(
    packed: &[u8],
    most: u64,
    pool: &BufferPool,
    damaged: impl Fn(String) -> EnvError,
) -> Result<PooledBuffer> {
    let declared = zstd::zstd_safe::get_frame_content_size(packed);
    let Ok(Some(len)) = declared else {
        return Err(damaged("a zstd frame that does not say its length".into()));
    };
    if len > most {
        return Err(super::reader::too_large(len, most));
    }
    // No block of a frame takes less than 4 bytes or holds more than 128 KiB (RFC 8878, section
    // 3.1.1.2): memory is not taken for what cannot be in it.
    let can_hold = (packed.len() as u64 / 4).saturating_mul(128 << 10);
    if len > can_hold {
        return Err(damaged(format!(
            "a zstd frame of {} bytes that says that it holds {len}",
            packed.len()
        )));
    }
    crate::zstd_frame::check_one(packed).map_err(&damaged)?;
    let mut raw = pool.take(len)?;
    raw.resize(len as usize)?;
    let mut decoder = zstd::bulk::Decompressor::new().map_err(|e| damaged(e.to_string()))?;
    let found = decoder.decompress_to_buffer(packed, raw.as_bytes_mut());
    match found {
        Ok(found) if found as u64 == len => Ok(raw),
        Ok(found) => Err(damaged(format!(
            "it unpacks to {found} bytes, {len} are declared"
        ))),
        Err(e) => Err(damaged(format!("not a zstd frame of {len} bytes: {e}"))),
    }
}

#[cfg(not(feature = "zstd"))]
pub(super) fn pack(_: &[u8], _: i32) -> Result<Option<Vec<u8>>> {
    Ok(None)
}

#[cfg(not(feature = "zstd"))]
pub(super) fn unpack(
    _: &[u8],
    _: u64,
    _: &BufferPool,
    _: impl Fn(String) -> EnvError,
) -> Result<PooledBuffer> {
    let what = "a message that is compressed: this build was made without the feature `zstd`";
    Err(EnvError::Unsupported {
        path: crate::error::Origin::Stream,
        what: what.to_owned(),
    })
}
