//! Deltas: made of two archives, applied over the first, and applied beside it.

use std::fs;
use std::path::Path;

use achronyme_env::{Archive, Delta, DeltaOptions, Tensor, Value, apply_delta, create_delta, save};

use crate::scenario::{Result, Scenario};
use crate::scenarios::save::{ARCHIVE, generation, options};
use crate::told::Told;

/// The archive of generation 2, of which the delta is made.
const NEXT: &str = "next.ach";
const DELTA: &str = "x.ach-delta";
/// Where a delta is applied to, if not over its parent.
const APPLIED: &str = "applied.ach";

pub(super) fn all() -> Vec<Box<dyn Scenario>> {
    let all = [
        ("delta-create", Does::Create, 50_000),
        ("delta-apply-over", Does::ApplyOver, 50_000),
        ("delta-apply-beside", Does::ApplyBeside, 50_000),
        ("delta-apply-over-large", Does::ApplyOver, 9 << 20),
    ];
    let all = all.map(|(name, does, elements)| Deltas {
        name,
        does,
        elements,
    });
    all.into_iter().map(|delta| Box::new(delta) as _).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Create,
    ApplyOver,
    ApplyBeside,
}

#[derive(Debug)]
struct Deltas {
    name: &'static str,
    does: Does,
    elements: usize,
}

/// An archive of which half changes with each generation, and one name comes or goes.
fn save_half(path: &Path, generation: u64, elements: usize) -> Result<()> {
    let shape = [elements as u64];
    let mut values = vec![
        (
            "all",
            Tensor::from_vec(vec![generation; elements], shape)?.into(),
        ),
        (
            "kept",
            Tensor::from_vec(vec![0.5f64; elements], shape)?.into(),
        ),
        ("generation", Value::Integer(generation as i64)),
    ];
    if generation == 1 {
        values.push(("gone", "in generation 2".into()));
    }
    save(path, values.iter().map(|(n, v)| (*n, v)), &options())?;
    Ok(())
}

/// The generation of an archive that is whole and has what belongs to it.
fn half(path: &Path) -> Result<String> {
    let found = generation(path)?;
    if found != "nothing" {
        let archive = Archive::open(path)?;
        let kept = archive.tensor("kept")?;
        let gone = archive.contains("gone");
        if kept.as_slice::<f64>()?.iter().any(|n| *n != 0.5) || gone != (found == "generation 1") {
            return Err(format!("{found} with parts of another").into());
        }
    }
    Ok(found)
}

impl Scenario for Deltas {
    fn name(&self) -> &str {
        self.name
    }

    fn prepare(&self, directory: &Path) -> Result<()> {
        let [old, new] = [ARCHIVE, NEXT].map(|name| directory.join(name));
        save_half(&old, 1, self.elements)?;
        save_half(&new, 2, self.elements)?;
        if self.does != Does::Create {
            let (old, new) = (Archive::open(old)?, Archive::open(&new)?);
            create_delta(&old, &new, directory.join(DELTA), &DeltaOptions::new())?;
            fs::remove_file(directory.join(NEXT))?;
        }
        Ok(())
    }

    fn run(&self, directory: &Path, told: &mut Told) -> Result<()> {
        let path = |name| directory.join(name);
        let options = DeltaOptions::new().allow_overwrite(true);
        let parent = Archive::open(path(ARCHIVE))?;
        match self.does {
            Does::Create => {
                let new = Archive::open(path(NEXT))?;
                told.step("generation 2", || {
                    create_delta(&parent, &new, path(DELTA), &options).map(drop)
                })
            }
            Does::ApplyOver => told.step("generation 2", || {
                apply_delta(&parent, path(DELTA), path(ARCHIVE), &options).map(drop)
            }),
            Does::ApplyBeside => told.step("generation 2", || {
                apply_delta(&parent, path(DELTA), path(APPLIED), &options).map(drop)
            }),
        }
    }

    fn observe(&self, directory: &Path) -> Result<String> {
        for entry in fs::read_dir(directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let known = [ARCHIVE, NEXT, DELTA, APPLIED].contains(&&*name);
            let is_temporary = name.starts_with('.') && name.ends_with(".ach-tmp");
            // Of a save over what was read, which was killed.
            let is_lock = name == format!("{ARCHIVE}-lock");
            if !known && !is_temporary && !is_lock {
                return Err(format!("there is a file {name}").into());
            }
        }
        let parent = half(&directory.join(ARCHIVE))?;
        if self.does == Does::ApplyOver {
            return Ok(parent);
        }
        if parent != "generation 1" {
            return Err(format!("the parent is {parent}").into());
        }
        if self.does == Does::ApplyBeside {
            return half(&directory.join(APPLIED));
        }
        let delta = directory.join(DELTA);
        if !delta.try_exists()? {
            return Ok("nothing".to_owned());
        }
        if let Some(found) = Delta::open(&delta)?.verify()?.faults.first() {
            return Err(found.fault.to_string().into());
        }
        let applied = tempfile::tempdir()?;
        let path = applied.path().join(APPLIED);
        let parent = Archive::open(directory.join(ARCHIVE))?;
        let quick = DeltaOptions::new().durable(false);
        apply_delta(&parent, delta, &path, &quick)?;
        half(&path)
    }

    /// The next process does it again, whatever became of the first try.
    fn go_on(&self, directory: &Path, state: &str) -> Result<()> {
        let done = self.does == Does::ApplyOver && state == "generation 2";
        let options = DeltaOptions::new().allow_overwrite(true).durable(false);
        let path = |name| directory.join(name);
        let parent = Archive::open(path(ARCHIVE))?;
        match self.does {
            Does::Create => {
                create_delta(&parent, &Archive::open(path(NEXT))?, path(DELTA), &options)?;
            }
            Does::ApplyOver if done => {}
            Does::ApplyOver => {
                apply_delta(&parent, path(DELTA), path(ARCHIVE), &options)?;
            }
            Does::ApplyBeside => {
                apply_delta(&parent, path(DELTA), path(APPLIED), &options)?;
            }
        }
        match self.observe(directory)?.as_str() {
            "generation 2" => Ok(()),
            other => Err(format!("done again, it is {other}").into()),
        }
    }

    fn is_long(&self) -> bool {
        self.elements > 1 << 20
    }
}
