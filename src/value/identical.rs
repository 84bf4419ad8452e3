//! Equality bit for bit, and of structure: what a round trip must keep.

use std::collections::HashMap;

use super::compound::{Function, Scope};
use super::record::Record;
use super::{Tensor, Value};
use crate::error::{EnvError, Result};
use crate::limits::MAX_NESTING;
use crate::stack::with_room;

impl Value {
    /// Whether both are the same kind with the same bits: numbers by their bits (so a NaN equals
    /// itself and 0.0 is not -0.0), records in the same order, cells and scopes by their content
    /// with the same sharing.
    ///
    /// # Errors
    /// What reading tensors answers; [`EnvError::NestingTooDeep`].
    pub fn identical(&self, other: &Value) -> Result<bool> {
        let mut comparison = Comparison::default();
        with_room(|| {
            let mut same = comparison.values(self, other, 0)?;
            while let (true, Some((a, b))) = (same, comparison.waiting.pop()) {
                same = comparison.values(&a, &b, 0)?;
            }
            Ok(same)
        })
    }
}

/// Pairs of cells and scopes taken as equal while their contents are compared.
#[derive(Default)]
struct Comparison {
    paired: Pairs,
    /// Contents of cells and scopes, compared after the rest: they may form chains of any length.
    waiting: Vec<(Value, Value)>,
}

/// Which cell or scope of one side stands for which of the other, by their addresses.
#[derive(Default)]
struct Pairs {
    ours: HashMap<usize, usize>,
    theirs: HashMap<usize, usize>,
}

#[derive(PartialEq)]
enum Paired {
    New,
    Already,
    /// One of them stands for another: the sharing differs.
    Otherwise,
}

impl Pairs {
    fn pair(&mut self, ours: usize, theirs: usize) -> Paired {
        match (self.ours.get(&ours), self.theirs.get(&theirs)) {
            (None, None) => {
                self.ours.insert(ours, theirs);
                self.theirs.insert(theirs, ours);
                Paired::New
            }
            (Some(known), _) if *known == theirs => Paired::Already,
            _ => Paired::Otherwise,
        }
    }
}

impl Comparison {
    fn values(&mut self, a: &Value, b: &Value, depth: usize) -> Result<bool> {
        if depth > 2 * MAX_NESTING {
            return Err(EnvError::NestingTooDeep {
                path: "a value that is compared".to_owned(),
            });
        }
        let depth = depth + 1;
        Ok(match (a, b) {
            (Value::Null, Value::Null) => true,
            (Value::Boolean(a), Value::Boolean(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a.to_bits() == b.to_bits(),
            (Value::Complex(a), Value::Complex(b)) => {
                (a.re.to_bits(), a.im.to_bits()) == (b.re.to_bits(), b.im.to_bits())
            }
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Vector(a), Value::Vector(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (a, b) in a.iter().zip(b.iter()) {
                    if !self.values(a, b, depth)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Tensor(a), Value::Tensor(b)) => tensors(a, b)?,
            (Value::StringArray(a), Value::StringArray(b)) => {
                if a.shape() != b.shape() {
                    return Ok(false);
                }
                for (a, b) in a.iter().zip(b.iter()) {
                    if a? != b? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Record(a), Value::Record(b)) => self.records(a, b, depth)?,
            (Value::Edge(a), Value::Edge(b)) => {
                a.from == b.from
                    && a.to == b.to
                    && a.directed == b.directed
                    && self.records(&a.properties, &b.properties, depth)?
            }
            (Value::Function(a), Value::Function(b)) => self.functions(a, b, depth)?,
            (Value::Cell(a), Value::Cell(b)) => {
                let paired = self.paired.pair(a.address(), b.address());
                if paired == Paired::New {
                    self.waiting.push((a.get(), b.get()));
                }
                paired != Paired::Otherwise
            }
            (Value::Error(a), Value::Error(b)) => {
                let sources = match (&a.source, &b.source) {
                    (None, None) => true,
                    (Some(a), Some(b)) => self.values(a, b, depth)?,
                    _ => false,
                };
                sources && a.message == b.message && a.kind == b.kind
            }
            (Value::Extension(a), Value::Extension(b)) => {
                a.type_name == b.type_name
                    && self.values(&a.parameters, &b.parameters, depth)?
                    && self.values(&a.storage, &b.storage, depth)?
            }
            (Value::Typed(a), Value::Typed(b)) => {
                a.type_name == b.type_name
                    && (a.version, a.alignment, a.fingerprint)
                        == (b.version, b.alignment, b.fingerprint)
                    && tensors(&a.bytes, &b.bytes)?
            }
            _ => false,
        })
    }

    fn records(&mut self, a: &Record, b: &Record, depth: usize) -> Result<bool> {
        if a.len() != b.len() {
            return Ok(false);
        }
        for ((a_name, a), (b_name, b)) in a.iter().zip(b.iter()) {
            if a_name != b_name || !self.values(a, b, depth)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn functions(&mut self, a: &Function, b: &Function, depth: usize) -> Result<bool> {
        Ok(match (a, b) {
            (Function::Builtin { name: a }, Function::Builtin { name: b }) => a == b,
            (Function::User(a), Function::User(b)) => {
                (&a.name, &a.parameters, &a.source) == (&b.name, &b.parameters, &b.source)
                    && self.records(&a.details, &b.details, depth)?
                    && match (&a.scope, &b.scope) {
                        (None, None) => true,
                        (Some(a), Some(b)) => self.scopes(a, b),
                        _ => false,
                    }
            }
            _ => false,
        })
    }

    fn scopes(&mut self, a: &Scope, b: &Scope) -> bool {
        let paired = self.paired.pair(a.address(), b.address());
        if paired == Paired::New {
            let bindings = (a.bindings().into(), b.bindings().into());
            self.waiting.push(bindings);
        }
        paired != Paired::Otherwise
    }
}

fn tensors(a: &Tensor, b: &Tensor) -> Result<bool> {
    Ok(a.dtype() == b.dtype()
        && a.shape() == b.shape()
        && (a.order() == b.order() || a.shape().len() < 2)
        && a.as_bytes()? == b.as_bytes()?)
}

#[cfg(test)]
mod tests {
    use crate::value::{Cell, Value};

    #[test]
    fn cells_of_equal_content_that_are_shared_otherwise_are_not_identical() {
        let pair = |a: &Cell, b: &Cell| Value::vector([a.clone(), b.clone()]);
        let one = |n: i64| Cell::new(n);
        let (a, b) = (one(1), one(1));
        let twice = pair(&a, &a);
        let apart = pair(&a, &b);
        assert!(twice.identical(&pair(&b, &b)).unwrap());
        assert!(apart.identical(&pair(&b, &a)).unwrap());
        assert!(!twice.identical(&apart).unwrap());
        assert!(!apart.identical(&twice).unwrap());
    }
}
