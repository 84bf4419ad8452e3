//! The key of a message: what its payload is, and how it is compressed.

use super::MessageCompression;
use crate::error::{EnvError, Result};

/// Longest content type, in bytes.
const LONGEST: usize = 255;
const ZSTD: &str = "; compression=zstd";
const COMPRESSION: &str = "; compression=";

/// Refuses what is no content type: `type/subtype`, perhaps with parameters.
pub(super) fn check(content_type: &str) -> Result<()> {
    let reason = match content_type {
        text if !text.contains('/') => "it has no `/`",
        text if text.len() > LONGEST => "it is longer than 255 bytes",
        text if text.contains(COMPRESSION) => "whether it is compressed is not said there",
        text if !text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) => {
            "it has other characters than printable ones of ASCII"
        }
        _ => return Ok(()),
    };
    Err(EnvError::InvalidValue {
        what: format!("content type {content_type:?}"),
        reason: reason.to_owned(),
    })
}

/// The key of a message.
pub(super) fn key(content_type: &str, compression: MessageCompression) -> String {
    match compression {
        MessageCompression::None => content_type.to_owned(),
        MessageCompression::Zstd => format!("{content_type}{ZSTD}"),
    }
}

/// What a key says; otherwise what is wrong with it.
pub(super) fn parse(key: &[u8]) -> Result<(&str, MessageCompression), String> {
    let key = std::str::from_utf8(key).map_err(|_| "its content type is not text".to_owned())?;
    let (content_type, compression) = match key.split_once(COMPRESSION) {
        None => (key, MessageCompression::None),
        Some((content_type, "zstd")) => (content_type, MessageCompression::Zstd),
        Some((_, other)) => return Err(format!("it is compressed with {other:?}")),
    };
    check(content_type).map_err(|_| format!("its content type is {content_type:?}"))?;
    Ok((content_type, compression))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_what_was_put_into_it() {
        for content_type in ["application/json", "text/plain; charset=utf-8"] {
            for compression in [MessageCompression::None, MessageCompression::Zstd] {
                let key = key(content_type, compression);
                assert_eq!(parse(key.as_bytes()), Ok((content_type, compression)));
            }
        }
    }

    #[test]
    fn what_is_no_content_type_is_refused() {
        let long = format!("a/{}", "b".repeat(254));
        for text in [
            "",
            "json",
            "a/\u{e9}",
            "a/b\n",
            "a/b; compression=zstd",
            &long,
        ] {
            assert!(check(text).is_err(), "{text}");
        }
        for key in [
            &b"a/b; compression=lzma"[..],
            b"\xff/a",
            b"",
            b"; compression=zstd",
        ] {
            assert!(parse(key).is_err(), "{key:?}");
        }
    }
}
