//! Values that need no node: they stand in the slot of their entry.

use crate::format::records::Slot;
use crate::value::{Value, ValueRef};

/// What stands in the slot of a value that needs nothing else.
pub(super) fn scalar(value: &ValueRef<'_>) -> Option<Slot> {
    Some(match value {
        ValueRef::Null => Slot::Null,
        ValueRef::Boolean(boolean) => Slot::Boolean(*boolean),
        ValueRef::Integer(integer) => Slot::Integer(*integer),
        ValueRef::Number(number) => Slot::Number(number.to_bits()),
        ValueRef::Complex(z) => Slot::Complex(z.re.to_bits(), z.im.to_bits()),
        ValueRef::Value(value) => owned_scalar(value)?,
        ValueRef::Owned(value) => owned_scalar(value)?,
        _ => return None,
    })
}

fn owned_scalar(value: &Value) -> Option<Slot> {
    Some(match value {
        Value::Null => Slot::Null,
        Value::Boolean(boolean) => Slot::Boolean(*boolean),
        Value::Integer(integer) => Slot::Integer(*integer),
        Value::Number(number) => Slot::Number(number.to_bits()),
        Value::Complex(z) => Slot::Complex(z.re.to_bits(), z.im.to_bits()),
        _ => return None,
    })
}
