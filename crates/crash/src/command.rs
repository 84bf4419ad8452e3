//! Arguments, and what is done.

use std::env;
use std::path::Path;
use std::process::ExitCode;

use crash::{Extent, Options, Result, Scenario, child, cuts, kills, scenarios};

const USAGE: &str = "\
usage: crash [--long] [--kill | --cut] [--seed N] [--only N] [--keep] [SCENARIO...]

Kills a child at its system calls and cuts its power on paper; judges what is left.
Without names every scenario is played that must come out clean.

  --long     every system call and many more losses, and the scenarios that take long
  --kill     kills only
  --cut      power cuts only
  --seed N   what the samples are drawn with (5)
  --only N   only this call, or this state, as a message named it
  --keep     leaves the directory of the first fault of each sweep, and names it
  --list     the names of the scenarios, those with planted bugs last
";

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["child", name, directory] => find(name)
            .and_then(|scenario| child(&*scenario, Path::new(directory)))
            .map(|()| true),
        words => sweep(words),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("crash: {e}");
            ExitCode::from(2)
        }
    }
}

fn find(name: &str) -> Result<Box<dyn Scenario>> {
    scenarios::find(name).ok_or_else(|| format!("no scenario {name:?}: see --list").into())
}

/// Whether all was well.
fn sweep(words: &[&str]) -> Result<bool> {
    let mut options = Options::default();
    let (mut kill, mut cut) = (true, true);
    let mut chosen = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64> {
            let word = words.next().ok_or("a number is missing")?;
            Ok(word.parse().map_err(|e| format!("{word:?}: {e}"))?)
        };
        match *word {
            "--long" => options.extent = Extent::Everything,
            "--kill" => cut = false,
            "--cut" => kill = false,
            "--seed" => options.seed = number()?,
            "--only" => options.only = Some(number()? as usize),
            "--keep" => options.keep = true,
            "--list" => {
                for scenario in scenarios::all().iter().chain(&scenarios::planted()) {
                    println!("{}", scenario.name());
                }
                return Ok(true);
            }
            "--help" | "-h" => {
                print!("{USAGE}");
                return Ok(true);
            }
            option if option.starts_with('-') => {
                return Err(format!("no option {option}\n{USAGE}").into());
            }
            name => chosen.push(find(name)?),
        }
    }
    if chosen.is_empty() {
        chosen = scenarios::all();
        chosen.retain(|scenario| options.extent == Extent::Everything || !scenario.is_long());
    }
    let program = env::current_exe()?;
    let mut well = true;
    for scenario in chosen {
        if kill {
            let report = kills(&program, &*scenario, &options)?;
            println!("{report}");
            well &= report.faults().is_empty();
        }
        if cut && scenario.is_cut() {
            let report = cuts(&program, &*scenario, &options)?;
            println!("{report}");
            well &= report.faults().is_empty();
        }
    }
    Ok(well)
}
