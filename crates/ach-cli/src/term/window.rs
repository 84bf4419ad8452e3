//! What is shown of an array: all of it, or the edges of its axes; and where those elements are.

use achronyme_env::Order;

/// Elements shown at both ends of an elided axis.
const EDGE: u64 = 3;

/// Most elements shown at all. NumPy has no such bound, and prints 10 million elements of an array
/// of rank 9.
const MOST: u64 = 10_000;

/// What is shown of one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// Elements at its start.
    pub(super) lead: u64,
    /// Elements at its end.
    pub(super) trail: u64,
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

    /// Elements shown.
    pub(super) fn shown(self) -> u64 {
        self.lead + self.trail
    }

    /// Whether there is something between the edges.
    pub(super) fn elided(self) -> bool {
        self.shown() < self.length
    }

    fn indices(self) -> impl Iterator<Item = u64> {
        (0..self.lead).chain(self.length - self.trail..self.length)
    }
}

/// What is shown of each axis: everything up to `threshold` elements, else the edges.
pub(super) fn windows(shape: &[u64], threshold: u64) -> Vec<Window> {
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

/// Distance between neighbours along each axis, in elements.
pub(super) fn strides(shape: &[u64], order: Order) -> Vec<u64> {
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
pub(super) fn places(windows: &[Window], strides: &[u64]) -> Vec<u64> {
    let mut places = vec![0];
    for (window, stride) in windows.iter().zip(strides) {
        places = places
            .iter()
            .flat_map(|place| window.indices().map(move |index| place + index * stride))
            .collect();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLD: u64 = 1000;

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
}
