//! CSV: arrays of rank 1 and 2, and records of columns.
//!
//! A record of columns of equal length has a header of its field names; arrays have none. Floats
//! are the shortest digits that lead back, with a point or an exponent even when they are whole;
//! NaN is an empty cell, which is read back as NaN; infinities are `inf` and `-inf`; booleans `true`
//! and `false`. Text stands as it is, in quotes where it must.

use std::io::Write;

use achronyme_env::{Record, Value, format_shape};

use super::pieces::row_major;
use super::plain::{Plain, plain};
use super::scalar::Scalar;
use super::strings::{each_string, strings_from};
use super::{ExportError, Failure, wrong_kind};
use crate::term::escape;
use crate::term::float::Float;

/// Rows of a record that are read at once.
const BATCH: u64 = 4096;

/// The format in messages.
const FORMAT: &str = "a CSV file";

/// Writes `value` as CSV with `delimiter` between cells.
///
/// # Errors
/// [`ExportError`] for values that are no table, and when reading or writing fails.
pub(crate) fn write(
    name: &str,
    value: &Value,
    delimiter: u8,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut table = Table {
        name,
        csv: csv::WriterBuilder::new()
            .delimiter(delimiter)
            .from_writer(out),
    };
    match value {
        Value::Record(record) => table.record(record)?,
        other => match plain(other).map_err(|error| Failure::Read(error).about(name))? {
            Some(array) => table.array(&array)?,
            None => {
                let advice = "choose json, or leave it out with -n";
                return Err(wrong_kind(name, other, FORMAT, advice));
            }
        },
    }
    Ok(table.csv.flush()?)
}

struct Table<'a> {
    name: &'a str,
    csv: csv::Writer<&'a mut dyn Write>,
}

impl Table<'_> {
    /// An array of rank 0, 1 or 2: a cell, a column, or rows.
    fn array(&mut self, array: &Plain) -> Result<(), ExportError> {
        let columns = match array.shape() {
            [] | [_] => 1,
            [_, columns] => *columns,
            shape => {
                return Err(self.unfit(format!(
                    "its shape is {}, and a table has two dimensions at most; choose npy or json, \
                     or take a slice with -s",
                    format_shape(shape)
                )));
            }
        };
        self.check_dtype(array)?;
        let mut column = 0;
        let csv = &mut self.csv;
        let mut cell = |text: &str| -> Result<(), Failure> {
            csv.write_field(text).map_err(failure)?;
            column += 1;
            if column == columns {
                column = 0;
                csv.write_record(None::<&[u8]>).map_err(failure)?;
            }
            Ok(())
        };
        let written = match array {
            Plain::Strings(strings) => each_string(strings, cell),
            Plain::Tensor(tensor) => row_major(tensor, |piece| {
                for element in piece.chunks_exact(tensor.dtype().size()) {
                    cell(&text(Scalar::decode(tensor.dtype(), element)?))?;
                }
                Ok(())
            }),
        };
        written.map_err(|error| error.about(self.name))
    }

    /// A record of columns, a field each, under a header of their names.
    fn record(&mut self, record: &Record) -> Result<(), ExportError> {
        let mut columns = Vec::with_capacity(record.len());
        let mut rows: Option<(&str, u64)> = None;
        for (field, value) in record.iter() {
            let quoted = escape::name(field);
            let array = plain(value).map_err(|error| Failure::Read(error).about(self.name))?;
            let Some(column) = array.filter(|array| array.shape().len() == 1) else {
                let kind = value.kind();
                return Err(self.unfit(format!(
                    "its field {quoted} is a {kind} and no column of numbers or strings; choose json"
                )));
            };
            self.check_dtype(&column)?;
            let length = column.shape().first().copied().unwrap_or(0);
            let (first, expected) = *rows.get_or_insert((field, length));
            if length != expected {
                let first = escape::name(first);
                return Err(self.unfit(format!(
                    "its field {first} has {expected} rows and {quoted} has {length}; choose json"
                )));
            }
            columns.push(column);
        }
        let Some((_, rows)) = rows else {
            return Err(self.unfit("it has no fields; choose json".to_owned()));
        };
        self.rows(record, &columns, rows)
            .map_err(|error| error.about(self.name))
    }

    fn rows(&mut self, record: &Record, columns: &[Plain], rows: u64) -> Result<(), Failure> {
        self.csv.write_record(record.names()).map_err(failure)?;
        let mut first = 0;
        while first < rows {
            let count = BATCH.min(rows - first);
            let batches: Vec<Vec<String>> = columns
                .iter()
                .map(|column| batch(column, first, count))
                .collect::<Result<_, _>>()?;
            for row in 0..count as usize {
                let cells = batches.iter().filter_map(|batch| batch.get(row));
                self.csv.write_record(cells).map_err(failure)?;
            }
            first += count;
        }
        Ok(())
    }

    fn check_dtype(&self, array: &Plain) -> Result<(), ExportError> {
        let Plain::Tensor(tensor) = array else {
            return Ok(());
        };
        let size = tensor.dtype().size();
        let sample = Scalar::decode(tensor.dtype(), &vec![0; size]);
        match sample.map_err(|error| Failure::Read(error).about(self.name))? {
            Scalar::Complex64(..) | Scalar::Complex128(..) | Scalar::Opaque(_) => {
                Err(ExportError::DType {
                    name: self.name.to_owned(),
                    dtype: tensor.dtype().name(),
                    format: "CSV",
                    advice: "choose json or an .ach archive, or leave it out with -n",
                })
            }
            _ => Ok(()),
        }
    }

    fn unfit(&self, reason: String) -> ExportError {
        ExportError::Unfit {
            name: self.name.to_owned(),
            format: FORMAT,
            reason,
        }
    }
}

