//! Whether two values are the same without a look inside.

use std::sync::Arc;

use super::Value;

impl Value {
    /// Whether both are the same without a look inside: the same memory, or equal scalars. What is
    /// not may still be equal.
    pub(crate) fn is_same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Boolean(a), Value::Boolean(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a.to_bits() == b.to_bits(),
            (Value::Complex(a), Value::Complex(b)) => {
                a.re.to_bits() == b.re.to_bits() && a.im.to_bits() == b.im.to_bits()
            }
            (Value::String(a), Value::String(b)) => Arc::ptr_eq(a, b) || a == b,
            (Value::Bytes(a), Value::Bytes(b)) => Arc::ptr_eq(a, b),
            (Value::StringArray(a), Value::StringArray(b)) => Arc::ptr_eq(a, b),
            (Value::Edge(a), Value::Edge(b)) => Arc::ptr_eq(a, b),
            (Value::Cell(a), Value::Cell(b)) => a.same(b),
            (Value::Vector(a), Value::Vector(b)) => a.is_same(b),
            (Value::Record(a), Value::Record(b)) => a.is_same(b),
            (Value::Tensor(a), Value::Tensor(b)) => a.is_same(b),
            (Value::Function(a), Value::Function(b)) => a.is_same(b),
            (Value::Error(a), Value::Error(b)) => Arc::ptr_eq(a, b),
            (Value::Extension(a), Value::Extension(b)) => Arc::ptr_eq(a, b),
            (Value::Typed(a), Value::Typed(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}
