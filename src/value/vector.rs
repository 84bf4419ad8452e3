//! Vectors: values in order, shared and copied on write.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::Value;
use super::dismantle::dismantle;
use super::may_share::MayShare;

/// Values in order. Cheap to clone: shared, and copied on write. Reads as a slice.
///
/// ```
/// use achronyme_env::{Value, Vector};
///
/// let mut v = Vector::from(vec![Value::from(1.0), "two".into()]);
/// v.push(3i64);
/// assert_eq!(v.len(), 3);
/// assert_eq!(v[1].as_str(), Some("two"));
/// ```
#[derive(Clone, Default)]
pub struct Vector(Arc<Elements>);

#[derive(Clone, Default)]
struct Elements {
    values: Vec<Value>,
    /// Whether a cell or a scope may be found below: what tells a snapshot where to look.
    may_share: MayShare,
}

impl Drop for Elements {
    fn drop(&mut self) {
        dismantle(std::mem::take(&mut self.values));
    }
}

impl Vector {
    /// A vector without elements.
    pub fn new() -> Vector {
        Vector::default()
    }

    /// Adds an element at the end; copies the vector first when it is shared.
    pub fn push(&mut self, value: impl Into<Value>) {
        let value = value.into();
        let elements = Arc::make_mut(&mut self.0);
        elements.may_share.raise(value.may_share());
        elements.values.push(value);
    }

    /// The elements for writing; copies the vector first when it is shared.
    pub fn make_mut(&mut self) -> &mut Vec<Value> {
        let elements = Arc::make_mut(&mut self.0);
        // What the caller puts in is not seen here.
        elements.may_share.raise(true);
        &mut elements.values
    }

    /// The elements.
    pub fn as_slice(&self) -> &[Value] {
        &self.0.values
    }

    /// Whether both are the same vector in memory.
    pub(crate) fn is_same(&self, other: &Vector) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn may_share(&self) -> bool {
        self.0.may_share.get()
    }

    /// Notes that a walk has found neither cell nor scope below.
    pub(super) fn shares_nothing(&self) {
        self.0.may_share.lower();
    }
}

impl Deref for Vector {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.as_slice()
    }
}

impl From<Vec<Value>> for Vector {
    fn from(values: Vec<Value>) -> Self {
        let may_share = MayShare::new(values.iter().any(Value::may_share));
        Vector(Arc::new(Elements { values, may_share }))
    }
}

impl<V: Into<Value>> FromIterator<V> for Vector {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        Vector::from(values)
    }
}

impl<'a> IntoIterator for &'a Vector {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
