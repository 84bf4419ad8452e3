//! Slices of arrays: `1000:2000, :, 3`, as NumPy writes them.

use std::fmt;
use std::str::FromStr;

use crate::error::{EnvError, Result};
use crate::value::format_shape;

/// What is taken of each axis of an array. Axes that are not named are taken whole.
///
/// ```
/// use achronyme_env::{Slice, Tensor};
///
/// let t = Tensor::from_vec((0..12).collect::<Vec<i32>>(), [3, 4])?;
/// let column = t.slice(&"::-1, 1".parse::<Slice>()?)?;
/// assert_eq!(column.shape(), [3]);
/// assert_eq!(column.as_slice::<i32>()?, [9, 5, 1]);
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    axes: Vec<Axis>,
}

/// What is taken of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// One index; the axis goes. Negative ones count from the end.
    Index(i64),
    /// A range; the axis stays. `None` is the end of the axis that the step comes from or leads to.
    Range {
        /// First index.
        start: Option<i64>,
        /// Index before which it ends.
        stop: Option<i64>,
        /// Distance from one to the next; not 0.
        step: i64,
    },
    /// All axes that are not named otherwise: `...`, at most once.
    Ellipsis,
}

/// What is taken of an axis of known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) start: u64,
    pub(crate) count: u64,
    pub(crate) step: i64,
    /// Whether the axis stays in the result.
    pub(crate) stays: bool,
}

impl Axis {
    /// The whole axis.
    pub const ALL: Axis = Axis::Range {
        start: None,
        stop: None,
        step: 1,
    };
}

impl Slice {
    /// A slice of these axes.
    pub fn new(axes: impl IntoIterator<Item = Axis>) -> Slice {
        Slice {
            axes: axes.into_iter().collect(),
        }
    }

    /// The axes as they were given.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The index, when the slice is a single one.
    pub(crate) fn as_index(&self) -> Option<i64> {
        match self.axes.as_slice() {
            [Axis::Index(index)] => Some(*index),
            _ => None,
        }
    }

    /// What is taken of each axis of `shape`.
    ///
    /// Ranges are cut to the axis, as in NumPy; but one that starts beyond it is an error.
    pub(crate) fn resolve(&self, shape: &[u64]) -> Result<Vec<Taken>> {
        let out_of_range = |reason: String| EnvError::SliceOutOfRange {
            slice: format!("[{self}]"),
            shape: format_shape(shape),
            reason,
        };
        let named = self
            .axes
            .iter()
            .filter(|axis| **axis != Axis::Ellipsis)
            .count();
        if named > shape.len() {
            let rank = shape.len();
            return Err(out_of_range(format!(
                "it names {named} axes, there are {rank}"
            )));
        }
        if self.axes.len() - named > 1 {
            return Err(out_of_range("`...` stands twice".to_owned()));
        }
        let mut lengths = shape.iter().copied().enumerate();
        let mut taken = Vec::with_capacity(shape.len());
        let whole = |lengths: &mut dyn Iterator<Item = (usize, u64)>,
                     count: usize,
                     taken: &mut Vec<Taken>| {
            let axes = lengths.take(count);
            taken.extend(axes.map(|(_, count)| Taken {
                start: 0,
                count,
                step: 1,
                stays: true,
            }));
        };
        let unnamed = shape.len() - named;
        for axis in &self.axes {
            if *axis == Axis::Ellipsis {
                whole(&mut lengths, unnamed, &mut taken);
            } else if let Some((number, length)) = lengths.next() {
                let axis = take(*axis, length);
                taken.push(axis.map_err(|text| out_of_range(format!("axis {number} {text}")))?);
            }
        }
        whole(&mut lengths, shape.len(), &mut taken);
        Ok(taken)
    }
}

/// What `axis` takes of an axis of `length` elements.
fn take(axis: Axis, length: u64) -> std::result::Result<Taken, String> {
    let len = i128::from(length);
    let from_end = |index: i64| {
        if index < 0 {
            i128::from(index) + len
        } else {
            index.into()
        }
    };
    match axis {
        Axis::Index(index) => {
            let at = from_end(index);
            if !(0..len).contains(&at) {
                return Err(format!(
                    "has {length} elements, so there is no index {index}"
                ));
            }
            Ok(Taken {
                start: at as u64,
                count: 1,
                step: 1,
                stays: false,
            })
        }
        Axis::Range { step: 0, .. } => Err("cannot be taken in steps of 0".to_owned()),
        Axis::Range { start, stop, step } => {
            if let Some(start) = start
                && from_end(start) > len
            {
                return Err(format!(
                    "has {length} elements, so no range starts at {start}"
                ));
            }
            // As Python's `slice.indices`: both ends are cut to the axis, for either direction.
            let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
            let end = |index: Option<i64>, default| match index {
                Some(index) => from_end(index).clamp(low, high),
                None => default,
            };
            let (first, last) = if step > 0 { (0, len) } else { (len - 1, -1) };
            let (start, stop) = (end(start, first), end(stop, last));
            let distance = if step > 0 { stop - start } else { start - stop };
            let width = i128::from(step.unsigned_abs());
            let count = if distance > 0 {
                (distance + width - 1) / width
            } else {
                0
            };
            Ok(Taken {
                start: start.max(0) as u64,
                count: count as u64,
                step,
                stays: true,
            })
        }
        Axis::Ellipsis => Err("cannot be `...` here".to_owned()),
    }
}

