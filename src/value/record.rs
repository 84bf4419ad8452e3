//! Records: named fields in the order they were added.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Value;

/// Named values in a fixed order. Cheap to clone: shared, and copied on write.
///
/// ```
/// use achronyme_env::{Record, Value};
///
/// let mut r = Record::new();
/// r.insert("lr", 0.001);
/// assert!(matches!(r.get("lr"), Some(Value::Number(_))));
/// ```
#[derive(Clone, Default)]
pub struct Record(Arc<IndexMap<Arc<str>, Value>>);

impl Record {
    /// A record without fields.
    pub fn new() -> Record {
        Record::default()
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of field `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The value of field `name` for writing; copies the record first when it is shared.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        Arc::make_mut(&mut self.0).get_mut(name)
    }

    /// Sets field `name`, at its place when it exists and last otherwise. Returns the old value.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) -> Option<Value> {
        Arc::make_mut(&mut self.0).insert(name.into(), value.into())
    }

    /// Removes field `name` and keeps the order of the others. Returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        Arc::make_mut(&mut self.0).shift_remove(name)
    }

    /// The field at `index` in order.
    pub fn at(&self, index: usize) -> Option<(&str, &Value)> {
        self.0
            .get_index(index)
            .map(|(name, value)| (&**name, value))
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// The names, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }

    pub(crate) fn with_capacity(fields: usize) -> Record {
        Record(Arc::new(IndexMap::with_capacity(fields)))
    }
}

impl<N: Into<Arc<str>>, V: Into<Value>> FromIterator<(N, V)> for Record {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Record(Arc::new(fields.collect()))
    }
}

impl<N: Into<Arc<str>>, V: Into<Value>, const COUNT: usize> From<[(N, V); COUNT]> for Record {
    fn from(fields: [(N, V); COUNT]) -> Self {
        fields.into_iter().collect()
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
