//! How the numbers of a tensor are spread: what is told of them, and a histogram in plain characters.
//! Two passes through a bounded buffer.

use achronyme_env::{DType, EnvError, Tensor};
use serde_json::{Value as Json, json};

use super::array::alone;
use super::statistics::{Running, Statistics, brief};
use crate::export::pieces::stored;
use crate::export::scalar::Scalar;

/// Characters of the longest bar.
const BAR: u64 = 40;

/// What the numbers of a tensor are like.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    statistics: Statistics,
    infinite: u64,
    zeros: u64,
    histogram: Option<Histogram>,
    /// Whether the numbers are the absolute values of complex ones.
    is_absolute: bool,
}

/// How many finite numbers lie in ranges of equal width.
#[derive(Clone, Debug)]
struct Histogram {
    from: f64,
    to: f64,
    counts: Vec<u64>,
}

/// Goes through a tensor; the histogram has `bins` bars, 0 for none.
///
/// # Errors
/// What reading answers.
pub(crate) fn spread(tensor: &Tensor, bins: usize) -> Result<Spread, EnvError> {
    let mut running = Running::default();
    let (mut infinite, mut zeros) = (0, 0);
    let mut range: Option<(f64, f64)> = None;
    each(tensor, |scalar| {
        running.add(scalar);
        let x = as_f64(scalar);
        infinite += u64::from(x.is_infinite());
        zeros += u64::from(x == 0.0);
        if x.is_finite() {
            let (least, most) = range.unwrap_or((x, x));
            range = Some((least.min(x), most.max(x)));
        }
    })?;
    let mut histogram = None;
    if let (Some((from, to)), 1..) = (range, bins) {
        let bins = if from == to { 1 } else { bins };
        let mut counts = vec![0; bins];
        // Halves: the difference of the greatest doubles is no double.
        let width = to / 2.0 - from / 2.0;
        each(tensor, |scalar| {
            let x = as_f64(scalar);
            if x.is_finite() {
                let share = match width > 0.0 {
                    true => (x / 2.0 - from / 2.0) / width,
                    false => 0.0,
                };
                let place = ((share * bins as f64) as usize).min(bins - 1);
                counts[place] += 1;
            }
        })?;
        histogram = Some(Histogram { from, to, counts });
    }
    let complex = matches!(tensor.dtype(), DType::Complex64 | DType::Complex128);
    Ok(Spread {
        statistics: running.finish(),
        infinite,
        zeros,
        histogram,
        is_absolute: complex,
    })
}

/// Every element, a complex one as its absolute value.
fn each(tensor: &Tensor, mut visit: impl FnMut(Scalar)) -> Result<(), EnvError> {
    let dtype = tensor.dtype();
    stored::<EnvError>(tensor, |piece| {
        for element in piece.chunks_exact(dtype.size()) {
            visit(match Scalar::decode(dtype, element)? {
                Scalar::Complex64(re, im) => Scalar::Double(f64::from(re).hypot(im.into())),
                Scalar::Complex128(re, im) => Scalar::Double(re.hypot(im)),
                other => other,
            });
        }
        Ok(())
    })
}

fn as_f64(scalar: Scalar) -> f64 {
    match scalar {
        Scalar::Bool(x) => f64::from(u8::from(x)),
        Scalar::Signed(x) => x as f64,
        Scalar::Unsigned(x) => x as f64,
        Scalar::Half(x) => x.into(),
        Scalar::Brain(x) => x.into(),
        Scalar::Single(x) => x.into(),
        Scalar::Double(x) => x,
        Scalar::Complex64(..) | Scalar::Complex128(..) | Scalar::Opaque(_) => f64::NAN,
    }
}

impl Spread {
    /// The lines that tell of it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let s = &self.statistics;
        let mut lines = Vec::new();
        let of = if self.is_absolute {
            "absolute values: "
        } else {
            ""
        };
        if let Some((least, most)) = s.range {
            let (mean, std) = (brief(s.mean), brief(s.std));
            let (least, most) = (alone(least), alone(most));
            lines.push(format!(
                "{of}min {least}  max {most}  mean {mean}  std {std}"
            ));
        }
        let (count, nan, infinite, zeros) = (s.count, s.nan, self.infinite, self.zeros);
        lines.push(format!(
            "count {count}  NaN {nan}  infinite {infinite}  zero {zeros}"
        ));
        if let Some(histogram) = &self.histogram {
            lines.extend(histogram.lines());
        }
        lines
    }

    /// The same as fields of a JSON object.
    pub(crate) fn to_json(&self) -> Json {
        let s = &self.statistics;
        let range = s.range.map(|(least, most)| (exact(least), exact(most)));
        let (min, max) = range.unwrap_or_default();
        let some = |x: f64| match s.range {
            Some(_) => number(x),
            None => Json::Null,
        };
        let histogram = self.histogram.as_ref().map(
            |Histogram { from, to, counts }| json!({"from": from, "to": to, "counts": counts}),
        );
        json!({
            "count": s.count,
            "nan": s.nan,
            "infinite": self.infinite,
            "zeros": self.zeros,
            "min": min,
            "max": max,
            "mean": some(s.mean),
            "std": some(s.std),
            "histogram": histogram,
        })
    }
}

