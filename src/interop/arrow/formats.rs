//! Names of Arrow types in extensions: the format strings of the Arrow C data interface
//! (<https://arrow.apache.org/docs/format/CDataInterface.html>), which its specification fixes.

use arrow_schema::{DataType, IntervalUnit, TimeUnit};

use crate::value::DType;

/// The format string of a type of fixed width that no dtype and no NumPy type stands for, and the
/// numbers that one element is stored as: their dtype, and how many there are when not one.
pub(super) fn format_of(data_type: &DataType) -> Option<(String, DType, Option<u64>)> {
    let named = |text: &str, dtype| Some((text.to_owned(), dtype, None));
    let decimal = |precision: u8, scale: i8, bits: u64| match bits {
        32 => Some((format!("d:{precision},{scale},32"), DType::I32, None)),
        64 => Some((format!("d:{precision},{scale},64"), DType::I64, None)),
        128 => Some((format!("d:{precision},{scale}"), DType::U8, Some(16))),
        _ => Some((
            format!("d:{precision},{scale},{bits}"),
            DType::U8,
            Some(bits / 8),
        )),
    };
    match data_type {
        DataType::Date64 => named("tdm", DType::I64),
        DataType::Time32(TimeUnit::Second) => named("tts", DType::I32),
        DataType::Time32(TimeUnit::Millisecond) => named("ttm", DType::I32),
        DataType::Time64(TimeUnit::Microsecond) => named("ttu", DType::I64),
        DataType::Time64(TimeUnit::Nanosecond) => named("ttn", DType::I64),
        DataType::Interval(IntervalUnit::YearMonth) => named("tiM", DType::I32),
        DataType::Interval(IntervalUnit::DayTime) => Some(("tiD".to_owned(), DType::I32, Some(2))),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            Some(("tin".to_owned(), DType::U8, Some(16)))
        }
        DataType::Decimal32(precision, scale) => decimal(*precision, *scale, 32),
        DataType::Decimal64(precision, scale) => decimal(*precision, *scale, 64),
        DataType::Decimal128(precision, scale) => decimal(*precision, *scale, 128),
        DataType::Decimal256(precision, scale) => decimal(*precision, *scale, 256),
        DataType::FixedSizeBinary(bytes) => {
            let bytes = u64::try_from(*bytes).ok()?;
            Some((format!("w:{bytes}"), DType::U8, Some(bytes)))
        }
        _ => None,
    }
}

/// The type of a format string that [`format_of`] gives.
pub(super) fn type_of(format: &str) -> Option<DataType> {
    let simple = match format {
        "tdm" => DataType::Date64,
        "tts" => DataType::Time32(TimeUnit::Second),
        "ttm" => DataType::Time32(TimeUnit::Millisecond),
        "ttu" => DataType::Time64(TimeUnit::Microsecond),
        "ttn" => DataType::Time64(TimeUnit::Nanosecond),
        "tiM" => DataType::Interval(IntervalUnit::YearMonth),
        "tiD" => DataType::Interval(IntervalUnit::DayTime),
        "tin" => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => return with_parameters(format),
    };
    Some(simple)
}

fn with_parameters(format: &str) -> Option<DataType> {
    if let Some(bytes) = format.strip_prefix("w:") {
        let bytes = bytes.parse().ok().filter(|bytes: &i32| *bytes >= 0)?;
        return Some(DataType::FixedSizeBinary(bytes));
    }
    let mut parts = format.strip_prefix("d:")?.split(',');
    let (precision, scale) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let bits = parts.next();
    if parts.next().is_some() {
        return None;
    }
    Some(match bits {
        Some("32") => DataType::Decimal32(precision, scale),
        Some("64") => DataType::Decimal64(precision, scale),
        None | Some("128") => DataType::Decimal128(precision, scale),
        Some("256") => DataType::Decimal256(precision, scale),
        Some(_) => return None,
    })
}

/// The name that NumPy has for a unit.
pub(super) fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

/// What Arrow has for a unit of NumPy's, and how many of it one is.
pub(super) fn unit_of(name: &str) -> Option<(TimeUnit, i64)> {
    Some(match name {
        "ns" => (TimeUnit::Nanosecond, 1),
        "us" => (TimeUnit::Microsecond, 1),
        "ms" => (TimeUnit::Millisecond, 1),
        "s" => (TimeUnit::Second, 1),
        "m" => (TimeUnit::Second, 60),
        "h" => (TimeUnit::Second, 3600),
        "D" => (TimeUnit::Second, 86_400),
        "W" => (TimeUnit::Second, 7 * 86_400),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_lead_back_to_their_types() {
        let types = [
            DataType::Date64,
            DataType::Time32(TimeUnit::Second),
            DataType::Time32(TimeUnit::Millisecond),
            DataType::Time64(TimeUnit::Microsecond),
            DataType::Time64(TimeUnit::Nanosecond),
            DataType::Interval(IntervalUnit::YearMonth),
            DataType::Interval(IntervalUnit::DayTime),
            DataType::Interval(IntervalUnit::MonthDayNano),
            DataType::Decimal32(9, 2),
            DataType::Decimal64(18, -3),
            DataType::Decimal128(38, 10),
            DataType::Decimal256(76, 0),
            DataType::FixedSizeBinary(20),
            DataType::FixedSizeBinary(0),
        ];
        for data_type in types {
            let (format, _, _) = format_of(&data_type).unwrap();
            assert_eq!(type_of(&format), Some(data_type), "{format}");
        }
        for wrong in [
            "",
            "w:",
            "w:-1",
            "d:1",
            "d:1,2,3",
            "d:1,2,128,4",
            "d:a,b",
            "tdD",
            "+s",
        ] {
            assert_eq!(type_of(wrong), None, "{wrong}");
        }
    }
}
