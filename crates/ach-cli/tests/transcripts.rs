//! Every `console` block of docs/cli.md and docs/errors.md is run, and answers what stands there.
//!
//! With `UPDATE_TRANSCRIPTS=1` the documents are rewritten with what the commands answer now.
#![cfg(unix)]

mod program;

use std::fmt::Write;
use std::path::Path;

use program::{Folder, npy, offset_of};

#[test]
fn the_guide_shows_what_the_commands_answer() {
    let folder = Folder::with_examples();
    folder.copy_version_1("12_functions_z3.ach", "old.ach");
    let mut cat = folder.read("chelsea.npy");
    let end = cat.len();
    cat[end - 5] ^= 7;
    cat[1000] += 3;
    folder.write("retouched.npy", cat);
    // A model of which an array and a record are damaged.
    folder.fine(&["pack", "-o", "damaged.ach", "digits-mlp.safetensors"]);
    let mut damaged = folder.read("damaged.ach");
    damaged[offset_of(&folder, "damaged.ach", "layer2.weight")] ^= 1;
    damaged[100] ^= 4;
    folder.write("damaged.ach", damaged);
    run_document("cli.md", &folder);
}

#[test]
fn the_commonest_errors_are_told_as_documented() {
    let folder = Folder::with_examples();
    folder.fine(&["pack", "-o", "model.ach", "digits-mlp.safetensors"]);
    let net = [
        "pack",
        "-o",
        "next.ach",
        "digits-mlp.safetensors",
        "--exclude",
        "*.bias",
    ];
    folder.fine(&net);
    folder.fine(&[
        "delta",
        "create",
        "model.ach",
        "next.ach",
        "-o",
        "next.ach-delta",
    ]);
    std::fs::remove_file(folder.path("next.ach")).unwrap();
    let model = folder.read("model.ach");
    folder.write("cut.ach", &model[..5000]);
    let mut flipped = model.clone();
    flipped[offset_of(&folder, "model.ach", "layer1.weight")] ^= 1;
    folder.write("flipped.ach", flipped);
    folder.copy_version_1("bad/b03_flipped_body_byte_z.ach", "old.ach");
    folder.write("ragged.csv", "city,people\nBern,134506\nBasel\n");
    folder.write("twice.json", "{\"lr\": 0.1, \"epochs\": 3, \"lr\": 0.2}");
    folder.write("objects.npy", npy("|O", "(3,)", b"\x80\x04pickle"));
    std::fs::create_dir(folder.path("runs")).unwrap();
    let documented = run_document("errors.md", &folder);
    assert!(documented >= 10, "{documented} errors");
}

/// Runs the document; gives the number of commands in it.
fn run_document(name: &str, folder: &Folder) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut answered = String::new();
    let mut commands = 0;
    let mut inside = false;
    let mut skipping = false;
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => (inside, skipping) = (false, false),
            _ => {}
        }
        let command = line.strip_prefix("$ ach ").filter(|_| inside);
        if command.is_none() && skipping {
            continue;
        }
        writeln!(answered, "{line}").unwrap();
        let Some(command) = command else { continue };
        let words = words(command);
        let ran = folder.ach(&words.iter().map(String::as_str).collect::<Vec<_>>());
        // On a terminal, notes come before what a command prints when it is done.
        for line in ran.err.lines().chain(ran.out.lines()) {
            writeln!(answered, "{line}").unwrap();
        }
        commands += 1;
        skipping = true;
    }
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        std::fs::write(&path, &answered).unwrap();
    } else {
        for (found, expected) in answered.lines().zip(text.lines()) {
            assert_eq!(found, expected, "in {name}");
        }
        assert_eq!(answered, text, "{name}");
    }
    commands
}

/// Words of a command line, where single quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.last_mut().unwrap().push_str(part);
            continue;
        }
        for (index, part) in part.split(' ').enumerate() {
            if index > 0 {
                words.push(String::new());
            }
            words.last_mut().unwrap().push_str(part);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
