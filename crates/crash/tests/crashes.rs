//! Promise: whatever is cut short, by a kill at a system call or by a power cut, the files then hold
//! the state that was promised last, or the one that was being committed; and working on works.
//!
//! The short form draws a sample of calls; `ACH_CRASH=long` sweeps them all, and takes minutes.
//! Where a process may not trace its own children these tests fail; `ACH_CRASH=skip` leaves them out.
#![cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::io::{self, Write};
use std::path::Path;

use crash::{Extent, Options, Report, cuts, kills, scenarios};

/// Beginnings of the names of scenarios; each has its test, so that they run beside each other.
const FAMILIES: [&str; 11] = [
    "save-new",
    "save-over",
    "session-commit",
    "session-undo",
    "session-checkpoint",
    "session-close",
    "session-recover",
    "session-backup",
    "session-autosave",
    "session-replaced",
    "delta",
];

/// Fewer points than this cannot have been a sweep.
const LEAST: usize = 10;

fn sweep(family: &str) {
    let Some(options) = Options::from_environment() else {
        return say(&format!("{family}: skipped, since ACH_CRASH=skip"));
    };
    let program = Path::new(env!("CARGO_BIN_EXE_crash"));
    let mut wrong = String::new();
    let mut judge = |report: Report| {
        say(&report.to_string());
        if let Err(e) = report.check(LEAST) {
            wrong.push_str(&format!("{e}\n"));
        }
    };
    for scenario in scenarios::all() {
        let left_out = scenario.is_long() && options.extent != Extent::Everything;
        if !scenario.name().starts_with(family) || left_out {
            continue;
        }
        judge(kills(program, &*scenario, &options).unwrap());
        if scenario.is_cut() {
            judge(cuts(program, &*scenario, &options).unwrap());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Shown even when the test passes, unlike what is printed: how much was swept is part of the result.
fn say(line: &str) {
    let line = format!("{line}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}

#[test]
fn every_scenario_has_its_test() {
    for scenario in scenarios::all() {
        let name = scenario.name();
        let families = FAMILIES.iter().filter(|family| name.starts_with(**family));
        assert_eq!(families.count(), 1, "{name}");
    }
}

#[test]
fn a_new_save_is_whole_or_not_there() {
    sweep("save-new");
}

#[test]
fn a_save_over_an_archive_leaves_the_old_one_or_the_new() {
    sweep("save-over");
}

#[test]
fn a_commit_is_there_whole_once_it_is_done_and_before_that_not_at_all() {
    sweep("session-commit");
}

#[test]
fn undo_leads_to_one_state_or_leaves_the_other() {
    sweep("session-undo");
}

#[test]
fn a_checkpoint_changes_nothing_wherever_it_ends() {
    sweep("session-checkpoint");
}

#[test]
fn closing_changes_nothing_wherever_it_ends() {
    sweep("session-close");
}

#[test]
fn recovery_that_is_cut_short_is_recovered_from() {
    sweep("session-recover");
}

#[test]
fn a_backup_is_whole_or_not_there_and_the_session_stays() {
    sweep("session-backup");
}

#[test]
fn what_is_saved_in_the_background_is_there_when_it_is_said_to_be() {
    sweep("session-autosave");
}

#[test]
fn a_save_over_a_session_leaves_the_session_or_what_was_saved() {
    sweep("session-replaced");
}

#[test]
fn a_delta_is_made_and_applied_whole_or_not_at_all() {
    sweep("delta");
}
