//! Moments of a history as the user names them: a mark, the number of a commit, or a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use achronyme_env::Moment;

/// The moment that `text` names. A mark of that very name comes first; then a number is that of a
/// commit, and a date a time in UTC. Anything else is a mark that there is not.
pub(crate) fn moment(text: &str, is_mark: impl FnOnce(&str) -> bool) -> Moment {
    if is_mark(text) {
        return Moment::Mark(text.to_owned());
    }
    if let Ok(sequence) = text.parse() {
        return Moment::Sequence(sequence);
    }
    match time(text) {
        Some(time) => Moment::Time(time),
        None => Moment::Mark(text.to_owned()),
    }
}

/// `2026-11-21`, `2026-11-21T18:10`, `2026-11-21 18:10:04.25Z`: the end of what is named, since the
/// last commit of that day, minute or second is meant.
fn time(text: &str) -> Option<SystemTime> {
    let text = text
        .strip_suffix('Z')
        .or(text.strip_suffix(" UTC"))
        .unwrap_or(text);
    let (date, clock) = match text.split_once(['T', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut date = date.split('-');
    let (year, month, day) = (date.next()?, date.next()?, date.next()?);
    if date.next().is_some() || year.len() != 4 {
        return None;
    }
    let days = days(number(year)?, number(month)?, number(day)?)?;
    let (seconds, nanoseconds) = match clock {
        None => (86_399, 999_999_999),
        Some(clock) => seconds(clock)?,
    };
    UNIX_EPOCH.checked_add(Duration::new(days * 86_400 + seconds, nanoseconds))
}

/// Seconds of a day, and nanoseconds.
fn seconds(clock: &str) -> Option<(u64, u32)> {
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = parts.next();
    if parts.next().is_some() || hour > 23 || minute > 59 {
        return None;
    }
    let start = hour * 3600 + minute * 60;
    let Some(second) = second else {
        return Some((start + 59, 999_999_999));
    };
    let (whole, nanoseconds) = match second.split_once('.') {
        None => (second, 999_999_999),
        Some((whole, fraction)) if (1..=9).contains(&fraction.len()) => {
            let digits = number(fraction)?;
            let unit = 10u64.pow(9 - fraction.len() as u32);
            (whole, u32::try_from(digits * unit + unit - 1).ok()?)
        }
        Some(_) => return None,
    };
    let second = number(whole)?;
    (second < 60).then_some((start + second, nanoseconds))
}

/// Digits only: `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Days from 1970-01-01 to a date that there is, from 1970 on.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) || year < 1970 {
        return None;
    }
    // Years that begin in March: the leap day is their last.
    let (year, month) = match month {
        3.. => (year, month - 3),
        _ => (year - 1, month + 9),
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400;
    // 719468 days lie between the March of the year 0 and 1970.
    Some(days + (153 * month + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<(u64, u32)> {
        let since = time(text)?.duration_since(UNIX_EPOCH).unwrap();
        Some((since.as_secs(), since.subsec_nanos()))
    }

    #[test]
    fn times_are_the_last_moment_of_what_they_name() {
        assert_eq!(at("1970-01-01T00:00:00.000000000Z"), Some((0, 0)));
        assert_eq!(at("1970-01-01 00:00:00"), Some((0, 999_999_999)));
        assert_eq!(at("2000-02-29T00:01"), Some((951_782_519, 999_999_999)));
        assert_eq!(at("2026-11-21"), Some((1_795_305_599, 999_999_999)));
        assert_eq!(
            at("2026-11-21 18:10:04.5 UTC"),
            Some((1_795_284_604, 599_999_999))
        );
        for bad in [
            "2026-02-29",
            "2026-13-01",
            "26-01-01",
            "2026-01-01T24:00",
            "x",
            "12",
            "1969-12-31",
        ] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_mark_comes_before_what_it_looks_like() {
        assert_eq!(moment("12", |_| true), Moment::Mark("12".to_owned()));
        assert_eq!(moment("12", |_| false), Moment::Sequence(12));
        assert!(matches!(moment("2026-11-21", |_| false), Moment::Time(_)));
        assert_eq!(
            moment("before", |_| false),
            Moment::Mark("before".to_owned())
        );
    }
}