impl FromStr for Slice {
    type Err = EnvError;

    /// Reads a slice, with or without its brackets.
    fn from_str(text: &str) -> Result<Slice> {
        let syntax = |reason: String| EnvError::Syntax {
            text: text.to_owned(),
            expected: "a slice",
            reason,
        };
        let trimmed = text.trim();
        let inner = match trimmed.strip_prefix('[') {
            Some(rest) => rest
                .strip_suffix(']')
                .ok_or_else(|| syntax("`]` is missing".into()))?,
            None => trimmed,
        };
        // A comma at the end is allowed, as in Python's tuples.
        let inner = inner.trim_end().strip_suffix(',').unwrap_or(inner);
        let axes = inner
            .split(',')
            .map(|axis| axis_of(axis.trim()).map_err(&syntax));
        Ok(Slice {
            axes: axes.collect::<Result<_>>()?,
        })
    }
}

fn axis_of(text: &str) -> std::result::Result<Axis, String> {
    let number = |part: &str| -> std::result::Result<Option<i64>, String> {
        match part.trim() {
            "" => Ok(None),
            part => part
                .parse()
                .map(Some)
                .map_err(|_| format!("`{part}` is not an integer")),
        }
    };
    if text == "..." {
        return Ok(Axis::Ellipsis);
    }
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [index] => match number(index)? {
            Some(index) => Ok(Axis::Index(index)),
            None => Err("an axis is empty; write `:` for the whole axis".to_owned()),
        },
        [start, stop] => Ok(Axis::Range {
            start: number(start)?,
            stop: number(stop)?,
            step: 1,
        }),
        [start, stop, step] => match number(step)?.unwrap_or(1) {
            0 => Err("the step is 0".to_owned()),
            step => Ok(Axis::Range {
                start: number(start)?,
                stop: number(stop)?,
                step,
            }),
        },
        _ => Err(format!("`{text}` has more than two colons")),
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, axis) in self.axes.iter().enumerate() {
            if n > 0 {
                f.write_str(", ")?;
            }
            axis.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: &Option<i64>| end.map(|n| n.to_string()).unwrap_or_default();
        match self {
            Axis::Index(index) => write!(f, "{index}"),
            Axis::Range {
                start,
                stop,
                step: 1,
            } => write!(f, "{}:{}", end(start), end(stop)),
            Axis::Range { start, stop, step } => {
                write!(f, "{}:{}:{step}", end(start), end(stop))
            }
            Axis::Ellipsis => f.write_str("..."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [i64; 0] = [];

    fn taken(text: &str, length: u64) -> Vec<i64> {
        let slice: Slice = text.parse().unwrap();
        let [axis] = slice.resolve(&[length]).unwrap()[..] else {
            panic!()
        };
        (0..axis.count as i64)
            .map(|n| axis.start as i64 + n * axis.step)
            .collect()
    }

    #[test]
    fn ranges_are_those_of_python() {
        assert_eq!(taken("2:5", 10), [2, 3, 4]);
        assert_eq!(taken("-3:", 10), [7, 8, 9]);
        assert_eq!(taken("::3", 10), [0, 3, 6, 9]);
        assert_eq!(taken("::-4", 10), [9, 5, 1]);
        assert_eq!(taken("7:2:-2", 10), [7, 5, 3]);
        assert_eq!(taken("8:100", 10), [8, 9]);
        assert_eq!(taken("10:", 10), NONE);
        assert_eq!(taken("5:2", 10), NONE);
        assert_eq!(taken("-100:2", 10), [0, 1]);
        assert_eq!(taken(":", 0), NONE);
        assert_eq!(taken("::-1", 0), NONE);
    }

    #[test]
    fn what_lies_outside_is_an_error_that_names_the_axis() {
        let text = |slice: &str, shape: &[u64]| {
            slice
                .parse::<Slice>()
                .unwrap()
                .resolve(shape)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            text("3, 9", &[5, 4]),
            "[3, 9] does not fit the shape (5, 4): axis 1 has 4 elements, so there is no index 9"
        );
        assert!(text("100:200", &[10]).contains("no range starts at 100"));
        assert!(text(":, :, :", &[2, 2]).contains("names 3 axes, there are 2"));
        assert!(text("..., ...", &[2, 2]).contains("stands twice"));
    }

    #[test]
    fn text_that_is_no_slice_is_an_error() {
        for bad in ["", "1:2:3:4", "a", "::0", "1,,2", "[1", "1.5"] {
            assert!(bad.parse::<Slice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn slices_are_shown_as_they_are_written() {
        for text in ["1:2, :, 3", "::-1", "..., 0", "5:"] {
            assert_eq!(text.parse::<Slice>().unwrap().to_string(), text);
        }
    }
}