/// Cells `first..first + count` of a column.
fn batch(column: &Plain, first: u64, count: u64) -> Result<Vec<String>, Failure> {
    let mut cells = Vec::with_capacity(count as usize);
    match column {
        Plain::Strings(strings) => strings_from::<Failure>(strings, first, count, |text| {
            cells.push(text.to_owned());
            Ok(())
        })?,
        Plain::Tensor(tensor) => {
            let size = tensor.dtype().size();
            let mut bytes = vec![0; count as usize * size];
            tensor.read_at(first * size as u64, &mut bytes)?;
            for element in bytes.chunks_exact(size) {
                cells.push(text(Scalar::decode(tensor.dtype(), element)?));
            }
        }
    }
    Ok(cells)
}

/// A number as a cell. Complex numbers and one-byte floats are refused before.
fn text(scalar: Scalar) -> String {
    match scalar {
        Scalar::Bool(x) => x.to_string(),
        Scalar::Signed(x) => x.to_string(),
        Scalar::Unsigned(x) => x.to_string(),
        Scalar::Half(x) => float(x.into()),
        Scalar::Brain(x) => float(x.into()),
        Scalar::Single(x) => float(x.into()),
        Scalar::Double(x) => float(x.into()),
        Scalar::Complex64(..) | Scalar::Complex128(..) | Scalar::Opaque(_) => String::new(),
    }
}

fn float(x: Float) -> String {
    if x.short().is_nan() {
        String::new()
    } else {
        x.alone()
    }
}

fn failure(error: csv::Error) -> Failure {
    Failure::Write(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::{Order, StringArray, Tensor};

    fn written(value: impl Into<Value>) -> Result<String, String> {
        let mut out = Vec::new();
        match write("x", &value.into(), b',', &mut out) {
            Ok(()) => Ok(String::from_utf8(out).unwrap()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn column<T: achronyme_env::Element>(elements: Vec<T>) -> Value {
        let count = elements.len() as u64;
        Tensor::from_vec(elements, [count]).unwrap().into()
    }

    #[test]
    fn a_record_of_columns_has_a_header() {
        let names = StringArray::new(["a", "b, c", "\"q\""], [3]).unwrap();
        let record = Record::from([
            ("name", names.into()),
            ("n", column(vec![1i64, -2, 3])),
            ("x", column(vec![1.0, f64::NAN, 1e300])),
            ("ok", column(vec![true, false, true])),
            ("note", Value::vector(["", "é", "z"])),
        ]);
        assert_eq!(
            written(record).unwrap(),
            "name,n,x,ok,note\n\
             a,1,1.0,true,\n\
             \"b, c\",-2,,false,é\n\
             \"\"\"q\"\"\",3,1e+300,true,z\n"
        );
    }

    #[test]
    fn arrays_are_rows_in_c_order_without_a_header() {
        let elements = vec![1u8, 4, 2, 5, 3, 6];
        let t = Tensor::from_vec_in_order(elements, [2, 3], Order::Fortran).unwrap();
        assert_eq!(written(t).unwrap(), "1,2,3\n4,5,6\n");
        let t = column(vec![0.1f32, f32::NAN, f32::INFINITY]);
        assert_eq!(written(t).unwrap(), "0.1\n\"\"\ninf\n");
        assert_eq!(written(1.5).unwrap(), "1.5\n");
        let empty = Tensor::from_vec(Vec::<f64>::new(), [3, 0]).unwrap();
        assert_eq!(written(empty).unwrap(), "");
    }

    #[test]
    fn long_columns_come_in_batches() {
        let count = 2 * BATCH as i64 + 5;
        let record = Record::from([("n", column((0..count).collect()))]);
        let text = written(record).unwrap();
        let found: Vec<i64> = text.lines().skip(1).map(|n| n.parse().unwrap()).collect();
        assert_eq!(found, (0..count).collect::<Vec<i64>>());
    }

    #[test]
    fn what_is_no_table_is_refused_with_the_reason() {
        let cube = Tensor::from_vec(vec![0u8; 8], [2, 2, 2]).unwrap();
        assert_eq!(
            written(cube).unwrap_err(),
            "variable 'x' cannot be a CSV file: its shape is (2, 2, 2), and a table has two \
             dimensions at most; choose npy or json, or take a slice with -s"
        );
        let uneven = Record::from([("a", column(vec![1u8])), ("b", column(vec![1u8, 2]))]);
        assert_eq!(
            written(uneven).unwrap_err(),
            "variable 'x' cannot be a CSV file: its field 'a' has 1 rows and 'b' has 2; choose json"
        );
        let scalar = Record::from([("a", 1.0)]);
        assert!(
            written(scalar)
                .unwrap_err()
                .contains("'a' is a number and no column")
        );
        assert!(written(Record::new()).unwrap_err().contains("no fields"));
        let z = achronyme_env::Complex128::new(1.0, 2.0);
        assert!(written(z).unwrap_err().contains("has the dtype complex128"));
        assert!(written(()).unwrap_err().contains("of kind null"));
    }
}
