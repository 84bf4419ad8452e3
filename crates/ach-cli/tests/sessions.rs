//! Edits, their history, and what reading commands make of a journal.

mod program;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use achronyme_env::{Archive, Session, SessionOptions, SessionReader};
use program::{Folder, npy};
use serde_json::{Value as Json, json};

/// An archive `a.ach` with `x = 1` and a record, and no journal.
fn with_archive() -> Folder {
    let folder = Folder::new();
    folder.write(
        "a.json",
        r#"{"x": 1, "cfg": {"rate": 0.1, "tags": ["p", "q"]}}"#,
    );
    folder.fine(&["pack", "-o", "a.ach", "a.json"]);
    folder
}

/// The same with two commits in its journal.
fn with_journal() -> Folder {
    let folder = with_archive();
    folder.fine(&["set", "a.ach", "x=2", "--keep-history"]);
    folder.fine(&["set", "a.ach", "y=true"]);
    folder
}

fn x(folder: &Folder) -> String {
    folder
        .fine(&["get", "-q", "a.ach", "x"])
        .trim_end()
        .to_owned()
}

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_small_edit_leaves_one_file_that_holds_everything() {
    let folder = with_archive();
    let ran = folder.ach(&[
        "set",
        "a.ach",
        "x=2",
        "name=trial 7",
        "cfg.rate=0.5",
        "cfg.n=null",
    ]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.err, "");
    assert_eq!(
        ran.out,
        "x = 2, was 1\nname = 'trial 7', new\ncfg.rate = 0.5, was 0.1\ncfg.n = null, new\n"
    );
    assert_eq!(folder.names(), ["a.ach", "a.ach-lock", "a.json"]);
    let archive = Archive::open(folder.path("a.ach")).unwrap();
    assert_eq!(archive.get("x").unwrap().as_i64(), Some(2));
    assert_eq!(archive.at("cfg.rate").unwrap().as_f64(), Some(0.5));
    assert_eq!(archive.at("cfg.tags[-1]").unwrap().as_str(), Some("q"));
    let told = folder.refused(&["undo", "a.ach"]);
    assert!(
        told.contains("nothing to undo") && told.contains("--keep-history"),
        "{told}"
    );
    let log = folder.fine(&["log", "a.ach"]);
    assert!(
        log.starts_with("a.ach has no journal, and so no history"),
        "{log}"
    );
}

#[test]
fn kept_edits_are_undone_redone_and_folded() {
    let folder = with_archive();
    let ran = folder.ach(&["set", "a.ach", "x=2", "--keep-history"]);
    assert!(ran.err.contains("`ach checkpoint a.ach`"), "{ran:?}");
    // What is there can be undone, so the next edit does not fold it.
    folder.fine(&["rm", "a.ach", "cfg"]);
    folder.fine(&["mv", "a.ach", "x", "z"]);
    assert_eq!(folder.fine(&["ls", "-q", "a.ach"]).lines().count(), 2);
    folder.fine(&["undo", "a.ach"]);
    folder.fine(&["undo", "a.ach"]);
    folder.fine(&["undo", "a.ach"]);
    assert_eq!(x(&folder), "1");
    assert!(
        folder
            .refused(&["undo", "a.ach"])
            .contains("nothing more to undo")
    );
    let redone = folder.fine(&["redo", "a.ach"]);
    assert!(redone.ends_with("; different: x\n"), "{redone}");
    assert_eq!(x(&folder), "2");
    folder.fine(&["redo", "a.ach"]);
    folder.fine(&["redo", "a.ach"]);
    assert!(
        folder
            .refused(&["redo", "a.ach"])
            .contains("nothing to redo")
    );
    assert_eq!(folder.fine(&["get", "-q", "a.ach", "z"]), "2\n");
    assert!(
        folder
            .fine(&["checkpoint", "a.ach"])
            .contains("9 commits folded; 1 variable")
    );
    assert_eq!(
        folder.fine(&["checkpoint", "a.ach"]),
        "a.ach: there is nothing to fold\n"
    );
    assert_eq!(folder.names(), ["a.ach", "a.ach-lock", "a.json"]);
    assert_eq!(
        Archive::open(folder.path("a.ach"))
            .unwrap()
            .get("z")
            .unwrap()
            .as_i64(),
        Some(2)
    );
}

