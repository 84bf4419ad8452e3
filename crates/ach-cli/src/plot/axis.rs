//! An axis: where a number stands on it, and which numbers are written beside it.

/// A range of numbers along an edge of the plot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    from: f64,
    to: f64,
    log: bool,
    /// Only whole numbers are written.
    whole: bool,
    /// It begins at the top.
    flipped: bool,
    /// What stands beside it, harmless already.
    pub(crate) label: String,
}

/// A number that is written beside an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Where, from 0 to 1.
    pub(crate) at: f64,
    pub(crate) text: String,
}

impl Axis {
    /// From the least to the greatest number and no further; some room about a single one.
    pub(crate) fn exactly((from, to): (f64, f64), log: bool) -> Axis {
        let (mut from, mut to) = (from, to);
        if from == to && log {
            (from, to) = (
                (from / 2.0).max(f64::MIN_POSITIVE),
                (to * 2.0).min(f64::MAX),
            );
        } else if from == to {
            let room = if from == 0.0 { 1.0 } else { from.abs() * 0.1 };
            let room = room.max(f64::MIN_POSITIVE);
            (from, to) = ((from - room).max(f64::MIN), (to + room).min(f64::MAX));
        }
        Axis {
            from,
            to,
            log,
            whole: false,
            flipped: false,
            label: String::new(),
        }
    }

    /// As [`Axis::exactly`], with a little room at both ends.
    pub(crate) fn around(range: (f64, f64), log: bool) -> Axis {
        const ROOM: f64 = 0.04;
        let mut axis = Axis::exactly(range, log);
        if range.0 == range.1 {
            return axis;
        }
        if log {
            let room = (axis.to / axis.from).powf(ROOM);
            let room = if room.is_finite() { room } else { 2.0 };
            axis.from = (axis.from / room).max(f64::MIN_POSITIVE);
            axis.to = (axis.to * room).min(f64::MAX);
        } else {
            // In halves: the difference of the greatest doubles is no double.
            let room = (axis.to / 2.0 - axis.from / 2.0) * (2.0 * ROOM);
            axis.from = (axis.from - room).max(f64::MIN);
            axis.to = (axis.to + room).min(f64::MAX);
        }
        axis
    }

    /// The indices of `count` cells, each one wide about its number.
    pub(crate) fn of_cells(count: u64) -> Axis {
        let mut axis = Axis::exactly((-0.5, count.max(1) as f64 - 0.5), false);
        axis.whole = true;
        axis
    }

    /// The same with only whole numbers beside it.
    pub(crate) fn whole(mut self) -> Axis {
        self.whole = true;
        self
    }

    /// The same from the top down, as rows are counted.
    pub(crate) fn flipped(mut self) -> Axis {
        self.flipped = true;
        self
    }

    /// The same with a label.
    pub(crate) fn labelled(mut self, label: impl Into<String>) -> Axis {
        self.label = label.into();
        self
    }

    /// Where a number stands: 0 at the left or lower end, 1 at the other.
    pub(crate) fn place(&self, x: f64) -> f64 {
        let share = if self.log {
            (x.ln() - self.from.ln()) / (self.to.ln() - self.from.ln())
        } else {
            let span = self.to - self.from;
            match span.is_finite() {
                true => (x - self.from) / span,
                // The difference of the greatest doubles is no double.
                false => (x / 2.0 - self.from / 2.0) / (self.to / 2.0 - self.from / 2.0),
            }
        };
        let share = share.clamp(0.0, 1.0);
        if self.flipped { 1.0 - share } else { share }
    }

    /// About `most` numbers to write beside it, and not more than that and one.
    pub(crate) fn ticks(&self, most: usize) -> Vec<Tick> {
        let values = match self.log {
            true => self.powers(most),
            false => self.steps(most),
        };
        let step = values.windows(2).map(|pair| pair[1] - pair[0]);
        let step = step.fold(f64::INFINITY, f64::min);
        let tick = |x: &f64| Tick {
            at: self.place(*x),
            text: match self.log {
                true => alone(*x),
                false => beside(*x, step, self.from.abs().max(self.to.abs())),
            },
        };
        values.iter().map(tick).collect()
    }

    /// Multiples of 1, 2 or 5 times a power of ten.
    fn steps(&self, most: usize) -> Vec<f64> {
        let most = most.max(2) as f64;
        let raw = (self.to / most - self.from / most).max(f64::MIN_POSITIVE);
        let power = 10f64.powf(raw.log10().floor()).max(f64::MIN_POSITIVE);
        let nice = [1.0, 2.0, 5.0, 10.0].map(|n| n * power);
        let step = nice.into_iter().find(|step| *step >= raw * 0.999);
        let mut step = step.unwrap_or(raw);
        if self.whole {
            step = step.round().max(1.0);
        }
        let first = (self.from / step).ceil();
        let mut values: Vec<f64> = Vec::new();
        for n in 0..=most as u32 + 1 {
            // Of 0.1 and the like the nearest double: 3 * 0.1 is not 0.3.
            let count = first + f64::from(n);
            let x = match (1e-15..1.0).contains(&step) {
                true => count / (1.0 / step).round(),
                false => count * step,
            };
            let new = values.last().is_none_or(|last| x > *last);
            if x > self.to || !x.is_finite() || !new {
                break;
            }
            if x >= self.from {
                values.push(if x == 0.0 { 0.0 } else { x });
            }
        }
        values
    }

