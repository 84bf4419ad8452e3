//! How much is tried.

use std::env;

/// How much of what could be tried is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Kills at this many of the calls that touch files, drawn with the seed; power cuts after every
    /// event, with up to 16 combinations of losses each.
    Sample(usize),
    /// Kills at every system call; power cuts with up to 200 combinations of losses each.
    Everything,
}

/// Options of a sweep.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How much is tried.
    pub extent: Extent,
    /// What the sample and the random losses are drawn with.
    pub seed: u64,
    /// Only this point, counted from 1 as in the messages.
    pub only: Option<usize>,
    /// Leaves the directory of the first fault, and names it.
    pub keep: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            extent: Extent::Sample(60),
            seed: 5,
            only: None,
            keep: false,
        }
    }
}

impl Options {
    /// The defaults, or everything if the variable `ACH_CRASH` is `long`; none if it is `skip`.
    pub fn from_environment() -> Option<Options> {
        let extent = match env::var("ACH_CRASH").as_deref() {
            Ok("skip") => return None,
            Ok("long") => Extent::Everything,
            _ => Options::default().extent,
        };
        Some(Options {
            extent,
            ..Options::default()
        })
    }

    /// Combinations of losses at one point.
    pub(crate) fn losses(&self) -> usize {
        match self.extent {
            Extent::Sample(_) => 16,
            Extent::Everything => 200,
        }
    }

    /// Numbers from 1 to `count`: all, or one of each of so many equal parts.
    pub(crate) fn points(&self, count: usize) -> Vec<usize> {
        match (self.only, self.extent) {
            (Some(only), _) => vec![only],
            (None, Extent::Sample(limit)) if limit < count => {
                let mut random = fastrand::Rng::with_seed(self.seed);
                let part = |i: usize| i * count / limit;
                (0..limit)
                    .map(|i| 1 + random.usize(part(i)..part(i + 1)))
                    .collect()
            }
            _ => (1..=count).collect(),
        }
    }
}
