//! The power cut at every point of a recorded run, with what was not synced lost in part.
//!
//! What may be lost: any pending write of a file from the last ones on, in the middle of a write at a
//! sector, single pages, all data while the length stays; name changes from the last ones on, or one
//! alone, independently of the data. What was synced before stays. A sync covers what was done before
//! it began, of this file, or of the names for a sync of the directory: nothing else becomes durable
//! by it, as POSIX has it, although most file systems give more.

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use crate::disk::Disk;
use crate::loss::{Loss, Pending};
use crate::options::Options;
use crate::record::{Event, Recorder};
use crate::report::Report;
use crate::scenario::{Promise, Result, Scenario};
use crate::stage::Stage;
use crate::told::Heard;

/// Records one run of the child, makes the states that a power cut may leave, and judges each.
///
/// `program` is as in [`kills`](crate::kills).
///
/// # Errors
///
/// As there, and when the child does something to files that the record cannot follow.
pub fn cuts(program: &Path, scenario: &dyn Scenario, options: &Options) -> Result<Report> {
    let started = Instant::now();
    let stage = Stage::new(program, scenario, options)?;
    let whole = stage.fresh()?;
    let mut heard = Heard::new(&stage.before);
    let mut recorder = Recorder::new(whole.path(), heard.clone())?;
    stage.play(whole.path(), &mut recorder)?;
    let last = recorder
        .heard
        .last()
        .ok_or("the child ended within a step")?;

    let states = states(&recorder, &stage.before, scenario.promise(), options);
    let mut report = Report::new(format!("cut {}", scenario.name()), "states");
    report.possible = states.len();
    let mut events = recorder.events.iter().enumerate();
    let mut pending = Pending::new(recorder.start.clone());
    for n in options.cuts(states.len()) {
        let Some((at, loss)) = states.get(n - 1) else {
            return Err(format!("there is no state {n}, only {}", states.len()).into());
        };
        for (index, event) in events.by_ref().take(at + 1 - pending.seen()) {
            pending.event(index, event);
            if let Event::Told(more) = event {
                heard = more.clone();
            }
        }
        let directory = stage.empty()?;
        pending.left(loss).write(directory.path())?;
        let allowed = heard.allowed(scenario.promise());
        let place = || {
            let event = &recorder.events[*at];
            format!("state {n}, cut after {event} (event {at}), {loss}")
        };
        stage.judge(directory, &heard, allowed, last, place, &mut report)?;
    }
    // The rig's own proof: with nothing lost, the record is what the child left.
    let all = recorder
        .events
        .iter()
        .fold(recorder.start.clone(), replayed);
    if all.hash() != Disk::read(whole.path())?.hash() {
        return Err("the record does not give the files that the child left".into());
    }
    report.took = started.elapsed();
    Ok(report)
}

/// The different states that a power cut may leave, each with the number of the event after which it
/// comes. The same files are another state when other states are allowed.
fn states(
    recorder: &Recorder,
    before: &str,
    promise: Promise,
    options: &Options,
) -> Vec<(usize, Loss)> {
    let mut random = fastrand::Rng::with_seed(options.seed);
    let mut pending = Pending::new(recorder.start.clone());
    let mut heard = Heard::new(before);
    let mut known = HashSet::new();
    let mut states = Vec::new();
    for (index, event) in recorder.events.iter().enumerate() {
        pending.event(index, event);
        if let Event::Told(more) = event {
            heard = more.clone();
        }
        let allowed = heard.allowed(promise);
        for loss in pending.losses(options.losses(), &mut random) {
            if known.insert((pending.left(&loss).hash(), allowed.to_vec())) {
                states.push((index, loss));
            }
        }
    }
    states
}

fn replayed(mut disk: Disk, event: &Event) -> Disk {
    match event {
        Event::Content(file, change) => disk.change(*file, change, |_| true),
        Event::Names(change) => disk.rename(change),
        Event::Synced { .. } | Event::Told(_) => {}
    }
    disk
}
