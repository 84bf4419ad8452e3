//! Dates of extensions: a count of units since 1970 as ISO 8601 text.

const DAY: i128 = 86_400;

/// `count` units since 1970-01-01T00:00:00 as NumPy prints a `datetime64` of `unit`, or `None` for
/// a unit that is not a fixed number of seconds (months, years) or a year beyond four digits.
pub(crate) fn iso(count: i64, unit: &str) -> Option<String> {
    // Seconds in a unit, or units in a second and the digits they need after the point.
    let (seconds, per_second, digits) = match unit {
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
    let count = i128::from(count);
    let (whole, fraction) = (count.div_euclid(per_second), count.rem_euclid(per_second));
    let total = whole * seconds;
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
            assert_eq!(iso(count, unit).as_deref(), Some(text), "{count} {unit}");
        }
        assert_eq!(iso(1, "M"), None);
        assert_eq!(iso(i64::MAX, "W"), None);
    }
}
