//! Where in a sorted run of names one is likely to stand, from the names on both sides of it: names that
//! end in numbers are found in three or four looks where halving takes seventeen, each at other pages.

/// Most digits that are looked at.
const DIGITS: usize = 15;

/// A guess at the place of `key` in `low..high`, which is not empty. `below` is the name before
/// `low`, `above` the one at `high`; the key lies between them.
pub(super) fn guess(key: &str, below: &str, above: &str, low: usize, high: usize) -> usize {
    let [key, below, above] = [key, below, above].map(str::as_bytes);
    let common = below.iter().zip(above).take_while(|(a, b)| a == b).count();
    let rest = |name: &'_ [u8]| name.get(common..).unwrap_or_default().to_vec();
    let rests = [rest(key), rest(below), rest(above)];
    let is_number = |rest: &Vec<u8>| rest.first().is_some_and(u8::is_ascii_digit);
    let [key, below, above] = match rests.iter().all(is_number) {
        true => rests.map(|rest| fraction(&rest, 10.0, |byte| byte.checked_sub(b'0'))),
        false => rests.map(|rest| fraction(&rest, 256.0, Some)),
    };
    let share = (key - below) / (above - below);
    // What is no number at all, such as the share of nothing, becomes 0.
    let steps = (share.clamp(0.0, 1.0) * (high - low) as f64) as usize;
    (low + steps).min(high - 1)
}

/// Bytes as the digits behind a point, up to the first that is none.
fn fraction(bytes: &[u8], base: f64, digit: impl Fn(u8) -> Option<u8>) -> f64 {
    let digits = bytes.iter().take(DIGITS).map(|byte| digit(*byte));
    let digits = digits.map_while(|digit| digit.filter(|digit| f64::from(*digit) < base));
    let (sum, _) = digits.fold((0.0, 1.0), |(sum, unit), digit| {
        (sum + f64::from(digit) * (unit / base), unit / base)
    });
    sum
}

#[cfg(test)]
mod tests {
    use super::guess;

    #[test]
    fn numbers_stand_where_they_say() {
        let at = |n: usize| {
            guess(
                &format!("var {n:06}"),
                "var 000000",
                "var 099999",
                1,
                99_999,
            )
        };
        for n in [1, 500, 12_345, 49_999, 50_000, 99_998] {
            assert!(at(n).abs_diff(n) <= 2, "{n}: {}", at(n));
        }
    }

    #[test]
    fn a_guess_lies_between_whatever_the_names_are() {
        let names = [
            "",
            "a",
            "ab",
            "zz",
            "9",
            "\u{10ffff}",
            "var",
            "var 1",
            "var 99 x",
        ];
        for key in names {
            for below in names {
                for above in names {
                    for (low, high) in [(0, 1), (3, 4), (0, 1000), (7, 1_000_000)] {
                        let at = guess(key, below, above, low, high);
                        assert!((low..high).contains(&at), "{key:?} {below:?} {above:?}");
                    }
                }
            }
        }
    }
}