#[test]
fn marks_numbers_and_times_lead_back() {
    let folder = with_archive();
    assert_eq!(
        folder.fine(&["mark", "a.ach", "before"]),
        "a.ach: commit 1 is marked 'before'\n"
    );
    folder.fine(&["set", "a.ach", "x=2"]);
    folder.fine(&["set", "a.ach", "x=3"]);
    let log = parsed(&folder.fine(&["log", "--json", "a.ach"]));
    let commits = log["files"][0]["commits"].as_array().unwrap();
    assert_eq!(commits.len(), 3);
    assert_eq!(
        commits[0]["events"],
        json!([{ "event": "mark", "name": "before" }])
    );
    assert_eq!(commits[1]["events"][0]["kind"], "integer");
    let second = commits[1]["time"].as_str().unwrap().to_owned();

    let back = folder.fine(&["undo", "a.ach", "--to", "before"]);
    assert!(
        back.contains("`ach restore a.ach --at 3` leads back"),
        "{back}"
    );
    assert_eq!(x(&folder), "1");
    folder.fine(&["restore", "a.ach", "--at", "3"]);
    assert_eq!(x(&folder), "3");
    folder.fine(&["restore", "a.ach", "--at", &second]);
    assert_eq!(x(&folder), "2");
    folder.fine(&["restore", "a.ach", "--at", "before"]);
    assert_eq!(x(&folder), "1");
    folder.fine(&["restore", "a.ach", "--at", "0"]);
    let undone = folder.fine(&["log", "a.ach"]);
    assert!(undone.contains("undone: set x"), "{undone}");
    assert!(
        undone
            .trim_end()
            .ends_with("0                             the archive"),
        "{undone}"
    );
    assert_eq!(folder.fine(&["log", "a.ach", "-n", "2"]).lines().count(), 3);

    let told = folder.refused(&["restore", "a.ach", "--at", "befor"]);
    assert!(
        told.contains("no mark 'befor'") && told.contains("'before'"),
        "{told}"
    );
    assert!(
        folder
            .refused(&["restore", "a.ach", "--at", "99"])
            .contains("does not reach there")
    );
    folder.refused(&["restore", "a.ach", "--at", "1999-01-01"]);
    assert_eq!(x(&folder), "1");
}

#[test]
fn history_that_is_kept_reaches_over_checkpoints() {
    let folder = with_journal();
    folder.fine(&["checkpoint", "a.ach", "--keep-history"]);
    // Another edit and another checkpoint that do not ask for it again.
    folder.fine(&["set", "a.ach", "x=7", "--keep-history"]);
    folder.fine(&["checkpoint", "a.ach"]);
    let log = folder.fine(&["log", "a.ach"]);
    assert_eq!(log.lines().count(), 4, "{log}");
    let told = folder.refused(&["undo", "a.ach"]);
    assert!(told.contains("`ach restore a.ach --at COMMIT`"), "{told}");
    folder.fine(&["restore", "a.ach", "--at", "1"]);
    assert_eq!(x(&folder), "2");
    folder.fine(&["verify", "a.ach"]);
}

#[test]
fn nothing_is_changed_and_nothing_left_when_an_edit_is_refused() {
    let folder = with_archive();
    let before = folder.read("a.ach");
    for args in [
        &["set", "a.ach", "x=5", "cfg.tags[7]=1"][..],
        &["set", "a.ach", "x=5", "y=@none.npy"],
        &["set", "a.ach", "x=5", "--attr", "nobody:k=v"],
        &["set", "a.ach", "x"],
        &["set", "a.ach"],
        &["rm", "a.ach", "x", "y"],
        &["rm", "a.ach", "x", "y*"],
        &["mv", "a.ach", "y", "z"],
        &["mv", "a.ach", "x", "cfg"],
        &["undo", "a.ach"],
        &["redo", "a.ach"],
        &["restore", "a.ach", "--at", "3"],
        &["set", "none.ach", "x=5"],
        &["rm", "none.ach", "x"],
        &["log", "none.ach"],
        &["watch", "none.ach"],
        &["set", "a.json", "x=5"],
    ] {
        folder.refused(args);
        assert_eq!(folder.read("a.ach"), before, "{args:?}");
        let journals = folder.names();
        let journals = journals.iter().filter(|name| name.contains("-journal"));
        assert_eq!(journals.count(), 0, "{args:?}");
    }
    assert!(!folder.names().contains(&"a.json-lock".to_owned()));
    let told = folder.refused(&["mv", "a.ach", "x", "cfg"]);
    assert!(told.contains("has a variable 'cfg' already"), "{told}");
    let told = folder.refused(&["set", "none.ach", "x=5"]);
    assert!(told.contains("`ach set --create`"), "{told}");

    // Beside commits that are there, the same.
    let folder = with_journal();
    let before = folder.read("a.ach-journal");
    let told = folder.ach(&["set", "a.ach", "x=5", "cfg.tags[7]=1"]);
    assert_eq!(told.code, Some(2), "{told:?}");
    // Longer by space that is reserved, at most.
    assert!(folder.read("a.ach-journal").starts_with(&before[..512]));
    assert_eq!(
        SessionReader::open(folder.path("a.ach"))
            .unwrap()
            .sequence(),
        2
    );
}

