//! What ships in dist/ is what the command makes now, and works where it is meant to.
//!
//! With `UPDATE_DIST=1` the generated files are written again. A tool that is not there leaves its test
//! out and says so; with `DIST_TOOLS=required`, as in `.ci/run`, that is a failure.
#![cfg(all(unix, feature = "plot"))]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use achronyme_env::{MessageWriter, Value, serialize_value};
use program::{Folder, Ran};

const SCRIPTS: [(&str, &str); 4] = [
    ("bash", "ach.bash"),
    ("fish", "ach.fish"),
    ("powershell", "ach.ps1"),
    ("zsh", "_ach"),
];

fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist")
}

/// Whether a tool is there; tells on standard error when not.
fn has(tool: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()) {
        return true;
    }
    let required = std::env::var("DIST_TOOLS").is_ok_and(|value| value == "required");
    assert!(
        !required,
        "{tool} is not there; install the package {package}"
    );
    eprintln!("NOT TESTED: {tool} is not there; Debian has it in the package {package}");
    false
}

/// The files of a folder by their names.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read_to_string(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

/// Compares what is checked in with what is made now, or writes that.
fn same(folder: &str, made: &BTreeMap<String, String>) {
    let folder = dist().join(folder);
    if std::env::var_os("UPDATE_DIST").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in made {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let kept = files(&folder);
    let again = "run this test with UPDATE_DIST=1";
    let (kept_names, names): (Vec<_>, Vec<_>) = (kept.keys().collect(), made.keys().collect());
    assert_eq!(kept_names, names, "{}: {again}", folder.display());
    for (name, text) in made {
        assert!(
            kept[name] == *text,
            "dist: {name} is not what ach makes: {again}"
        );
    }
}

#[test]
fn the_scripts_for_shells_are_those_of_the_command() {
    let folder = Folder::new();
    let made = SCRIPTS.map(|(shell, name)| (name.to_owned(), folder.fine(&["completions", shell])));
    same("completions", &BTreeMap::from(made));
}

#[test]
fn the_manual_is_that_of_the_command_and_has_a_page_for_each() {
    let folder = Folder::new();
    folder.fine(&["man", "man"]);
    let made = files(&folder.path("man"));
    for name in ["ach.1", "ach-pack.1", "ach-plot.1", "ach-delta-create.1"] {
        assert!(made.contains_key(name), "{name}");
    }
    let text = folder.refused(&["man", "man"]);
    assert!(text.contains("exists already; use --force"), "{text}");
    folder.fine(&["man", "man", "--force"]);
    same("man", &made);
}

#[test]
fn the_manual_has_nothing_that_roff_warns_of() {
    if !has("groff", "groff-base") {
        return;
    }
    let pages = files(&dist().join("man"));
    assert!(pages.len() > 20, "{} pages", pages.len());
    for name in pages.keys() {
        let page = dist().join("man").join(name);
        let ran = Command::new("groff")
            .args(["-man", "-Tutf8", "-ww", "-z"])
            .arg(page)
            .output();
        let ran = Ran::of(ran.unwrap());
        assert!(ran.code == Some(0) && ran.err.is_empty(), "{name}: {ran:?}");
    }
}

#[test]
fn bash_completes_commands_and_their_options() {
    if !has("bash", "bash") {
        return;
    }
    let complete = |words: &str, last: usize| {
        let script = dist().join("completions/ach.bash");
        let line = format!(
            "source '{}' && COMP_WORDS=({words}) COMP_CWORD={last} && \
             _ach ach \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{}]}}\" && printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display(),
            last - 1,
        );
        let ran = Command::new("bash").args(["--norc", "-c", &line]).output();
        let ran = Ran::of(ran.unwrap());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("ach pl", 1), ["plot"]);
    assert_eq!(complete("ach plot --sc", 2), ["--scatter"]);
    assert_eq!(complete("ach plot a.ach x --format s", 5), ["svg"]);
    assert_eq!(complete("ach delta ap", 2), ["apply"]);
    let all = complete("ach ''", 1);
    assert!(all.iter().any(|word| word == "checkpoint"), "{all:?}");
}

/// An archive, a journal, a delta, a stream of messages, a value image, a file of version 1.
fn samples() -> Folder {
    let folder = Folder::with_examples();
    folder.fine(&["pack", "-o", "a.ach", "run.json"]);
    folder.fine(&[
        "pack",
        "-o",
        "b.ach",
        "run.json",
        "penguins.csv",
        "--cold",
        "*",
    ]);
    folder.fine(&["pack", "-o", "sealed.ach", "run.json", "--seal"]);
    folder.fine(&["delta", "create", "a.ach", "b.ach", "-o", "d.ach-delta"]);
    folder.fine(&["pack", "-o", "s.ach", "run.json"]);
    folder.fine(&["mark", "s.ach", "before"]);
    folder.copy_version_1("12_functions_z3.ach", "old.ach");
    let mut stream = MessageWriter::new(Vec::new()).unwrap();
    stream.send("text/plain", 0, b"hello").unwrap();
    folder.write("messages", stream.into_inner());
    folder.write("value", serialize_value(Value::from(2.5)).unwrap());
    folder.write("text", "ACHIEVEMENTS of the year\n");
    folder
}

#[test]
fn file_knows_what_each_file_is() {
    if !has("file", "file") {
        return;
    }
    let folder = samples();
    let magic = dist().join("magic");
    let tell = |name: &str, mime: bool| {
        let mut command = folder.command("file");
        command.arg("-b").arg("-m").arg(&magic);
        if mime {
            command.arg("--mime-type");
        }
        let ran = Ran::of(command.arg(name).output().unwrap());
        assert!(ran.code == Some(0) && ran.err.is_empty(), "{ran:?}");
        ran.out.trim().to_owned()
    };
    let version = env!("CARGO_PKG_VERSION");
    let archive = "Achronyme workspace archive, format";
    let by = format!("written by version {version}");
    for (name, words, mime) in [
        (
            "a.ach",
            format!("{archive} 2.0, {by}"),
            "application/vnd.achronyme.ach",
        ),
        (
            "b.ach",
            format!("{archive} 2.0, arrays compressed, {by}"),
            "application/vnd.achronyme.ach",
        ),
        (
            "sealed.ach",
            format!("{archive} 2.0, sealed, {by}"),
            "application/vnd.achronyme.ach",
        ),
        (
            "old.ach",
            format!("{archive} 1"),
            "application/vnd.achronyme.ach",
        ),
        (
            "d.ach-delta",
            format!("Achronyme delta between archives, format 2.0, arrays compressed, {by}"),
            "application/vnd.achronyme.ach-delta",
        ),
        (
            "s.ach-journal",
            "Achronyme session journal".to_owned(),
            "application/vnd.achronyme.ach-journal",
        ),
        (
            "messages",
            "Achronyme message stream".to_owned(),
            "application/vnd.achronyme.ach-messages",
        ),
        (
            "value",
            "Achronyme value image".to_owned(),
            "application/vnd.achronyme.ach-value",
        ),
    ] {
        assert_eq!(tell(name, false), words, "{name}");
        assert_eq!(tell(name, true), mime, "{name}");
    }
    assert!(!tell("text", false).contains("Achronyme"));
}

#[test]
fn the_mime_description_is_taken_by_the_system() {
    if !has("update-mime-database", "shared-mime-info") {
        return;
    }
    let folder = Folder::new();
    fs::create_dir_all(folder.path("mime/packages")).unwrap();
    fs::copy(
        dist().join("achronyme.xml"),
        folder.path("mime/packages/achronyme.xml"),
    )
    .unwrap();
    let ran = folder
        .command("update-mime-database")
        .arg(folder.path("mime"))
        .output();
    let ran = Ran::of(ran.unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.err.to_lowercase().contains("error"), "{ran:?}");
    let globs = fs::read_to_string(folder.path("mime/globs2")).unwrap();
    for line in [
        "50:application/vnd.achronyme.ach:*.ach",
        "50:application/vnd.achronyme.ach-delta:*.ach-delta",
        "50:application/vnd.achronyme.ach-journal:*.ach-journal",
    ] {
        assert!(
            globs.lines().any(|found| found == line),
            "{line} is not in {globs}"
        );
    }
    let magic = fs::read(folder.path("mime/magic")).unwrap();
    let count = |text: &str| {
        let found = magic.windows(text.len());
        found.filter(|window| *window == text.as_bytes()).count()
    };
    assert_eq!((count("ACH\0"), count("ACHJ")), (2, 2));
}
