//! A save: a new file, or over an old one.

use std::fs;
use std::path::Path;

use achronyme_env::{Archive, SaveOptions, Tensor, Value, save};

use crate::scenario::{Result, Scenario};
use crate::told::Told;

/// An archive's name in a scenario's directory.
pub(super) const ARCHIVE: &str = "x.ach";

pub(super) fn all() -> Vec<Box<dyn Scenario>> {
    let mut all: Vec<Box<dyn Scenario>> = Vec::new();
    // The last is written by several threads, and synced while it is written.
    for (size, elements) in [("small", 10), ("middle", 50_000), ("large", 9 << 20)] {
        for over in [false, true] {
            all.push(Box::new(Save {
                name: format!("save-{}-{size}", if over { "over" } else { "new" }),
                elements,
                over,
                cold: false,
            }));
        }
    }
    all.push(Box::new(Save {
        name: "save-over-cold".to_owned(),
        elements: 200_000,
        over: true,
        cold: true,
    }));
    all
}

#[derive(Debug)]
struct Save {
    name: String,
    elements: usize,
    over: bool,
    cold: bool,
}

impl Scenario for Save {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare(&self, directory: &Path) -> Result<()> {
        if self.over {
            save_generation(&directory.join(ARCHIVE), 1, self.elements, &options())?;
        }
        Ok(())
    }

    fn run(&self, directory: &Path, told: &mut Told) -> Result<()> {
        let path = directory.join(ARCHIVE);
        let options = match self.cold {
            true => options().cold("*"),
            false => options(),
        };
        told.step("generation 2", || {
            save_generation(&path, 2, self.elements, &options)
        })
    }

    fn observe(&self, directory: &Path) -> Result<String> {
        only_litter(directory)?;
        generation(&directory.join(ARCHIVE))
    }

    fn go_on(&self, directory: &Path, _: &str) -> Result<()> {
        let path = directory.join(ARCHIVE);
        save_generation(&path, 3, 10, &options().durable(false))?;
        match generation(&path)?.as_str() {
            "generation 3" => Ok(()),
            other => Err(format!("saved generation 3, found {other}").into()),
        }
    }

    fn is_long(&self) -> bool {
        self.elements > 1 << 20
    }
}

pub(super) fn options() -> SaveOptions {
    SaveOptions::new().allow_overwrite(true)
}

/// An archive of one tensor whose elements are all `generation`, and its number beside it.
pub(super) fn save_generation(
    path: &Path,
    generation: u64,
    elements: usize,
    options: &SaveOptions,
) -> Result<()> {
    let tensor = Tensor::from_vec(vec![generation; elements], [elements as u64])?;
    let values = [
        ("all", Value::from(tensor)),
        ("generation", Value::Integer(generation as i64)),
    ];
    save(path, values.iter().map(|(n, v)| (n, v)), options)?;
    Ok(())
}

/// The generation of an archive that is whole; "nothing" if there is no file.
pub(super) fn generation(path: &Path) -> Result<String> {
    if !path.try_exists()? {
        return Ok("nothing".to_owned());
    }
    let archive = Archive::open(path)?;
    let report = archive.verify()?;
    if let Some(found) = report.faults.first() {
        return Err(found.fault.to_string().into());
    }
    let number = archive.get("generation")?.as_i64().ok_or("no generation")?;
    let tensor = archive.tensor("all")?;
    if tensor
        .as_slice::<u64>()?
        .iter()
        .any(|n| *n != number as u64)
    {
        return Err(format!("a tensor that is not of generation {number}").into());
    }
    Ok(format!("generation {number}"))
}

/// Beside the archive there is at most a temporary file, under a name that says so.
fn only_litter(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let litter = name.starts_with(".x.ach.") && name.ends_with(".ach-tmp");
        if name != ARCHIVE && !litter {
            return Err(format!("there is a file {name}").into());
        }
    }
    Ok(())
}
