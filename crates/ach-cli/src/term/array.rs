//! Arrays as `print` of NumPy shows them: nested brackets, aligned columns, long axes elided. Only
//! the elements that are shown are ever read.

use achronyme_env::{EnvError, Order, StringArray, Tensor};
use unicode_width::UnicodeWidthStr;

use super::escape::quoted;
use super::float::{Float, FloatFormat};
use super::window::{Window, places, strides, windows};
use crate::export::scalar::Scalar;
use crate::export::strings::string_at;

/// Arrays of more elements are elided.
pub(crate) const THRESHOLD: u64 = 1000;

/// Most characters shown of one string of an array.
const STRING_CHARACTERS: usize = 200;

/// An array as text without a line end, lines at most `width` columns where that can be. Rank 0 is
/// the element alone, an array without elements `[]`.
///
/// # Errors
/// What reading the tensor answers.
pub(crate) fn tensor(tensor: &Tensor, threshold: u64, width: usize) -> Result<String, EnvError> {
    if tensor.is_empty() {
        return Ok("[]".to_owned());
    }
    let windows = windows(tensor.shape(), threshold);
    let elements = read(tensor, &windows)?;
    if windows.is_empty() {
        return Ok(elements.first().copied().map(alone).unwrap_or_default());
    }
    Ok(Layout::new(&windows, words(&elements), width).text())
}

/// An array whose elements `word` puts into words, as [`tensor`]; `None` when it has none for one.
///
/// # Errors
/// What reading the tensor answers.
pub(super) fn in_words(
    tensor: &Tensor,
    threshold: u64,
    width: usize,
    word: impl Fn(Scalar) -> Option<String>,
) -> Result<Option<String>, EnvError> {
    if tensor.is_empty() {
        return Ok(Some("[]".to_owned()));
    }
    let windows = windows(tensor.shape(), threshold);
    let elements = read(tensor, &windows)?.into_iter();
    let Some(mut words) = elements.map(word).collect::<Option<Vec<String>>>() else {
        return Ok(None);
    };
    if windows.is_empty() {
        return Ok(words.pop());
    }
    Ok(Some(Layout::new(&windows, aligned(words, 0), width).text()))
}

/// An array of strings, each quoted, as [`tensor`].
///
/// # Errors
/// What reading the strings answers.
pub(crate) fn strings(
    array: &StringArray,
    threshold: u64,
    width: usize,
) -> Result<String, EnvError> {
    if array.is_empty() {
        return Ok("[]".to_owned());
    }
    let windows = windows(array.shape(), threshold);
    let mut words = Vec::new();
    for index in places(&windows, &strides(array.shape(), Order::C)) {
        words.push(quoted(&string_at(array, index)?, STRING_CHARACTERS));
    }
    if windows.is_empty() {
        return Ok(words.pop().unwrap_or_default());
    }
    Ok(Layout::new(&windows, words, width).text())
}

/// Reads the shown elements, neighbours in one go.
fn read(tensor: &Tensor, windows: &[Window]) -> Result<Vec<Scalar>, EnvError> {
    let size = tensor.dtype().size();
    let places = places(windows, &strides(tensor.shape(), tensor.order()));
    let mut scalars = Vec::with_capacity(places.len());
    let mut bytes = Vec::new();
    for run in places.chunk_by(|a, b| a + 1 == *b) {
        bytes.resize(run.len() * size, 0);
        tensor.read_at(run[0] * size as u64, &mut bytes)?;
        for element in bytes.chunks_exact(size) {
            scalars.push(Scalar::decode(tensor.dtype(), element)?);
        }
    }
    Ok(scalars)
}

/// One element alone, as NumPy prints a scalar.
pub(crate) fn alone(scalar: Scalar) -> String {
    match scalar {
        Scalar::Bool(true) => "True".to_owned(),
        Scalar::Bool(false) => "False".to_owned(),
        Scalar::Signed(n) => n.to_string(),
        Scalar::Unsigned(n) => n.to_string(),
        Scalar::Half(x) => Float::from(x).alone(),
        Scalar::Brain(x) => Float::from(x).alone(),
        Scalar::Single(x) => Float::from(x).alone(),
        Scalar::Double(x) => Float::from(x).alone(),
        Scalar::Complex64(re, im) => complex(re.into(), im.into()),
        Scalar::Complex128(re, im) => complex(re.into(), im.into()),
        Scalar::Opaque(byte) => format!("0x{byte:02x}"),
    }
}

/// A complex number alone: `(1+2j)`, or `2j` when there is no real part.
pub(crate) fn complex(re: Float, im: Float) -> String {
    let (re, im) = (re.bare(), im.bare());
    if re == "0" {
        return format!("{im}j");
    }
    let plus = if im.starts_with('-') { "" } else { "+" };
    format!("({re}{plus}{im}j)")
}

