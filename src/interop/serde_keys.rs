//! Keys of maps that are not strings: whether one is there twice.

use std::collections::HashSet;

use crate::limits::MAX_NESTING;
use crate::value::{Record, Value};

/// The keys seen so far, by their bytes: numbers count as equal bit for bit.
#[derive(Debug, Default)]
pub(super) struct Keys(HashSet<Vec<u8>>);

impl Keys {
    /// Remembers `key`. False when it was there before.
    ///
    /// Kinds that no Rust type becomes (tensors, functions) are not compared.
    pub(super) fn add(&mut self, key: &Value) -> bool {
        let mut bytes = Vec::new();
        !spell(key, &mut bytes, 0) || self.0.insert(bytes)
    }
}

/// Appends bytes that only an identical value has. False when it has none.
fn spell(value: &Value, out: &mut Vec<u8>, depth: usize) -> bool {
    if depth > MAX_NESTING {
        return false;
    }
    let depth = depth + 1;
    // Lengths go before contents, so that no two values run into the same bytes.
    match value {
        Value::Null => out.push(0),
        Value::Boolean(boolean) => out.extend([1, u8::from(*boolean)]),
        Value::Integer(integer) => tagged(2, &integer.to_le_bytes(), out),
        Value::Number(number) => tagged(3, &number.to_bits().to_le_bytes(), out),
        Value::String(text) => tagged(4, text.as_bytes(), out),
        Value::Bytes(bytes) => tagged(5, bytes, out),
        Value::Vector(elements) => {
            tagged(6, &(elements.len() as u64).to_le_bytes(), out);
            return elements.iter().all(|element| spell(element, out, depth));
        }
        Value::Record(record) => return spell_record(record, out, depth),
        Value::Extension(extension) => {
            tagged(8, extension.type_name.as_bytes(), out);
            return spell(&extension.parameters, out, depth)
                && spell(&extension.storage, out, depth);
        }
        _ => return false,
    }
    true
}

fn spell_record(record: &Record, out: &mut Vec<u8>, depth: usize) -> bool {
    tagged(7, &(record.len() as u64).to_le_bytes(), out);
    record.iter().all(|(name, value)| {
        tagged(4, name.as_bytes(), out);
        spell(value, out, depth)
    })
}

fn tagged(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_only_bit_for_bit() {
        let mut keys = Keys::default();
        for key in [
            Value::Null,
            Value::Integer(0),
            Value::Number(0.0),
            Value::Number(-0.0),
            Value::vector(["ab", "c"]),
            Value::vector(["a", "bc"]),
        ] {
            assert!(keys.add(&key), "{key:?}");
            assert!(!keys.add(&key), "{key:?}");
        }
    }
}
