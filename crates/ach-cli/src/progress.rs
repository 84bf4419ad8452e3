//! A progress bar for what takes long, on a terminal only.

use std::io::IsTerminal;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Work shorter than this has no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar that appears on standard error once the work has taken half a second.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    started: Instant,
    bar: Arc<OnceLock<ProgressBar>>,
    shown: bool,
    doing: &'static str,
}

impl Progress {
    /// A bar for work that begins now; `doing` says which, as "saving".
    pub(crate) fn new(doing: &'static str) -> Progress {
        Progress {
            started: Instant::now(),
            bar: Arc::default(),
            shown: std::io::stderr().is_terminal(),
            doing,
        }
    }

    /// Notes that `done` of `total` bytes are done.
    pub(crate) fn note(&self, done: u64, total: u64) {
        if !self.shown || self.started.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let style = ProgressStyle::with_template(
                "{msg} {wide_bar} {binary_bytes} of {binary_total_bytes}, {eta} left",
            );
            ProgressBar::new(total)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_message(self.doing)
        });
        bar.set_position(done);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
