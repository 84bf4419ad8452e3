//! What the child says it is about to commit, and has committed: lines on its standard output, which
//! the rig reads from the calls themselves, in their order among the others.

use std::io::{self, Write};

use nix::libc;

use crate::calls::Call;
use crate::scenario::{Promise, Result};
use crate::trace::Tracee;

/// Through this a scenario tells which states may be found after a crash.
#[derive(Clone, Debug)]
pub struct Told {
    silent: bool,
}

impl Told {
    pub(crate) fn new() -> Told {
        Told { silent: false }
    }

    /// One that says nothing, for what is done before the child begins.
    pub(crate) fn silent() -> Told {
        Told { silent: true }
    }

    /// Runs `commit`, during which the state may become `state`, and after which it is.
    ///
    /// # Errors
    ///
    /// Those of `commit`, and a pipe that is gone.
    pub fn step<T, E>(
        &mut self,
        state: &str,
        commit: impl FnOnce() -> std::result::Result<T, E>,
    ) -> Result<T>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.begin(state)?;
        let done = commit().map_err(Into::into)?;
        self.done()?;
        Ok(done)
    }

    /// From now on the state may become `state`, one line of text.
    ///
    /// # Errors
    ///
    /// A pipe that is gone.
    pub fn begin(&mut self, state: &str) -> Result<()> {
        assert!(!state.contains('\n'), "a state is one line: {state:?}");
        self.say(&format!("begin {state}\n"))
    }

    /// From now on the state is what was begun last.
    ///
    /// # Errors
    ///
    /// A pipe that is gone.
    pub fn done(&mut self) -> Result<()> {
        self.say("done\n")
    }

    /// The state is on the disk: where the promise is only [`Promise::Order`], nothing before it may be
    /// found from now on.
    ///
    /// # Errors
    ///
    /// A pipe that is gone.
    pub fn synced(&mut self) -> Result<()> {
        self.say("synced\n")
    }

    fn say(&self, line: &str) -> Result<()> {
        if self.silent {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())?;
        Ok(out.flush()?)
    }
}

/// What a child has told so far.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    line: String,
    /// Every state that was promised or begun, in order.
    states: Vec<String>,
    /// Whether the last of them is promised.
    promised: bool,
    /// The first of them that may still be found, whatever was not synced since.
    synced: usize,
}

impl Heard {
    /// Nothing yet: the state is the one before the child began.
    pub(crate) fn new(before: &str) -> Heard {
        Heard {
            line: String::new(),
            states: vec![before.to_owned()],
            promised: true,
            synced: 0,
        }
    }

    /// Listens to a call that is done, in case it says something.
    pub(crate) fn call(&mut self, tracee: &Tracee, call: &Call, result: i64) -> Result<bool> {
        if call.number != libc::SYS_write || call.descriptor(0) != 1 || result <= 0 {
            return Ok(false);
        }
        let said = tracee.bytes(call.arguments[1], result as usize)?;
        self.line.push_str(&String::from_utf8(said)?);
        while let Some(end) = self.line.find('\n') {
            let line: String = self.line.drain(..=end).collect();
            let line = line.trim_end_matches('\n');
            match line.strip_prefix("begin ") {
                Some(state) if self.promised => {
                    self.states.push(state.to_owned());
                    self.promised = false;
                }
                None if line == "done" && !self.promised => self.promised = true,
                None if line == "synced" && self.promised => self.synced = self.states.len() - 1,
                _ => return Err(format!("the child said {line:?}, out of turn").into()),
            }
        }
        Ok(true)
    }

    /// The states that a crash now may leave.
    pub(crate) fn allowed(&self, promise: Promise) -> &[String] {
        let last = self.states.len() - 1;
        match (promise, self.promised) {
            (Promise::Order, _) => &self.states[self.synced..],
            (Promise::Durable, true) => &self.states[last..],
            (Promise::Durable, false) => &self.states[last - 1..],
        }
    }

    /// The state before the child began.
    pub(crate) fn first(&self) -> &str {
        &self.states[0]
    }

    /// The state promised last, if nothing was begun since.
    pub(crate) fn last(&self) -> Option<&str> {
        match self.promised {
            true => self.states.last().map(String::as_str),
            false => None,
        }
    }
}
