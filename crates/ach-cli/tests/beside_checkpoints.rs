//! A shell that looks on while a session folds its journal again and again.
#![cfg(unix)]

mod program;

use std::process::Stdio;

use achronyme_env::{Durability, SessionOptions};
use program::{Folder, Ran};

const CHECKPOINTS: i64 = 1000;

/// Lists the archive and reads `n` until there is a file `done`; says how often. Ends with 1 when a
/// command does, and when `n` goes back.
const LOOP: &str = r#"
    last=0 rounds=0
    while [ ! -e done ]; do
        "$ACH" ls a.ach >listed || exit 1
        grep -q '^still ' listed || { cat listed >&2; exit 1; }
        n=$("$ACH" get -q a.ach n) || exit 1
        [ "$n" -ge "$last" ] || { echo "$n after $last" >&2; exit 1; }
        last=$n rounds=$((rounds + 1))
    done
    echo "$rounds $last""#;

#[test]
fn a_shell_loop_beside_a_thousand_checkpoints_never_errs() {
    let folder = Folder::new();
    let options = SessionOptions::new().create(true);
    let options = options.durability(Durability::Os).checkpoint_at(None);
    let mut session = options.open(folder.path("a.ach")).unwrap();
    session.set("still", "here").unwrap();
    session.set("n", 0).unwrap();
    session.commit().unwrap();

    let mut looking = folder.command("sh");
    let looking = looking.args(["-c", LOOP]);
    let looking = looking.stdout(Stdio::piped()).stderr(Stdio::piped());
    let looking = looking.spawn().unwrap();
    for n in 1..=CHECKPOINTS {
        session.set("n", 2 * n - 1).unwrap();
        let checkpoint = session.begin_checkpoint().unwrap().unwrap();
        // It goes on meanwhile, so that readers meet two segments, and one that is retired.
        session.set("n", 2 * n).unwrap();
        session.commit().unwrap();
        let folded = checkpoint.run().unwrap();
        session.finish_checkpoint(folded).unwrap();
    }
    folder.write("done", "");
    let ran = Ran::of(looking.wait_with_output().unwrap());
    // That the journal was read is said each time.
    let told = ran.err.lines().find(|line| !line.starts_with("note: "));
    assert_eq!((ran.code, told), (Some(0), None));
    let (rounds, last) = ran.out.trim_end().split_once(' ').unwrap();
    assert!(rounds.parse::<u32>().unwrap() > 10);
    assert!(last.parse::<i64>().unwrap() <= 2 * CHECKPOINTS);

    session.close().unwrap();
    assert_eq!(folder.fine(&["get", "-q", "a.ach", "n"]), "2000\n");
}
