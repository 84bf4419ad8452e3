//! Equality bit for bit, and of structure: what a round trip must keep.

use std::collections::HashSet;

use super::compound::{Function, Scope};
use super::record::Record;
use super::{Tensor, Value};
use crate::error::{EnvError, Result};
use crate::limits::MAX_NESTING;

impl Value {
    /// Whether both are the same kind with the same bits: numbers by their bits (so a NaN equals
    /// itself and 0.0 is not -0.0), records in the same order, cells and scopes by their content
    /// with the same sharing.
    ///
    /// # Errors
    /// What reading tensors answers; [`EnvError::NestingTooDeep`].
    pub fn identical(&self, other: &Value) -> Result<bool> {
        let mut comparison = Comparison::default();
        let mut same = comparison.values(self, other, 0)?;
        while let (true, Some((a, b))) = (same, comparison.waiting.pop()) {
            same = comparison.values(&a, &b, 0)?;
        }
        Ok(same)
    }
}

/// Pairs of cells and scopes taken as equal while their contents are compared.
#[derive(Default)]
struct Comparison {
    paired: HashSet<(usize, usize)>,
    /// Contents of cells and scopes, compared after the rest: they may form chains of any length.
    waiting: Vec<(Value, Value)>,
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
                if self.paired.insert((a.address(), b.address())) {
                    self.waiting.push((a.get(), b.get()));
                }
                true
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
        if self.paired.insert((a.address(), b.address())) {
            self.waiting
                .push((a.bindings().into(), b.bindings().into()));
        }
        true
    }
}

fn tensors(a: &Tensor, b: &Tensor) -> Result<bool> {
    Ok(a.dtype() == b.dtype()
        && a.shape() == b.shape()
        && (a.order() == b.order() || a.shape().len() < 2)
        && a.as_bytes()? == b.as_bytes()?)
}
