//! Least, greatest, mean and deviation of a tensor, in one pass through a bounded buffer.

use std::fmt;

use achronyme_env::{DType, EnvError, Tensor};

use super::array::alone;
use super::float::Float;
use crate::export::pieces::stored;
use crate::export::scalar::Scalar;

/// What the numbers of a tensor are like. NaN takes no part in any of them but its own count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statistics {
    /// Elements, NaN among them.
    pub(crate) count: u64,
    /// Elements that are NaN.
    pub(crate) nan: u64,
    /// The least and the greatest element, when there is one that is not NaN.
    pub(crate) range: Option<(Scalar, Scalar)>,
    /// The arithmetic mean: of integers that of their exact sum.
    pub(crate) mean: f64,
    /// The standard deviation of the population, as NumPy's `std`.
    pub(crate) std: f64,
}

/// The statistics of a tensor of booleans, integers or floats; `None` for complex numbers and
/// one-byte floats, which are opaque here, and for an empty tensor.
///
/// # Errors
/// What reading answers.
pub(crate) fn statistics(tensor: &Tensor) -> Result<Option<Statistics>, EnvError> {
    let dtype = tensor.dtype();
    let opaque = matches!(
        dtype,
        DType::Complex64 | DType::Complex128 | DType::F8E4M3 | DType::F8E5M2
    );
    if opaque || tensor.is_empty() {
        return Ok(None);
    }
    let mut running = Running::default();
    stored::<EnvError>(tensor, |piece| {
        for element in piece.chunks_exact(dtype.size()) {
            running.add(Scalar::decode(dtype, element)?);
        }
        Ok(())
    })?;
    Ok(Some(running.finish()))
}

/// Numbers above this are made smaller by the factor [`SMALLER`], 2^-600.
const LARGE: f64 = 1e150;
const SMALLER: f64 = f64::from_bits((1023 - 600) << 52);

/// Welford's running mean and squared deviations, beside the exact sum of integers.
#[derive(Debug, Default)]
pub(super) struct Running {
    count: u64,
    nan: u64,
    mean: f64,
    squares: f64,
    /// Whether both are of numbers made smaller, whose differences and squares do not overflow.
    is_scaled: bool,
    /// The sum of the infinite elements: 0 when there are none, NaN when there are both.
    infinite: f64,
    sum: Option<i128>,
    least: Option<(f64, Scalar)>,
    most: Option<(f64, Scalar)>,
}

impl Running {
    /// Takes one element in, unless it is of a kind without an order.
    pub(super) fn add(&mut self, scalar: Scalar) {
        let (x, integer) = match scalar {
            Scalar::Bool(x) => (f64::from(u8::from(x)), Some(i128::from(x))),
            Scalar::Signed(x) => (x as f64, Some(i128::from(x))),
            Scalar::Unsigned(x) => (x as f64, Some(i128::from(x))),
            Scalar::Half(x) => (x.into(), None),
            Scalar::Brain(x) => (x.into(), None),
            Scalar::Single(x) => (x.into(), None),
            Scalar::Double(x) => (x, None),
            Scalar::Complex64(..) | Scalar::Complex128(..) | Scalar::Opaque(_) => return,
        };
        self.count += 1;
        if x.is_nan() {
            self.nan += 1;
            return;
        }
        if x.is_infinite() {
            self.infinite += x;
        } else {
            if x.abs() > LARGE && !self.is_scaled {
                self.is_scaled = true;
                self.mean *= SMALLER;
                self.squares *= SMALLER * SMALLER;
            }
            let x = x * self.scale();
            let delta = x - self.mean;
            self.mean += delta / (self.count - self.nan) as f64;
            self.squares += delta * (x - self.mean);
        }
        if let Some(integer) = integer {
            // 2^63 elements of 64 bits fit 127 bits.
            self.sum = Some(self.sum.unwrap_or(0) + integer);
        }
        if self.least.is_none_or(|least| before((x, scalar), least)) {
            self.least = Some((x, scalar));
        }
        if self.most.is_none_or(|most| before(most, (x, scalar))) {
            self.most = Some((x, scalar));
        }
    }

    fn scale(&self) -> f64 {
        if self.is_scaled { SMALLER } else { 1.0 }
    }

    pub(super) fn finish(self) -> Statistics {
        let counted = (self.count - self.nan) as f64;
        let infinite = self.infinite != 0.0;
        Statistics {
            count: self.count,
            nan: self.nan,
            range: self.least.zip(self.most).map(|(a, b)| (a.1, b.1)),
            mean: match self.sum {
                Some(sum) => sum as f64 / counted,
                None if counted == 0.0 => f64::NAN,
                None if infinite => self.infinite,
                None => self.mean / self.scale(),
            },
            std: match infinite {
                true => f64::NAN,
                false => (self.squares / counted).sqrt() / self.scale(),
            },
        }
    }
}

