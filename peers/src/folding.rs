//! Folding one changed number into the archive, beside copying that file with sums.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use achronyme_env::{Durability, Record, SaveOptions, SessionOptions, Value, save};

use super::arrays::{numbers, save_tensors};
use super::measure::{Case, in_turn, print, seconds};
use super::{Outcome, Plan};

/// 1 GiB of tensors, 1,000,000 numbers, and 100,000 records of three fields.
pub(crate) fn checkpoint(plan: &Plan<'_>) -> Outcome {
    let path = plan.dir.join("folded.ach");
    let count = plan.of(16, 2);
    let tensors: Vec<_> = (0..count).map(numbers).collect();
    save_tensors(&path, &tensors);
    drop(tensors);
    compare(plan, &path, &format!("{count} tensors of 64 MiB"), 7)?;

    let count = plan.of(1_000_000, 10_000);
    save_values(&path, count, |n| Value::Number(n as f64));
    compare(plan, &path, &format!("{count} numbers"), 9)?;

    let count = plan.of(100_000, 1_000);
    save_values(&path, count, |n| {
        let fields = [
            ("id", Value::Number(n as f64)),
            ("label", "a label".into()),
            ("on", true.into()),
        ];
        Record::from(fields).into()
    });
    compare(plan, &path, &format!("{count} records of three fields"), 9)
}

fn save_values(path: &Path, count: usize, value: fn(usize) -> Value) {
    let values = (0..count).map(|n| (format!("session/var{n:06}"), value(n)));
    let values: Vec<(String, Value)> = values.collect();
    let options = SaveOptions::new().allow_overwrite(true);
    save(path, values.iter().map(|(n, v)| (n, v)), &options).expect("a save");
}

fn compare(plan: &Plan<'_>, path: &Path, what: &str, rounds: usize) -> Outcome {
    let options = SessionOptions::new().durability(Durability::Os);
    let mut session = options.open(path)?;
    let copied = plan.dir.join("copied");
    copy(path, &copied);
    let mut number = 0;
    let mut cases = [
        Case::second("checkpoint", || {
            number += 1;
            session.set("changed", number).expect("a name");
            session.commit().expect("a commit");
            let start = std::time::Instant::now();
            let done = session.checkpoint().expect("a checkpoint");
            let taken = start.elapsed().as_secs_f64();
            assert!(done.is_some());
            taken
        }),
        Case::second("copy: read, CRC-32, write, fdatasync, rename", || {
            seconds(|| copy(path, &copied))
        }),
    ];
    in_turn(plan.of(rounds, 2), &mut cases);
    print(&format!("{what}, one number changed"), 1.0, &cases);
    drop(cases);
    session.close()?;
    std::fs::remove_file(copied)?;
    Ok(())
}

/// Copies a file over another, by way of a temporary one, with a sum of each 64 KiB.
fn copy(from: &Path, to: &Path) -> Vec<u32> {
    let from = File::open(from).expect("a file");
    let len = from.metadata().expect("a file").len();
    let made = to.with_extension("new");
    let file = File::create(&made).expect("a file");
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, len).expect("room");
    let mut sums = Vec::new();
    let mut piece = vec![0; 1 << 20];
    let mut at = 0;
    while at < len {
        let n = piece.len().min((len - at) as usize);
        from.read_exact_at(&mut piece[..n], at).expect("a read");
        sums.extend(piece[..n].chunks(64 << 10).map(crc32fast::hash));
        file.write_all_at(&piece[..n], at).expect("a write");
        at += n as u64;
    }
    file.sync_data().expect("a sync");
    std::fs::rename(&made, to).expect("a rename");
    sums
}
