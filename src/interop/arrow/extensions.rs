//! The extensions that stand for columns Arrow has and the format has not. Where NumPy or pandas has
//! the thing, the extension is theirs (docs/python-types.md), so that Python gets its own types; the
//! rest is `arrow.array`.

use crate::value::{Extension, Record, Tensor, Value};

/// Points in time of NumPy's: parameters `unit` and `count`, storage int64.
pub(super) const DATETIME: &str = "numpy.datetime64";
/// Spans of time of NumPy's, likewise.
pub(super) const TIMEDELTA: &str = "numpy.timedelta64";
/// An array with a mask: storage `data`, `mask` and `fill_value`.
pub(super) const MASKED: &str = "numpy.masked";
/// Strings of which some are missing: parameters `na` and `missing`.
pub(super) const STRINGS: &str = "numpy.strings";
/// Times of a time zone: parameters `zone` and `freq`, storage [`DATETIME`] in UTC.
pub(super) const ZONED: &str = "pandas.DatetimeTZ";
/// Codes of categories: storage `codes` and `categories`.
pub(super) const CATEGORICAL: &str = "pandas.Categorical";
/// Any other array of Arrow's: parameters `format`, a format string of its C data interface, and
/// `missing` when there are nulls.
pub(super) const ARRAY: &str = "arrow.array";

/// What NumPy has for a time that is missing.
pub(super) const NOT_A_TIME: i64 = i64::MIN;

pub(super) fn dated(name: &str, unit: &str, times: Tensor) -> Value {
    let parameters = Record::from([("unit", Value::from(unit)), ("count", 1i64.into())]);
    extension(name, parameters, times.into())
}

pub(super) fn zoned(zone: &str, unit: &str, times: Tensor) -> Value {
    let parameters = Record::from([("zone", Value::from(zone)), ("freq", Value::Null)]);
    extension(ZONED, parameters, dated(DATETIME, unit, times))
}

pub(super) fn masked(data: Value, mask: Tensor) -> Value {
    let parts = [
        ("data", data),
        ("mask", mask.into()),
        ("fill_value", Value::Null),
    ];
    extension(
        MASKED,
        Record::from([("hard", false)]),
        Record::from(parts).into(),
    )
}

pub(super) fn strings(strings: Value, missing: Tensor) -> Value {
    let parameters = Record::from([("na", Value::Null), ("missing", missing.into())]);
    extension(STRINGS, parameters, strings)
}

pub(super) fn categorical(codes: Tensor, categories: Value, ordered: bool) -> Value {
    let parts = Record::from([("codes", codes.into()), ("categories", categories)]);
    extension(
        CATEGORICAL,
        Record::from([("ordered", ordered)]),
        parts.into(),
    )
}

pub(super) fn array_extension(format: &str, missing: Option<Tensor>, storage: Value) -> Value {
    let mut parameters = Record::from([("format", format)]);
    if let Some(missing) = missing {
        parameters.insert("missing", missing);
    }
    extension(ARRAY, parameters, storage)
}

fn extension(name: &str, parameters: Record, storage: Value) -> Value {
    Value::from(Extension {
        type_name: name.into(),
        parameters: parameters.into(),
        storage,
    })
}