#[test]
fn old_files_are_not_touched() {
    let folder = Folder::new();
    folder.copy_version_1("12_functions_z3.ach", "old.ach");
    let told = folder.refused(&["set", "old.ach", "x=1"]);
    assert!(told.contains("ach upgrade"), "{told}");
    assert_eq!(folder.names(), ["old.ach"]);
}

#[test]
fn files_become_values_with_what_they_say() {
    let folder = Folder::with_examples();
    folder.fine(&[
        "set",
        "--create",
        "a.ach",
        "cat=@chelsea.npy",
        "run=@run.json",
        "net=@digits-mlp.safetensors",
        "table=@penguins.csv",
        "home=\"@home\"",
        "--attr",
        "cat:licence=CC0",
    ]);
    let archive = Archive::open(folder.path("a.ach")).unwrap();
    assert_eq!(
        archive.binding("cat").unwrap().shape(),
        Some(&[240, 320, 3][..])
    );
    assert_eq!(
        archive
            .attributes("cat")
            .unwrap()
            .get("licence")
            .unwrap()
            .as_str(),
        Some("CC0")
    );
    assert_eq!(
        archive
            .at("run.hyperparameters.optimizer.momentum")
            .unwrap()
            .as_f64(),
        Some(0.9)
    );
    assert!(
        archive
            .get("net")
            .unwrap()
            .as_record()
            .unwrap()
            .get("layer1.bias")
            .is_some()
    );
    assert!(
        archive
            .attributes("net")
            .unwrap()
            .get("test_size")
            .is_some()
    );
    assert!(archive.at("table.species[:3]").is_ok());
    assert_eq!(archive.get("home").unwrap().as_str(), Some("@home"));
    // A value alone keeps its attributes, and attributes alone keep the value.
    folder.fine(&["set", "a.ach", "cat=@chelsea.npy", "--attr", "run:by=me"]);
    let archive = Archive::open(folder.path("a.ach")).unwrap();
    assert_eq!(archive.attributes("cat").unwrap().len(), 1);
    assert!(archive.at("run.hyperparameters").is_ok());
    // All of another archive.
    folder.fine(&["set", "--create", "b.ach", "all=@a.ach", "s=1"]);
    let copy = Archive::open(folder.path("b.ach")).unwrap();
    assert_eq!(copy.at("all.home").unwrap().as_str(), Some("@home"));
    assert_eq!(folder.read("b.ach-lock"), b"");
}

