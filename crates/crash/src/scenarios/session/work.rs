//! Work on a session, and the same on a plain list of variables beside it, which says what must be
//! found.

use std::path::{Path, PathBuf};
use std::time::Duration;

use achronyme_env::{
    Autosave, AutosaveOptions, Cell, Checkpoint, Checkpointed, Environment, Moment, SaveOptions,
    Session, SessionOptions, Tensor, Value, Variable, save,
};

use super::line::line;
use crate::scenario::Result;
use crate::told::Told;

/// A session and what it must hold. Without a session what is done is done on paper only.
pub(super) struct Work {
    pub(super) archive: PathBuf,
    options: SessionOptions,
    session: Option<Session>,
    expected: Vec<(String, Variable)>,
    /// Marks in their order, where they belong to the state: where history is kept.
    marks: Option<Vec<String>>,
    /// What the archive beside the session must hold.
    backup: Option<String>,
    told: Told,
}

/// A state to go back to: the variables, and what their cells held.
pub(super) struct Kept {
    expected: Vec<(String, Variable)>,
    contents: Vec<(Cell, Value)>,
}

impl Work {
    pub(super) fn on_paper(archive: &Path, options: &SessionOptions, history: bool) -> Work {
        Work {
            archive: archive.to_owned(),
            options: options.clone(),
            session: None,
            expected: Vec::new(),
            marks: history.then(Vec::new),
            backup: None,
            told: Told::silent(),
        }
    }

    /// Opens the session; from now on `told` is told of every commit.
    pub(super) fn open(&mut self, told: &Told) -> Result<()> {
        self.told = told.clone();
        self.reopen()
    }

    /// Opens the session again, if it is closed.
    pub(super) fn reopen(&mut self) -> Result<()> {
        let line = self.line()?;
        let session = (self.told).step(&line, || self.options.open(&self.archive))?;
        self.session = Some(session);
        Ok(())
    }

    /// Lets go of the session, as at the end of a process.
    pub(super) fn leave(&mut self) {
        self.session = None;
    }

    /// The state as it should be.
    pub(super) fn line(&self) -> Result<String> {
        let variables = self.expected.iter().map(|(name, v)| (name.as_str(), v));
        let mut line = line(variables)?;
        if let Some(marks) = &self.marks {
            line.push_str(&marks_of(marks));
        }
        line.push_str(&backup_of(self.backup.as_deref()));
        Ok(line)
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.expected.iter().position(|(n, _)| n == name)
    }

    fn value(&self, name: &str) -> Result<&Value> {
        let found = self.expected.iter().find(|(n, _)| n == name);
        found
            .map(|(_, variable)| &variable.value)
            .ok_or_else(|| format!("no {name} on paper").into())
    }

    /// The session, for what is done to it alone; `None` on paper.
    pub(super) fn session(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }

    // Changes.

    fn set_both(&mut self, name: &str, live: Value, paper: Value) -> Result<()> {
        match self.place(name) {
            Some(n) => self.expected[n].1.value = paper,
            None => self.expected.push((name.to_owned(), Variable::new(paper))),
        }
        match &mut self.session {
            Some(session) => Ok(session.set(name, live)?),
            None => Ok(()),
        }
    }