/// Whether `a` is less than `b`: integers beyond 2^53 by themselves, not by their doubles.
fn before(a: (f64, Scalar), b: (f64, Scalar)) -> bool {
    match (a.1, b.1) {
        (Scalar::Signed(a), Scalar::Signed(b)) => a < b,
        (Scalar::Unsigned(a), Scalar::Unsigned(b)) => a < b,
        _ => a.0 < b.0,
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((least, most)) = self.range {
            write!(f, "min {}  max {}  ", alone(least), alone(most))?;
            // Six digits: the rest is noise here.
            write!(f, "mean {}  std {}  ", brief(self.mean), brief(self.std))?;
        }
        write!(f, "count {}", self.count)?;
        if self.nan > 0 {
            write!(f, "  NaN {}", self.nan)?;
        }
        Ok(())
    }
}

pub(crate) fn brief(x: f64) -> String {
    let rounded = format!("{x:.5e}").parse().unwrap_or(x);
    Float::from(rounded).alone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::{Element, Order};

    fn of<T: Element>(elements: Vec<T>) -> Statistics {
        let count = elements.len() as u64;
        let tensor = Tensor::from_vec(elements, [count]).unwrap();
        statistics(&tensor).unwrap().unwrap()
    }

    #[test]
    fn numbers_near_the_greatest_do_not_overflow() {
        let s = of(vec![1.0, -1.5e308, 1.5e308]);
        assert!(s.mean.abs() < 1e293, "{}", s.mean);
        assert!((s.std / (1.5e308 * (2.0f64 / 3.0).sqrt()) - 1.0).abs() < 1e-12);
        assert_eq!(of(vec![1e308; 1000]).mean, 1e308);
    }

    #[test]
    fn floats_leave_nan_out() {
        let s = of(vec![1.0, f64::NAN, 2.0, 3.0, 6.0]);
        assert_eq!((s.count, s.nan), (5, 1));
        assert_eq!(s.mean, 3.0);
        assert!((s.std - 3.5f64.sqrt()).abs() < 1e-15);
        assert_eq!(
            s.to_string(),
            "min 1.0  max 6.0  mean 3.0  std 1.87083  count 5  NaN 1"
        );
    }

    #[test]
    fn infinities_are_as_numpy_has_them() {
        let s = of(vec![1.0, f64::INFINITY, 2.0]);
        assert_eq!(s.mean, f64::INFINITY);
        assert!(s.std.is_nan());
        assert!(of(vec![f64::NEG_INFINITY, f64::INFINITY]).mean.is_nan());
    }

    #[test]
    fn integers_are_summed_exactly() {
        let s = of(vec![i64::MAX, i64::MAX - 1, i64::MIN]);
        assert_eq!(s.mean, (i128::from(i64::MAX) - 2) as f64 / 3.0);
        assert_eq!(
            s.range,
            Some((Scalar::Signed(i64::MIN), Scalar::Signed(i64::MAX)))
        );
        let s = of(vec![u64::MAX; 3]);
        assert_eq!(s.mean, (3 * i128::from(u64::MAX)) as f64 / 3.0);
        assert_eq!(s.std, 0.0);
    }

    #[test]
    fn neighbours_beyond_the_doubles_are_told_apart() {
        let s = of(vec![u64::MAX, u64::MAX - 1]);
        let expected = (Scalar::Unsigned(u64::MAX - 1), Scalar::Unsigned(u64::MAX));
        assert_eq!(s.range, Some(expected));
    }

    #[test]
    fn more_than_one_piece_is_counted() {
        let s = of((0..500_000).map(f64::from).collect());
        assert_eq!(s.mean, 249_999.5);
        assert!((s.std - 144_337.567_297_351_96).abs() < 1e-6);
    }

    #[test]
    fn what_has_no_order_has_no_statistics() {
        let none = |dtype: DType, length: u64| {
            let bytes = vec![0; length as usize * dtype.size()];
            let tensor = Tensor::from_bytes(dtype, [length], Order::C, &bytes).unwrap();
            statistics(&tensor).unwrap().is_none()
        };
        assert!(none(DType::Complex64, 2));
        assert!(none(DType::F8E4M3, 2));
        assert!(none(DType::F64, 0));
        assert!(!none(DType::F16, 2));
        let s = of(vec![f64::NAN]);
        assert!(s.range.is_none() && s.mean.is_nan());
    }
}
