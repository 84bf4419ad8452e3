//! Promise: `repair` saves what is intact, lists what is lost, and its exit code tells which;
//! `stat` tells what numbers are like, and refuses what holds none.

mod program;

use program::{Folder, offset_of};
use serde_json::Value as Json;

fn damaged() -> Folder {
    let folder = Folder::with_examples();
    folder.fine(&["pack", "-o", "model.ach", "digits-mlp.safetensors"]);
    let mut bytes = folder.read("model.ach");
    bytes[offset_of(&folder, "model.ach", "layer2.weight")] ^= 1;
    folder.write("bad.ach", bytes);
    folder
}

#[test]
fn the_exit_code_tells_whether_anything_is_lost() {
    let folder = damaged();
    let before = folder.read("bad.ach");
    let ran = folder.ach(&["repair", "bad.ach", "good.ach"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.starts_with("lost  layer2.weight: block 0"),
        "{ran:?}"
    );
    assert!(ran.out.contains("7 variables salvaged"), "{ran:?}");
    assert_eq!(folder.read("bad.ach"), before);
    folder.fine(&["verify", "good.ach"]);
    let told = folder.refused(&["repair", "bad.ach", "good.ach"]);
    assert!(told.contains("--force"), "{told}");
    let ran = folder.ach(&["repair", "bad.ach", "good.ach", "--force", "--json"]);
    let json: Json = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["files"][0]["whole"], false);
    assert_eq!(json["files"][0]["findings"][0]["name"], "layer2.weight");
    // A wrong byte in the table of contents is corrected.
    let mut bytes = folder.read("model.ach");
    bytes[400] ^= 0x40;
    folder.write("table.ach", bytes);
    assert_eq!(folder.ach(&["verify", "table.ach"]).code, Some(1));
    let told = folder.fine(&["repair", "table.ach", "mended.ach"]);
    assert!(told.contains("nothing is lost"), "{told}");
    folder.fine(&["diff", "model.ach", "mended.ach"]);
}

#[test]
fn what_cannot_be_read_at_all_is_an_error_and_no_file() {
    let folder = damaged();
    let mut bytes = folder.read("model.ach");
    bytes[64..4000].fill(0);
    folder.write("hopeless.ach", bytes);
    folder.fine(&["cp", "bad.ach", "one.ach", "-n", "layer3.bias"]);
    let mut bytes = folder.read("one.ach");
    bytes[offset_of(&folder, "one.ach", "layer3.bias")] ^= 1;
    folder.write("one.ach", bytes);
    let names = folder.names();
    for (file, part) in [
        ("hopeless.ach", "table of contents"),
        ("one.ach", "no variable of one.ach can be read: layer3.bias"),
        ("chelsea.npy", ".npy"),
        ("none.ach", "none.ach"),
        (".", "directory"),
    ] {
        let told = folder.refused(&["repair", file, "x.ach"]);
        assert!(told.contains(part), "{file}: {told}");
    }
    let told = folder.refused(&["repair", "bad.ach", "bad.ach", "--force"]);
    assert!(told.contains("only read"), "{told}");
    assert_eq!(folder.names(), names);
}

#[test]
fn a_journal_whose_archive_is_lost_is_saved() {
    let folder = damaged();
    folder.fine(&["set", "--keep-history", "model.ach", "rate=0.5"]);
    std::fs::remove_file(folder.path("model.ach")).unwrap();
    let ran = folder.ach(&["repair", "model.ach-journal", "saved.ach"]);
    assert!(ran.err.contains("alone"), "{ran:?}");
    assert!(folder.fine(&["get", "saved.ach", "rate"]).contains("0.5"));
    let ran = folder.ach(&["repair", "model.ach", "saved.ach", "--force"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
}

#[test]
fn statistics_take_names_paths_slices_and_patterns() {
    let folder = Folder::with_examples();
    folder.fine(&[
        "pack",
        "-o",
        "a.ach",
        "penguins.csv",
        "chelsea.npy",
        "n=run.json",
    ]);
    let stat = |names: &[&str]| {
        let told = folder.fine(&[&["stat", "a.ach", "--json"], names].concat());
        let json: Json = serde_json::from_str(&told).unwrap();
        json["files"][0]["variables"].as_array().unwrap().clone()
    };
    let all = stat(&[
        "penguins.body_mass_g",
        "chelsea[0:2]",
        "che*",
        "n/result.test_accuracy",
    ]);
    assert_eq!(all.len(), 4);
    assert_eq!(
        (&all[0]["nan"], &all[0]["count"]),
        (&Json::from(2), &Json::from(344))
    );
    assert_eq!(all[0]["min"], 2700.0);
    let counts = all[0]["histogram"]["counts"].as_array().unwrap();
    assert_eq!(counts.iter().map(|n| n.as_u64().unwrap()).sum::<u64>(), 342);
    assert_eq!(all[1]["shape"], serde_json::json!([2, 320, 3]));
    assert_eq!(all[2]["name"], "chelsea");
    let told = folder.fine(&["stat", "a.ach", "chelsea", "--bins", "0"]);
    assert!(told.contains("mean ") && !told.contains('#'), "{told}");
    for (name, part) in [
        ("penguins", "without numbers"),
        ("penguins.species", "without numbers"),
        ("chelse", "'chelsea'"),
        ("z*", "z*"),
        ("peng*", "holds numbers"),
        ("chelsea[999]", "999"),
    ] {
        let told = folder.refused(&["stat", "a.ach", name]);
        assert!(told.contains(part), "{name}: {told}");
    }
}
