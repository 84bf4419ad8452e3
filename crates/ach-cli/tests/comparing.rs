//! What `diff`, `hash` and `delta` promise: exit codes as those of `cmp`, stable JSON, and a delta
//! that makes the archive it was made of.

mod program;

use program::Folder;
use serde_json::Value as Json;

/// A folder with `a.ach` and `b.ach`, which differ in most ways.
fn with_archives() -> Folder {
    let folder = Folder::with_examples();
    folder.write(
        "a.json",
        r#"{"n": 1, "x": 0.5, "gone": null, "r": {"l": [1, 2.0], "s": "t"}}"#,
    );
    folder.write(
        "b.json",
        r#"{"x": 0.5, "n": 2, "r": {"l": [1, 2.5, 3], "s": "t", "k": true}}"#,
    );
    folder.fine(&[
        "pack",
        "-o",
        "a.ach",
        "a.json",
        "t=chelsea.npy",
        "--cold",
        "t",
    ]);
    let mut cat = folder.read("chelsea.npy");
    let end = cat.len();
    cat[end - 1] ^= 1;
    folder.write("t.npy", cat);
    let attributed = ["--attr", "x:units=m", "--cold", "t", "--tag", "new"];
    let mut pack = vec!["pack", "-o", "b.ach", "b.json", "t.npy", "extra=run.json"];
    pack.extend(attributed);
    folder.fine(&pack);
    folder
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_exit_code_says_same_different_or_trouble() {
    let folder = with_archives();
    folder.copy_version_1("12_functions_z3.ach", "old.ach");
    for (args, code) in [
        (&["diff", "a.ach", "a.ach"][..], 0),
        (&["diff", "a.ach", "b.ach"], 1),
        (&["diff", "-q", "a.ach", "a.ach"], 0),
        (&["diff", "-q", "a.ach", "b.ach"], 1),
        (&["diff", "-q", "a.ach", "b.ach", "n"], 1),
        (&["diff", "a.ach", "b.ach", "n", "--atol", "1"], 0),
        (&["diff", "a.ach", "b.ach", "n", "--rtol", "0.5"], 0),
        (&["diff", "a.ach", "b.ach", "n", "--rtol", "0.4"], 1),
        (&["diff", "old.ach", "old.ach"], 0),
        (&["diff", "old.ach", "a.ach"], 1),
        (&["diff", "a.ach", "none.ach"], 2),
        (&["diff", "a.ach", "run.json"], 2),
        (&["diff", "a.ach", "b.ach", "nobody"], 2),
        (&["diff", "-q", "a.ach", "b.ach", "nobody"], 2),
        (&["diff", "a.ach", "b.ach", "--atol", "-1"], 2),
        (&["diff", "a.ach", "b.ach", "--atol", "nan"], 2),
        (&["diff", "a.ach"], 2),
    ] {
        let ran = folder.ach(args);
        assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
        assert_eq!(code == 2, ran.err.contains("ach: "), "{args:?}: {ran:?}");
        if args.contains(&"-q") {
            assert_eq!(ran.out, "", "{args:?}");
        }
    }
    let text = folder.refused(&["diff", "a.ach", "b.ach", "gnoe"]);
    assert!(
        text.contains("neither a.ach nor b.ach") && text.contains("did you mean 'gone'?"),
        "{text}"
    );
}

#[test]
fn the_json_of_a_comparison_has_every_difference_with_its_place() {
    let folder = with_archives();
    let ran = folder.ach(&["diff", "--json", "a.ach", "b.ach"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let found = json(&ran.out);
    assert_eq!(found["schema"], 1);
    assert_eq!(
        (&found["a"], &found["same"]),
        (&"a.ach".into(), &false.into())
    );
    let names = |list: &Json| -> Vec<String> {
        let all = list.as_array().unwrap().iter();
        all.map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&found["removed"]), ["gone"]);
    assert!(
        names(&found["added"])
            .iter()
            .all(|name| name.starts_with("extra/"))
    );
    assert_eq!(names(&found["changed"]), ["n", "r", "t", "x"]);
    assert_eq!(found["unchanged"], 0);
    let difference = |n: usize, m: usize| &found["changed"][n]["value"][m];
    assert_eq!(
        difference(0, 0),
        &json(r#"{"path": "", "what": "value", "a": 1, "b": 2}"#)
    );
    assert_eq!(
        difference(1, 0),
        &json(r#"{"path": ".l", "what": "length", "a": 2, "b": 3}"#)
    );
    assert_eq!(
        difference(1, 1),
        &json(r#"{"path": ".l[1]", "what": "value", "a": 2.0, "b": 2.5}"#)
    );
    assert_eq!(difference(1, 2)["what"], "added");
    assert_eq!(difference(1, 2)["kind"], "boolean");
    let elements = difference(2, 0);
    assert_eq!(
        (&elements["what"], &elements["differing"]),
        (&"elements".into(), &1.into())
    );
    assert_eq!(elements["first"], json("[239, 319, 2]"));
    assert!(
        elements["a"].is_u64() && elements["b"].is_u64(),
        "{elements}"
    );
    assert_eq!(elements["largest_absolute"], 1.0);
    assert_eq!(found["changed"][3]["attributes"][0]["path"], ".units");
    let same = json(&folder.fine(&["diff", "--json", "a.ach", "a.ach"]));
    assert_eq!(
        (&same["same"], &same["unchanged"]),
        (&true.into(), &5.into())
    );
    // Less is listed when less is asked for.
    let ran = folder.ach(&["diff", "--json", "--listed", "1", "a.ach", "b.ach", "r"]);
    let found = json(&ran.out);
    assert_eq!(found["changed"][0]["value"].as_array().unwrap().len(), 1);
    assert_eq!(found["changed"][0]["unlisted"], 2);
}

#[test]
fn what_harms_a_terminal_is_escaped() {
    let folder = Folder::new();
    folder.write(
        "a.json",
        r#"{"\u001b[31mred": 1, "s": "a", "r": {"\u001b]0;x\u0007": 1}}"#,
    );
    folder.write("b.json", r#"{"s": "\u001b[2J", "r": {"\u202e": 2}}"#);
    folder.fine(&["pack", "-o", "a.ach", "a.json"]);
    folder.fine(&["pack", "-o", "b.ach", "b.json"]);
    for args in [
        &["diff", "a.ach", "b.ach"][..],
        &["diff", "--json", "a.ach", "b.ach"],
        &["hash", "a.ach", "*"],
        &["hash", "--json", "a.ach", "*"],
    ] {
        let ran = folder.ach(args);
        assert!(!ran.out.is_empty() && ran.err.is_empty(), "{ran:?}");
        let harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!ran.out.contains(harmful), "{ran:?}");
    }
}

#[test]
fn equal_content_has_an_equal_hash_whatever_the_file() {
    let folder = with_archives();
    let hash = |file: &str| folder.fine(&["hash", file])[..64].to_owned();
    folder.fine(&["extract", "a.ach", "-o", "copy.ach"]);
    folder.fine(&["pack", "-o", "hot.ach", "t=chelsea.npy", "a.json", "--seal"]);
    assert_eq!(hash("a.ach"), hash("copy.ach"));
    assert_eq!(hash("a.ach"), hash("hot.ach"));
    assert_ne!(hash("a.ach"), hash("b.ach"));
    let told = folder.fine(&["hash", "a.ach", "r", "*"]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 5, "{told}");
    assert!(lines[0].ends_with("  r"), "{told}");
    let found = json(&folder.fine(&["hash", "--json", "a.ach", "r"]));
    assert_eq!(found["files"][0]["variables"][0]["hash"], lines[0][..64]);
    let found = json(&folder.fine(&["hash", "--json", "a.ach"]));
    assert_eq!(found["files"][0]["hash"], hash("a.ach"));
    let text = folder.refused(&["hash", "a.ach", "nobody"]);
    assert!(text.contains("no variable that matches 'nobody'"), "{text}");
}

#[test]
fn a_delta_makes_what_it_was_made_of_and_says_what_it_is() {
    let folder = with_archives();
    folder.fine(&["delta", "create", "a.ach", "b.ach", "-o", "d.ach-delta"]);
    let info = json(&folder.fine(&["info", "--json", "d.ach-delta"]));
    let info = &info["files"][0];
    let root = |file: &str| {
        let info = json(&folder.fine(&["info", "--json", file]));
        info["files"][0]["root_digest"].clone()
    };
    assert_eq!(info["delta"], true);
    assert_eq!(info["parent_digest"], root("a.ach"));
    assert_eq!(info["result_digest"], root("b.ach"));
    assert_eq!(
        (&info["removed"], &info["tags"]),
        (&1.into(), &json(r#"["new"]"#))
    );
    let shown = folder.fine(&["info", "d.ach-delta"]);
    assert!(
        shown.contains("a delta") && shown.contains("1 removed"),
        "{shown}"
    );
    let listed = json(&folder.fine(&["ls", "--json", "-n", "gone", "d.ach-delta"]));
    assert_eq!(listed["files"][0]["variables"][0]["kind"], "removed");
    assert!(folder.fine(&["verify", "d.ach-delta"]).contains(": ok, "));

    folder.fine(&["delta", "apply", "a.ach", "d.ach-delta", "-o", "made.ach"]);
    folder.fine(&["diff", "made.ach", "b.ach"]);
    assert_eq!(
        folder.fine(&["hash", "made.ach"])[..64],
        folder.fine(&["hash", "b.ach"])[..64]
    );
    let listing = |file: &str| {
        let listed = json(&folder.fine(&["ls", "--json", file]));
        let all = listed["files"][0]["variables"].as_array().unwrap().clone();
        all.into_iter()
            .map(|v| (v["name"].clone(), v["cold"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(listing("made.ach"), listing("b.ach"));
    // A delta is no archive, and what is no delta is not applied.
    for args in [
        &["get", "d.ach-delta", "t"][..],
        &["extract", "d.ach-delta", "-o", "x.npz"],
        &["pack", "-o", "x.ach", "d.ach-delta"],
        &["diff", "a.ach", "d.ach-delta"],
        &["delta", "create", "a.ach", "d.ach-delta", "-o", "x"],
        &["delta", "apply", "a.ach", "b.ach", "-o", "x"],
        &["delta", "apply", "b.ach", "d.ach-delta", "-o", "x"],
        &["delta", "apply", "a.ach", "d.ach-delta", "-o", "made.ach"],
        &["delta", "create", "a.ach", "b.ach", "-o", "d.ach-delta"],
        &["delta"],
    ] {
        folder.refused(args);
        assert!(!folder.path("x").exists() && !folder.path("x.ach").exists());
    }
    // In the place of its parent.
    folder.fine(&[
        "delta",
        "apply",
        "a.ach",
        "d.ach-delta",
        "--force",
        "-o",
        "a.ach",
    ]);
    folder.fine(&["diff", "a.ach", "b.ach"]);
}

#[test]
fn a_damaged_delta_is_found_and_not_applied() {
    let folder = with_archives();
    folder.fine(&["delta", "create", "a.ach", "b.ach", "-o", "d.ach-delta"]);
    let good = folder.read("d.ach-delta");
    for at in [70, 300, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        folder.write("bad.ach-delta", bad);
        let ran = folder.ach(&["verify", "bad.ach-delta"]);
        assert_eq!(ran.code, Some(1), "{at}: {ran:?}");
    }
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    folder.write("bad.ach-delta", bad);
    folder.refused(&["delta", "apply", "a.ach", "bad.ach-delta", "-o", "x.ach"]);
    folder.write("cut.ach-delta", &good[..good.len() / 2]);
    folder.refused(&["delta", "apply", "a.ach", "cut.ach-delta", "-o", "x.ach"]);
    assert!(!folder.path("x.ach").exists());
}