/// The elements of one array as words of one format.
fn words(scalars: &[Scalar]) -> Vec<String> {
    let mut real = Vec::new();
    let mut imaginary = Vec::new();
    for scalar in scalars {
        match *scalar {
            Scalar::Half(x) => real.push(Float::from(x)),
            Scalar::Brain(x) => real.push(Float::from(x)),
            Scalar::Single(x) => real.push(Float::from(x)),
            Scalar::Double(x) => real.push(Float::from(x)),
            Scalar::Complex64(re, im) => {
                real.push(Float::from(re));
                imaginary.push(Float::from(im));
            }
            Scalar::Complex128(re, im) => {
                real.push(Float::from(re));
                imaginary.push(Float::from(im));
            }
            Scalar::Bool(_) | Scalar::Signed(_) | Scalar::Unsigned(_) | Scalar::Opaque(_) => {}
        }
    }
    if real.is_empty() {
        // NumPy keeps room for "False" where all are "True".
        let least = match scalars {
            [Scalar::Bool(_), ..] => 5,
            _ => 0,
        };
        return aligned(scalars.iter().copied().map(alone).collect(), least);
    }
    let format = FloatFormat::fit(&real, false);
    let words = real.iter().map(|x| format.word(*x));
    if imaginary.is_empty() {
        return words.collect();
    }
    let format = FloatFormat::fit(&imaginary, true);
    let parts = words.zip(imaginary.iter().map(|x| format.word(*x)));
    parts
        .map(|(re, im)| {
            // The j stands right behind the number, before the padding.
            let number = im.trim_end();
            format!("{re}{number}j{}", &im[number.len()..])
        })
        .collect()
}

/// Words padded on the left to one width, at least `least`.
fn aligned(words: Vec<String>, least: usize) -> Vec<String> {
    let width = words.iter().map(String::len).max().unwrap_or(0).max(least);
    words
        .into_iter()
        .map(|word| format!("{word:>width$}"))
        .collect()
}

/// Words on their way into brackets.
struct Layout<'a> {
    windows: &'a [Window],
    words: std::vec::IntoIter<String>,
    width: usize,
    text: String,
}

impl<'a> Layout<'a> {
    fn new(windows: &'a [Window], words: Vec<String>, width: usize) -> Self {
        Layout {
            windows,
            words: words.into_iter(),
            width,
            text: String::new(),
        }
    }

    fn text(mut self) -> String {
        self.axis(0);
        self.text
    }

    /// Writes the array from `axis` on; the line holds `axis` columns of indent or brackets.
    fn axis(&mut self, axis: usize) {
        let Some(window) = self.windows.get(axis).copied() else {
            return;
        };
        self.text.push('[');
        if axis + 1 == self.windows.len() {
            self.row(window, axis);
        } else {
            let between = "\n".repeat(self.windows.len() - axis - 1) + &" ".repeat(axis + 1);
            for item in 0..window.lead {
                if item > 0 {
                    self.text.push_str(&between);
                }
                self.axis(axis + 1);
            }
            if window.elided() {
                self.text.push_str(&between);
                self.text.push_str("...");
            }
            for _ in 0..window.trail {
                self.text.push_str(&between);
                self.axis(axis + 1);
            }
        }
        self.text.push(']');
    }

    /// Writes one row, wrapped so that the brackets that close it still fit.
    fn row(&mut self, window: Window, axis: usize) {
        let width = self.width.saturating_sub(axis + 1);
        let indent = axis + 1;
        let mut line = " ".repeat(indent);
        let mut column = indent;
        let mut lines = String::new();
        let last = window.shown() + u64::from(window.elided()) - 1;
        for item in 0..=last {
            let word = if window.elided() && item == window.lead {
                "...".to_owned()
            } else {
                self.words.next().unwrap_or_default()
            };
            let columns = word.width();
            if column + columns > width && column > indent {
                lines.push_str(line.trim_end());
                lines.push('\n');
                line = " ".repeat(indent);
                column = indent;
            }
            line.push_str(&word);
            column += columns;
            if item < last {
                line.push(' ');
                column += 1;
            }
        }
        lines.push_str(&line);
        // The brackets stand where the indent of the first line is.
        self.text.push_str(&lines[indent..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_far_end_of_an_elided_fortran_array_is_read() {
        let stored: Vec<i32> = (0..10_000).collect();
        let t = Tensor::from_vec_in_order(stored, [100, 100], Order::Fortran).unwrap();
        let text = tensor(&t, THRESHOLD, 80).unwrap();
        assert!(
            text.starts_with("[[   0  100  200 ... 9700 9800 9900]\n"),
            "{text}"
        );
        assert!(
            text.ends_with(" [  99  199  299 ... 9799 9899 9999]]"),
            "{text}"
        );
    }
}
