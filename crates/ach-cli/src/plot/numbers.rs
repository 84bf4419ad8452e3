//! The numbers of a value, read some at a time.

use achronyme_env::{Axis as Taken, DType, EnvError, Order, Slice, Tensor, Value};

use crate::export::scalar::Scalar;
use crate::progress::Progress;

/// Elements read at once: at most 2 MiB of them.
const BLOCK: u64 = 1 << 17;

/// What is drawn of a complex number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Real,
    Imaginary,
    /// The absolute value; of a number that is not complex the number itself.
    Absolute,
}

/// Numbers that are not in memory, nor ever all at once.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    tensor: Tensor,
    /// The first of a part of a vector, and how many.
    first: u64,
    len: u64,
    part: Part,
}

impl Numbers {
    /// Those of a tensor; `None` when its elements are no numbers to this program.
    pub(crate) fn of_tensor(tensor: Tensor) -> Option<Numbers> {
        let opaque = matches!(tensor.dtype(), DType::F8E4M3 | DType::F8E5M2);
        if opaque || tensor.dtype().size() == 0 {
            return None;
        }
        Some(Numbers {
            first: 0,
            len: tensor.len(),
            part: Part::Real,
            tensor,
        })
    }

    /// Those of a tensor, or of a vector of numbers; `None` for anything else.
    ///
    /// # Errors
    /// What making the array answers.
    pub(crate) fn of_value(value: &Value) -> Result<Option<Numbers>, EnvError> {
        match value {
            Value::Tensor(tensor) => Ok(Numbers::of_tensor(tensor.clone())),
            Value::Vector(vector) => {
                let all: Option<Vec<f64>> = vector.iter().map(number).collect();
                all.map_or(Ok(None), |all| Numbers::of_vec(all).map(Some))
            }
            _ => Ok(None),
        }
    }

    /// Those in memory.
    ///
    /// # Errors
    /// What making the array answers.
    pub(crate) fn of_vec(numbers: Vec<f64>) -> Result<Numbers, EnvError> {
        let len = numbers.len() as u64;
        Ok(Numbers {
            tensor: Tensor::from_vec(numbers, [len])?,
            first: 0,
            len,
            part: Part::Real,
        })
    }

    /// The part that a slice with neighbours only names of a vector: it is not copied.
    pub(crate) fn window(&self, slice: &Slice) -> Option<Numbers> {
        let [
            Taken::Range {
                start,
                stop,
                step: 1,
            },
        ] = slice.axes()
        else {
            return None;
        };
        if self.tensor.shape().len() != 1 {
            return None;
        }
        let len = i64::try_from(self.len).ok()?;
        let place = |at: i64| if at < 0 { at.saturating_add(len) } else { at }.clamp(0, len);
        let (start, stop) = (place(start.unwrap_or(0)), place(stop.unwrap_or(len)));
        Some(Numbers {
            first: self.first + start as u64,
            len: (stop - start).max(0) as u64,
            ..self.clone()
        })
    }

    /// The same numbers, of which `part` is drawn.
    pub(crate) fn part(mut self, part: Part) -> Numbers {
        self.part = part;
        self
    }

    /// How many.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Their type.
    pub(crate) fn dtype(&self) -> DType {
        self.tensor.dtype()
    }

    /// Whether they are complex.
    pub(crate) fn is_complex(&self) -> bool {
        matches!(self.dtype(), DType::Complex64 | DType::Complex128)
    }

    /// Their shape.
    pub(crate) fn shape(&self) -> Vec<u64> {
        match self.tensor.shape() {
            [_] => vec![self.len],
            shape => shape.to_vec(),
        }
    }

    /// In which order they come.
    pub(crate) fn order(&self) -> Order {
        self.tensor.order()
    }

