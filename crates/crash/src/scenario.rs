//! What a scenario is, and the child that plays it.

use std::fmt::Debug;
use std::io::{self, Read};
use std::path::Path;

use crate::told::Told;

/// Any failure, in words.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What a commit that has returned promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// The state outlives a power cut.
    Durable,
    /// After a power cut there is this state or an earlier one, whole: down to the last that was said
    /// to be synced ([`Told::synced`]).
    Order,
}

/// Something that is done to files in a directory, and what may be found there if it is cut short.
///
/// A state is a line of text that [`Scenario::observe`] makes from the files alone, and that
/// [`Scenario::run`] names beforehand: equal states are equal texts.
pub trait Scenario: Debug + Send + Sync {
    /// What it is called on the command line and in reports.
    fn name(&self) -> &str;

    /// Makes the files that are there before, in an empty directory.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong.
    fn prepare(&self, directory: &Path) -> Result<()>;

    /// What the child does before it may be killed: opening a session, for one. What it returns is
    /// done after the gate.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong.
    fn begin<'a>(&'a self, directory: &'a Path) -> Result<Play<'a>> {
        Ok(Box::new(move |told| self.run(directory, told)))
    }

    /// What the child does, killed at any moment. Each commit goes through [`Told::step`].
    ///
    /// # Errors
    ///
    /// Whatever goes wrong.
    fn run(&self, directory: &Path, told: &mut Told) -> Result<()>;

    /// The state that is found, read as any reader would.
    ///
    /// # Errors
    ///
    /// What a reader meets: there is no state then, which no crash may do.
    fn observe(&self, directory: &Path) -> Result<String>;

    /// Works on from what is there, as the next process would, and checks what comes of it. `state` is
    /// what was observed.
    ///
    /// # Errors
    ///
    /// When working on is not possible, or gives something else than it should.
    fn go_on(&self, directory: &Path, state: &str) -> Result<()> {
        let _ = (directory, state);
        Ok(())
    }

    /// What its commits promise.
    fn promise(&self) -> Promise {
        Promise::Durable
    }

    /// Whether it is left out of the short form, since each run takes long.
    fn is_long(&self) -> bool {
        false
    }

    /// Whether power cuts are tried: not where files are so large that each state takes long.
    fn is_cut(&self) -> bool {
        !self.is_long()
    }
}

/// What is done after the gate.
pub type Play<'a> = Box<dyn FnOnce(&mut Told) -> Result<()> + 'a>;

/// Plays `scenario` in `directory`: the child's side. It waits at the gate, a read of one byte from
/// standard input; what comes after is swept.
///
/// # Errors
///
/// Those of the scenario.
pub fn child(scenario: &dyn Scenario, directory: &Path) -> Result<()> {
    let play = scenario.begin(directory)?;
    let mut told = Told::new();
    let mut gate = [0];
    io::stdin().lock().read_exact(&mut gate)?;
    play(&mut told)
}
