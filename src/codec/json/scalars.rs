//! Numbers that JSON has, and those that it has not.

use std::fmt::Write;

use serde::de::{self, Deserializer, Visitor};

/// A number, boolean or text of JSON.
pub(super) enum Scalar {
    Flag(bool),
    Integer(i64),
    /// Above the greatest `i64`.
    Large(u64),
    Float(f64),
    Text(Box<str>),
}

/// Integers beyond this are written as texts: who reads numbers as doubles would change them.
const EXACT: i128 = 1 << 53;

/// Writes an integer: as a number, or beyond 2^53 as a text.
pub(super) fn put_integer(out: &mut String, integer: i128) {
    let _ = match (-EXACT..=EXACT).contains(&integer) {
        true => write!(out, "{integer}"),
        false => write!(out, "\"{integer}\""),
    };
}

/// Writes a double: as the shortest number that leads back to it, always with a point or an exponent;
/// what is not finite as a text.
pub(super) fn put_f64(out: &mut String, number: f64) {
    if number.is_finite() {
        out.push_str(&shortest(&number));
        return;
    }
    let name = name_of(number.is_nan(), number.is_sign_negative());
    let _ = match number.to_bits() == f64::NAN.to_bits() || !number.is_nan() {
        true => write!(out, "\"{name}\""),
        false => write!(out, "\"0x{:016x}\"", number.to_bits()),
    };
}

/// As [`put_f64`], of a single: the text leads back to it by way of a double too.
pub(super) fn put_f32(out: &mut String, number: f32) {
    if number.is_finite() {
        let text = shortest(&number);
        let back = text.parse::<f64>().map(|double| double as f32);
        match back.is_ok_and(|back| back.to_bits() == number.to_bits()) {
            true => out.push_str(&text),
            false => out.push_str(&shortest(&f64::from(number))),
        }
        return;
    }
    let name = name_of(number.is_nan(), number.is_sign_negative());
    let _ = match number.to_bits() == f32::NAN.to_bits() || !number.is_nan() {
        true => write!(out, "\"{name}\""),
        false => write!(out, "\"0x{:08x}\"", number.to_bits()),
    };
}

fn shortest(number: &impl serde::Serialize) -> String {
    // A finite number becomes text without fail.
    serde_json::to_string(number).unwrap_or_default()
}

fn name_of(nan: bool, negative: bool) -> &'static str {
    match (nan, negative) {
        (true, _) => "nan",
        (false, true) => "-inf",
        (false, false) => "inf",
    }
}

impl Scalar {
    /// As an integer of that type.
    pub(super) fn integer<T: TryFrom<i128>>(&self) -> Option<T> {
        let integer = match self {
            Scalar::Integer(integer) => i128::from(*integer),
            Scalar::Large(integer) => i128::from(*integer),
            Scalar::Text(text) => text.parse().ok()?,
            Scalar::Flag(_) | Scalar::Float(_) => return None,
        };
        T::try_from(integer).ok()
    }

    /// As a double: a number, or the text of one that is not finite.
    pub(super) fn f64(&self) -> Option<f64> {
        match self {
            Scalar::Integer(integer) => Some(*integer as f64),
            Scalar::Large(integer) => Some(*integer as f64),
            Scalar::Float(number) => Some(*number),
            Scalar::Flag(_) => None,
            Scalar::Text(text) => match &**text {
                "nan" => Some(f64::NAN),
                "inf" => Some(f64::INFINITY),
                "-inf" => Some(f64::NEG_INFINITY),
                text => bits(text, 16).map(f64::from_bits),
            },
        }
    }

    /// As a single; a finite number that is too large for one is none.
    pub(super) fn f32(&self) -> Option<f32> {
        if let Scalar::Text(text) = self
            && let Some(bits) = bits(text, 8)
        {
            return u32::try_from(bits).ok().map(f32::from_bits);
        }
        let double = match self {
            // The bits of a double are no single.
            Scalar::Text(text) if text.starts_with("0x") => return None,
            Scalar::Text(text) if &**text == "nan" => return Some(f32::NAN),
            other => other.f64()?,
        };
        let single = double as f32;
        (single.is_finite() || !double.is_finite()).then_some(single)
    }
}

/// The number of `0x` and so many hex digits.
fn bits(text: &str, digits: usize) -> Option<u64> {
    let hex = text.strip_prefix("0x")?;
    let is_hex = hex.len() == digits && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex {
        u64::from_str_radix(hex, 16).ok()
    } else {
        None
    }
}

impl<'de> serde::Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number, or the text of one")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_i64<E: de::Error>(self, integer: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(integer))
    }

    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(integer).map_or(Scalar::Large(integer), Scalar::Integer))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.into()))
    }
}
