//! Where and with what was measured.

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use achronyme_env_peers::{locked, measure::load};

/// One paragraph: when, where, with what.
pub(crate) fn describe(minutes: f64) -> String {
    let mut text = String::new();
    let cores = available_parallelism().map_or(0, usize::from);
    let system = rustix::system::uname();
    let peers = [
        "safetensors",
        "heed",
        "redb",
        "rkyv",
        "ndarray-npy",
        "rmp-serde",
        "zstd",
        "arrow-ipc",
    ];
    let peers: Vec<String> = peers
        .iter()
        .map(|name| format!("{name} {}", locked(name)))
        .collect();
    let _ = writeln!(
        text,
        "{}: {cores} processors, {}, {:.0} GiB, Linux {}, {}; {}. Load at the end {}; {minutes:.0} minutes.",
        date(),
        processor(),
        memory() / f64::from(1 << 30),
        system.release().to_string_lossy(),
        compiler(),
        peers.join(", "),
        load(),
    );
    text
}

/// Today, from the seconds since 1970 (the days of the proleptic Gregorian calendar).
fn date() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut days = now.map_or(0, |now| now.as_secs() / 86_400);
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let months = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, days + 1)
}

fn processor() -> String {
    let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = known.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(": "));
    name.map_or("an unknown processor", |(_, name)| name)
        .to_owned()
}

/// Bytes of memory.
fn memory() -> f64 {
    let system = rustix::system::sysinfo();
    system.totalram as f64 * f64::from(system.mem_unit)
}

fn compiler() -> String {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler).arg("--version").output();
    let version = version.map_or(String::new(), |out| {
        String::from_utf8_lossy(&out.stdout).into_owned()
    });
    let words: Vec<&str> = version.split(' ').take(2).collect();
    match words.len() {
        2 => words.join(" "),
        _ => "an unknown compiler".to_owned(),
    }
}
