//! MessagePack, as far as version 1 used it: markers, lengths, numbers and text, from a stream that
//! is not trusted. Nothing is allocated by a length that was only declared, and passing over a value
//! does not recurse.
//!
//! The format: <https://github.com/msgpack/msgpack/blob/master/spec.md>.

use std::fmt;

use super::stream::Stream;
use crate::error::Result;

/// A marker with the number or the length that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item {
    Null,
    Boolean(bool),
    Unsigned(u64),
    Signed(i64),
    Single(f32),
    Double(f64),
    /// Text of so many bytes, which follow.
    Text(u32),
    /// So many bytes, which follow.
    Bytes(u32),
    /// So many values, which follow.
    Array(u32),
    /// So many pairs, which follow.
    Map(u32),
    /// A type of a program's own, of so many bytes, which follow.
    Extension(u64),
}

/// What stands there instead, for a message.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Null => f.write_str("nil"),
            Item::Boolean(_) => f.write_str("a boolean"),
            Item::Unsigned(_) | Item::Signed(_) => f.write_str("an integer"),
            Item::Single(_) | Item::Double(_) => f.write_str("a float"),
            Item::Text(_) => f.write_str("text"),
            Item::Bytes(_) => f.write_str("bytes"),
            Item::Array(len) => write!(f, "an array of {len}"),
            Item::Map(len) => write!(f, "a map of {len}"),
            Item::Extension(_) => f.write_str("an extension"),
        }
    }
}

impl Stream<'_> {
    /// The next marker, and its number or length.
    pub(super) fn item(&mut self) -> Result<Item> {
        let [marker] = self.array()?;
        Ok(match marker {
            0x00..=0x7f => Item::Unsigned(marker.into()),
            0x80..=0x8f => Item::Map((marker & 0x0f).into()),
            0x90..=0x9f => Item::Array((marker & 0x0f).into()),
            0xa0..=0xbf => Item::Text((marker & 0x1f).into()),
            0xc0 => Item::Null,
            0xc1 => return Err(self.fault("the byte c1 is no MessagePack")),
            0xc2 => Item::Boolean(false),
            0xc3 => Item::Boolean(true),
            0xc4 => Item::Bytes(self.length_8()?),
            0xc5 => Item::Bytes(self.length_16()?),
            0xc6 => Item::Bytes(self.length_32()?),
            // A byte that names the type stands before the bytes of an extension.
            0xc7 => Item::Extension(u64::from(self.length_8()?) + 1),
            0xc8 => Item::Extension(u64::from(self.length_16()?) + 1),
            0xc9 => Item::Extension(u64::from(self.length_32()?) + 1),
            0xca => Item::Single(f32::from_be_bytes(self.array()?)),
            0xcb => Item::Double(f64::from_be_bytes(self.array()?)),
            0xcc => Item::Unsigned(self.length_8()?.into()),
            0xcd => Item::Unsigned(self.length_16()?.into()),
            0xce => Item::Unsigned(self.length_32()?.into()),
            0xcf => Item::Unsigned(u64::from_be_bytes(self.array()?)),
            0xd0 => Item::Signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => Item::Signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => Item::Signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => Item::Signed(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => Item::Extension((1 << (marker - 0xd4)) + 1),
            0xd9 => Item::Text(self.length_8()?),
            0xda => Item::Text(self.length_16()?),
            0xdb => Item::Text(self.length_32()?),
            0xdc => Item::Array(self.length_16()?),
            0xdd => Item::Array(self.length_32()?),
            0xde => Item::Map(self.length_16()?),
            0xdf => Item::Map(self.length_32()?),
            0xe0..=0xff => Item::Signed(i8::from_be_bytes([marker]).into()),
        })
    }

    fn length_8(&mut self) -> Result<u32> {
        Ok(u8::from_be_bytes(self.array()?).into())
    }

    fn length_16(&mut self) -> Result<u32> {
        Ok(u16::from_be_bytes(self.array()?).into())
    }

    fn length_32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Passes over the next value, however deep it is.
    pub(super) fn skip_value(&mut self) -> Result<()> {
        // More than can come is as good as any number: every value waited for needs a byte.
        let mut waiting: u64 = 1;
        while waiting > 0 {
            waiting -= 1;
            match self.item()? {
                Item::Array(len) => waiting = waiting.saturating_add(len.into()),
                Item::Map(len) => waiting = waiting.saturating_add(2 * u64::from(len)),
                Item::Text(len) | Item::Bytes(len) => self.skip(len.into())?,
                Item::Extension(len) => self.skip(len)?,
                _ => {}
            }
        }
        Ok(())
    }
}
