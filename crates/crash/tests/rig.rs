//! Promise: the rig turns red. Each planted mistake is found by the sweep that can see it, and what is
//! done right is not; a sweep that cannot find anything says so.
#![cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::path::Path;
use std::time::Duration;

use crash::{Options, Report, cuts, kills, scenarios};

/// Planted mistakes and sound twins: whether a kill shows it, and whether a power cut does.
const PLANTED: [(&str, bool, bool); 16] = [
    ("planted-in-place", true, true),
    ("planted-said-too-early", true, true),
    ("planted-save-without-sync", false, true),
    ("planted-rename-without-sync", false, true),
    ("planted-journal-unlinked-too-early", false, true),
    ("sound-journal-unlinked-in-time", false, false),
    ("planted-log-without-sync", false, true),
    ("planted-log-without-sum", false, true),
    ("sound-log", false, false),
    ("sound-log-of-a-thread", false, false),
    ("planted-session-said-too-early", true, true),
    ("planted-session-half-a-commit", true, true),
    ("planted-session-without-sync", false, true),
    ("planted-session-segment-forgotten", true, true),
    ("planted-session-unlinked-too-early", false, true),
    ("sound-session-unlinked-in-time", false, false),
];

const NOTHING: &str = "planted-nothing-done";
const HANGS: &str = "planted-hanging";

/// Both sweeps of a scenario; none where the environment says so.
fn both(name: &str) -> Option<[Report; 2]> {
    let options = Options::from_environment()?;
    let program = Path::new(env!("CARGO_BIN_EXE_crash"));
    let scenario = scenarios::find(name).unwrap();
    Some([
        kills(program, &*scenario, &options).unwrap(),
        cuts(program, &*scenario, &options).unwrap(),
    ])
}

#[test]
fn planted_mistakes_are_found_and_nothing_else() {
    for (name, by_kill, by_cut) in PLANTED {
        let Some(reports) = both(name) else { return };
        for (report, red) in reports.iter().zip([by_kill, by_cut]) {
            assert_eq!(report.check(4).is_err(), red, "{report}");
            assert_eq!(!report.faults().is_empty(), red, "{report}");
        }
    }
}

#[test]
fn every_planted_mistake_is_tried() {
    let planted = scenarios::planted();
    let mut names: Vec<&str> = planted.iter().map(|scenario| scenario.name()).collect();
    names.retain(|name| ![NOTHING, HANGS].contains(name));
    assert_eq!(names, PLANTED.map(|(name, ..)| name));
}

#[test]
fn a_call_that_is_killed_at_its_entry_is_not_carried_out() {
    // The file is truncated when it is opened, and empty until the one write after that.
    let Some([killed, _]) = both("planted-in-place") else {
        return;
    };
    let [fault] = killed.faults() else {
        panic!("{killed}");
    };
    assert!(
        fault.contains(", write: ") && fault.contains("x.ach (0 bytes)"),
        "{fault}"
    );
}

#[test]
fn a_sweep_in_which_nothing_changes_is_no_proof() {
    let Some(reports) = both(NOTHING) else { return };
    for report in reports {
        assert!(report.faults().is_empty(), "{report}");
        let error = report.check(0).unwrap_err();
        assert!(error.contains("says nothing"), "{error}");
    }
}

#[test]
fn a_child_that_hangs_fails_its_sweep() {
    let Some(options) = Options::from_environment() else {
        return;
    };
    let options = Options {
        patience: Duration::from_secs(1),
        ..options
    };
    let program = Path::new(env!("CARGO_BIN_EXE_crash"));
    let scenario = scenarios::find(HANGS).unwrap();
    for sweep in [kills, cuts] {
        let error = sweep(program, &*scenario, &options).unwrap_err();
        assert!(
            error.to_string().contains("did not end within 1s"),
            "{error}"
        );
    }
}