    /// Sets a variable to a value without cells.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) -> Result<()> {
        let value = value.into();
        self.set_both(name, value.clone(), value)
    }

    pub(super) fn define(&mut self, name: &str, variable: Variable) -> Result<()> {
        match self.place(name) {
            Some(n) => self.expected[n].1 = variable.clone(),
            None => self.expected.push((name.to_owned(), variable.clone())),
        }
        match &mut self.session {
            Some(session) => Ok(session.define(name, variable)?),
            None => Ok(()),
        }
    }

    /// Sets a variable to a new cell. The one on paper is another.
    pub(super) fn set_new_cell(&mut self, name: &str, content: i64) -> Result<()> {
        self.set_both(name, Cell::new(content).into(), Cell::new(content).into())
    }

    /// Sets a variable to a vector of the cell that another one is.
    pub(super) fn set_vector_of_cell(&mut self, name: &str, cell: &str) -> Result<()> {
        let paper = Value::vector([self.value(cell)?.clone()]);
        let live = match &self.session {
            Some(session) => Value::vector([session.get(cell)?]),
            None => Value::Null,
        };
        self.set_both(name, live, paper)
    }

    /// Changes what the cell of a variable holds.
    pub(super) fn fill_cell(&mut self, name: &str, content: impl Into<Value>) -> Result<()> {
        let content = content.into();
        let live = match &self.session {
            Some(session) => Some(session.get(name)?),
            None => None,
        };
        for cell in [Some(self.value(name)?.clone()), live]
            .into_iter()
            .flatten()
        {
            match cell {
                Value::Cell(cell) => cell.set(content.clone()),
                _ => return Err(format!("{name} is no cell").into()),
            }
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<()> {
        self.expected.retain(|(n, _)| n != name);
        if let Some(session) = &mut self.session {
            session.remove(name)?;
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, old: &str, new: &str) -> Result<()> {
        let n = self.place(old).ok_or("nothing to rename on paper")?;
        new.clone_into(&mut self.expected[n].0);
        match &mut self.session {
            Some(session) => Ok(session.rename(old, new)?),
            None => Ok(()),
        }
    }

    pub(super) fn clear(&mut self) {
        self.expected.clear();
        if let Some(session) = &mut self.session {
            session.clear();
        }
    }

    // Steps.

    /// Does something after which the state is what is on paper.
    pub(super) fn step<T>(
        &mut self,
        act: impl FnOnce(&mut Session) -> achronyme_env::Result<T>,
    ) -> Result<Option<T>> {
        let line = self.line()?;
        match &mut self.session {
            Some(session) => self.told.step(&line, || act(session)).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn commit(&mut self) -> Result<()> {
        self.step(Session::commit).map(drop)
    }

    /// Sets a variable and commits.
    pub(super) fn put(&mut self, name: &str, value: impl Into<Value>) -> Result<()> {
        self.set(name, value)?;
        self.commit()
    }

    pub(super) fn mark(&mut self, name: &str) -> Result<()> {
        if let Some(marks) = &mut self.marks {
            marks.push(name.to_owned());
        }
        self.step(|session| session.mark(name)).map(drop)
    }

    /// What is committed is on the disk by now.
    pub(super) fn synced(&mut self) -> Result<()> {
        self.told.synced()
    }

    pub(super) fn here(&self) -> Kept {
        let cells = self.expected.iter().filter_map(|(_, v)| match &v.value {
            Value::Cell(cell) => Some((cell.clone(), cell.get())),
            _ => None,
        });
        Kept {
            contents: cells.collect(),
            expected: self.expected.clone(),
        }
    }

    fn go_to(&mut self, state: &Kept) {
        self.expected = state.expected.clone();
        for (cell, content) in &state.contents {
            cell.set(content.clone());
        }
    }

    /// Undoes the last commit, which leads to `state`.
    pub(super) fn undo(&mut self, state: &Kept) -> Result<()> {
        self.go_to(state);
        self.step(Session::undo).map(drop)
    }

    pub(super) fn redo(&mut self, state: &Kept) -> Result<()> {
        self.go_to(state);
        self.step(Session::redo).map(drop)
    }

    pub(super) fn restore_at(&mut self, moment: &Moment, state: &Kept) -> Result<()> {
        self.go_to(state);
        self.step(|session| session.restore_at(moment)).map(drop)
    }

    pub(super) fn checkpoint(&mut self) -> Result<()> {
        self.step(Session::checkpoint).map(drop)
    }

    pub(super) fn begin_checkpoint(&mut self) -> Result<Option<Checkpoint>> {
        self.step(Session::begin_checkpoint).map(Option::flatten)
    }

    pub(super) fn run_checkpoint(&mut self, begun: &Checkpoint) -> Result<Option<Checkpointed>> {
        self.step(|_| begun.run())
    }

    pub(super) fn finish_checkpoint(&mut self, done: Checkpointed) -> Result<()> {
        self.step(|session| session.finish_checkpoint(done))
            .map(drop)
    }

    pub(super) fn close(&mut self) -> Result<()> {
        let line = self.line()?;
        match self.session.take() {
            Some(session) => self.told.step(&line, || session.close()).map(drop),
            None => Ok(()),
        }
    }

    /// Hands the session to the background, which commits what is recorded of `environment` when it
    /// is asked to.
    pub(super) fn autosave(&mut self, environment: &mut Environment) -> Result<Autosave> {
        let mut session = self.session.take().ok_or("no session")?;
        session.attach(environment)?;
        let mut options = AutosaveOptions::default();
        options.every = Duration::from_secs(3600);
        Ok(session.autosave(options)?)
    }

    /// Sets a variable of an environment that is attached.
    pub(super) fn record(
        &mut self,
        environment: &mut Environment,
        name: &str,
        value: impl Into<Value>,
    ) -> Result<()> {
        let value = value.into();
        environment.set(name, value.clone())?;
        self.set(name, value)
    }

    pub(super) fn flush(&mut self, background: &Autosave) -> Result<()> {
        let line = self.line()?;
        self.told.step(&line, || background.flush())
    }

    pub(super) fn stop(&mut self, background: Autosave) -> Result<()> {
        let line = self.line()?;
        self.session = Some(self.told.step(&line, || background.stop())?);
        Ok(())
    }

    /// Saves other variables in place of the archive and its journal.
    pub(super) fn save_over(&mut self, variables: &[(&str, Value)]) -> Result<()> {
        let expected = variables.iter();
        let expected = expected.map(|(name, v)| ((*name).to_owned(), Variable::new(v.clone())));
        self.expected = expected.collect();
        let line = self.line()?;
        let options = SaveOptions::new()
            .allow_overwrite(true)
            .discard_journal(true);
        let variables = variables.iter().map(|(name, value)| (*name, value));
        self.told
            .step(&line, || save(&self.archive, variables, &options))?;
        Ok(())
    }

    /// Writes what is committed to one archive beside the session.
    pub(super) fn backup(&mut self, to: &Path) -> Result<()> {
        self.backup = None;
        let state = self.line()?;
        self.backup = Some(state);
        let from = self.archive.clone();
        self.step(|_| achronyme_env::backup(&from, to, true))
            .map(drop)
    }
}

/// What a state says of the marks of its history.
pub(super) fn marks_of(marks: &[String]) -> String {
    format!(" marks {marks:?}")
}

/// What a state says of the archive beside the session.
pub(super) fn backup_of(state: Option<&str>) -> String {
    match state {
        Some(state) => format!(" backup {state}"),
        None => String::new(),
    }
}

/// A tensor of `len` doubles.
pub(super) fn tensor(len: usize, first: f64) -> Result<Tensor> {
    let elements: Vec<f64> = (0..len).map(|n| first + n as f64).collect();
    Ok(Tensor::from_vec(elements, [len as u64])?)
}
