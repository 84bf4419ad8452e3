//! Dates of extensions: counts of units since 1970 as ISO 8601 text.

use achronyme_env::{DType, EnvError, Extension, Tensor, Value, format_shape};

use super::array::in_words;
use super::escape::label;
use super::size::Sizes;
use crate::export::scalar::Scalar;

const DAY: i128 = 86_400;

/// A `datetime64` or `timedelta64`: `int64` counts of a unit, or of a few of it at a time.
#[derive(Debug)]
pub(super) struct Times<'a> {
    type_name: &'a str,
    unit: &'a str,
    step: i64,
    counts: Tensor,
}

impl<'a> Times<'a> {
    /// The times an extension holds, when it is of one of these types and holds together.
    pub(super) fn of(extension: &'a Extension) -> Option<Times<'a>> {
        let type_name = &*extension.type_name;
        if !matches!(type_name, "datetime64" | "timedelta64") {
            return None;
        }
        let (unit, step) = match &extension.parameters {
            Value::Record(parameters) => (
                parameters.get("unit")?.as_str()?,
                parameters.get("count").map_or(Some(1), Value::as_i64)?,
            ),
            other => (other.as_str()?, 1),
        };
        let counts = match &extension.storage {
            Value::Integer(count) => Tensor::from_vec(vec![*count], []).ok()?,
            Value::Tensor(counts) if counts.dtype() == DType::I64 => counts.clone(),
            _ => return None,
        };
        Some(Times {
            type_name,
            unit,
            step,
            counts,
        })
    }

    /// Number of dimensions.
    pub(super) fn rank(&self) -> usize {
        self.counts.shape().len()
    }

    /// `datetime64[ns] (5,)  40 B`.
    pub(super) fn heading(&self, sizes: Sizes) -> String {
        let step = match self.step {
            1 => String::new(),
            step => step.to_string(),
        };
        format!(
            "{}[{step}{}] {}  {}",
            self.type_name,
            label(self.unit),
            format_shape(self.counts.shape()),
            sizes.text(self.counts.byte_len())
        )
    }

    /// The times as NumPy prints them: dates in quotes in an array, spans as their counts. `None`
    /// when one is no date of four digits of year.
    ///
    /// # Errors
    /// What reading the counts answers.
    pub(super) fn text(&self, threshold: u64, width: usize) -> Result<Option<String>, EnvError> {
        let quote = if self.rank() == 0 { "" } else { "'" };
        in_words(&self.counts, threshold, width, |scalar| match scalar {
            Scalar::Signed(count) if self.type_name == "datetime64" => {
                let date = iso(count, self.step, self.unit)?;
                Some(format!("{quote}{date}{quote}"))
            }
            Scalar::Signed(i64::MIN) => Some("NaT".to_owned()),
            Scalar::Signed(count) => Some(count.to_string()),
            _ => None,
        })
    }
}

/// A moment as ISO 8601 with `digits` digits of its second, in UTC.
pub(crate) fn utc(time: std::time::SystemTime, digits: usize) -> String {
    let since = time.duration_since(std::time::UNIX_EPOCH);
    let nanoseconds = since.map_or(0, |since| since.as_nanos());
    let iso = i64::try_from(nanoseconds)
        .ok()
        .and_then(|n| iso(n, 1, "ns"));
    // `.` and nine digits stand at the end.
    let cut = if digits == 0 { 10 } else { 9 - digits.min(9) };
    match iso {
        Some(iso) => iso[..iso.len() - cut].to_owned(),
        None => format!("{} nanoseconds after 1970", nanoseconds),
    }
}

/// `count` times `step` units since 1970-01-01T00:00:00 as NumPy prints it, or `None` for an unknown
/// unit or a year beyond four digits.
pub(crate) fn iso(count: i64, step: i64, unit: &str) -> Option<String> {
    // Seconds in a unit, or units in a second and the digits they need after the point.
    let (seconds, per_second, digits) = match unit {
        "Y" | "M" => (0, 1, 0),
        "W" => (7 * DAY, 1, 0),
        "D" => (DAY, 1, 0),
        "h" => (3600, 1, 0),
        "m" => (60, 1, 0),
        "s" => (1, 1, 0),
        "ms" => (1, 1_000, 3),
        "us" => (1, 1_000_000, 6),
        "ns" => (1, 1_000_000_000, 9),
        _ => return None,
    };
    if count == i64::MIN {
        return Some("NaT".to_owned());
    }
    let count = i128::from(count) * i128::from(step);
    if seconds == 0 {
        let months = count.checked_mul(if unit == "Y" { 12 } else { 1 })?;
        let (year, month) = (1970 + months.div_euclid(12), months.rem_euclid(12) + 1);
        let known = (0..=9999).contains(&year);
        return known.then(|| match unit {
            "Y" => format!("{year:04}"),
            _ => format!("{year:04}-{month:02}"),
        });
    }
    let (whole, fraction) = (count.div_euclid(per_second), count.rem_euclid(per_second));
    // Far beyond any year: the arithmetic below must not overflow.
    let total = whole.checked_mul(seconds)?;
    let (year, month, day) = civil(total.div_euclid(DAY));
    if !(0..=9999).contains(&year) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    let second = total.rem_euclid(DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(match unit {
        "W" | "D" => date,
        "h" => format!("{date}T{hour:02}"),
        "m" => format!("{date}T{hour:02}:{minute:02}"),
        "s" => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{date}T{hour:02}:{minute:02}:{second:02}.{fraction:0digits$}"),
    })
}

/// Year, month and day of the proleptic Gregorian calendar, `days` after 1970-01-01. Counts in
/// eras of 400 years that begin on the first of March, so that the leap day is the last of a year.
fn civil(days: i128) -> (i128, i128, i128) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i128::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_numpy_prints_them() {
        for (count, unit, text) in [
            (-1, "Y", "1969"),
            (25, "M", "1972-02"),
            (0, "D", "1970-01-01"),
            (-1, "D", "1969-12-31"),
            (11_016, "D", "2000-02-29"),
            (19_723, "D", "2024-01-01"),
            (-719_528, "D", "0000-01-01"),
            (1, "W", "1970-01-08"),
            (5, "h", "1970-01-01T05"),
            (61, "m", "1970-01-01T01:01"),
            (1_700_000_000, "s", "2023-11-14T22:13:20"),
            (-1, "ms", "1969-12-31T23:59:59.999"),
            (
                1_700_000_000_123_456_789,
                "ns",
                "2023-11-14T22:13:20.123456789",
            ),
            (i64::MAX, "ns", "2262-04-11T23:47:16.854775807"),
            (i64::MIN, "us", "NaT"),
        ] {
            assert_eq!(iso(count, 1, unit).as_deref(), Some(text), "{count} {unit}");
        }
        assert_eq!(iso(5, 25, "s").as_deref(), Some("1970-01-01T00:02:05"));
        assert_eq!(iso(1, 1, "generic"), None);
        for unit in ["Y", "M", "W", "D", "ns"] {
            assert_eq!(iso(i64::MAX, i64::MAX, unit), None);
            assert_eq!(iso(i64::MIN + 1, i64::MAX, unit), None);
        }
    }
}
