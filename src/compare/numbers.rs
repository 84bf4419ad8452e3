//! Numbers of any dtype: whether two are the same, and how far apart they are.

use super::options::Tolerance;
use crate::value::DType;

/// How a pair of numbers differs. Distances are those of finite numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Distance {
    /// `|a - b|`.
    pub(super) absolute: Option<f64>,
    /// `|a - b| / |b|`.
    pub(super) relative: Option<f64>,
}

impl Distance {
    fn of(apart: f64, b: f64) -> Distance {
        let absolute = apart.is_finite().then_some(apart);
        let relative = absolute
            .filter(|_| b != 0.0)
            .map(|apart| apart / b)
            .filter(|relative| relative.is_finite());
        Distance { absolute, relative }
    }

    /// The larger of both.
    pub(super) fn max(self, other: Distance) -> Distance {
        let larger = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        Distance {
            absolute: larger(self.absolute, other.absolute),
            relative: larger(self.relative, other.relative),
        }
    }
}

/// Two floats, by the rule of `numpy.isclose` with `equal_nan`. `None` when they are close.
pub(super) fn floats(a: f64, b: f64, tolerance: Tolerance) -> Option<Distance> {
    let apart = (a - b).abs();
    let close = a == b
        || (a.is_nan() && b.is_nan())
        || (b.is_finite() && apart <= tolerance.atol + tolerance.rtol * b.abs());
    (!close).then(|| Distance::of(apart, b.abs()))
}

/// Two integers, whose difference is exact before it is rounded.
pub(super) fn integers(a: i128, b: i128, tolerance: Tolerance) -> Option<Distance> {
    let (apart, size) = (a.abs_diff(b) as f64, b.unsigned_abs() as f64);
    let close = apart <= tolerance.atol + tolerance.rtol * size;
    (!close).then(|| Distance::of(apart, size))
}

/// Two complex numbers, by their absolute values.
pub(super) fn complex(a: [f64; 2], b: [f64; 2], tolerance: Tolerance) -> Option<Distance> {
    let nan = |z: [f64; 2]| z[0].is_nan() || z[1].is_nan();
    let finite = b[0].is_finite() && b[1].is_finite();
    let apart = (a[0] - b[0]).hypot(a[1] - b[1]);
    let size = b[0].hypot(b[1]);
    let close =
        a == b || (nan(a) && nan(b)) || (finite && apart <= tolerance.atol + tolerance.rtol * size);
    (!close).then(|| Distance::of(apart, size))
}

/// What differs in a run of elements.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) differing: u64,
    /// The first that differs.
    pub(super) first: Option<u64>,
    pub(super) distance: Distance,
}

impl Tally {
    /// Both together; `other` begins `offset` elements later.
    pub(super) fn and(self, other: Tally, offset: u64) -> Tally {
        let later = other.first.map(|first| first + offset);
        Tally {
            differing: self.differing + other.differing,
            first: match (self.first, later) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            distance: self.distance.max(other.distance),
        }
    }
}

/// Compares two runs of elements of one length. Without a tolerance those of other bits differ.
pub(super) fn tally(dtype: DType, a: &[u8], b: &[u8], tolerance: Option<Tolerance>) -> Tally {
    if a == b {
        return Tally::default();
    }
    // Of other bits, the distance is told whatever it is.
    let rule = tolerance.unwrap_or(Tolerance {
        rtol: 0.0,
        atol: 0.0,
    });
    let exact = tolerance.is_none();
    macro_rules! scan {
        ($size:literal, |$x:ident, $y:ident| $measure:expr) => {
            scan::<$size>(a, b, exact, |$x, $y| $measure)
        };
    }
    macro_rules! int {
        ($ty:ty, $size:literal) => {
            scan!($size, |x, y| integers(
                <$ty>::from_le_bytes(x).into(),
                <$ty>::from_le_bytes(y).into(),
                rule
            ))
        };
    }
    match dtype {
        DType::Bool | DType::F8E4M3 | DType::F8E5M2 => {
            scan!(1, |x, y| (x != y).then(Distance::default))
        }
        DType::I8 => int!(i8, 1),
        DType::I16 => int!(i16, 2),
        DType::I32 => int!(i32, 4),
        DType::I64 => int!(i64, 8),
        DType::U8 => int!(u8, 1),
        DType::U16 => int!(u16, 2),
        DType::U32 => int!(u32, 4),
        DType::U64 => int!(u64, 8),
        DType::F16 => scan!(2, |x, y| floats(half(x), half(y), rule)),
        DType::BF16 => scan!(2, |x, y| floats(brain(x), brain(y), rule)),
        DType::F32 => scan!(4, |x, y| floats(single(x), single(y), rule)),
        DType::F64 => scan!(8, |x, y| floats(
            f64::from_le_bytes(x),
            f64::from_le_bytes(y),
            rule
        )),
        DType::Complex64 => scan!(8, |x, y| {
            let z = |bytes: [u8; 8]| {
                let [r0, r1, r2, r3, i0, i1, i2, i3] = bytes;
                [single([r0, r1, r2, r3]), single([i0, i1, i2, i3])]
            };
            complex(z(x), z(y), rule)
        }),
        DType::Complex128 => scan!(16, |x, y| {
            let z = |bytes: [u8; 16]| {
                let parts = bytes.as_chunks::<8>().0;
                [parts.first(), parts.last()]
                    .map(|part| f64::from_le_bytes(part.copied().unwrap_or_default()))
            };
            complex(z(x), z(y), rule)
        }),
    }
}

