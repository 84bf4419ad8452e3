//! Arrays as `print` of NumPy shows them: nested brackets, aligned columns, long axes elided. Only
//! the elements that are shown are ever read.

use achronyme_env::{EnvError, Order, StringArray, Tensor};
use unicode_width::UnicodeWidthStr;

use super::escape::quoted;
use super::float::{Float, FloatFormat};
use crate::export::scalar::Scalar;
use crate::export::strings::string_at;

/// Arrays of more elements are elided.
pub(crate) const THRESHOLD: u64 = 1000;

/// Elements shown at both ends of an elided axis.
const EDGE: u64 = 3;

/// Most elements shown at all. NumPy has no such bound, and prints 10 million elements of an array
/// of rank 9.
const MOST: u64 = 10_000;

/// Most characters shown of one string of an array.
const STRING_CHARACTERS: usize = 200;

/// What is shown of one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    lead: u64,
    trail: u64,
    length: u64,
}

impl Window {
    fn whole(length: u64) -> Window {
        Window {
            lead: length,
            trail: 0,
            length,
        }
    }

    fn edges(length: u64, edge: u64) -> Window {
        if length > 2 * edge {
            Window {
                lead: edge,
                trail: edge,
                length,
            }
        } else {
            Window::whole(length)
        }
    }

    fn shown(self) -> u64 {
        self.lead + self.trail
    }

    fn elided(self) -> bool {
        self.shown() < self.length
    }

    fn indices(self) -> impl Iterator<Item = u64> {
        (0..self.lead).chain(self.length - self.trail..self.length)
    }
}

/// What is shown of each axis: everything up to `threshold` elements, else the edges.
fn windows(shape: &[u64], threshold: u64) -> Vec<Window> {
    let count = |windows: &[Window]| {
        windows
            .iter()
            .fold(1u64, |n, window| n.saturating_mul(window.shown()))
    };
    let whole: Vec<Window> = shape.iter().map(|n| Window::whole(*n)).collect();
    if count(&whole) <= threshold {
        return whole;
    }
    let mut windows = whole;
    for edge in (1..=EDGE).rev() {
        windows = shape.iter().map(|n| Window::edges(*n, edge)).collect();
        if count(&windows) <= MOST {
            return windows;
        }
    }
    for axis in 0..windows.len() {
        if count(&windows) <= MOST {
            break;
        }
        windows[axis].lead = 1;
        windows[axis].trail = 0;
    }
    windows
}

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

/// Distance between neighbours along each axis, in elements.
fn strides(shape: &[u64], order: Order) -> Vec<u64> {
    let mut strides = vec![0; shape.len()];
    let mut step = 1;
    let mut visit = |axis: usize| {
        strides[axis] = step;
        step *= shape[axis];
    };
    match order {
        Order::C => (0..shape.len()).rev().for_each(&mut visit),
        Order::Fortran => (0..shape.len()).for_each(&mut visit),
    }
    strides
}

/// The places of the shown elements, in the order they are shown.
fn places(windows: &[Window], strides: &[u64]) -> Vec<u64> {
    let mut places = vec![0];
    for (window, stride) in windows.iter().zip(strides) {
        places = places
            .iter()
            .flat_map(|place| window.indices().map(move |index| place + index * stride))
            .collect();
    }
    places
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
    fn what_is_shown_is_bounded_for_every_shape() {
        for shape in [
            vec![1 << 40],
            vec![6; 20],
            vec![2; 62],
            vec![7; 22],
            vec![1; 64],
            vec![1 << 30, 2, 1 << 30],
        ] {
            let windows = windows(&shape, THRESHOLD);
            let shown: u64 = windows.iter().map(|window| window.shown()).product();
            assert!((1..=MOST).contains(&shown), "{shape:?}: {shown}");
        }
    }

    #[test]
    fn shapes_are_elided_where_numpy_elides_them() {
        let shown = |shape: &[u64]| -> Vec<u64> {
            windows(shape, THRESHOLD)
                .iter()
                .map(|w| w.shown())
                .collect()
        };
        assert_eq!(shown(&[1000]), [1000]);
        assert_eq!(shown(&[1001]), [6]);
        assert_eq!(shown(&[2, 1000]), [2, 6]);
        assert_eq!(shown(&[6, 7, 100]), [6, 6, 6]);
    }

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
