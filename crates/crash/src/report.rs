//! What a sweep has found.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

/// The outcome of a sweep. It prints as a line, and a line for each fault.
#[derive(Clone, Debug)]
pub struct Report {
    pub(crate) title: String,
    /// What is counted: system calls, or states.
    pub(crate) unit: &'static str,
    pub(crate) tried: usize,
    pub(crate) possible: usize,
    /// How often the state from before the child was found, the one at its end, and another allowed one.
    pub(crate) old: usize,
    pub(crate) new: usize,
    pub(crate) between: usize,
    pub(crate) faults: Vec<String>,
    /// The different contents of the directory that were met.
    pub(crate) met: HashSet<u64>,
    pub(crate) took: Duration,
}

impl Report {
    pub(crate) fn new(title: String, unit: &'static str) -> Report {
        Report {
            title,
            unit,
            tried: 0,
            possible: 0,
            old: 0,
            new: 0,
            between: 0,
            faults: Vec::new(),
            met: HashSet::new(),
            took: Duration::ZERO,
        }
    }

    pub(crate) fn count(&mut self, state: &str, first: &str, last: &str) {
        // A checkpoint begins and ends in the same state: it is then both.
        self.old += usize::from(state == first);
        self.new += usize::from(state == last);
        self.between += usize::from(state != first && state != last);
    }

    /// What was found that no crash may leave.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// How many points or states were tried.
    pub fn tried(&self) -> usize {
        self.tried
    }

    /// Whether only allowed states were found, in a sweep that had something to find.
    ///
    /// # Errors
    ///
    /// What is wrong, as text: the faults, or why the sweep says nothing: fewer than `least` points,
    /// never the state before or the one after, or always the same files.
    pub fn check(&self, least: usize) -> Result<(), String> {
        let vacuous = if self.tried < least {
            Some(format!("fewer than {least} were tried"))
        } else if self.old == 0 {
            Some("the state before was never found".to_owned())
        } else if self.new == 0 {
            Some("the state after was never found".to_owned())
        } else if self.met.len() < 2 {
            Some("the files were always the same".to_owned())
        } else {
            None
        };
        match (self.faults.is_empty(), vacuous) {
            (false, _) => Err(self.to_string()),
            (true, Some(why)) => Err(format!("{self}\nthis says nothing: {why}")),
            (true, None) => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} of {} {}, {} old, {} new, {} between, {} wrong, {} different contents, {:.1} s",
            self.title,
            self.tried,
            self.possible,
            self.unit,
            self.old,
            self.new,
            self.between,
            self.faults.len(),
            self.met.len(),
            self.took.as_secs_f64(),
        )?;
        for fault in self.faults.iter().take(10) {
            write!(f, "\n  {fault}")?;
        }
        if self.faults.len() > 10 {
            write!(f, "\n  and {} more", self.faults.len() - 10)?;
        }
        Ok(())
    }
}
