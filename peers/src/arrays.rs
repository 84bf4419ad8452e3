//! One large array set in a session of 1 GiB.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use achronyme_env::{
    Durability, SaveOptions, Session, SessionOptions, Tensor, TensorRef, ValueRef, save,
};

use super::measure::{Case, in_turn, print, seconds};
use super::{Outcome, Plan};

/// Numbers of a tensor of 64 MiB.
const ELEMENTS: u64 = 8 << 20;

/// Numbers that look like none others.
pub(crate) fn numbers(seed: u64) -> Vec<f64> {
    let bits = |n: u64| (n ^ (seed << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2;
    (0..ELEMENTS).map(|n| f64::from_bits(bits(n))).collect()
}

/// Saves `count` tensors of 64 MiB, durably.
pub(crate) fn save_tensors(path: &Path, tensors: &[Vec<f64>]) {
    let shape = [ELEMENTS];
    let bindings = tensors.iter().enumerate().map(|(n, tensor)| {
        let tensor = TensorRef::new(tensor, &shape).expect("a tensor");
        (format!("tensor {n}"), ValueRef::Tensor(tensor))
    });
    let options = SaveOptions::new().allow_overwrite(true);
    save(path, bindings, &options).expect("a save");
}

fn session(path: &Path, durability: Durability) -> Session {
    let options = SessionOptions::new().durability(durability);
    let session = options.checkpoint_at(None).open(path);
    session.expect("a session")
}

/// Setting one of 16 tensors of 64 MiB beside saving all of them, and beside a plain write.
pub(crate) fn tensor(plan: &Plan<'_>) -> Outcome {
    let count = plan.of(16, 2);
    let tensors: Vec<_> = (0..count).map(numbers).collect();
    let (durable, left) = (plan.dir.join("durable.ach"), plan.dir.join("left.ach"));
    let rewritten = plan.dir.join("rewritten.ach");
    for path in [&durable, &left, &rewritten] {
        save_tensors(path, &tensors);
    }
    let set = |path: &Path, durability| {
        let mut seed = 100;
        let path = path.to_owned();
        move || {
            // A session of its own each time, so that the journal does not fill the disk.
            let mut session = session(&path, durability);
            let mut run = || {
                seed += 1;
                let tensor = Tensor::from_vec(numbers(seed), [ELEMENTS]).expect("a tensor");
                seconds(|| {
                    session.set("tensor 1", tensor).expect("a name");
                    session.commit().expect("a commit");
                })
            };
            run();
            let second = run();
            drop(session);
            std::fs::remove_file(format!("{}-journal", path.display())).expect("a journal");
            vec![second]
        }
    };
    let plain = |sync: bool| {
        let path = plan.dir.join("plain");
        let bytes: &[u8] = bytemuck::cast_slice(&tensors[0]);
        move || {
            let file = File::create(&path).expect("a file");
            file.write_all_at(&bytes[..4096], 0).expect("room");
            file.sync_all().expect("a sync");
            let mut at = 0;
            let mut run = || {
                at += bytes.len() as u64;
                seconds(|| {
                    file.write_all_at(bytes, at).expect("room");
                    if sync {
                        file.sync_data().expect("a sync");
                    }
                })
            };
            run();
            let second = run();
            std::fs::remove_file(&path).expect("a file");
            vec![second]
        }
    };
    let mut cases = [
        Case::new(
            "set in a session, durable",
            set(&durable, Durability::Commit),
        ),
        Case::new("write at the end of a file, fdatasync", plain(true)),
        Case::second("save all anew, durable", || {
            seconds(|| save_tensors(&rewritten, &tensors))
        }),
    ];
    let rounds = plan.of(7, 2);
    in_turn(rounds, &mut cases);
    print(&format!("64 MiB of {} MiB", count * 64), 1.0, &cases);
    let mut cases = [
        Case::new(
            "set in a session, left to the system",
            set(&left, Durability::Os),
        ),
        Case::new("write at the end of a file", plain(false)),
    ];
    in_turn(rounds, &mut cases);
    print("64 MiB, not synced", 1.0, &cases);
    Ok(())
}