    /// Calls `visit` with the number of the first and some of them, in the order they are stored in.
    ///
    /// # Errors
    /// What reading and `visit` answer.
    pub(crate) fn each_block<E: From<EnvError>>(
        &self,
        mut visit: impl FnMut(u64, &[f64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut block = Block::default();
        let progress = Progress::new("reading");
        let size = self.dtype().size() as u64;
        let mut start = 0;
        while start < self.len {
            let numbers = block.read(self, start)?;
            visit(start, numbers)?;
            start += numbers.len() as u64;
            progress.note(start * size, self.len * size);
        }
        progress.finish();
        Ok(())
    }

    /// Calls `visit` with blocks of these numbers and as many of `others`, of which there are as many.
    ///
    /// # Errors
    /// What reading and `visit` answer.
    pub(crate) fn each_pair<E: From<EnvError>>(
        &self,
        others: &Numbers,
        mut visit: impl FnMut(u64, &[f64], &[f64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut block = Block::default();
        self.each_block(|start, numbers| {
            let beside = block.read(others, start)?;
            visit(start, numbers, beside)
        })
    }
}

/// A number of a vector of values.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Boolean(x) => Some(f64::from(u8::from(*x))),
        Value::Integer(x) => Some(*x as f64),
        Value::Number(x) => Some(*x),
        _ => None,
    }
}

/// Room for some numbers, used again for the next.
#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    numbers: Vec<f64>,
}

impl Block {
    /// The numbers from `start` on.
    fn read(&mut self, from: &Numbers, start: u64) -> Result<&[f64], EnvError> {
        let (dtype, size) = (from.dtype(), from.dtype().size());
        let count = (from.len - start).min(BLOCK) as usize;
        self.bytes.resize(count * size, 0);
        let offset = (from.first + start) * size as u64;
        from.tensor.read_at(offset, &mut self.bytes)?;
        self.numbers.clear();
        match dtype {
            DType::F64 => {
                let (words, _) = self.bytes.as_chunks();
                self.numbers
                    .extend(words.iter().map(|word| f64::from_le_bytes(*word)));
            }
            DType::F32 => {
                let (words, _) = self.bytes.as_chunks();
                let words = words
                    .iter()
                    .map(|word| f64::from(f32::from_le_bytes(*word)));
                self.numbers.extend(words);
            }
            DType::U8 => self
                .numbers
                .extend(self.bytes.iter().map(|byte| f64::from(*byte))),
            _ => {
                for element in self.bytes.chunks_exact(size) {
                    let scalar = Scalar::decode(dtype, element)?;
                    self.numbers.push(real(scalar, from.part));
                }
                return Ok(&self.numbers);
            }
        }
        Ok(&self.numbers)
    }
}

fn real(scalar: Scalar, part: Part) -> f64 {
    let of = |re: f64, im: f64| match part {
        Part::Real => re,
        Part::Imaginary => im,
        Part::Absolute => re.hypot(im),
    };
    match scalar {
        Scalar::Bool(x) => f64::from(u8::from(x)),
        Scalar::Signed(x) => x as f64,
        Scalar::Unsigned(x) => x as f64,
        Scalar::Half(x) => x.into(),
        Scalar::Brain(x) => x.into(),
        Scalar::Single(x) => x.into(),
        Scalar::Double(x) => x,
        Scalar::Complex64(re, im) => of(re.into(), im.into()),
        Scalar::Complex128(re, im) => of(re, im),
        Scalar::Opaque(_) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::Complex64;

    fn all(numbers: &Numbers) -> Vec<f64> {
        let mut all = Vec::new();
        let collect = |start: u64, block: &[f64]| {
            assert_eq!(start as usize, all.len());
            all.extend_from_slice(block);
            Ok::<(), EnvError>(())
        };
        numbers.each_block(collect).unwrap();
        all
    }

    #[test]
    fn a_window_is_what_the_slice_is() {
        let numbers = Numbers::of_vec((0..10).map(f64::from).collect()).unwrap();
        for text in ["2:5", ":", "-3:", "5:2", "8:99", "-99:1"] {
            let slice: Slice = text.parse().unwrap();
            let copied = numbers.tensor.slice(&slice).unwrap();
            let window = numbers.window(&slice).unwrap();
            assert_eq!(all(&window), copied.as_slice::<f64>().unwrap(), "{text}");
        }
        assert!(numbers.window(&"::2".parse().unwrap()).is_none());
        assert!(numbers.window(&"3".parse().unwrap()).is_none());
    }

    #[test]
    fn blocks_go_on_where_the_last_ended_and_pairs_stay_together() {
        let count = 2 * BLOCK + 17;
        let wide = Numbers::of_vec((0..count).map(|n| n as f64).collect()).unwrap();
        assert_eq!(all(&wide).len() as u64, count);
        let narrow: Vec<u16> = (0..count).map(|n| n as u16).collect();
        let narrow = Tensor::from_vec(narrow, [count]).unwrap();
        let narrow = Numbers::of_tensor(narrow).unwrap();
        let same = |start: u64, a: &[f64], b: &[f64]| {
            assert_eq!(a.len(), b.len());
            assert!(
                a.iter().zip(b).all(|(a, b)| *a as u64 as u16 == *b as u16),
                "{start}"
            );
            Ok::<(), EnvError>(())
        };
        wide.each_pair(&narrow, same).unwrap();
    }

    #[test]
    fn parts_of_complex_numbers() {
        let z = Tensor::from_vec(vec![Complex64::new(3.0, -4.0)], [1]).unwrap();
        let z = Numbers::of_tensor(z).unwrap();
        for (part, expected) in [
            (Part::Real, 3.0),
            (Part::Imaginary, -4.0),
            (Part::Absolute, 5.0),
        ] {
            assert_eq!(all(&z.clone().part(part)), [expected]);
        }
    }
}
