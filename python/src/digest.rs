//! Digests of Python values, by which a change inside of one is found. They are of this process:
//! nothing keeps them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use achronyme_env::{EnvError, Finding, Outcome, StringArray, Tensor, Value, serialize_value};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use xxhash_rust::xxh3::Xxh3;

use crate::encode::{Arrays, Encoder, type_name};
use crate::error::raise;
use crate::interrupt;
use crate::memory::Loan;
use crate::save::{Row, rows};

/// Bytes of array data that are copied and hashed at once: they stay in the cache.
const PIECE_BYTES: usize = 128 << 10;

/// Of each pair of a name and a value the digest, and what of it could not be kept. `describe` is
/// that of `save`.
#[pyfunction]
pub(crate) fn digests<'py>(
    py: Python<'py>,
    items: Vec<(String, Bound<'py, PyAny>)>,
    describe: Bound<'py, PyAny>,
) -> PyResult<Vec<(u128, Vec<Row>)>> {
    let loan = Loan::default();
    let mut encoder = Encoder::new(&loan, describe).owning(Arrays::Lent);
    let mut values = Vec::with_capacity(items.len());
    let mut findings = Vec::with_capacity(items.len());
    for (name, object) in &items {
        let value = match encoder.owned_binding(name, object) {
            // An object whose own code raises does not stand in the way of the others.
            Err(error) if error.is_instance_of::<PyException>(py) => {
                let finding =
                    Finding::new(name, type_name(object), Outcome::Lost, error.to_string());
                encoder.findings.push(finding);
                Value::Null
            }
            value => value?,
        };
        values.push(value);
        findings.push(rows(std::mem::take(&mut encoder.findings)));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let hashed = interrupt::watched(py, &stop, None, || {
        let each = values.iter().map(|value| {
            let mut digest = Digest {
                hasher: Xxh3::new(),
                piece: Vec::new(),
                stop: &stop,
            };
            digest.value(value)?;
            Ok(digest.hasher.digest128())
        });
        each.collect::<achronyme_env::Result<Vec<_>>>()
    });
    let hashed = hashed?.map_err(|e| raise(py, e))?;
    Ok(hashed.into_iter().zip(findings).collect())
}

struct Digest<'s> {
    hasher: Xxh3,
    piece: Vec<u8>,
    stop: &'s AtomicBool,
}

impl Digest<'_> {
    /// Each part begins with what it is and how long it is: no two values are the same bytes.
    fn value(&mut self, value: &Value) -> achronyme_env::Result<()> {
        self.hasher.update(&[value.kind() as u8]);
        match value {
            Value::Null => {}
            Value::Boolean(boolean) => self.hasher.update(&[u8::from(*boolean)]),
            Value::Integer(integer) => self.hasher.update(&integer.to_le_bytes()),
            Value::Number(number) => self.hasher.update(&number.to_bits().to_le_bytes()),
            Value::Complex(z) => {
                self.hasher.update(&z.re.to_bits().to_le_bytes());
                self.hasher.update(&z.im.to_bits().to_le_bytes());
            }
            Value::String(text) => self.bytes(text.as_bytes()),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::Vector(values) => {
                self.number(values.len() as u64);
                for value in values.iter() {
                    self.value(value)?;
                }
            }
            Value::Record(record) => {
                self.number(record.len() as u64);
                for (name, value) in record.iter() {
                    self.bytes(name.as_bytes());
                    self.value(value)?;
                }
            }
            Value::Tensor(tensor) => self.tensor(tensor)?,
            Value::StringArray(array) => self.strings(array)?,
            Value::Extension(extension) => {
                self.bytes(extension.type_name.as_bytes());
                self.value(&extension.parameters)?;
                self.value(&extension.storage)?;
            }
            // Of other hosts: what would be written.
            other => self.bytes(&serialize_value(other)?),
        }
        Ok(())
    }

    fn strings(&mut self, array: &StringArray) -> achronyme_env::Result<()> {
        self.number(array.shape().len() as u64);
        array.shape().iter().for_each(|length| self.number(*length));
        self.tensor(array.offsets())?;
        self.tensor(array.bytes())
    }

    fn tensor(&mut self, tensor: &Tensor) -> achronyme_env::Result<()> {
        self.bytes(tensor.dtype().name().as_bytes());
        self.hasher.update(&[tensor.order() as u8]);
        self.number(tensor.shape().len() as u64);
        tensor
            .shape()
            .iter()
            .for_each(|length| self.number(*length));
        let mut at = 0;
        while at < tensor.byte_len() {
            if self.stop.load(std::sync::atomic::Ordering::Relaxed) {
                let path = achronyme_env::Origin::Memory;
                return Err(EnvError::Cancelled { path });
            }
            let now = (tensor.byte_len() - at).min(PIECE_BYTES as u64) as usize;
            self.piece
                .resize(PIECE_BYTES.min(self.piece.len().max(now)), 0);
            // A copy, since other threads may write the array meanwhile.
            tensor.read_at(at, &mut self.piece[..now])?;
            self.hasher.update(&self.piece[..now]);
            at += now as u64;
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.hasher.update(bytes);
    }

    fn number(&mut self, number: u64) {
        self.hasher.update(&number.to_le_bytes());
    }
}
