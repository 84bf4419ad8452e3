//! Floating-point numbers as NumPy prints them: the shortest digits that lead back to the number,
//! and in arrays at most eight of them after the point, all in one format.

use half::{bf16, f16};

/// Digits after the point in arrays.
const PRECISION: usize = 8;

/// A float of any width, ready to be printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Float {
    /// The number itself. A double holds every narrower one exactly.
    exact: f64,
    /// The double whose shortest digits are the shortest digits of the number in its own width:
    /// 0.1 for a `float32` of 0.100000001490116.
    short: f64,
    width: Width,
}

/// The type a float has in its array.
#[derive(Clone, Copy, Debug)]
enum Width {
    Half,
    Brain,
    Single,
    Double,
}

impl Width {
    /// From this magnitude on an array is printed with exponents.
    fn array_cutoff(self) -> f64 {
        match self {
            Width::Half => 1e3,
            Width::Brain | Width::Single => 1e6,
            Width::Double => 1e8,
        }
    }

    /// From this magnitude on a number alone is printed with an exponent.
    fn alone_cutoff(self) -> f64 {
        match self {
            Width::Double => 1e16,
            narrower => narrower.array_cutoff(),
        }
    }

    /// `x` rounded to this width, as NumPy's own arithmetic does.
    fn round(self, x: f64) -> f64 {
        match self {
            Width::Half => f16::from_f64(x).into(),
            Width::Brain => bf16::from_f64(x).into(),
            Width::Single => f64::from(x as f32),
            Width::Double => x,
        }
    }
}

impl From<f64> for Float {
    fn from(x: f64) -> Float {
        Float {
            exact: x,
            short: x,
            width: Width::Double,
        }
    }
}

impl From<f32> for Float {
    fn from(x: f32) -> Float {
        Float {
            exact: x.into(),
            short: x.to_string().parse().unwrap_or(x.into()),
            width: Width::Single,
        }
    }
}

impl From<f16> for Float {
    fn from(x: f16) -> Float {
        Float {
            exact: x.into(),
            short: shortest(x.into(), |short| f16::from_f64(short) == x),
            width: Width::Half,
        }
    }
}

impl From<bf16> for Float {
    fn from(x: bf16) -> Float {
        Float {
            exact: x.into(),
            short: shortest(x.into(), |short| bf16::from_f64(short) == x),
            width: Width::Brain,
        }
    }
}

/// The number of fewest digits near `exact` that `leads_back`. Sixteen-bit floats need five at most.
fn shortest(exact: f64, leads_back: impl Fn(f64) -> bool) -> f64 {
    (0..5)
        .filter_map(|digits| format!("{exact:.digits$e}").parse().ok())
        .find(|short| leads_back(*short))
        .unwrap_or(exact)
}

impl Float {
    /// The double whose shortest digits are those of this number.
    pub(crate) fn short(self) -> f64 {
        self.short
    }

    /// The number alone, as Python and NumPy print a scalar: `0.1`, `1.0`, `1e-05`, `nan`.
    pub(crate) fn alone(self) -> String {
        let text = self.bare();
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if plain { text + ".0" } else { text }
    }

    /// The number as a part of a complex scalar, where NumPy leaves `.0` out.
    pub(crate) fn bare(self) -> String {
        if !self.exact.is_finite() {
            return non_finite(self.exact, false);
        }
        let magnitude = self.exact.abs();
        if magnitude == 0.0 || (1e-4..self.width.alone_cutoff()).contains(&magnitude) {
            return self.short.to_string();
        }
        let (mantissa, exponent) = split_exponent(&format!("{:e}", self.short));
        format!("{mantissa}{}", signed_exponent(exponent, 2))
    }

    /// Integer and fraction digits without an exponent, the fraction cut at eight.
    fn positional(self) -> (String, String) {
        let shortest = self.short.to_string();
        let (int, fraction) = split_point(&shortest);
        if fraction.len() <= PRECISION {
            return (int.to_owned(), fraction.to_owned());
        }
        let rounded = format!("{:.PRECISION$}", self.exact);
        let (int, fraction) = split_point(&rounded);
        (int.to_owned(), fraction.trim_end_matches('0').to_owned())
    }

    /// Digits after the point of the mantissa, at most eight, and the exponent.
    fn scientific(self) -> (usize, i32) {
        let (mantissa, exponent) = split_exponent(&format!("{:e}", self.short));
        let digits = split_point(&mantissa).1.len();
        if digits <= PRECISION {
            return (digits, exponent);
        }
        let (mantissa, exponent) = split_exponent(&format!("{:.PRECISION$e}", self.exact));
        let fraction = split_point(&mantissa).1;
        (fraction.trim_end_matches('0').len(), exponent)
    }
}

/// A format that fits a whole array, with columns aligned at the point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatFormat {
    /// Whether positive numbers have a sign: imaginary parts do.
    plus: bool,
    /// Columns before the point.
    left: usize,
    /// Columns after the point.
    right: usize,
    /// Digits of the mantissa after the point and of the exponent, when there are exponents.
    exponent: Option<(usize, usize)>,
}

