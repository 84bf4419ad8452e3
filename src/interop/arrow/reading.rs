//! One column of Arrow's as a value.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, types};
use arrow_buffer::ArrowNativeType;
use arrow_schema::{ArrowError, DataType, Field};

use super::ArrowLimits;
use super::extensions::{self, array_extension};
use super::fixed::{self, Fixed, broken};
use super::{memory, nested, strings, unfolding};
use crate::error::{EnvError, Result};
use crate::finding::{Finding, Outcome};
use crate::value::{Extension, Tensor, Value};

/// Deepest nesting of lists and structs: less than values may have, as each takes two levels.
const MAX_DEPTH: usize = 60;

/// Dictionaries whose values are kept at hand.
const MOST_KNOWN: usize = 256;

/// What goes through all of a table while it is read.
pub(super) struct Reading {
    limits: ArrowLimits,
    /// Bytes that may still be made.
    left: u64,
    pub(super) findings: Vec<Finding>,
    /// The column, and the place in it.
    column: String,
    path: Vec<String>,
    told: HashSet<String>,
    /// Dictionaries that were met, by where they stand, and what became of them.
    known: HashMap<usize, (ArrayRef, Option<Value>)>,
}

impl Reading {
    pub(super) fn new(limits: &ArrowLimits) -> Reading {
        Reading {
            limits: *limits,
            left: 0,
            findings: Vec::new(),
            column: String::new(),
            path: Vec::new(),
            told: HashSet::new(),
            known: HashMap::new(),
        }
    }

    /// A column of the table. What it takes is counted for it alone.
    ///
    /// # Errors
    /// When more is made of it than the limits allow, or memory cannot be had.
    pub(super) fn top(&mut self, field: &Field, pieces: &[ArrayRef]) -> Result<Value> {
        self.column = field.name().clone();
        let held: usize = pieces
            .iter()
            .map(|piece| piece.get_buffer_memory_size())
            .sum();
        let more = (held as u64).saturating_mul(64);
        self.left = self.limits.max_unfolded_bytes.saturating_add(more);
        self.column(field, pieces)
    }

    /// Takes `count` times `each` bytes from what may still be made.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when that is more than is left.
    pub(super) fn charge(&mut self, count: u64, each: u64) -> Result<()> {
        let left = self.left.checked_sub(count.saturating_mul(each));
        self.left = left.ok_or_else(|| EnvError::InvalidValue {
            what: format!("column '{}'", self.column),
            reason: format!(
                "it unfolds to more than {} bytes beyond 64 times what it takes",
                self.limits.max_unfolded_bytes
            ),
        })?;
        Ok(())
    }

    /// Does `work` one step further down.
    pub(super) fn below<T>(
        &mut self,
        step: impl FnOnce() -> String,
        work: impl FnOnce(&mut Reading) -> Result<T>,
    ) -> Result<T> {
        if self.path.len() >= MAX_DEPTH {
            return Err(broken(format!(
                "column '{}' is nested deeper than {MAX_DEPTH} levels",
                self.column
            )));
        }
        self.path.push(step());
        let done = work(self);
        self.path.pop();
        done
    }

    /// What stands for a part that cannot be kept. The same place is told once.
    pub(super) fn lost(&mut self, kind: &str, reason: &str) -> Value {
        let path = self.path.concat();
        if self.told.insert(format!("{}\0{path}", self.column)) {
            let finding = Finding::new(&self.column, kind, Outcome::Lost, reason);
            self.findings.push(finding.at(path));
        }
        Extension::unsupported(kind, reason).into()
    }

    /// The value of a column that stands in `pieces`, of which there is at least one.
    ///
    /// # Errors
    /// As [`Reading::top`].
    pub(super) fn column(&mut self, field: &Field, pieces: &[ArrayRef]) -> Result<Value> {
        if let Some(fixed) = Fixed::of(field) {
            self.charge_nulls(pieces)?;
            if let Some(value) = fixed.column(pieces)? {
                return Ok(value);
            }
        }
        let rows: usize = pieces.iter().map(|piece| piece.len()).sum();
        match field.data_type() {
            DataType::Boolean => {
                self.charge(rows as u64, 2)?;
                fixed::bits(pieces)
            }
            DataType::Date32 => {
                self.charge(rows as u64, 8)?;
                fixed::dates(pieces)
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                strings::text(self, pieces)
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                strings::binary(self, pieces)
            }
            DataType::Null => {
                let rows = i64::try_from(rows).map_err(broken)?;
                Ok(array_extension("n", None, rows.into()))
            }
            DataType::Struct(_) => nested::records(self, pieces),
            DataType::FixedSizeList(..) => nested::fixed_lists(self, pieces),
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::ListView(_)
            | DataType::LargeListView(_)
            | DataType::Map(..) => nested::lists(self, pieces),
            DataType::Dictionary(_, values) => match joined(pieces) {
                Ok(array) => self.dictionary(field, &array),
                // Together they have more categories than their keys can tell apart.
                Err(_) if pieces.len() > 1 => self.written_out(values, pieces),
                Err(error) => Err(broken(error)),
            },
            DataType::RunEndEncoded(_, values) => {
                let mut plain = Vec::with_capacity(pieces.len());
                for piece in pieces {
                    plain.extend(unfolding::of_runs(self, piece)?);
                }
                self.column(values, &plain)
            }
            other => {
                let kind = other.to_string();
                let kind = kind.split('(').next().unwrap_or_default().to_lowercase();
                Ok(self.lost(
                    &kind,
                    "no value stands for that type; cast the column to another",
                ))
            }
        }
    }

    fn charge_nulls(&mut self, pieces: &[ArrayRef]) -> Result<()> {
        let with_nulls = pieces.iter().filter(|piece| piece.null_count() > 0);
        let rows: usize = with_nulls.map(|piece| piece.len()).sum();
        self.charge(rows as u64, 9)
    }