fn scan<const SIZE: usize>(
    a: &[u8],
    b: &[u8],
    exact: bool,
    measure: impl Fn([u8; SIZE], [u8; SIZE]) -> Option<Distance>,
) -> Tally {
    let mut tally = Tally::default();
    let pairs = a.as_chunks::<SIZE>().0.iter().zip(b.as_chunks::<SIZE>().0);
    for (number, (x, y)) in pairs.enumerate() {
        if x == y {
            continue;
        }
        let found = match measure(*x, *y) {
            Some(distance) => distance,
            // 0.0 and -0.0, or two NaNs: other bits, and no distance but none.
            None if exact => Distance::default(),
            None => continue,
        };
        tally.differing += 1;
        tally.first.get_or_insert(number as u64);
        tally.distance = tally.distance.max(found);
    }
    tally
}

fn single(bytes: [u8; 4]) -> f64 {
    f32::from_le_bytes(bytes).into()
}

fn brain(bytes: [u8; 2]) -> f64 {
    let bits = u32::from(u16::from_le_bytes(bytes)) << 16;
    f32::from_bits(bits).into()
}

/// The value of a binary16: 1 bit of sign, 5 of exponent, 10 of fraction.
fn half(bytes: [u8; 2]) -> f64 {
    let bits = u16::from_le_bytes(bytes);
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(bits & 0x3ff);
    sign * match bits >> 10 & 0x1f {
        0 => fraction * (-24f64).exp2(),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1024.0 + fraction) * (f64::from(exponent) - 25.0).exp2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_have_their_values() {
        for (bits, value) in [
            (0x0000u16, 0.0),
            (0x0001, 5.960464477539063e-8),
            (0x03ff, 6.097555160522461e-5),
            (0x0400, 6.103515625e-5),
            (0x3555, 0.333251953125),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(half(bits.to_le_bytes()), value, "{bits:#06x}");
        }
        assert!(half(0x7e00u16.to_le_bytes()).is_nan());
        assert_eq!(brain(0x3fc0u16.to_le_bytes()), 1.5);
    }

    #[test]
    fn integers_are_apart_by_what_a_double_may_not_hold() {
        let none = Tolerance {
            rtol: 0.0,
            atol: 0.0,
        };
        let far = integers(i64::MIN.into(), i64::MAX.into(), none).unwrap();
        assert_eq!(far.absolute, Some(u64::MAX as f64));
        // As doubles the two are equal.
        let near = integers((1 << 60) + 1, 1 << 60, none).unwrap();
        assert_eq!(near.absolute, Some(1.0));
    }

    #[test]
    fn without_a_tolerance_bits_count() {
        let bytes = |x: f64| x.to_le_bytes();
        let other_nan = f64::from_bits(f64::NAN.to_bits() | 1);
        for (a, b) in [(0.0, -0.0), (f64::NAN, other_nan)] {
            let exact = tally(DType::F64, &bytes(a), &bytes(b), None);
            assert_eq!(exact.differing, 1);
            let none = Some(Tolerance {
                rtol: 0.0,
                atol: 0.0,
            });
            assert_eq!(tally(DType::F64, &bytes(a), &bytes(b), none).differing, 0);
        }
    }
}