impl FloatFormat {
    /// The format NumPy chooses for `values`.
    pub(crate) fn fit(values: &[Float], plus: bool) -> FloatFormat {
        let finite = || values.iter().filter(|x| x.exact.is_finite());
        let mut format = FloatFormat {
            plus,
            left: 0,
            right: 0,
            exponent: None,
        };
        let sign = |x: &Float| usize::from(plus || x.exact.is_sign_negative());
        if needs_exponents(values) {
            let (mut digits, mut exponent_digits) = (0, 2);
            for x in finite() {
                let (fraction, exponent) = x.scientific();
                digits = digits.max(fraction);
                exponent_digits = exponent_digits.max(exponent.unsigned_abs().to_string().len());
                format.left = format.left.max(1 + sign(x));
            }
            format.exponent = Some((digits, exponent_digits));
            format.right = digits + exponent_digits + 2;
        } else {
            for x in finite() {
                let (int, fraction) = x.positional();
                let plus = usize::from(plus && !x.exact.is_sign_negative());
                format.left = format.left.max(int.len() + plus);
                format.right = format.right.max(fraction.len());
            }
        }
        if values.iter().any(|x| !x.exact.is_finite()) {
            // NumPy makes room for "inf" where only "nan" is shown as well.
            let minus = plus || values.iter().any(|x| x.exact == f64::NEG_INFINITY);
            let needed = 3 + usize::from(minus);
            format.left = format.left.max(needed.saturating_sub(format.right + 1));
        }
        format
    }

    /// One number of the array.
    pub(crate) fn word(&self, x: Float) -> String {
        let (left, right) = (self.left, self.right);
        if !x.exact.is_finite() {
            let text = non_finite(x.exact, self.plus);
            return format!("{text:>width$}", width = left + right + 1);
        }
        let plus = if self.plus && x.exact.is_sign_positive() {
            "+"
        } else {
            ""
        };
        match self.exponent {
            Some((digits, exponent_digits)) => {
                let (mantissa, exponent) = split_exponent(&format!("{:.digits$e}", x.exact));
                let (int, fraction) = split_point(&mantissa);
                let int = format!("{plus}{int}");
                let exponent = signed_exponent(exponent, exponent_digits);
                format!("{int:>left$}.{fraction}{exponent}")
            }
            None => {
                let (int, fraction) = x.positional();
                let int = format!("{plus}{int}");
                format!("{int:>left$}.{fraction:<right$}")
            }
        }
    }
}

/// Whether the range of the numbers demands exponents, by NumPy's rule.
fn needs_exponents(values: &[Float]) -> bool {
    let magnitudes = || {
        values
            .iter()
            .map(|x| (x.short.abs(), x.exact.abs(), x.width))
            .filter(|(short, ..)| short.is_finite() && *short > 0.0)
    };
    let least = magnitudes().min_by(|a, b| a.0.total_cmp(&b.0));
    let most = magnitudes().max_by(|a, b| a.0.total_cmp(&b.0));
    let (Some((least, least_exact, width)), Some((most, most_exact, _))) = (least, most) else {
        return false;
    };
    // The shortest digits compare with a bound as the narrow number does with the narrowed bound.
    most >= width.array_cutoff() || least < 0.0001 || width.round(most_exact / least_exact) > 1000.0
}

fn non_finite(x: f64, plus: bool) -> String {
    let name = if x.is_nan() { "nan" } else { "inf" };
    let sign = if x < 0.0 {
        "-"
    } else if plus {
        "+"
    } else {
        ""
    };
    format!("{sign}{name}")
}

fn split_point(number: &str) -> (&str, &str) {
    number.split_once('.').unwrap_or((number, ""))
}

fn split_exponent(number: &str) -> (String, i32) {
    match number.split_once('e') {
        Some((mantissa, exponent)) => (mantissa.to_owned(), exponent.parse().unwrap_or(0)),
        None => (number.to_owned(), 0),
    }
}

fn signed_exponent(exponent: i32, digits: usize) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("e{sign}{:0digits$}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_numbers_are_as_python_prints_them() {
        let doubles = [
            (0.1, "0.1"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e-5, "1e-05"),
            (9.999e-5, "9.999e-05"),
            (1e-4, "0.0001"),
            (1e15, "1000000000000000.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (x, text) in doubles {
            assert_eq!(Float::from(x).alone(), text);
        }
        assert_eq!(Float::from(0.1f32).alone(), "0.1");
        assert_eq!(Float::from(1e-4f32).alone(), "1e-04");
        assert_eq!(Float::from(999999f32).alone(), "999999.0");
        assert_eq!(Float::from(16777216f32).alone(), "1.6777216e+07");
        assert_eq!(Float::from(f16::from_f32(0.1)).alone(), "0.1");
        assert_eq!(Float::from(f16::from_f32(65000.0)).alone(), "6.5e+04");
        assert_eq!(Float::from(f16::from_f32(1001.0)).alone(), "1.001e+03");
        assert_eq!(Float::from(bf16::from_f32(0.1)).alone(), "0.1");
    }

    #[test]
    fn the_shortest_digits_of_every_half_lead_back() {
        for bits in 0..=u16::MAX {
            let half = f16::from_bits(bits);
            if half.is_finite() {
                assert_eq!(f16::from_f64(Float::from(half).short()), half);
            }
            let brain = bf16::from_bits(bits);
            if brain.is_finite() {
                assert_eq!(bf16::from_f64(Float::from(brain).short()), brain);
            }
        }
    }
}
