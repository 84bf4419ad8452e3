//! Promise: `cp`, `merge` and `convert` carry values over as they are, arrays as they stand, and
//! leave what is there as it was when they cannot.

mod program;

use program::{Folder, offset_of};
use serde_json::Value as Json;

/// `run.ach` with a compressed array, and `model.ach`.
fn folder() -> Folder {
    let folder = Folder::with_examples();
    let attr = "cat:licence=CC0 1.0";
    let pack = [
        "pack",
        "-o",
        "run.ach",
        "cat=chelsea.npy",
        "run.json",
        "--attr",
        attr,
    ];
    folder.fine(&[&pack[..], &["--cold", "cat"]].concat());
    folder.fine(&["pack", "-o", "model.ach", "digits-mlp.safetensors"]);
    folder
}

fn variables(folder: &Folder, file: &str) -> Vec<Json> {
    let listed = folder.fine(&["ls", "-l", "--json", "-q", file]);
    let json: Json = serde_json::from_str(&listed).unwrap();
    json["files"][0]["variables"].as_array().unwrap().clone()
}

fn names(folder: &Folder, file: &str) -> Vec<String> {
    let variables = variables(folder, file);
    let name = |v: &Json| v["name"].as_str().unwrap().to_owned();
    variables.iter().map(name).collect()
}

fn hash(folder: &Folder, file: &str) -> String {
    let told = folder.fine(&["hash", file]);
    told.split_whitespace().next().unwrap().to_owned()
}

/// The stored bytes of an array.
fn stored(folder: &Folder, file: &str, variable: &str) -> Vec<u8> {
    let all = variables(folder, file);
    let found = all.iter().find(|v| v["name"] == variable).unwrap();
    let extent = &found["extents"][0];
    let number = |field: &str| extent[field].as_u64().unwrap() as usize;
    folder.read(file)[number("offset")..][..number("stored")].to_vec()
}

#[test]
fn a_copy_stands_in_its_file_as_it_stood_and_keeps_what_is_said_of_it() {
    let folder = folder();
    folder.fine(&["cp", "run.ach", "new.ach", "-n", "cat", "-n", "hist*"]);
    assert_eq!(names(&folder, "new.ach"), ["cat", "history"]);
    let (old, new) = (variables(&folder, "run.ach"), variables(&folder, "new.ach"));
    assert_eq!(old[0]["attributes"], new[0]["attributes"]);
    assert_eq!(new[0]["cold"], true);
    assert_eq!(
        stored(&folder, "run.ach", "cat"),
        stored(&folder, "new.ach", "cat")
    );
    // Into one that exists: what it had stays in front.
    folder.fine(&[
        "cp",
        "model.ach",
        "new.ach",
        "-n",
        "*1.bias",
        "--prefix",
        "net/",
    ]);
    folder.fine(&["cp", "run.ach", "new.ach", "-n", "cat", "--as", "kitty"]);
    assert_eq!(
        names(&folder, "new.ach"),
        ["cat", "history", "net/layer1.bias", "kitty"]
    );
    assert_eq!(
        stored(&folder, "run.ach", "cat"),
        stored(&folder, "new.ach", "kitty")
    );
    folder.fine(&["verify", "new.ach"]);
    // All of one archive is that archive.
    folder.fine(&["cp", "model.ach", "copy.ach"]);
    assert_eq!(hash(&folder, "model.ach"), hash(&folder, "copy.ach"));
    let tags = ["info", "--json", "copy.ach"];
    assert!(
        folder.fine(&tags).contains("test_accuracy"),
        "metadata of the only source"
    );
}

#[test]
fn a_name_that_is_there_is_replaced_only_when_asked() {
    let folder = folder();
    folder.fine(&["cp", "run.ach", "new.ach", "-n", "cat", "-n", "name"]);
    folder.fine(&["set", "new.ach", "name=other"]);
    let before = folder.read("new.ach");
    let told = folder.refused(&["cp", "run.ach", "new.ach", "-n", "name"]);
    assert!(told.contains("name") && told.contains("--force"), "{told}");
    assert_eq!(folder.read("new.ach"), before);
    folder.fine(&["cp", "run.ach", "new.ach", "-n", "name", "--force"]);
    assert_eq!(names(&folder, "new.ach"), ["cat", "name"]);
    let both = ["get", "new.ach", "name"];
    assert_eq!(folder.fine(&both), folder.fine(&["get", "run.ach", "name"]));
}

