//! Dropping without recursion: values may be nested to any depth in memory, and cells may form
//! chains of any length. What is found inside a value that goes waits in a queue of its thread.

use std::cell::RefCell;

use super::Value;

thread_local! {
    /// Contents that wait, the innermost last, while some are being dropped on this thread.
    static WAITING: RefCell<Option<Vec<Vec<Value>>>> = const { RefCell::new(None) };
}

/// Drops `values`, and whatever they hold, in a stack that does not grow with their depth.
pub(super) fn dismantle(values: Vec<Value>) {
    if !values.iter().any(may_nest) {
        return;
    }
    if begin(values) {
        while let Some(value) = next() {
            drop(value);
        }
    }
}

/// Leaves `values` to the dismantling that is under way on this thread; when there is none, one
/// begins with them, and `true` is returned.
fn begin(values: Vec<Value>) -> bool {
    let begun = WAITING.try_with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        let begins = waiting.is_none();
        waiting.get_or_insert_default().push(values);
        begins
    });
    // When the thread itself is ending there is no queue any more: `values` went in place.
    begun.unwrap_or(false)
}

/// A value to drop next; the queue ends with the last.
fn next() -> Option<Value> {
    let next = WAITING.try_with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        let queue = waiting.as_mut()?;
        while let Some(values) = queue.last_mut() {
            match values.pop() {
                Some(value) => return Some(value),
                None => queue.pop(),
            };
        }
        *waiting = None;
        None
    });
    next.ok().flatten()
}

/// Whether dropping a value may drop others inside it.
pub(super) fn may_nest(value: &Value) -> bool {
    matches!(
        value,
        Value::Vector(_)
            | Value::Record(_)
            | Value::Edge(_)
            | Value::Function(_)
            | Value::Cell(_)
            | Value::Error(_)
            | Value::Extension(_)
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Cell, ErrorValue, Extension, Record};
    use super::*;

    /// Nests a value `levels` deep and drops it on a small stack.
    fn drops(levels: usize, wrap: fn(usize, Value) -> Value) {
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        let run = move || drop((0..levels).fold(Value::Null, |value, n| wrap(n, value)));
        thread.spawn(run).unwrap().join().unwrap();
    }

    #[test]
    fn a_long_chain_of_cells_is_dropped_without_recursion() {
        drops(1_000_000, |_, value| {
            Value::from(Cell::new(Value::vector([value])))
        });
    }

    #[test]
    fn values_of_any_depth_and_kind_are_dropped_without_recursion() {
        drops(200_000, |_, value| Value::vector([value, Value::Null]));
        drops(200_000, |n, value| match n % 4 {
            0 => Value::vector([value]),
            1 => Record::from([("a", value)]).into(),
            2 => Value::from(ErrorValue {
                message: "m".into(),
                kind: None,
                source: Some(value),
            }),
            _ => Value::from(Extension {
                type_name: "t".into(),
                parameters: Value::Null,
                storage: value,
            }),
        });
        let error = |_, value| {
            Value::from(ErrorValue {
                message: "m".into(),
                kind: None,
                source: Some(value),
            })
        };
        drops(200_000, error);
    }
}