#[test]
fn names_are_found_before_paths_and_quotes_end_them() {
    let folder = with_archive();
    let ran = folder.ach(&["set", "a.ach", "x.y=1", "'a=b'=2", "cfgg.rate=3"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let ran = folder.ach(&["set", "a.ach", "'x.y'=1", "'a=b'=2", "cfgg.rate=3"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("did you mean 'cfg'?"), "{ran:?}");
    let archive = Archive::open(folder.path("a.ach")).unwrap();
    let names: Vec<&str> = archive.names().collect();
    assert_eq!(names, ["a=b", "cfg", "cfgg.rate", "x", "x.y"]);
    folder.fine(&["set", "a.ach", "x.y=5"]);
    assert_eq!(folder.fine(&["get", "a.ach", "x.y"]), "5\n");
    assert_eq!(
        folder.fine(&["rm", "a.ach", "*.*", "a=b"]),
        "a.ach: 3 variables removed: x.y, a=b, cfgg.rate\n"
    );
}

#[test]
fn reading_commands_include_the_journal_and_say_so() {
    let folder = with_journal();
    for args in [
        &["ls", "a.ach"][..],
        &["get", "a.ach", "y"],
        &["extract", "a.ach", "-d", "out"],
        &["extract", "a.ach", "-o", "b.npz", "-n", "zz"],
        &["pack", "-o", "b.ach", "a.ach"],
    ] {
        let ran = folder.ach(args);
        let said = "note: a.ach: with 2 commits from a.ach-journal";
        assert!(
            ran.err.lines().any(|line| line == said),
            "{args:?}: {ran:?}"
        );
    }
    assert_eq!(folder.read("out/y.json"), b"true\n");
    assert_eq!(
        Archive::open(folder.path("b.ach"))
            .unwrap()
            .get("x")
            .unwrap()
            .as_i64(),
        Some(2)
    );
    let quiet = folder.ach(&["ls", "-q", "a.ach"]);
    assert_eq!((quiet.err.as_str(), quiet.code), ("", Some(0)));
    let rows: Vec<&str> = quiet.out.lines().collect();
    assert!(
        rows[1].starts_with("x ") && rows[1].ends_with("journal"),
        "{rows:?}"
    );
    assert!(
        rows[2].starts_with("cfg ") && rows[2].ends_with("hot"),
        "{rows:?}"
    );
    assert!(
        rows[3].starts_with("y ") && rows[3].ends_with("journal"),
        "{rows:?}"
    );
    let long = folder.fine(&["ls", "-l", "a.ach"]);
    assert_eq!(long.lines().count(), 4, "{long}");

    let listed = folder.ach(&["ls", "--json", "a.ach"]);
    assert_eq!(listed.err, "");
    let file = &parsed(&listed.out)["files"][0];
    assert_eq!(file["journal"]["commits"], 2);
    assert_eq!(file["journal"]["path"], "a.ach-journal");
    assert_eq!(file["variables"][0]["journal"], true);
    assert_eq!(file["variables"][1]["journal"], false);
    let info = folder.fine(&["info", "a.ach"]);
    assert!(
        info.contains("2 commits not folded; `ach checkpoint a.ach` folds"),
        "{info}"
    );
    assert!(info.contains(", at commit 2\n"), "{info}");
    let verified = folder.fine(&["verify", "a.ach"]);
    assert!(
        verified.contains("ok, 3 variables") && verified.contains("2 commits"),
        "{verified}"
    );

    for args in [
        &["ls", "--archive-only", "a.ach"][..],
        &["info", "--archive-only", "a.ach"],
    ] {
        let ran = folder.ach(args);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{args:?}");
        assert!(!ran.out.contains("journal"), "{ran:?}");
    }
    assert_eq!(folder.fine(&["get", "--archive-only", "a.ach", "x"]), "1\n");
    folder.refused(&["get", "--archive-only", "a.ach", "y"]);
    let verified = folder.fine(&["verify", "--archive-only", "a.ach"]);
    assert!(
        verified.contains("ok, 2 variables") && !verified.contains("journal"),
        "{verified}"
    );
}

#[test]
fn a_journal_of_another_archive_is_reported_and_not_replayed() {
    let folder = with_journal();
    folder.write("b.json", r#"{"x": 10}"#);
    folder.fine(&["pack", "-o", "b.ach", "b.json"]);
    std::fs::rename(folder.path("a.ach-journal"), folder.path("b.ach-journal")).unwrap();
    let ran = folder.ach(&["get", "b.ach", "x"]);
    assert_eq!((ran.out.as_str(), ran.code), ("10\n", Some(0)), "{ran:?}");
    assert!(
        ran.err.contains("b.ach is read without its journal: "),
        "{ran:?}"
    );
    let ran = folder.ach(&["ls", "--json", "b.ach"]);
    assert_eq!(ran.err, "");
    let journal = &parsed(&ran.out)["files"][0]["journal"];
    assert!(
        journal["unread"]
            .as_str()
            .unwrap()
            .contains("does not belong"),
        "{journal}"
    );
    let verified = folder.ach(&["verify", "b.ach"]);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(verified.out.contains("does not belong to"), "{verified:?}");
    let before = folder.read("b.ach-journal");
    folder.refused(&["set", "b.ach", "x=11"]);
    folder.refused(&["backup", "b.ach", "c.ach"]);
    assert_eq!(folder.read("b.ach-journal"), before);
}

/// The journal up to its last commit.
fn committed(folder: &Folder) -> usize {
    let listed = parsed(&folder.fine(&["info", "--json", "a.ach"]));
    let len = listed["files"][0]["journal"]["length"].as_u64().unwrap();
    usize::try_from(len).unwrap()
}

#[test]
fn damage_in_a_journal_is_reported_and_moved_aside() {
    let folder = with_journal();
    let len = committed(&folder);
    let mut journal = folder.read("a.ach-journal");
    journal.truncate(len);
    journal.extend(b"no frame");
    folder.write("a.ach-journal", &journal);
    let ran = folder.ach(&["ls", "a.ach"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told = format!("a.ach-journal: 8 bytes from byte {len} on do not count");
    assert!(ran.err.contains(&told), "{ran:?}");
    assert!(ran.out.contains("\ny "), "{ran:?}");
    let verified = folder.ach(&["verify", "a.ach"]);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    let ran = folder.ach(&["set", "a.ach", "x=3"]);
    assert!(ran.err.contains("a.ach-journal.rejected"), "{ran:?}");
    assert_eq!(folder.read("a.ach-journal.rejected"), b"no frame");
    assert_eq!(folder.ach(&["verify", "a.ach"]).code, Some(0));
    assert_eq!(x(&folder), "3");
}

#[test]
fn verify_finds_one_flipped_byte_in_a_value_of_the_journal() {
    let folder = with_archive();
    let text = "t".repeat(1000);
    // One writer: it knows that what it committed before is on the disk.
    let mut session = Session::open(folder.path("a.ach")).unwrap();
    for (name, value) in [("long", &*text), ("x", "2"), ("long", "short")] {
        session.set(name, value).unwrap();
        session.commit().unwrap();
    }
    drop(session);
    let sound = folder.read("a.ach-journal");
    let at = sound
        .windows(100)
        .position(|bytes| bytes == &text.as_bytes()[..100])
        .unwrap();
    let mut journal = sound.clone();
    journal[at + 300] ^= 1;
    folder.write("a.ach-journal", &journal);
    // Nothing that counts is read there, and what was on the disk is not read to be opened.
    assert_eq!(x(&folder), "2");
    let ran = folder.ach(&["verify", "--json", "a.ach"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let faults = &parsed(&ran.out)["files"][0]["faults"];
    assert_eq!(faults.as_array().unwrap().len(), 1, "{faults}");
    assert_eq!(faults[0]["file"], "a.ach-journal");
    assert_eq!(faults[0]["variables"], json!(["long"]));
    folder.write("a.ach-journal", sound);
    assert_eq!(folder.ach(&["verify", "a.ach"]).code, Some(0));
}

#[test]
fn a_writer_keeps_others_from_writing_and_nobody_from_reading() {
    let folder = with_archive();
    let mut session = Session::open(folder.path("a.ach")).unwrap();
    session.set("x", 5).unwrap();
    session.commit().unwrap();
    for args in [
        &["set", "a.ach", "x=9"][..],
        &["rm", "a.ach", "x"],
        &["mark", "a.ach", "m"],
        &["undo", "a.ach"],
        &["checkpoint", "a.ach"],
        &["pack", "--force", "-o", "a.ach", "a.json"],
    ] {
        let told = folder.refused(args);
        let process = format!("process {}", std::process::id());
        assert!(
            told.contains("open for writing in") && told.contains(&process),
            "{told}"
        );
    }
    assert_eq!(x(&folder), "5");
    let info = folder.fine(&["info", "a.ach"]);
    assert!(
        info.contains(&format!("written in    process {}", std::process::id())),
        "{info}"
    );
    folder.fine(&["verify", "a.ach"]);
    assert!(
        folder
            .fine(&["backup", "a.ach", "b.ach"])
            .starts_with("b.ach: 2 variables, ")
    );
    folder.refused(&["backup", "a.ach", "b.ach"]);
    folder.fine(&["backup", "a.ach", "b.ach", "--force"]);
    folder.refused(&["backup", "a.ach", "a.ach", "--force"]);
    session.set("x", 6).unwrap();
    session.close().unwrap();
    assert_eq!(folder.fine(&["get", "b.ach", "x"]), "5\n");
    assert!(!folder.names().contains(&"b.ach-journal".to_owned()));
}

#[test]
fn commits_that_are_not_folded_are_not_packed_over() {
    let folder = with_journal();
    let pack = ["pack", "--force", "-o", "a.ach", "a.json"];
    let told = folder.refused(&pack);
    assert!(
        told.contains("`ach checkpoint a.ach`") && told.contains("--discard-journal"),
        "{told}"
    );
    assert_eq!(x(&folder), "2");
    folder.fine(&["backup", "a.ach", "b.ach"]);
    assert!(
        folder
            .refused(&["backup", "--force", "b.ach", "a.ach"])
            .contains("another name")
    );
    folder.fine(&[&pack[..], &["--discard-journal"]].concat());
    assert_eq!(x(&folder), "1");
    assert!(!folder.names().contains(&"a.ach-journal".to_owned()));
}

#[test]
fn history_that_is_kept_is_not_packed_over() {
    let folder = with_journal();
    folder.fine(&["checkpoint", "a.ach", "--keep-history"]);
    assert!(folder.names().contains(&"a.ach-base".to_owned()));
    let pack = ["pack", "--force", "-o", "a.ach", "a.json"];
    let told = folder.refused(&pack);
    assert!(
        told.contains("history") && told.contains("--discard-journal"),
        "{told}"
    );
    folder.fine(&["backup", "a.ach", "b.ach"]);
    let told = folder.refused(&["backup", "--force", "b.ach", "a.ach"]);
    assert!(
        told.contains("history") && told.contains("another name"),
        "{told}"
    );
    assert!(folder.fine(&["log", "a.ach"]).contains("x"));
    folder.fine(&[&pack[..], &["--discard-journal"]].concat());
    assert_eq!(x(&folder), "1");
    assert!(!folder.names().contains(&"a.ach-base".to_owned()));
}

#[test]
fn watch_tells_every_commit_as_it_is_made() {
    let folder = with_archive();
    let options = SessionOptions::new();
    let mut session = options.open(folder.path("a.ach")).unwrap();
    let mut watch = folder.command(env!("CARGO_BIN_EXE_ach"));
    let watch = watch.args(["watch", "--json", "a.ach"]);
    let mut watch = watch
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut line = || parsed(&lines.next().unwrap().unwrap());
    // Until it looks, what is done is part of where it begins.
    let mut first = 0;
    let seen = std::thread::scope(|scope| {
        let reading = scope.spawn(&mut line);
        while !reading.is_finished() {
            first += 1;
            session.set("warm", first).unwrap();
            session.commit().unwrap();
            std::thread::sleep(Duration::from_millis(50));
        }
        reading.join().unwrap()
    });
    assert_eq!(
        (&seen["event"], &seen["name"]),
        (&json!("set"), &json!("warm"))
    );
    session.mark("m").unwrap();
    session.set("x", 8).unwrap();
    session.remove("cfg").unwrap();
    session.commit().unwrap();
    session.undo().unwrap();
    let mut events = Vec::new();
    while events.len() < 4 {
        let event = line();
        if event["name"] != "warm" {
            events.push(event["event"].clone());
        }
    }
    assert_eq!(events, ["mark", "set", "remove", "undo"]);
    session.checkpoint().unwrap();
    session.set("x", 9).unwrap();
    session.commit().unwrap();
    let event = line();
    assert_eq!(
        (&event["event"], &event["name"]),
        (&json!("set"), &json!("x"))
    );
    session.close().unwrap();
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn watch_tells_edits_that_are_folded_at_once_and_ends_when_told() {
    let folder = with_archive();
    let mut watch = folder.command(env!("CARGO_BIN_EXE_ach"));
    let watch = watch.args(["watch", "--once", "--for", "60", "a.ach"]);
    let mut watch = watch
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut greeting = String::new();
    BufReader::new(watch.stderr.take().unwrap())
        .read_line(&mut greeting)
        .unwrap();
    assert_eq!(greeting, "note: a.ach is at commit 0, 2 variables\n");
    folder.fine(&["set", "a.ach", "x=2"]);
    let ran = program::Ran::of(watch.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("set x") && ran.out.lines().count() == 1,
        "{ran:?}"
    );

    let ran = folder.ach(&["watch", "--for", "0.1", "--json", "a.ach"]);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (Some(0), "", "")
    );
    folder.refused(&["watch", "--for", "-1", "a.ach"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_watch_quietly() {
    let folder = with_archive();
    // A shell lets what it runs in the background ignore interrupts, and that is inherited.
    let run = "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); \
               os.execl(os.environ['ACH'], 'ach', 'watch', 'a.ach')";
    let mut watch = folder.command("python3");
    let watch = watch.args(["-c", run]);
    let mut watch = watch
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(watch.stderr.take().unwrap());
    let mut greeting = String::new();
    told.read_line(&mut greeting).unwrap();
    folder.shell(&format!("kill -INT {}", watch.id()));
    watch.wait().unwrap();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut told, &mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn no_control_character_of_a_session_reaches_the_terminal() {
    let folder = with_archive();
    let evil = "\u{1b}[31mred\u{7}\u{202e}";
    let mut runs = Vec::new();
    for args in [
        &["set", "a.ach", &format!("{evil}={evil}"), "--keep-history"][..],
        &[
            "set",
            "a.ach",
            "x=1",
            "--attr",
            &format!("{evil}:{evil}={evil}"),
        ],
        &["mark", "a.ach", evil],
        &["mv", "a.ach", evil, &format!("{evil}2")],
        &["log", "a.ach"],
        &["log", "--json", "a.ach"],
        &["undo", "a.ach"],
        &["undo", "a.ach", "--to", evil],
        &["restore", "a.ach", "--at", evil],
        &["restore", "a.ach", "--at", &format!("{evil}x")],
        &["rm", "a.ach", evil],
        &["rm", "a.ach", evil],
        &["rm", "a.ach", &format!("{evil}*")],
        &["set", evil, "x=1"],
        &["set", "a.ach", evil],
        &["watch", evil],
        &["backup", evil, "b.ach"],
        &["backup", "a.ach", &format!("{evil}.ach")],
    ] {
        runs.push(folder.ach(args));
    }
    for ran in runs {
        let text = ran.out.clone() + &ran.err;
        let harmful = |c: &char| (c.is_control() && *c != '\n') || *c == '\u{202e}';
        assert_eq!(text.chars().find(harmful), None, "{ran:?}");
    }
}

#[test]
fn a_large_array_is_written_once_and_edits_beside_it_cost_nothing() {
    let folder = Folder::new();
    let data = vec![7u8; 80 << 20];
    folder.write("big.npy", npy("|u1", &format!("({},)", data.len()), &data));
    folder.fine(&["pack", "-o", "a.ach", "big.npy"]);
    let before = folder.read("a.ach").len();
    // Above what an edit writes anew.
    let ran = folder.ach(&["set", "a.ach", "x=1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("`ach checkpoint a.ach`"), "{ran:?}");
    assert_eq!(folder.read("a.ach").len(), before);
    assert!(committed(&folder) < 4096);
    folder.fine(&["undo", "a.ach"]);
    folder.refused(&["get", "a.ach", "x"]);
    folder.fine(&["redo", "a.ach"]);
    folder.fine(&["checkpoint", "a.ach"]);
    assert_eq!(x(&folder), "1");
}

#[test]
fn damage_in_kept_history_is_named_and_what_stands_before_it_can_be_reached() {
    let folder = with_archive();
    for n in 2..=5 {
        folder.fine(&["set", "a.ach", &format!("x={n}"), "--keep-history"]);
        folder.fine(&["checkpoint", "a.ach", "--keep-history"]);
    }
    folder.fine(&["set", "a.ach", "x=6", "--keep-history"]);
    assert!(folder.fine(&["verify", "a.ach"]).contains("ok"));
    // The header of the first frame, behind the begin frame of 128 bytes.
    let mut bytes = folder.read("a.ach-journal.3");
    bytes[128 + 16] ^= 1;
    folder.write("a.ach-journal.3", bytes);

    for refused in [&["log", "a.ach"][..], &["restore", "a.ach", "--at", "3"]] {
        let text = folder.ach(refused).err;
        assert!(text.contains("a.ach-journal.3 is damaged"), "{text}");
        assert!(text.contains("up to frame 2 of 5"), "{text}");
    }
    let verified = folder.ach(&["verify", "a.ach"]);
    assert_eq!(verified.code, Some(1));
    let told = verified.out.contains("a.ach-journal.3: frame 3: ");
    assert!(told, "{}", verified.out);
    assert_eq!(x(&folder), "6");
    folder.fine(&["undo", "a.ach"]);
    assert_eq!(x(&folder), "5");
    folder.fine(&["restore", "a.ach", "--at", "2"]);
    assert_eq!(x(&folder), "3");
}
