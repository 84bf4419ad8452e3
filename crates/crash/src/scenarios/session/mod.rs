//! Sessions: an archive and its journal, through commits, checkpoints and recoveries.

mod going_on;
mod line;
mod planted;
mod plays;
mod torn;
mod work;

use std::fmt;
use std::path::Path;

use achronyme_env::SessionOptions;

use crate::scenario::{Promise, Result, Scenario};
use crate::scenarios::save::ARCHIVE;
use crate::told::Told;
use going_on::{observed, work_on};
use work::Work;

pub(super) fn all() -> Vec<Box<dyn Scenario>> {
    let all = plays::all().into_iter().chain(torn::all());
    all.map(|session| Box::new(session) as _).collect()
}

pub(super) fn planted() -> Vec<Box<dyn Scenario>> {
    let all = planted::all().into_iter();
    all.map(|session| Box::new(session) as _).collect()
}

/// What a play does, in the child after the gate, or before it where the files are prepared.
type Act = fn(&mut Work) -> Result<()>;

/// A scenario of a session.
struct Sessions {
    name: &'static str,
    options: SessionOptions,
    keeps_history: bool,
    promise: Promise,
    /// What was done by earlier processes; `None` if there is nothing yet.
    base: Option<Act>,
    /// What becomes of their files then: what an end in the middle of something leaves.
    tear: fn(&Path, &SessionOptions) -> Result<()>,
    play: Act,
    long: bool,
}

impl Sessions {
    fn new(name: &'static str, base: Act, play: Act) -> Sessions {
        Sessions {
            name,
            options: SessionOptions::new().create(true).checkpoint_at(None),
            keeps_history: false,
            promise: Promise::Durable,
            base: Some(base),
            tear: |_, _| Ok(()),
            play,
            long: false,
        }
    }

    fn without_base(self) -> Sessions {
        Sessions { base: None, ..self }
    }

    fn tearing(self, tear: fn(&Path, &SessionOptions) -> Result<()>) -> Sessions {
        Sessions { tear, ..self }
    }

    fn with(self, change: impl FnOnce(SessionOptions) -> SessionOptions) -> Sessions {
        Sessions {
            options: change(self.options),
            ..self
        }
    }

    fn promising(self, promise: Promise) -> Sessions {
        Sessions { promise, ..self }
    }

    fn keeping_history(self) -> Sessions {
        let kept = self.with(|options| options.keep_history(true));
        Sessions {
            keeps_history: true,
            ..kept
        }
    }

    fn long(self) -> Sessions {
        Sessions { long: true, ..self }
    }

    fn work(&self, directory: &Path) -> Work {
        let archive = directory.join(ARCHIVE);
        Work::on_paper(&archive, &self.options, self.keeps_history)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Scenario for Sessions {
    fn name(&self) -> &str {
        self.name
    }

    fn prepare(&self, directory: &Path) -> Result<()> {
        let Some(base) = self.base else {
            return Ok(());
        };
        let mut work = self.work(directory);
        work.open(&Told::silent())?;
        base(&mut work)?;
        work.leave();
        (self.tear)(&work.archive, &self.options)
    }

    fn run(&self, directory: &Path, told: &mut Told) -> Result<()> {
        let mut work = self.work(directory);
        // What is there already is known from paper, not from the library.
        if let Some(base) = self.base {
            base(&mut work)?;
        }
        work.open(told)?;
        (self.play)(&mut work)
    }

    fn observe(&self, directory: &Path) -> Result<String> {
        observed(directory, self.keeps_history)
    }

    fn go_on(&self, directory: &Path, state: &str) -> Result<()> {
        work_on(directory, state, self.keeps_history)
    }

    fn promise(&self) -> Promise {
        self.promise
    }

    fn is_long(&self) -> bool {
        self.long
    }

    fn is_cut(&self) -> bool {
        true
    }
}
