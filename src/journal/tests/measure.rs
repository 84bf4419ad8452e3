//! Figures, to be looked at: `cargo test --release --lib journal::tests::measure -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

const FRAMES: u32 = 1_000_000;

#[test]
#[ignore = "a measurement"]
fn replay_of_tiny_frames() {
    for durability in [Durability::Os, Durability::Commit] {
        let place = Place::new();
        let (mut writer, _) = place.writer(&NO_ARCHIVE, durability);
        let start = Instant::now();
        for n in 0..FRAMES {
            let key = format!("key {:06}", n % 1000);
            writer.append(&frame(&key), &[1; 64], None).unwrap();
            if durability == Durability::Os || n % 1000 == 999 {
                writer.commit(1).unwrap();
            }
        }
        let each = start.elapsed().as_nanos() as f64 / f64::from(FRAMES);
        println!("{durability:?}: {each:.0} ns to append a frame");
        for _ in 0..5 {
            let start = Instant::now();
            let chain = place.chain(&NO_ARCHIVE);
            let each = start.elapsed().as_nanos() as f64 / f64::from(FRAMES);
            assert_eq!(chain.sequence(), u64::from(FRAMES));
            println!("{durability:?}: {each:.1} ns to replay a frame");
        }
    }
}

#[test]
#[ignore = "a measurement"]
fn durable_commits_of_a_scalar() {
    for reserves in [true, false, true, false, true, false] {
        let place = Place::new();
        let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Commit);
        writer.reserves = reserves;
        let mut times: Vec<u128> = (0..2000)
            .map(|_| {
                let start = Instant::now();
                writer.append(&frame("key"), &[1; 64], None).unwrap();
                writer.commit(1).unwrap();
                start.elapsed().as_nanos()
            })
            .collect();
        times.sort_unstable();
        println!(
            "reserving {reserves}: p50 {} us, p99 {} us",
            times[1000] / 1000,
            times[1980] / 1000
        );
    }
}
