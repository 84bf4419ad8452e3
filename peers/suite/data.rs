//! What is saved and loaded: the same for all.

use achronyme_env::{Record, Value};
use bytes::Bytes;

use crate::formats::plain::Plain;

/// Arrays under names, all of one length. Names are sorted.
pub(crate) struct Tensors {
    pub(crate) names: Vec<String>,
    /// Each over the memory of a `Vec<f64>`.
    pub(crate) data: Vec<Bytes>,
    pub(crate) elements: usize,
}

struct Numbers(Vec<f64>);

impl AsRef<[u8]> for Numbers {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

impl Tensors {
    /// `count` tensors of `elements` numbers that look like none others, between 1 and 2.
    pub(crate) fn new(count: usize, elements: usize) -> Tensors {
        Tensors::from_fn(count, elements, |tensor, n| {
            let bits = (n as u64 ^ ((tensor as u64) << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            f64::from_bits(bits >> 12 | 1f64.to_bits())
        })
    }

    /// `count` tensors of `elements` numbers each.
    pub(crate) fn from_fn(
        count: usize,
        elements: usize,
        number: impl Fn(usize, usize) -> f64,
    ) -> Tensors {
        let tensor = |tensor| {
            let numbers = (0..elements).map(|n| number(tensor, n)).collect();
            Bytes::from_owner(Numbers(numbers))
        };
        Tensors {
            names: (0..count).map(name).collect(),
            data: (0..count).map(tensor).collect(),
            elements,
        }
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[f64])> {
        let names = self.names.iter().zip(&self.data);
        names.map(|(name, data)| (name.as_str(), bytemuck::cast_slice(data)))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.names.len() * self.elements * 8
    }
}

/// Names of 17 bytes, sorted.
pub(crate) fn name(n: usize) -> String {
    format!("session/var{n:06}")
}

/// A number as people read it, in groups of three digits.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Adds numbers up in eight lanes, from wherever they stand: what is done with every array here.
pub(crate) fn sum(bytes: &[u8]) -> f64 {
    let number = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("8 bytes"));
    let (blocks, rest) = bytes.as_chunks::<64>();
    let mut sums = [0.0; 8];
    for block in blocks {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += number(&block[lane * 8..][..8]);
        }
    }
    let rest: f64 = rest.chunks_exact(8).map(number).sum();
    sums.iter().sum::<f64>() + rest
}

/// The fields of a record of many short strings, sorted.
pub(crate) fn strings(count: usize) -> Vec<(String, String)> {
    let field = |n| (field_name(n), format!("value number {n}"));
    (0..count).map(field).collect()
}

/// Name of a field of a large record.
pub(crate) fn field_name(n: usize) -> String {
    format!("key{n:07}")
}

/// A record of a table: its three fields, sorted by name.
pub(crate) struct Line {
    pub(crate) id: f64,
    pub(crate) label: String,
    pub(crate) score: f64,
}

pub(crate) fn line(table: usize, line: usize) -> Line {
    Line {
        id: line as f64,
        label: format!("line {line} of {table}"),
        score: (line as f64 * 0.7).sin(),
    }
}

/// Tables of records as values of this crate.
pub(crate) fn tables(count: usize, lines: usize) -> Vec<(String, Value)> {
    let record = |table, n| {
        let Line { id, label, score } = line(table, n);
        let fields = [
            ("id", Value::from(id)),
            ("label", label.into()),
            ("score", score.into()),
        ];
        Value::from(Record::from(fields))
    };
    let table = |n| Value::vector((0..lines).map(|line| record(n, line)));
    (0..count).map(|n| (name(n), table(n))).collect()
}

/// The same for those who have values of their own.
pub(crate) fn plain_tables(count: usize, lines: usize) -> Vec<(String, Plain)> {
    let record = |table, n| {
        let Line { id, label, score } = line(table, n);
        Plain::Record(vec![
            ("id".to_owned(), Plain::Number(id)),
            ("label".to_owned(), Plain::Text(label)),
            ("score".to_owned(), Plain::Number(score)),
        ])
    };
    let table = |n| Plain::Vector((0..lines).map(|line| record(n, line)).collect());
    (0..count).map(|n| (name(n), table(n))).collect()
}
