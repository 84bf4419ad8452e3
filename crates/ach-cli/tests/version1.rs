//! Version 1 files: every command answers as for the archive that `ach upgrade` makes of them, and
//! what version 1 had lost is told.

mod program;

use program::Folder;
use serde_json::Value as Json;

const SAMPLES: [&str; 6] = [
    "01_one_number_raw.ach",
    "03_booleans_null_z1.ach",
    "08_tensors_z3.ach",
    "10_records_z3.ach",
    "12_functions_z3.ach",
    "15_metadata_z3.ach",
];

/// A folder with a version 1 file, `old.ach`, in which two functions are lost.
fn with_functions() -> Folder {
    let folder = Folder::new();
    folder.copy_version_1("12_functions_z3.ach", "old.ach");
    folder
}

/// What a command answers as JSON, of one file.
fn json(folder: &Folder, args: &[&str]) -> Json {
    let answer: Json = serde_json::from_str(&folder.fine(args)).unwrap();
    answer["files"][0].clone()
}

#[test]
fn old_and_upgraded_files_answer_the_same() {
    for sample in SAMPLES {
        let folder = Folder::new();
        folder.copy_version_1(sample, "old.ach");
        let told = folder.fine(&["upgrade", "old.ach", "-o", "new.ach", "--verify"]);
        assert!(told.ends_with("; read again and equal\n"), "{told}");
        folder.fine(&["verify", "new.ach", "old.ach"]);
        let [old, new] = ["old.ach", "new.ach"].map(|file| json(&folder, &["ls", "--json", file]));
        let (old, new) = (&old["variables"], &new["variables"]);
        for (a, b) in old.as_array().unwrap().iter().zip(new.as_array().unwrap()) {
            for key in ["name", "kind", "dtype", "shape", "entries", "size"] {
                assert_eq!(a[key], b[key], "{sample}");
            }
            let name = a["name"].as_str().unwrap();
            let [a, b] = ["old.ach", "new.ach"]
                .map(|file| folder.fine(&["get", file, name, "--format", "json"]));
            assert_eq!(a, b, "{sample}: {name}");
        }
        assert_eq!(old.as_array().unwrap().len(), new.as_array().unwrap().len());
        let extracted = ["old.ach", "new.ach"].map(|file| {
            folder.fine(&["extract", file, "-o", "copy.ach", "--force"]);
            json(&folder, &["info", "--json", "copy.ach"])
        });
        for key in ["description", "tags", "metadata", "variables", "kinds"] {
            assert_eq!(extracted[0][key], extracted[1][key], "{sample}");
        }
        let packed = folder.fine(&["pack", "old.ach", "-o", "packed.ach"]);
        assert!(packed.starts_with("packed.ach: "), "{packed}");
    }
}

#[test]
fn what_was_lost_is_told_by_every_command_that_meets_it() {
    let folder = with_functions();
    let reason = "is lost: version 1 had stored it without its content";
    let lines = [
        format!("rec_user.f (user-defined function) {reason}"),
        format!("vec_user[1] (user-defined function) {reason}"),
    ];
    for args in [
        &["ls", "old.ach"][..],
        &["extract", "old.ach", "-d", "files"],
        &["pack", "old.ach", "-o", "packed.ach"],
        &["upgrade", "old.ach", "-o", "new.ach"],
    ] {
        let ran = folder.ach(args);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let notes: Vec<String> = lines.iter().map(|line| format!("note: {line}")).collect();
        assert!(ran.err.lines().eq(&notes), "{ran:?}");
    }
    for args in [&["info", "old.ach"][..], &["verify", "old.ach"]] {
        let shown = folder.fine(args);
        assert!(lines.iter().all(|line| shown.contains(line)), "{shown}");
    }
    for args in [
        &["info", "--json", "old.ach"][..],
        &["verify", "--json", "old.ach"],
    ] {
        let findings = &json(&folder, args)["findings"];
        assert_eq!(findings.as_array().unwrap().len(), 2);
        assert_eq!(findings[0]["name"], "rec_user");
        assert_eq!(findings[0]["path"], ".f");
        assert_eq!(findings[0]["kind"], "user-defined function");
        assert_eq!(findings[0]["outcome"], "lost");
    }
    // `get` tells what is about the value it shows.
    for (name, told) in [
        ("rec_user", true),
        ("rec_user.f", true),
        ("'rec_user'.f.x", true),
        ("rec_user.v", false),
        ("x", false),
    ] {
        let ran = folder.ach(&["get", "old.ach", name]);
        assert_eq!(ran.err.contains("note: "), told, "{name}: {ran:?}");
    }
}

