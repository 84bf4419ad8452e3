//! The directories a scenario is played in, and the judgement of what is found there.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::{NamedTempFile, TempDir};

use crate::options::Options;
use crate::report::Report;
use crate::scenario::{Result, Scenario};
use crate::told::Heard;
use crate::trace::{self, End, Watch};

pub(crate) struct Stage<'a> {
    pub(crate) scenario: &'a dyn Scenario,
    pub(crate) options: Options,
    program: PathBuf,
    /// The files as the scenario prepared them.
    prepared: TempDir,
    /// What is observed before the child begins.
    pub(crate) before: String,
    /// What the child says when it fails.
    errors: NamedTempFile,
}

impl<'a> Stage<'a> {
    /// `program` plays a scenario when it is started with `child`, the name and a directory.
    pub(crate) fn new(
        program: &Path,
        scenario: &'a dyn Scenario,
        options: &Options,
    ) -> Result<Stage<'a>> {
        let prepared = tempfile::tempdir_in(options.scratch())?;
        scenario.prepare(prepared.path())?;
        let stage = Stage {
            scenario,
            options: *options,
            program: program.to_owned(),
            prepared,
            before: String::new(),
            errors: NamedTempFile::new()?,
        };
        let before = scenario.observe(stage.fresh()?.path())?;
        Ok(Stage { before, ..stage })
    }

    /// An empty directory.
    pub(crate) fn empty(&self) -> io::Result<TempDir> {
        tempfile::tempdir_in(self.options.scratch())
    }

    /// A directory with the prepared files.
    pub(crate) fn fresh(&self) -> Result<TempDir> {
        let fresh = self.empty()?;
        for entry in fs::read_dir(self.prepared.path())? {
            let entry = entry?;
            fs::copy(entry.path(), fresh.path().join(entry.file_name()))?;
        }
        Ok(fresh)
    }

    /// Plays the scenario in `directory`, watched. A child that fails by itself is an error.
    pub(crate) fn play(&self, directory: &Path, watch: &mut dyn Watch) -> Result<End> {
        let errors = File::create(self.errors.path())?;
        let mut command = Command::new(&self.program);
        command
            .args(["child", self.scenario.name()])
            .arg(directory)
            .stderr(errors);
        let end = trace::run(command, self.options.patience, watch)
            .map_err(|e| format!("{}: {e}", self.scenario.name()))?;
        match end {
            End::Exited(code) if code != 0 => {
                let said = fs::read_to_string(self.errors.path())?;
                Err(format!(
                    "{}: the child failed: {}",
                    self.scenario.name(),
                    said.trim()
                )
                .into())
            }
            end => Ok(end),
        }
    }

    /// Reads what is in `directory` after a crash at `place`, and works on from there.
    pub(crate) fn judge(
        &self,
        directory: TempDir,
        heard: &Heard,
        allowed: &[String],
        last: &str,
        place: impl FnOnce() -> String,
        report: &mut Report,
    ) -> Result<()> {
        let path = directory.path();
        report.tried += 1;
        let (names, contents) = listing(path)?;
        report.met.insert(contents);
        let observed = caught(|| self.scenario.observe(path));
        let fault = match observed {
            Ok(state) if allowed.contains(&state) => {
                report.count(&state, heard.first(), last);
                match caught(|| self.scenario.go_on(path, &state)) {
                    Ok(()) => return Ok(()),
                    Err(e) => format!("found {state:?} as it should, but working on failed: {e}"),
                }
            }
            Ok(state) => format!("found {state:?}"),
            Err(e) => format!("found no state: {e}"),
        };
        let mut allowed = allowed.to_vec();
        allowed.dedup();
        let mut fault = format!("{}: {fault}; allowed: {allowed:?}; files: {names}", place());
        if self.options.keep && report.faults.is_empty() {
            fault.push_str(&format!("; left in {}", directory.keep().display()));
        }
        report.faults.push(fault);
        Ok(())
    }
}

/// Names and lengths, and a hash of them and what is in the files.
fn listing(directory: &Path) -> io::Result<(String, u64)> {
    let entries = fs::read_dir(directory)?.map(|entry| Ok(entry?.path()));
    let mut paths: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    paths.sort();
    let mut hasher = DefaultHasher::new();
    let mut names = Vec::new();
    for path in paths {
        let bytes = fs::read(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Temporary files have names by lot.
        if !name.starts_with('.') {
            name.hash(&mut hasher);
        }
        bytes.hash(&mut hasher);
        names.push(format!("{name} ({} bytes)", bytes.len()));
    }
    Ok((names.join(", "), hasher.finish()))
}

/// A panic is an error like others here.
fn caught<T>(act: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| Err("it panicked".into()))
}
