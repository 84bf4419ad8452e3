//! How much is tried.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

/// How much of what could be tried is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Kills at this many of the calls that touch files, and so many of the states that power cuts
    /// leave, with up to 16 combinations of losses after each event; drawn with the seed.
    Sample {
        /// Calls.
        kills: usize,
        /// States.
        cuts: usize,
    },
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
    /// How long one child may take.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            extent: Extent::Sample {
                kills: 60,
                cuts: 200,
            },
            seed: 5,
            only: None,
            keep: false,
            patience: Duration::from_secs(120),
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

    /// Where files are: in memory for the short form, if there is such a place, unless `TMPDIR` says
    /// otherwise; the long form works on a disk.
    pub(crate) fn scratch(&self) -> PathBuf {
        let memory = PathBuf::from("/dev/shm");
        let sample = matches!(self.extent, Extent::Sample { .. });
        match sample && env::var_os("TMPDIR").is_none() && memory.is_dir() {
            true => memory,
            false => env::temp_dir(),
        }
    }

    /// Combinations of losses at one point.
    pub(crate) fn losses(&self) -> usize {
        match self.extent {
            Extent::Sample { .. } => 16,
            Extent::Everything => 200,
        }
    }

    /// Which of `count` calls are tried, from 1.
    pub(crate) fn kills(&self, count: usize) -> Vec<usize> {
        self.drawn(count, |kills, _| kills)
    }

    /// Which of `count` states are tried, from 1.
    pub(crate) fn cuts(&self, count: usize) -> Vec<usize> {
        self.drawn(count, |_, cuts| cuts)
    }

    /// Numbers from 1 to `count`: all, or one of each of so many equal parts.
    fn drawn(&self, count: usize, limit: fn(usize, usize) -> usize) -> Vec<usize> {
        if let Some(only) = self.only {
            return vec![only];
        }
        match self.extent {
            Extent::Sample { kills, cuts } if limit(kills, cuts) < count => {
                let limit = limit(kills, cuts);
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
