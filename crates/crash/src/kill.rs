//! Killed at the n-th system call, for every n.

use std::path::Path;
use std::time::Instant;

use nix::unistd::Pid;

use crate::calls::Call;
use crate::options::{Extent, Options};
use crate::report::Report;
use crate::scenario::{Promise, Result, Scenario};
use crate::stage::Stage;
use crate::told::Heard;
use crate::trace::{End, Then, Tracee, Watch};

/// Kills the child at the entry of its calls, one run for each, and judges what is left.
///
/// `program` plays a scenario when it is started with `child`, the scenario's name and a directory.
///
/// # Errors
///
/// When the rig itself fails: no leave to trace, a child that fails by itself, a scenario that does not
/// end in the state it told. What a crash breaks is in the report.
pub fn kills(program: &Path, scenario: &dyn Scenario, options: &Options) -> Result<Report> {
    let started = Instant::now();
    let stage = Stage::new(program, scenario, options)?;
    let every = options.extent == Extent::Everything;
    let mut report = Report::new(format!("kill {}", scenario.name()), "calls");

    let whole = stage.fresh()?;
    let mut counted = KillAt::new(usize::MAX, every, &stage);
    stage.play(whole.path(), &mut counted)?;
    let last = counted
        .heard
        .last()
        .ok_or("the child ended within a step")?;
    let found = scenario.observe(whole.path())?;
    if found != last {
        let name = scenario.name();
        return Err(format!("{name} ends in {found:?}, not in {last:?} as it told").into());
    }

    report.possible = counted.seen;
    let mut waiting = options.kills(counted.seen);
    waiting.reverse();
    while let Some(n) = waiting.pop() {
        let directory = stage.fresh()?;
        let mut killed = KillAt::new(n, every, &stage);
        let end = stage.play(directory.path(), &mut killed)?;
        // Threads do not make the same number of calls each time.
        let ended = matches!(end, End::Exited(_));
        if every && !ended && waiting.is_empty() && options.only.is_none() {
            waiting.push(n + 1);
            report.possible = report.possible.max(n + 1);
        }
        // A kill leaves no more behind than the page cache has.
        let allowed = killed.heard.allowed(Promise::Durable);
        let place = || match killed.at {
            Some(call) => format!("killed at call {n}, {}", call.name()),
            None => format!("not killed, since call {n} was not made"),
        };
        stage.judge(directory, &killed.heard, allowed, last, place, &mut report)?;
    }
    report.took = started.elapsed();
    Ok(report)
}

/// Counts calls, and kills at one.
struct KillAt {
    n: usize,
    every: bool,
    seen: usize,
    at: Option<Call>,
    heard: Heard,
}

impl KillAt {
    fn new(n: usize, every: bool, stage: &Stage<'_>) -> KillAt {
        KillAt {
            n,
            every,
            seen: 0,
            at: None,
            heard: Heard::new(&stage.before),
        }
    }
}

impl Watch for KillAt {
    fn entry(&mut self, _: &Tracee, _: Pid, call: &Call) -> Result<Then> {
        if self.every || call.touches_files() {
            self.seen += 1;
        }
        if self.seen == self.n && self.at.is_none() {
            self.at = Some(*call);
            return Ok(Then::Kill);
        }
        Ok(Then::Go)
    }

    fn exit(&mut self, tracee: &Tracee, _: Pid, call: &Call, result: i64) -> Result<()> {
        self.heard.call(tracee, call, result).map(drop)
    }
}