#[test]
fn what_cannot_be_copied_is_told_and_nothing_is_written() {
    let folder = folder();
    folder.fine(&["cp", "run.ach", "again.ach", "-n", "name"]);
    let before = folder.names();
    for (args, parts) in [
        (
            &["cp", "run.ach", "x.ach", "-n", "ct"][..],
            &["'ct'", "'cat'"][..],
        ),
        (&["cp", "run.ach", "x.ach", "-n", "z*"], &["z*", "run.ach"]),
        (
            &["cp", "run.ach", "x.ach", "--exclude", "*"],
            &["nothing to copy"],
        ),
        (
            &["cp", "run.ach", "x.ach", "--as", "y"],
            &["--as 'y'", "--prefix"],
        ),
        (
            &["cp", "run.ach", "again.ach", "x.ach"],
            &["given twice", "run.ach", "again.ach"],
        ),
        (&["cp", "none.ach", "x.ach"], &["none.ach"]),
        (&["cp", "run.ach", "chelsea.npy"], &["chelsea.npy", ".npy"]),
        (&["cp", "run.ach", "."], &["directory"]),
        (&["cp", "run.ach"], &["SRC"]),
        (
            &["merge", "-o", "x.ach", "run.ach", "again.ach", "run.ach"],
            &["'cat'", "--clash"],
        ),
        (
            &["merge", "-o", "x.ach", "run.ach", "-n", "ct"],
            &["ct", "not there"],
        ),
        (
            &["merge", "-o", "again.ach", "run.ach"],
            &["again.ach", "--force"],
        ),
        (&["convert", "run.ach", "x.ach"], &["--cold", "--seal"]),
        (&["convert", "run.ach", "x.ach", "--hot", "z*"], &["z*"]),
        (
            &[
                "convert", "run.ach", "x.ach", "--hot", "c*", "--cold", "cat",
            ],
            &["cat", "--hot"],
        ),
        (
            &["convert", "run.ach", "run.ach", "--hot", "*"],
            &["--force"],
        ),
    ] {
        let told = folder.refused(args);
        for part in parts {
            assert!(told.contains(part), "{args:?}: {told}");
        }
    }
    assert_eq!(folder.names(), before);
}

#[test]
fn damaged_array_data_is_not_copied() {
    let folder = folder();
    for (file, name) in [("run.ach", "cat"), ("model.ach", "layer1.weight")] {
        let mut bytes = folder.read(file);
        bytes[offset_of(&folder, file, name)] ^= 1;
        folder.write("bad.ach", bytes);
        let told = folder.refused(&["cp", "bad.ach", "x.ach", "-n", name]);
        assert!(told.contains("bad.ach") && told.contains(name), "{told}");
        assert!(!folder.path("x.ach").exists());
        let told = folder.refused(&["convert", "bad.ach", "x.ach", "--seal"]);
        assert!(told.contains(name), "{told}");
    }
}

#[test]
fn commits_of_a_source_are_copied_and_those_of_a_target_are_never_lost() {
    let folder = folder();
    folder.fine(&[
        "set",
        "--keep-history",
        "run.ach",
        "name=changed",
        "fresh=1",
    ]);
    let ran = folder.ach(&["cp", "run.ach", "new.ach", "-n", "name", "-n", "fresh"]);
    assert!(ran.err.contains("with 1 commit"), "{ran:?}");
    assert!(folder.fine(&["get", "new.ach", "name"]).contains("changed"));
    folder.fine(&["cp", "run.ach", "old.ach", "-n", "name", "--archive-only"]);
    assert!(!folder.fine(&["get", "old.ach", "name"]).contains("changed"));
    for args in [
        &["cp", "new.ach", "run.ach", "--prefix", "x/"][..],
        &["convert", "run.ach", "run.ach", "--force", "--seal"],
        &["convert", "new.ach", "run.ach", "--force", "--seal"],
    ] {
        let told = folder.refused(args);
        let way = "`ach checkpoint run.ach`";
        assert!(told.contains(way) && !told.contains("--discard"), "{told}");
    }
    let merge = ["merge", "-o", "run.ach", "new.ach", "model.ach", "--force"];
    assert!(folder.refused(&merge).contains("--discard-journal"));
    assert!(
        folder
            .fine(&["get", "-q", "run.ach", "fresh"])
            .contains('1')
    );
    // Folded, it is replaced, and stays an archive of its session.
    folder.fine(&["checkpoint", "run.ach"]);
    folder.fine(&["cp", "new.ach", "run.ach", "--prefix", "x/"]);
    folder.fine(&["set", "--keep-history", "run.ach", "x/fresh=2"]);
    folder.fine(&["undo", "run.ach"]);
    folder.fine(&[&merge[..], &["--discard-journal"]].concat());
    folder.fine(&["verify", "run.ach"]);
}

