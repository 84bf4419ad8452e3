//! Promise: the house is as `docs/architecture.md` says. `unsafe` lives in two rooms and in the
//! functions that hand its contract on; `format` knows no files; `read` and `write` do not know each
//! other; the command sees the public API only.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, with its path from the root and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(folder)];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root()).unwrap();
                found.push((slashed(path), text));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} holds no sources");
    found
}

/// Those that are no tests in files of their own.
fn product(folder: &str) -> impl Iterator<Item = (String, String)> {
    let all = sources(folder).into_iter();
    all.filter(|(path, _)| !path.contains("/tests/"))
}

fn slashed(path: &Path) -> String {
    path.components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

/// Lines that are code: no comments, nothing after the tests of a module begin.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let end = text.find("#[cfg(test)]\nmod").unwrap_or(text.len());
    text[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

/// Whether a line of code names the room `crate::room`.
fn looks_into(text: &str, room: &str) -> bool {
    code(text).any(|line| line.contains(&format!("crate::{room}::")))
}

#[test]
fn unsafe_lives_in_two_rooms() {
    let mut with_unsafe: Vec<String> = sources("src")
        .into_iter()
        .filter(|(_, text)| code(text).any(|line| line.contains("unsafe ") && !line.contains('"')))
        .map(|(path, _)| path)
        .collect();
    with_unsafe.sort();
    assert_eq!(
        with_unsafe,
        [
            "src/mapped.rs",
            "src/read/archive.rs",
            "src/read/map.rs",
            "src/read/open.rs",
            "src/session/options.rs",
        ]
    );
    for (path, text) in sources("crates") {
        assert!(!code(&text).any(|line| line.contains("unsafe ")), "{path}");
    }
}

/// The rooms, and the small things that not every room may know.
const ROOMS: [&str; 18] = [
    "format",
    "value",
    "tree",
    "read",
    "write",
    "journal",
    "session",
    "environment",
    "compare",
    "salvage",
    "host",
    "message",
    "version1",
    "interop",
    "typed",
    "codec",
    "path",
    "pattern",
];

#[test]
fn rooms_look_only_where_they_may() {
    for (path, text) in sources("src") {
        let allowed: &[&str] = match path.split('/').nth(1).unwrap_or_default() {
            "format" | "interop" => &["value"],
            "value" => &["path"],
            "tree" => &["format", "value"],
            "read" | "write" => &["tree", "format", "value", "path", "pattern", "journal"],
            "session" => &[
                "read",
                "write",
                "journal",
                "environment",
                "tree",
                "format",
                "value",
                "path",
            ],
            "environment" => &[
                "read", "write", "format", "value", "version1", "path", "pattern",
            ],
            "compare" => &["environment", "read", "write", "format", "value", "pattern"],
            "typed" => &["read", "session", "environment", "value"],
            "codec" => &["read", "write", "value"],
            "salvage" => &["read", "write", "journal", "value", "pattern"],
            "host" => &["read", "write", "value"],
            "message" => &["journal", "read", "write", "value"],
            // The two that open a file of version 1, and make an archive of it.
            "version1" if path.ends_with("/file.rs") => &["read", "format", "value"],
            "version1" if path.ends_with("/convert.rs") => &["read", "write", "value"],
            "version1" => &["format", "value"],
            _ => &ROOMS,
        };
        let own = path.split('/').nth(1).unwrap_or_default();
        for room in ROOMS.iter().filter(|room| **room != own) {
            let looks = looks_into(&text, room);
            assert!(!looks || allowed.contains(room), "{path} looks into {room}");
        }
    }
}

#[test]
fn only_the_right_rooms_touch_files() {
    let allowed = [
        "src/allocate.rs",
        "src/mapped.rs",
        "src/read/map.rs",
        "src/read/open.rs",
        "src/read/replay/open.rs",
        "src/read/source.rs",
        "src/session/history.rs",
        "src/environment/share.rs",
        "src/journal/append.rs",
        "src/journal/file.rs",
        "src/journal/lock.rs",
        "src/journal/paths.rs",
        "src/journal/segment.rs",
        "src/write/archive.rs",
        "src/write/areas.rs",
        "src/write/emit.rs",
        "src/write/image.rs",
        "src/write/cold.rs",
        "src/write/destination.rs",
        "src/write/journal_guard.rs",
        "src/write/replace.rs",
        "src/write/reserved.rs",
        "src/write/spool.rs",
        "src/write/stream.rs",
        "src/write/table.rs",
        "src/write/written.rs",
    ];
    for (path, text) in product("src") {
        let touches =
            code(&text).any(|line| line.contains("std::fs") || line.contains("tempfile::"));
        assert!(
            !touches || allowed.contains(&path.as_str()),
            "{path} touches files"
        );
    }
}

/// Version 1 told what it lost on standard error, where no caller could see it.
#[test]
fn the_library_prints_nothing() {
    for (path, text) in product("src") {
        for line in code(&text) {
            let prints = ["print!(", "println!(", "dbg!(", "io::stdout", "io::stderr"];
            assert!(
                !prints.iter().any(|word| line.contains(word)),
                "{path}: {line}"
            );
        }
    }
}

#[test]
fn no_source_is_too_long() {
    for folder in ["src", "crates/ach-cli/src", "crates/crash/src"] {
        for (path, text) in sources(folder) {
            let lines = code(&text).count();
            assert!(
                lines <= 450,
                "{path} has {lines} lines of code: what second thing lives in it?"
            );
        }
    }
}
