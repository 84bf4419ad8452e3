//! Records: named fields in the order they were added.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Value;
use super::dismantle::{dismantle, may_nest};
use super::may_share::MayShare;

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
pub struct Record(Arc<Fields>);

#[derive(Clone, Default)]
struct Fields {
    values: IndexMap<Arc<str>, Value>,
    /// Whether a cell or a scope may be found below: what tells a snapshot where to look.
    may_share: MayShare,
}

impl Drop for Fields {
    fn drop(&mut self) {
        if self.values.values().any(may_nest) {
            dismantle(std::mem::take(&mut self.values).into_values().collect());
        }
    }
}

impl Record {
    /// A record without fields.
    pub fn new() -> Record {
        Record::default()
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.0.values.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.0.values.is_empty()
    }

    /// The value of field `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.values.get(name)
    }

    /// The value of field `name` for writing; copies the record first when it is shared.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let fields = Arc::make_mut(&mut self.0);
        // What the caller puts there is not seen here.
        fields.may_share.raise(true);
        fields.values.get_mut(name)
    }

    /// Sets field `name`, at its place when it exists and last otherwise. Returns the old value.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) -> Option<Value> {
        let value = value.into();
        let fields = Arc::make_mut(&mut self.0);
        fields.may_share.raise(value.may_share());
        fields.values.insert(name.into(), value)
    }

    /// Removes field `name` and keeps the order of the others. Returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        Arc::make_mut(&mut self.0).values.shift_remove(name)
    }

    /// The field at `index` in order.
    pub fn at(&self, index: usize) -> Option<(&str, &Value)> {
        self.0
            .values
            .get_index(index)
            .map(|(name, value)| (&**name, value))
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.values.iter().map(|(name, value)| (&**name, value))
    }

    /// The names, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.values.keys().map(|name| &**name)
    }

    /// Whether both are the same record in memory.
    pub(crate) fn is_same(&self, other: &Record) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether both have identical fields in the same order: [`Value::identical`].
    pub(crate) fn is_identical(&self, other: &Record) -> crate::Result<bool> {
        Value::Record(self.clone()).identical(&Value::Record(other.clone()))
    }

    pub(crate) fn with_capacity(fields: usize) -> Record {
        Record(Arc::new(Fields {
            values: IndexMap::with_capacity(fields),
            may_share: MayShare::default(),
        }))
    }

    pub(super) fn may_share(&self) -> bool {
        self.0.may_share.get()
    }

    /// Notes that a walk has found neither cell nor scope below.
    pub(super) fn shares_nothing(&self) {
        self.0.may_share.lower();
    }
}

impl<N: Into<Arc<str>>, V: Into<Value>> FromIterator<(N, V)> for Record {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        let values: IndexMap<Arc<str>, Value> = fields.collect();
        let may_share = MayShare::new(values.values().any(Value::may_share));
        Record(Arc::new(Fields { values, may_share }))
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
