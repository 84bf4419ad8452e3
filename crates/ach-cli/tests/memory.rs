//! The promises about memory: packing 1 GiB of .npy files peaks below 64 MiB, getting one scalar of
//! the archive below 16 MiB. Maximum resident set, file pages included, as the system counts it.
#![cfg(unix)]

mod program;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};
use program::{Folder, npy};

const TENSORS: u64 = 16;
const SIDE: u64 = 4096;

#[test]
fn packing_a_gibibyte_and_getting_one_scalar_take_little_memory() {
    let folder = Folder::new();
    let head = npy("<f4", "(4096, 4096)", b"");
    let mut inputs = Vec::new();
    for number in 0..TENSORS {
        let name = format!("t{number}.npy");
        let file = File::create(folder.path(&name)).unwrap();
        file.write_all_at(&head, 0).unwrap();
        file.set_len(head.len() as u64 + SIDE * SIDE * 4).unwrap();
        // Holes cost no disk; a number in each keeps the arrays from being one.
        let end = head.len() as u64 + SIDE * SIDE * 4 - 4;
        file.write_all_at(&(number as f32).to_le_bytes(), end)
            .unwrap();
        inputs.push(name);
    }
    let scalars: Vec<String> = (0..1000).map(|n| format!("\"s{n}\": {n}.5")).collect();
    folder.write("scalars.json", format!("{{{}}}", scalars.join(", ")));

    let mut args = vec!["pack", "-o", "big.ach", "scalars.json"];
    args.extend(inputs.iter().map(String::as_str));
    let packing = peak(&folder, &args);
    assert!(folder.path("big.ach").metadata().unwrap().len() > 1 << 30);
    assert_eq!(folder.fine(&["get", "big.ach", "s500"]), "500.5\n");
    let getting = peak(&folder, &["get", "big.ach", "s500"]);
    let slicing = peak(&folder, &["get", "big.ach", "t3", "-s", "4095,-3:"]);
    println!("peaks in KiB: pack {packing}, get a scalar {getting}, get a slice {slicing}");
    #[cfg(feature = "plot")]
    {
        let plotting = peak(&folder, &["plot", "big.ach", "t3"]);
        println!("plot a matrix of 64 MiB {plotting}");
        assert!(plotting < 48 * 1024, "plotting peaked at {plotting} KiB");
    }
    assert!(packing < 64 * 1024, "packing peaked at {packing} KiB");
    assert!(
        getting < 16 * 1024,
        "getting a scalar peaked at {getting} KiB"
    );
    assert!(
        slicing < 16 * 1024,
        "getting a slice peaked at {slicing} KiB"
    );
}

/// The largest resident set of `ach` with these arguments, in KiB.
///
/// The system only tells the largest of all children of a process, and counts a child's memory from
/// before its `exec`, when it is its parent's. So a process that is small and has one child asks.
fn peak(folder: &Folder, args: &[&str]) -> i64 {
    let mut asker = Command::new(std::env::current_exe().unwrap());
    asker.args(["--exact", "asker", "--nocapture"]);
    asker
        .current_dir(folder.path(""))
        .env("ACH_ASKED", args.join("\n"));
    let output = asker.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.split("peak=").nth(1));
    let peak = line.unwrap_or_else(|| panic!("{args:?}: {output:?}"));
    peak.trim().parse().unwrap()
}

/// Not a test by itself: the small process that [`peak`] starts.
#[test]
fn asker() {
    let Ok(asked) = std::env::var("ACH_ASKED") else {
        return;
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_ach"));
    assert!(command.args(asked.split('\n')).status().unwrap().success());
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    // macOS counts bytes, others KiB.
    let unit = if cfg!(target_os = "macos") { 1024 } else { 1 };
    println!("\npeak={}", usage.max_rss() / unit);
}