impl Histogram {
    fn lines(&self) -> Vec<String> {
        let bins = self.counts.len() as f64;
        let edge = |n: usize| {
            let share = n as f64 / bins;
            // No difference of the two, which may be no double.
            brief(self.from * (1.0 - share) + self.to * share)
        };
        let edges: Vec<String> = (0..=self.counts.len()).map(edge).collect();
        let width = edges.iter().map(String::len).max().unwrap_or_default();
        let most = self.counts.iter().copied().max().unwrap_or(1).max(1);
        let line = |(n, count): (usize, &u64)| {
            let length = (u128::from(*count) * u128::from(BAR)).div_ceil(u128::from(most));
            let bar = "#".repeat(length as usize);
            let gap = if bar.is_empty() { "" } else { " " };
            format!(
                "{:>width$} to {:>width$} |{bar}{gap}{count}",
                edges[n],
                edges[n + 1]
            )
        };
        self.counts.iter().enumerate().map(line).collect()
    }
}

/// A number, or the word for what JSON has no number for.
fn number(x: f64) -> Json {
    match x {
        x if x.is_finite() => json!(x),
        x if x.is_nan() => json!("NaN"),
        x if x > 0.0 => json!("Infinity"),
        _ => json!("-Infinity"),
    }
}

fn exact(scalar: Scalar) -> Json {
    match scalar {
        Scalar::Bool(x) => json!(x),
        Scalar::Signed(x) => json!(x),
        Scalar::Unsigned(x) => json!(x),
        other => number(as_f64(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::{Complex128, Element};

    fn of<T: Element>(elements: Vec<T>, bins: usize) -> Spread {
        let count = elements.len() as u64;
        spread(&Tensor::from_vec(elements, [count]).unwrap(), bins).unwrap()
    }

    fn counts(spread: &Spread) -> Vec<u64> {
        spread.histogram.as_ref().unwrap().counts.clone()
    }

    #[test]
    fn what_is_no_finite_number_is_counted_and_in_no_bar() {
        let elements = vec![0.0, f64::NAN, 1.0, -0.0, f64::INFINITY, 4.0, 2.0];
        let s = of(elements, 4);
        assert_eq!((s.statistics.nan, s.infinite, s.zeros), (1, 1, 2));
        assert_eq!(counts(&s), [2, 1, 1, 1]);
        let json = s.to_json();
        assert_eq!(json["max"], "Infinity");
        assert_eq!(json["std"], "NaN");
        let s = of(vec![f64::NAN; 3], 4);
        assert!(s.histogram.is_none());
        assert_eq!(s.to_json()["mean"], Json::Null);
    }

    #[test]
    fn the_whole_range_of_doubles_and_integers_has_bars() {
        let s = of(vec![f64::MIN, 0.0, f64::MAX], 3);
        assert_eq!(counts(&s), [1, 1, 1]);
        assert!(s.lines().iter().all(|line| !line.contains("inf to")));
        let s = of(vec![i64::MIN, i64::MAX, i64::MAX], 2);
        assert_eq!(counts(&s), [1, 2]);
        assert_eq!(s.to_json()["min"], json!(i64::MIN));
        assert_eq!(counts(&of(vec![7u8; 9], 10)), [9]);
        assert_eq!(counts(&of(vec![5e-324, 0.0], 2)).iter().sum::<u64>(), 2);
    }

    #[test]
    fn complex_numbers_count_by_their_absolute_value() {
        let s = of(
            vec![Complex128::new(3.0, -4.0), Complex128::new(0.0, 0.0)],
            2,
        );
        assert_eq!(s.to_json()["max"], json!(5.0));
        assert_eq!((s.zeros, counts(&s)), (1, vec![1, 1]));
        assert!(s.lines()[0].starts_with("absolute values: "));
    }

    #[test]
    fn bars_are_as_long_as_their_share_and_none_is_lost() {
        let mut elements = vec![0.0; 1_000_000];
        elements.push(1.0);
        let lines = of(elements, 2).lines();
        assert!(
            lines[2].ends_with(&format!("|{} 1000000", "#".repeat(40))),
            "{lines:?}"
        );
        assert!(lines[3].ends_with("|# 1"), "{lines:?}");
        let empty = of(Vec::<f64>::new(), 3);
        assert_eq!(empty.lines(), ["count 0  NaN 0  infinite 0  zero 0"]);
    }
}
