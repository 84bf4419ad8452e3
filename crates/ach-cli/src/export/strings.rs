//! Strings of an array, read one by one or in bounded batches and never all at once.

use achronyme_env::{EnvError, StringArray};

/// Strings whose offsets are read at once.
const BATCH: u64 = 4096;

/// String `index` of `array`, counted in C order. Reads its own bytes only.
///
/// # Errors
/// [`EnvError::InvalidValue`] when the array does not hold together; what reading answers.
pub(crate) fn string_at(array: &StringArray, index: u64) -> Result<String, EnvError> {
    let [start, end] = offsets(array, index, 1)?[..] else {
        return Err(broken(index, "it has no offsets"));
    };
    text(array, index, start, end)
}

/// Calls `visit` with every string in C order.
///
/// # Errors
/// As [`string_at`], and what `visit` answers.
pub(crate) fn each_string<E: From<EnvError>>(
    array: &StringArray,
    mut visit: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let mut first = 0;
    while first < array.len() {
        let count = BATCH.min(array.len() - first);
        strings_from(array, first, count, &mut visit)?;
        first += count;
    }
    Ok(())
}

/// Calls `visit` with `count` strings from `first` on.
///
/// # Errors
/// As [`string_at`], and what `visit` answers.
pub(crate) fn strings_from<E: From<EnvError>>(
    array: &StringArray,
    first: u64,
    count: u64,
    mut visit: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let offsets = offsets(array, first, count)?;
    for (index, pair) in (first..).zip(offsets.windows(2)) {
        visit(&text(array, index, pair[0], pair[1])?)?;
    }
    Ok(())
}

/// The offsets of `count` strings from `first` on: one more than there are strings.
fn offsets(array: &StringArray, first: u64, count: u64) -> Result<Vec<u64>, EnvError> {
    let mut bytes = vec![0; (count as usize + 1) * 8];
    array.offsets().read_at(first * 8, &mut bytes)?;
    let (words, _) = bytes.as_chunks::<8>();
    Ok(words.iter().copied().map(u64::from_le_bytes).collect())
}

fn text(array: &StringArray, index: u64, start: u64, end: u64) -> Result<String, EnvError> {
    if start > end || end > array.bytes().byte_len() {
        return Err(broken(index, "its offsets are out of order"));
    }
    let mut bytes = vec![0; (end - start) as usize];
    array.bytes().read_at(start, &mut bytes)?;
    String::from_utf8(bytes).map_err(|_| broken(index, "it is not UTF-8"))
}

fn broken(index: u64, reason: &str) -> EnvError {
    EnvError::InvalidValue {
        what: format!("string {index} of a string array"),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::Tensor;

    #[test]
    fn strings_come_in_order_and_one_by_one() {
        let expected: Vec<String> = (0..10_000).map(|n| "x".repeat(n % 7)).collect();
        let array = StringArray::new(&expected, [100, 100]).unwrap();
        let mut found = Vec::new();
        each_string::<EnvError>(&array, |text| {
            found.push(text.to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(found, expected);
        assert_eq!(string_at(&array, 9_999).unwrap(), expected[9_999]);
        assert!(string_at(&array, 10_000).is_err());
    }

    #[test]
    fn offsets_out_of_order_are_an_error() {
        let offsets = Tensor::from_vec(vec![0u64, 3, 1], [3]).unwrap();
        let bytes = Tensor::from_vec(b"abc".to_vec(), [3]).unwrap();
        let array = StringArray::from_parts([2], offsets, bytes).unwrap();
        assert_eq!(string_at(&array, 0).unwrap(), "abc");
        let text = string_at(&array, 1).unwrap_err().to_string();
        assert!(text.contains("out of order"), "{text}");
    }
}
