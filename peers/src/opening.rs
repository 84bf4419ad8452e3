//! Opening a session with a long journal.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use achronyme_env::{Moment, Session, SessionOptions, SessionReader};

use super::measure::{Case, in_turn, print, seconds};
use super::{Outcome, Plan};

/// Numbers of a commit, as in the table of commits.
const COMMIT: usize = 64;

/// Every commit is durable, and nothing is folded.
fn options() -> SessionOptions {
    SessionOptions::new().create(true).checkpoint_at(None)
}

/// A session with a journal of `frames` numbers under `names` names.
pub(crate) fn long(path: &Path, frames: usize, names: usize) -> Session {
    let mut session = options().open(path).expect("a session");
    for frame in 0..frames {
        let name = format!("session/var{:06}", frame % names);
        session.set(&name, frame as f64).expect("a name");
        if frame % COMMIT == COMMIT - 1 {
            session.commit().expect("a commit");
        }
    }
    session
}

#[allow(unsafe_code)]
fn mapped(path: &Path) -> SessionReader {
    // SAFETY: nobody writes while this benchmark reads.
    unsafe { SessionOptions::new().read_mmap(path) }.expect("a session")
}

/// 1,000,000 small frames, under 1,000 names and under as many as there are.
pub(crate) fn open(plan: &Plan<'_>) -> Outcome {
    let frames = plan.of(1_000_000, 100_000);
    for (what, names) in [("1,000", 1000), ("as many", frames)] {
        let (path, undone) = (plan.dir.join("long.ach"), plan.dir.join("undone.ach"));
        drop(long(&path, frames, names));
        let mut session = long(&undone, frames, names);
        session.restore_at(&Moment::Sequence(0))?;
        drop(session);
        let journal = PathBuf::from(format!("{}-journal", path.display()));
        let read = |path: &Path| SessionReader::open(path).expect("a session");
        let expected = read(&path).archive().len();
        assert_eq!(expected, names);
        assert!(read(&undone).archive().is_empty());
        let mut cases = [
            Case::new("open to read", || vec![seconds(|| read(&path))]),
            Case::new("open to read, mapped", || vec![seconds(|| mapped(&path))]),
            Case::new("open to write", || {
                vec![seconds(|| options().open(&path).expect("a session"))]
            }),
            Case::new("replay alone: all is undone, and no state to build", || {
                vec![seconds(|| read(&undone))]
            }),
            Case::new("floor: read, sum each 192 bytes", || {
                vec![seconds(|| floor(&journal))]
            }),
        ];
        in_turn(plan.of(15, 3), &mut cases);
        let title = format!("{frames} frames under {what} names, time of each on the clock");
        print(&title, frames as f64, &cases);
        for path in [&path, &undone] {
            std::fs::remove_file(format!("{}-journal", path.display()))?;
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Reads a file piece by piece and sums every 192 bytes of it.
fn floor(path: &Path) -> u32 {
    let mut file = File::open(path).expect("a file");
    let mut piece = vec![0; 192 * 5461];
    let mut all = 0;
    loop {
        match file.read(&mut piece).expect("a read") {
            0 => return all,
            n => {
                for frame in piece[..n].chunks(192) {
                    all ^= crc32fast::hash(frame);
                }
            }
        }
    }
}
