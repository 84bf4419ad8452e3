//! Values that a host's language gives where an option or an argument is asked for: read as what
//! is asked for, or an error that says what was found.

use crate::name::{escape_for_terminal, quoted};
use crate::value::{Record, Value};

/// A value that is not what was asked for.
#[derive(Debug)]
pub(super) struct Mismatch {
    /// From the value that was given to the part that is wrong: `[2]`, `.key`, or empty.
    pub(super) path: String,
    pub(super) expected: String,
    pub(super) found: String,
}

pub(super) type Read<T> = Result<T, Mismatch>;

/// `value` is not `expected`.
pub(super) fn mismatch<T>(value: &Value, expected: impl Into<String>) -> Read<T> {
    Err(Mismatch {
        path: String::new(),
        expected: expected.into(),
        found: describe(value),
    })
}

/// True or false.
pub(super) fn boolean(value: &Value) -> Read<bool> {
    match value {
        Value::Boolean(boolean) => Ok(*boolean),
        other => mismatch(other, "true or false"),
    }
}

/// A whole number from `least` to `most`, as an integer or as a number without a fraction: many
/// languages have only numbers.
pub(super) fn whole(value: &Value, least: i64, most: i64, expected: &str) -> Read<i64> {
    // 2^63 is the first number that is no i64; the cast of a whole number below it is exact.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let number = match value {
        Value::Integer(integer) => Some(*integer),
        Value::Number(number) if number.trunc() == *number && number.abs() < BEYOND => {
            Some(*number as i64)
        }
        _ => None,
    };
    match number {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => mismatch(value, expected),
    }
}

/// A number of bytes.
pub(super) fn bytes(value: &Value, expected: &str) -> Read<u64> {
    Ok(whole(value, 0, i64::MAX, expected)?.unsigned_abs())
}

/// Text.
pub(super) fn text<'v>(value: &'v Value, expected: &str) -> Read<&'v str> {
    match value {
        Value::String(text) => Ok(text),
        other => mismatch(other, expected),
    }
}

/// A list of strings: a vector of them, or an array of strings. One string alone is not a list.
pub(super) fn texts(value: &Value) -> Read<Vec<String>> {
    const EXPECTED: &str = "a list of strings";
    match value {
        Value::Vector(elements) => {
            let texts = elements.iter().enumerate().map(|(n, element)| {
                let text = text(element, "a string").map_err(|e| e.below(format!("[{n}]")))?;
                Ok(text.to_owned())
            });
            texts.collect()
        }
        Value::StringArray(array) if array.shape().len() == 1 => {
            let texts = array.iter().map(|text| text.map(str::to_owned));
            texts.collect::<crate::Result<_>>().map_err(|e| Mismatch {
                path: String::new(),
                expected: EXPECTED.to_owned(),
                found: format!("an array that cannot be read: {e}"),
            })
        }
        other => mismatch(other, EXPECTED),
    }
}

/// A record.
pub(super) fn record<'v>(value: &'v Value, expected: &str) -> Read<&'v Record> {
    match value {
        Value::Record(record) => Ok(record),
        other => mismatch(other, expected),
    }
}

impl Mismatch {
    /// The same, of a part at `step` of a larger value.
    pub(super) fn below(mut self, step: String) -> Mismatch {
        self.path.insert_str(0, &step);
        self
    }
}

/// The value for a message: scalars as they are, others by their kind.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Integer(integer) => format!("the integer {integer}"),
        Value::Number(number) => {
            // As `Debug` shows it: with an exponent where there were hundreds of digits.
            let digits = format!("{number:?}");
            format!(
                "the number {}",
                digits.strip_suffix(".0").unwrap_or(&digits)
            )
        }
        Value::String(text) => format!("the string {}", quoted(text)),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Extension(extension) => format!(
            "an extension of type {}",
            escape_for_terminal(&extension.type_name)
        ),
        other => {
            let kind = other.kind().name();
            let article = match kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
                true => "an",
                false => "a",
            };
            format!("{article} {kind}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_only_without_a_fraction_and_in_range() {
        let level = |value: Value| whole(&value, 1, 22, "1 to 22").ok();
        assert_eq!(level(Value::Number(3.0)), Some(3));
        assert_eq!(level(Value::Integer(22)), Some(22));
        for bad in [0.0, 23.0, 3.5, f64::NAN, f64::INFINITY, -1.0, 1e300] {
            assert_eq!(level(Value::Number(bad)), None, "{bad}");
        }
        let most = |number: f64| bytes(&Value::Number(number), "").ok();
        assert_eq!(most(2f64.powi(62)), Some(1 << 62));
        assert_eq!(most(2f64.powi(63)), None);
    }

    #[test]
    fn what_was_found_is_told_without_harm_and_briefly() {
        assert_eq!(
            describe(&Value::from("a\x1b[2J")),
            "the string 'a\\u{1b}[2J'"
        );
        assert_eq!(describe(&Value::Number(f64::NAN)), "the number NaN");
        assert_eq!(describe(&Value::Number(-1e300)), "the number -1e300");
        assert_eq!(describe(&Value::Number(10.0)), "the number 10");
        assert_eq!(describe(&Record::new().into()), "a record");
        assert!(describe(&"x".repeat(10_000).into()).len() < 120);
    }
}
