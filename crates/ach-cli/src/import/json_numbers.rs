//! Numbers of JSON, from the text they are written as.

use achronyme_env::{Extension, Value};

/// The value of a number: an integer as long as it is written as one, a float otherwise. Nothing when
/// a float is too large for 64 bits.
pub(super) fn number(text: &str) -> Option<Value> {
    // Minus zero has no integer.
    if text.contains(['.', 'e', 'E']) || text == "-0" {
        let float: f64 = text.parse().ok()?;
        return float.is_finite().then_some(Value::Number(float));
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Some(Value::Integer(integer));
    }
    let extension = Extension {
        type_name: "integer".into(),
        parameters: Value::Null,
        storage: text.into(),
    };
    Some(extension.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_one_however_long_it_is() {
        assert!(matches!(
            number("-9223372036854775808"),
            Some(Value::Integer(i64::MIN))
        ));
        let Some(Value::Extension(big)) = number("9223372036854775808") else {
            panic!("not an extension")
        };
        assert_eq!(&*big.type_name, "integer");
        assert_eq!(big.storage.as_str(), Some("9223372036854775808"));
    }

    #[test]
    fn a_float_is_the_nearest_and_never_infinite() {
        assert_eq!(number("0.1").unwrap().as_f64(), Some(0.1));
        assert_eq!(number("1e3").unwrap().as_f64(), Some(1000.0));
        assert_eq!(
            number("-0").unwrap().as_f64().map(f64::to_bits),
            Some((-0.0_f64).to_bits())
        );
        assert!(number("1e400").is_none());
    }
}
