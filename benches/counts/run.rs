//! Runs valgrind over this program, and compares.

use std::path::Path;
use std::process::{Command, ExitCode};

use super::accepted::{Counts, compare, grouped};
use super::cases;
use super::profile::Profile;

const ACCEPTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/counts/accepted.txt");
/// Functions that are named of a path that takes too much.
const NAMED: usize = 12;

pub(crate) fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [what, name, dir] = &args[..]
        && what == "--counted"
    {
        one_processor();
        let case = cases::all().into_iter().find(|case| case.name == *name);
        return match case {
            Some(case) => {
                (case.run)(Path::new(dir));
                ExitCode::SUCCESS
            }
            None => ExitCode::FAILURE,
        };
    }
    match counted(args.iter().any(|arg| arg == "--accept")) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
    }
}

/// Work that is dealt out to all processors is done in one thread: the same on any machine.
fn one_processor() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let all = sched_getaffinity(None).expect("the processors of this thread");
    let mut one = CpuSet::new();
    let first = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu));
    one.set(first.unwrap_or_default());
    sched_setaffinity(None, &one).expect("one processor");
}

/// Counts, prints, and compares or accepts; whether all is well.
fn counted(accept: bool) -> Result<bool, String> {
    let dir = tempfile::tempdir().map_err(|e| format!("cannot make a directory: {e}"))?;
    cases::prepare(dir.path());
    let mut profiles = Vec::new();
    for case in cases::all() {
        let profile = profile(&case.name, dir.path())?;
        profiles.push((case.name, profile));
    }
    let found = Counts {
        compiler: compiler()?,
        of: profiles
            .iter()
            .map(|(name, profile)| (name.clone(), profile.total()))
            .collect(),
    };
    let text = std::fs::read_to_string(ACCEPTED).unwrap_or_default();
    let accepted = Counts::read(&text).map_err(|e| format!("{ACCEPTED}: {e}"))?;
    for (name, now) in &found.of {
        let before = accepted.of.iter().find(|(known, _)| known == name);
        let change = before.map(|(_, before)| (*now as f64 / *before as f64 - 1.0) * 100.0);
        let change = change.map_or_else(|| "new".to_owned(), |change| format!("{change:+.2} %"));
        println!("{name:50} {:>12} {change:>10}", grouped(*now));
    }
    if accept {
        std::fs::write(ACCEPTED, found.to_text())
            .map_err(|e| format!("cannot write {ACCEPTED}: {e}"))?;
        println!("accepted: benches/counts/accepted.txt is written");
        return Ok(true);
    }
    if accepted.compiler != found.compiler {
        println!(
            "\nthe numbers were accepted with {}, this is {}",
            accepted.compiler, found.compiler
        );
    }
    let wrong = compare(&accepted, &found);
    for (name, text) in &wrong {
        eprintln!("\nerror: {text}");
        let profile = profiles.iter().find(|(known, _)| known == name);
        for (function, cost) in profile.iter().flat_map(|(_, profile)| profile.most(NAMED)) {
            eprintln!("  {:>12}  {function}", grouped(cost));
        }
    }
    if !wrong.is_empty() {
        eprintln!(
            "\nIf that is the price of something worth it, say so in the commit and accept it:\n  \
             cargo bench --bench counts -- --accept",
        );
    }
    Ok(wrong.is_empty())
}

fn compiler() -> Result<String, String> {
    let out = Command::new("rustc").arg("--version").output();
    let out = out.map_err(|e| format!("cannot run rustc: {e}"))?;
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// Runs one path under valgrind, in a process of its own, so that none depends on those before it.
fn profile(name: &str, dir: &Path) -> Result<Profile, String> {
    let program = std::env::current_exe().map_err(|e| format!("where is this program? {e}"))?;
    let out_file = dir.join("profile");
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        .args(["--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--toggle-collect={}", cases::COUNTED))
        .arg(format!("--callgrind-out-file={}", out_file.display()))
        .arg(&program)
        .args(["--counted", name])
        .arg(dir)
        .output();
    let out = out.map_err(|e| {
        format!("cannot run valgrind ({e}): install it, on Debian with `apt-get install valgrind`")
    })?;
    let failed = |what: String| {
        let text = String::from_utf8_lossy(&out.stderr);
        format!("{name}: {what} {}", text.trim())
    };
    if !out.status.success() {
        return Err(failed(format!(
            "the counted run ended with {}.",
            out.status
        )));
    }
    let text =
        std::fs::read_to_string(&out_file).map_err(|e| failed(format!("no profile: {e}.")))?;
    let profile = Profile::read(&text, &program.to_string_lossy());
    let profile = profile.map_err(|e| failed(format!("of the profile: {e}.")))?;
    match profile.total() {
        0 => Err(failed("nothing was counted.".to_owned())),
        _ => Ok(profile),
    }
}
