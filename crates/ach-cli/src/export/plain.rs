//! Values as plain arrays: what formats of arrays can hold.

use achronyme_env::{Complex128, Element, EnvError, StringArray, Tensor, Value};

/// An array of numbers or of strings. Clones share their memory.
pub(super) enum Plain {
    /// Numbers.
    Tensor(Tensor),
    /// Strings.
    Strings(StringArray),
}

impl Plain {
    /// The lengths of the dimensions.
    pub(super) fn shape(&self) -> &[u64] {
        match self {
            Plain::Tensor(tensor) => tensor.shape(),
            Plain::Strings(strings) => strings.shape(),
        }
    }
}

/// The array that stands for `value`: tensors and string arrays themselves, scalars and text as
/// arrays of rank 0, vectors of scalars of one kind as arrays of rank 1.
pub(super) fn plain(value: &Value) -> Result<Option<Plain>, EnvError> {
    let tensor = match value {
        Value::Tensor(tensor) => tensor.clone(),
        Value::StringArray(strings) => {
            return Ok(Some(Plain::Strings(StringArray::clone(strings))));
        }
        Value::Boolean(x) => Tensor::from_vec(vec![*x], [])?,
        Value::Integer(x) => Tensor::from_vec(vec![*x], [])?,
        Value::Number(x) => Tensor::from_vec(vec![*x], [])?,
        Value::Complex(x) => Tensor::from_vec(vec![*x], [])?,
        Value::String(text) => {
            return Ok(Some(Plain::Strings(StringArray::new([&**text], [])?)));
        }
        Value::Vector(elements) => return vector(elements),
        _ => return Ok(None),
    };
    Ok(Some(Plain::Tensor(tensor)))
}

fn vector(elements: &[Value]) -> Result<Option<Plain>, EnvError> {
    let tensor = match elements.first() {
        Some(Value::Boolean(_)) => column(elements, Value::as_bool)?,
        Some(Value::Integer(_)) => column(elements, Value::as_i64)?,
        Some(Value::Number(_)) => column(elements, Value::as_f64)?,
        Some(Value::Complex(_)) => column(elements, complex)?,
        Some(Value::String(_)) => {
            let texts: Option<Vec<&str>> = elements.iter().map(Value::as_str).collect();
            let count = elements.len() as u64;
            let strings = texts.map(|texts| StringArray::new(texts, [count]));
            return Ok(strings.transpose()?.map(Plain::Strings));
        }
        _ => None,
    };
    Ok(tensor.map(Plain::Tensor))
}

/// A tensor of the elements, when all are of the kind `read` reads.
fn column<T: Element>(
    elements: &[Value],
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<Tensor>, EnvError> {
    let numbers: Option<Vec<T>> = elements.iter().map(read).collect();
    let tensor = numbers.map(|numbers| Tensor::from_vec(numbers, [elements.len() as u64]));
    tensor.transpose()
}

fn complex(value: &Value) -> Option<Complex128> {
    match value {
        Value::Complex(z) => Some(*z),
        _ => None,
    }
}
