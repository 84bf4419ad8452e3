//! What the format means by a zstd frame: one, and nothing beside it. The decoder would take several, and
//! pass over those that are to be skipped, whatever they hold.

use zstd::zstd_safe::find_frame_compressed_size;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Says what is wrong with `bytes` when they are not exactly one frame, as far as its outline tells.
pub(crate) fn check_one(bytes: &[u8]) -> Result<(), String> {
    if !bytes.starts_with(&MAGIC) {
        return Err("not a zstd frame".to_owned());
    }
    match find_frame_compressed_size(bytes) {
        Ok(len) if len == bytes.len() => Ok(()),
        Ok(len) => Err(format!(
            "a zstd frame ends after {len} of {} bytes",
            bytes.len()
        )),
        Err(code) => {
            let why = zstd::zstd_safe::get_error_name(code);
            Err(format!("not a zstd frame: {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_stands_alone() {
        let frame = zstd::bulk::compress(&[7; 500], 1).unwrap();
        check_one(&frame).unwrap();
        let skippable = b"\x50\x2a\x4d\x18\x01\0\0\0x";
        for bytes in [
            [&frame[..], &frame].concat(),
            [&frame[..], b"x"].concat(),
            [&frame[..], skippable].concat(),
            [skippable, &frame[..]].concat(),
            frame[..frame.len() - 1].to_vec(),
            skippable.to_vec(),
            Vec::new(),
        ] {
            check_one(&bytes).unwrap_err();
        }
    }
}