    /// Codes and categories; the values themselves where categories are missing or given twice.
    fn dictionary(&mut self, field: &Field, array: &ArrayRef) -> Result<Value> {
        let dictionary = array.as_any_dictionary();
        let categories = dictionary.values();
        self.charge(array.len() as u64, 9)?;
        let Some(value) = self.categories(categories)? else {
            let plain = DataType::clone(categories.data_type());
            return self.written_out(&plain, std::slice::from_ref(array));
        };
        let codes = codes(dictionary.keys(), categories.len())?;
        let ordered = field.dict_is_ordered().unwrap_or(false);
        Ok(extensions::categorical(codes, value, ordered))
    }

    /// The categories of a dictionary as a value; `None` where some are missing or given twice. Rows
    /// of lists have the same ones: they are looked at once.
    fn categories(&mut self, array: &ArrayRef) -> Result<Option<Value>> {
        let place = Arc::as_ptr(array).cast::<()>().addr();
        if let Some((known, value)) = self.known.get(&place)
            && Arc::ptr_eq(known, array)
        {
            return Ok(value.clone());
        }
        let value = match array.null_count() == 0 && are_distinct(array) {
            true => {
                let item = Field::new("item", array.data_type().clone(), true);
                Some(self.column(&item, std::slice::from_ref(array))?)
            }
            false => None,
        };
        if self.known.len() >= MOST_KNOWN {
            self.known.clear();
        }
        let known = (Arc::clone(array), value.clone());
        self.known.insert(place, known);
        Ok(value)
    }

    /// A column of dictionaries as their values.
    fn written_out(&mut self, values: &DataType, pieces: &[ArrayRef]) -> Result<Value> {
        let mut plain = Vec::with_capacity(pieces.len());
        for piece in pieces {
            plain.extend(unfolding::of_dictionary(self, piece)?);
        }
        let item = Field::new("item", values.clone(), true);
        self.column(&item, &plain)
    }
}

/// All pieces as one array.
fn joined(pieces: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    match pieces {
        [only] => Ok(only.clone()),
        _ => {
            let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| piece.as_ref()).collect();
            arrow_select::concat::concat(&pieces)
        }
    }
}

/// The keys of a dictionary as signed integers, -1 for nulls: in place where they are without nulls
/// and of a signed type, or of an unsigned one whose categories are few enough.
fn codes(keys: &dyn Array, categories: usize) -> Result<Tensor> {
    use crate::value::{DType, Order};
    let (dtype, most) = match keys.data_type() {
        DataType::Int8 | DataType::UInt8 => (DType::I8, i8::MAX as usize),
        DataType::Int16 | DataType::UInt16 => (DType::I16, i16::MAX as usize),
        DataType::Int32 | DataType::UInt32 => (DType::I32, i32::MAX as usize),
        _ => (DType::I64, i64::MAX as usize),
    };
    if keys.null_count() == 0 && categories <= most {
        let data = keys.to_data();
        let (start, len) = (data.offset() * dtype.size(), data.len() * dtype.size());
        let buffer = data
            .buffers()
            .first()
            .ok_or_else(|| broken("it has no keys"))?;
        let buffer = buffer.slice_with_length(start, len);
        let storage = memory::storage(buffer, dtype.size())?;
        return Tensor::from_storage(dtype, [keys.len() as u64], Order::C, storage);
    }
    macro_rules! widened {
        ($($name:ident => $ty:ident),*) => {
            match keys.data_type() {
                $(DataType::$name => keys
                    .as_primitive::<types::$ty>()
                    .iter()
                    .map(|key| key.map_or(-1, |key| key.as_usize() as i64))
                    .collect::<Vec<i64>>(),)*
                other => return Err(broken(format!("keys of type {other}"))),
            }
        };
    }
    let codes = widened!(Int8 => Int8Type, Int16 => Int16Type, Int32 => Int32Type,
        Int64 => Int64Type, UInt8 => UInt8Type, UInt16 => UInt16Type, UInt32 => UInt32Type,
        UInt64 => UInt64Type);
    let count = codes.len() as u64;
    match dtype {
        DType::I8 if categories <= most => {
            Tensor::from_vec(codes.iter().map(|code| *code as i8).collect(), [count])
        }
        DType::I8 | DType::I16 if categories <= i16::MAX as usize => {
            Tensor::from_vec(codes.iter().map(|code| *code as i16).collect(), [count])
        }
        DType::I8 | DType::I16 | DType::I32 if categories <= i32::MAX as usize => {
            Tensor::from_vec(codes.iter().map(|code| *code as i32).collect(), [count])
        }
        _ => Tensor::from_vec(codes, [count]),
    }
}

/// Whether categories of text are all different; of other types it is not asked.
fn are_distinct(categories: &ArrayRef) -> bool {
    fn distinct<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> bool {
        let mut seen = HashSet::new();
        texts.into_iter().all(|text| seen.insert(text))
    }
    match categories.data_type() {
        DataType::Utf8 => distinct(categories.as_string::<i32>().iter()),
        DataType::LargeUtf8 => distinct(categories.as_string::<i64>().iter()),
        DataType::Utf8View => distinct(categories.as_string_view().iter()),
        other if other.is_integer() => {
            let data = categories.to_data();
            let width = other.primitive_width().unwrap_or(1);
            let start = data.offset() * width;
            let bytes = data.buffers().first();
            let bytes = bytes.map(|bytes| bytes.slice_with_length(start, data.len() * width));
            let mut seen = HashSet::new();
            bytes.is_some_and(|bytes| bytes.chunks_exact(width).all(|x| seen.insert(x.to_vec())))
        }
        _ => false,
    }
}
