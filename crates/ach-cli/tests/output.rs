//! What reaches the reader: a terminal that is not harmed, a pipe that may close, and JSON.

mod program;

use program::Folder;
use serde_json::Value as Json;

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = Folder::new();
    let keys: Vec<String> = (0..20_000).map(|n| format!("\"k{n}\": {n}")).collect();
    folder.write("k.json", format!("{{{}}}", keys.join(",")));
    folder.fine(&["pack", "-o", "k.ach", "k.json"]);
    for command in ["ls k.ach", "ls --json k.ach", "ls -l --bytes k.ach"] {
        let ran = folder.shell(&format!(
            "{{ \"$ACH\" {command}; echo $? >code; }} | head -c 10"
        ));
        assert_eq!((ran.out.len(), ran.err.as_str()), (10, ""), "{command}");
        assert_eq!(folder.read("code"), b"0\n", "{command}");
    }
}

#[test]
fn no_control_character_reaches_the_terminal() {
    let folder = Folder::new();
    let evil = "\u{1b}[31mred\u{7}\n\u{202e}x";
    let json = serde_json::json!({ evil: evil, "r": { evil: [evil] }, "n": 1 });
    folder.write("evil.json", json.to_string());
    let odd = if cfg!(unix) {
        "p\u{1b}[2J.ach"
    } else {
        "p.ach"
    };
    let attribute = format!("n:{evil}={evil}");
    let mut runs = vec![folder.ach(&[
        "pack",
        "-o",
        odd,
        "evil.json",
        "--attr",
        &attribute,
        "--description",
        evil,
        "--tag",
        evil,
        "--meta",
        &format!("{evil}={evil}"),
    ])];
    assert_eq!(runs[0].code, Some(0), "{runs:?}");
    for args in [
        &["ls", odd][..],
        &["ls", "-l", odd, odd],
        &["ls", "--json", "-l", odd],
        &["info", odd],
        &["info", "--json", odd],
        &["verify", odd],
        &["verify", "--json", odd],
        &["get", odd, evil],
        &["get", odd, "r"],
        &["get", odd, "r", "--format", "json"],
        &["get", odd, evil, "-s", "0"],
        &["get", odd, "\u{1b}]0;t\u{7}"],
        &["ls", evil],
        &["get", odd, "r", "--format", "npy"],
        &["extract", odd, "-d", "out"],
        &["extract", odd, "-o", evil],
        &["pack", "-o", odd, "evil.json"],
        &["pack", "-o", "b.ach", "evil.json", "evil.json"],
        &["pack", "-o", "b.ach", "n\u{1b}[=evil.json", odd, evil],
        &["ls", "-n", evil, odd],
        &[
            "pack",
            "-o",
            "b.ach",
            "evil.json",
            "--strings",
            evil,
            "--attr",
            evil,
        ],
        &[evil],
        &["ls", "--sort", evil, odd],
        &["get", odd, "n", "-s", evil],
    ] {
        runs.push(folder.ach(args));
    }
    for ran in runs {
        let text = ran.out.clone() + &ran.err;
        let harmful = text
            .chars()
            .find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(harmful, None, "{ran:?}");
    }
}

#[test]
fn every_listing_is_json_with_a_schema_number() {
    let folder = Folder::with_examples();
    folder.fine(&[
        "pack",
        "-o",
        "a.ach",
        "penguins.csv",
        "chelsea.npy",
        "--attr",
        "chelsea:k=1",
    ]);
    for args in [
        &["ls", "-l", "--json", "a.ach"][..],
        &["info", "--json", "a.ach"],
        &["verify", "--json", "a.ach"],
    ] {
        let json: Json = serde_json::from_str(&folder.fine(args)).unwrap();
        assert_eq!(json["schema"], 1);
        assert_eq!(json["files"][0]["path"], "a.ach");
    }
    let json: Json = serde_json::from_str(&folder.fine(&["ls", "-l", "--json", "a.ach"])).unwrap();
    let cat = &json["files"][0]["variables"][1];
    assert_eq!(cat["shape"], serde_json::json!([240, 320, 3]));
    assert_eq!(
        (&cat["kind"], &cat["dtype"], &cat["size"]),
        (&"tensor".into(), &"uint8".into(), &230_400.into())
    );
    assert_eq!(cat["attributes"]["k"], 1);
    let value: Json = serde_json::from_str(&folder.fine(&[
        "get",
        "a.ach",
        "penguins.bill_length_mm[3]",
        "--format",
        "json",
    ]))
    .unwrap();
    assert_eq!(value["data"], "NaN");
    // A file that cannot be read is in the listing, and the others are listed.
    let ran = folder.ach(&["ls", "--json", "none.ach", "a.ach"]);
    assert_eq!(ran.code, Some(2));
    let json: Json = serde_json::from_str(&ran.out).unwrap();
    assert!(json["files"][0]["error"].is_string() && json["files"][1]["variables"].is_array());
}
