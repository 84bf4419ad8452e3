//! A host's environment whose changes a session records.

use std::sync::Arc;

use super::pending::Named;
use super::session::Session;
use crate::environment::{Change, Environment, Recorder};
use crate::error::Result;

impl Session {
    /// Attaches an environment: from now on every variable that is set, removed or renamed in it
    /// belongs to the next commit, and so does what cells hold then.
    ///
    /// Before, both are brought together: variables that only the session has are loaded into the
    /// environment; those that only the environment has, or that differ, are set in the session.
    /// Clones of the environment are not attached, and one that was attached before is no longer:
    /// what it recorded so far belongs to the session.
    ///
    /// ```
    /// use achronyme_env::{Environment, SessionOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.ach");
    ///
    /// let mut environment = Environment::new();
    /// let mut session = SessionOptions::new().create(true).open(&path)?;
    /// session.attach(&mut environment)?;
    /// environment.set("loss", 0.25)?;
    /// session.commit()?;
    /// assert_eq!(session.get("loss")?.as_f64(), Some(0.25));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What reading answers; nothing is attached then.
    pub fn attach(&mut self, environment: &mut Environment) -> Result<()> {
        self.take_recorded();
        let mut load = self.loading();
        let mut arriving = Vec::new();
        let mut differing = Vec::new();
        for name in self.names() {
            let known = match self.pending.get(&name) {
                Named::Set(variable) => variable.clone(),
                Named::Removed => continue,
                Named::Committed(committed) => match self.archive.binding(committed) {
                    Some(binding) => self.load(&mut load, &binding)?,
                    None => continue,
                },
            };
            match environment.variable(&name) {
                None => arriving.push((name, Some(known))),
                Some(variable) => {
                    let same = variable.mutable == known.mutable
                        && variable.constant == known.constant
                        && variable.attributes.is_identical(&known.attributes)?
                        && variable.value.identical(&known.value)?;
                    if !same {
                        differing.push((name, variable.clone()));
                    }
                }
            }
        }
        for (name, variable) in environment.iter() {
            if !self.contains(name) {
                differing.push((name.into(), variable.clone()));
            }
        }
        drop(load);
        for (name, variable) in differing {
            self.push(Change::Set(name, Box::new(variable)));
        }
        environment.replace_unrecorded(arriving);
        let recorder = Arc::new(Recorder::default());
        environment.record_to(Arc::clone(&recorder));
        self.recorder = Some(recorder);
        Ok(())
    }

    /// Number of changes of the attached environment that wait for a commit, and about how many
    /// bytes of array data and text they hold.
    pub fn waiting(&self) -> (usize, u64) {
        match &self.recorder {
            Some(recorder) => recorder.waiting(),
            None => (0, 0),
        }
    }
}