#[test]
fn a_strict_upgrade_that_would_lose_something_writes_nothing() {
    let folder = with_functions();
    let ran = folder.ach(&["upgrade", "old.ach", "-o", "new.ach", "--strict"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let last = ran.err.lines().last().unwrap();
    assert_eq!(
        last,
        "ach: old.ach: 2 parts of it are lost, so nothing was written; leave out --strict to \
         convert the rest"
    );
    let ran = folder.ach(&["upgrade", "old.ach", "-o", "new.ach", "--strict", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let answer: Json = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["files"][0]["output"], Json::Null);
    assert_eq!(answer["files"][0]["findings"].as_array().unwrap().len(), 2);
    assert_eq!(folder.names(), ["old.ach"]);
    // Without anything lost it is as any other.
    folder.copy_version_1("10_records_z3.ach", "whole.ach");
    folder.fine(&["upgrade", "whole.ach", "-o", "new.ach", "--strict"]);
}

#[test]
fn an_upgrade_replaces_only_with_force_and_then_also_its_own_source() {
    let folder = with_functions();
    let before = folder.read("old.ach");
    let text = folder.refused(&["upgrade", "old.ach", "-o", "old.ach"]);
    assert!(text.contains("exists already; use --force"), "{text}");
    assert_eq!(folder.read("old.ach"), before);
    let done = json(
        &folder,
        &["upgrade", "old.ach", "-o", "old.ach", "--force", "--json"],
    );
    assert_eq!(done["output"], "old.ach");
    assert_eq!(done["file_length"], folder.read("old.ach").len());
    assert_eq!(folder.names(), ["old.ach"]);
    let text = folder.refused(&["upgrade", "old.ach", "-o", "new.ach"]);
    assert!(text.contains("is of format 2.0 already"), "{text}");
}

#[test]
fn an_upgrade_compresses_what_it_is_told_to() {
    let folder = Folder::new();
    folder.copy_version_1("08_tensors_z3.ach", "old.ach");
    folder.fine(&["upgrade", "old.ach", "-o", "hot.ach"]);
    folder.fine(&[
        "upgrade", "old.ach", "-o", "cold.ach", "--cold", "dim*", "--level", "19",
    ]);
    let listed = json(&folder, &["ls", "--json", "cold.ach", "-n", "dim70000"]);
    assert_eq!(listed["variables"][0]["cold"], true);
    let text = folder.refused(&["upgrade", "old.ach", "-o", "x.ach", "--level", "23"]);
    assert!(text.contains("23"), "{text}");
}

#[test]
fn a_damaged_version_1_file_is_a_fault_of_verify_and_an_error_elsewhere() {
    let folder = Folder::new();
    folder.copy_version_1("bad/b03_flipped_body_byte_z.ach", "old.ach");
    let ran = folder.ach(&["verify", "old.ach"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(
        ran.out,
        "old.ach: 1 fault\n  version 1 body at byte 64: content does not match its digest\n"
    );
    for args in [
        &["ls", "old.ach"][..],
        &["info", "old.ach"],
        &["get", "old.ach", "x"],
        &["extract", "old.ach", "-d", "files"],
        &["pack", "old.ach", "-o", "new.ach"],
        &["upgrade", "old.ach", "-o", "new.ach"],
    ] {
        let text = folder.refused(args);
        assert!(text.starts_with("old.ach is damaged: "), "{text}");
    }
    assert_eq!(folder.names(), ["old.ach"]);
}

#[test]
fn errors_name_the_version_1_file_and_no_temporary_one() {
    let folder = with_functions();
    let ran = folder.ach(&["get", "old.ach", "rec_usr"]);
    assert_eq!(
        ran.err.lines().last().unwrap(),
        "ach: old.ach has no variable 'rec_usr'; did you mean 'rec_user'?"
    );
    let ran = folder.ach(&["ls", "old.ach", "-n", "nothing*"]);
    assert!(
        ran.err.contains("old.ach has no variable that matches"),
        "{ran:?}"
    );
}