    /// Powers of ten; between them too where there are few.
    fn powers(&self, most: usize) -> Vec<f64> {
        let (low, high) = (self.from.log10(), self.to.log10());
        let each = |factors: &[f64], every: i32| {
            let exponents = (low.floor() as i32..=high.ceil() as i32).filter(|e| e % every == 0);
            let all = exponents.flat_map(|e| factors.iter().map(move |f| power(*f, e)));
            let within = all.filter(|x| *x >= self.from && *x <= self.to);
            within.collect::<Vec<f64>>()
        };
        for factors in [&[1.0, 2.0, 3.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
            let values = each(factors, 1);
            if values.len() <= most.max(2) && values.len() >= 2 {
                return values;
            }
        }
        let values = each(&[1.0], 1 + ((high - low) / most.max(2) as f64) as i32);
        if values.len() >= 2 {
            return values;
        }
        let mut values = self.steps(most);
        values.retain(|x| *x > 0.0);
        values
    }
}

/// `factor` times ten to the `exponent`, as it is written.
fn power(factor: f64, exponent: i32) -> f64 {
    format!("{factor}e{exponent}").parse().unwrap_or(f64::NAN)
}

/// A number by itself, as short as it goes.
fn alone(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        size if (1e-4..1e6).contains(&size) => format!("{x}"),
        _ => format!("{x:e}"),
    }
}

/// A number among others `step` apart, of which the greatest is about `greatest`: with as many digits
/// as tell them apart.
fn beside(x: f64, step: f64, greatest: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let step = if step.is_finite() { step } else { x.abs() };
    // Digits after the point: 0.05 has two; a step of 1e-7 beside 1 has seven.
    let digits = (-(step.log10() + 1e-9).floor()).clamp(0.0, 340.0) as usize;
    if (1e-4..1e6).contains(&greatest) && digits <= 12 {
        return format!("{x:.digits$}");
    }
    let apart = (x.abs().log10() + 1e-9).floor() - (step.log10() + 1e-9).floor();
    let digits = apart.clamp(0.0, 16.0) as usize;
    format!("{x:.digits$e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(range: (f64, f64), log: bool, most: usize) -> Vec<String> {
        let ticks = Axis::exactly(range, log).ticks(most);
        ticks.into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn ticks_are_the_numbers_a_person_would_write() {
        assert_eq!(
            texts((0.0, 1.0), false, 5),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"].map(|text| if text == "0.0" {
                "0"
            } else {
                text
            })
        );
        assert_eq!(texts((-3.0, 17.0), false, 5), ["0", "5", "10", "15"]);
        assert_eq!(
            texts((0.0, 4e9), false, 4),
            ["0", "1e9", "2e9", "3e9", "4e9"]
        );
        assert_eq!(texts((0.0, 3e-7), false, 3), ["0", "1e-7", "2e-7", "3e-7"]);
        assert_eq!(texts((1.0, 1000.0), true, 4), ["1", "10", "100", "1000"]);
        assert_eq!(texts((2.0, 3.0), false, 2), ["2.0", "2.5", "3.0"]);
        let indices = Axis::of_cells(3).ticks(8);
        let indices: Vec<&str> = indices.iter().map(|tick| tick.text.as_str()).collect();
        assert_eq!(indices, ["0", "1", "2"]);
    }

    #[test]
    fn the_whole_range_of_doubles_has_places_and_ticks() {
        for range in [
            (f64::MIN, f64::MAX),
            (0.0, f64::MAX),
            (0.0, 5e-324),
            (1.0, 1.0 + f64::EPSILON),
            (1e300, 1e300),
            (0.0, 0.0),
            (5e-324, 5e-324),
            (f64::MAX, f64::MAX),
        ] {
            for axis in [Axis::exactly(range, false), Axis::around(range, false)] {
                let (low, high) = (axis.place(range.0), axis.place(range.1));
                assert!(
                    (0.0..=1.0).contains(&low) && low <= high,
                    "{range:?}: {axis:?}"
                );
                let ticks = axis.ticks(6);
                assert!(ticks.len() <= 8, "{range:?}: {ticks:?}");
                assert!(ticks.iter().all(|tick| tick.at.is_finite()), "{ticks:?}");
            }
        }
        for range in [(f64::MIN_POSITIVE, f64::MAX), (1e-3, 1e-3), (3.1, 3.2)] {
            let ticks = Axis::around(range, true).ticks(6);
            assert!((1..=8).contains(&ticks.len()), "{range:?}: {ticks:?}");
        }
    }

    #[test]
    fn neighbours_far_from_zero_are_told_apart() {
        let texts = texts((1e9, 1e9 + 4.0), false, 4);
        let mut different = texts.clone();
        different.dedup();
        assert!(texts.len() >= 4 && different == texts, "{texts:?}");
    }
}