#[test]
fn a_delta_is_applied_over_a_journal_only_when_that_is_given_up() {
    let folder = folder();
    folder.fine(&["cp", "model.ach", "next.ach", "-n", "*.bias"]);
    folder.fine(&["delta", "create", "model.ach", "next.ach", "-o", "d"]);
    folder.fine(&["cp", "run.ach", "out.ach"]);
    folder.fine(&["mark", "out.ach", "here"]);
    let apply = [
        "delta",
        "apply",
        "model.ach",
        "d",
        "-o",
        "out.ach",
        "--force",
    ];
    assert!(folder.refused(&apply).contains("--discard-journal"));
    folder.fine(&[&apply[..], &["--discard-journal"]].concat());
    assert_eq!(hash(&folder, "out.ach"), hash(&folder, "next.ach"));
}

#[test]
fn converting_changes_how_values_are_stored_and_no_value() {
    let folder = folder();
    let content = hash(&folder, "run.ach");
    let convert = |args: &[&str]| {
        folder.fine(&[&["convert"][..], args].concat());
        folder.fine(&["verify", args[1]]);
        folder.fine(&["diff", "run.ach", args[1]]);
        assert_eq!(hash(&folder, args[1]), content);
        variables(&folder, args[1])
    };
    let all = convert(&["run.ach", "cold.ach", "--cold", "*", "--level", "19"]);
    assert!(
        all.iter()
            .all(|v| v["cold"] == true || v["extents"] == Json::Array(Vec::new()))
    );
    assert!(folder.read("cold.ach").len() < folder.read("run.ach").len());
    let all = convert(&["cold.ach", "hot.ach", "--hot", "*"]);
    assert!(all.iter().all(|v| v["cold"] == false));
    // In place, and what is not named stays byte for byte.
    let before = stored(&folder, "cold.ach", "cat");
    convert(&[
        "cold.ach", "cold.ach", "--hot", "hist*", "--force", "--seal",
    ]);
    assert_eq!(stored(&folder, "cold.ach", "cat"), before);
    let all = variables(&folder, "cold.ach");
    assert_eq!(all[0]["extents"][0]["digest_kind"], "sha256");
    convert(&["cold.ach", "cold.ach", "--unseal", "--force"]);
    // Packed again at another level.
    convert(&["cold.ach", "fast.ach", "--level", "1"]);
    assert_ne!(stored(&folder, "fast.ach", "cat"), before);
    assert_eq!(
        variables(&folder, "fast.ach")[0]["extents"][0]["digest_kind"],
        "xxh3-128"
    );
    let told = folder.fine(&["convert", "run.ach", "j.ach", "--seal", "--json"]);
    let json: Json = serde_json::from_str(&told).unwrap();
    assert_eq!(json["files"][0]["sealed"], true);
}

#[test]
fn archives_are_merged_by_the_rule_that_is_given() {
    let folder = folder();
    folder.fine(&["cp", "run.ach", "a.ach", "-n", "cat", "-n", "name"]);
    folder.fine(&["cp", "run.ach", "b.ach", "-n", "name"]);
    folder.fine(&["set", "b.ach", "name=other", "own=2"]);
    for (rule, expected) in [("first", "digits"), ("last", "other")] {
        let ran = folder.ach(&[
            "merge", "-o", "m.ach", "a.ach", "b.ach", "--force", "--clash", rule,
        ]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.err.starts_with("note: name (string)"), "{ran:?}");
        assert_eq!(names(&folder, "m.ach"), ["cat", "name", "own"]);
        let name = folder.fine(&["get", "m.ach", "name"]);
        assert_eq!(name.contains("other"), expected == "other", "{name}");
    }
    assert_eq!(
        stored(&folder, "m.ach", "cat"),
        stored(&folder, "run.ach", "cat")
    );
    let apart = [
        "merge",
        "-o",
        "n.ach",
        "a.ach",
        "b.ach",
        "--clash",
        "namespace",
        "--json",
    ];
    let json: Json = serde_json::from_str(&folder.fine(&apart)).unwrap();
    assert_eq!(json["files"][0]["variables"], 2);
    assert!(folder.fine(&["get", "n.ach", "b.own"]).contains('2'));
}
