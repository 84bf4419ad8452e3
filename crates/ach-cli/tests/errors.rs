//! What bad input gets: one sentence that names the file, the place and what to do, exit code 2, and
//! nothing half-done. The commonest texts are in docs/errors.md, which transcripts.rs runs.

mod program;

use std::io::Write;

use program::{Folder, npy, offset_of, safetensors};

/// A folder with a small archive of three variables, one of them compressed.
fn with_archive() -> Folder {
    let folder = Folder::with_examples();
    folder.fine(&[
        "pack",
        "-o",
        "a.ach",
        "penguins.csv",
        "chelsea.npy",
        "s=run.json",
        "--cold",
        "chelsea",
    ]);
    folder
}

#[test]
fn foreign_files_that_are_broken_are_named_with_the_place() {
    let folder = Folder::new();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(folder.path("objects.npz")).unwrap());
    zip.start_file("x.npy", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(&npy("|O", "(1,)", b"\x80\x04N.")).unwrap();
    zip.finish().unwrap();
    let overlap = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
        "b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    folder.write("overlap.safetensors", safetensors(overlap, &[0; 12]));
    let beyond = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    folder.write("beyond.safetensors", safetensors(beyond, &[0; 4]));
    folder.write(
        "huge.npy",
        npy("<f8", "(4611686018427387904, 4611686018427387904)", b""),
    );
    folder.write("short.npy", npy("<f8", "(10,)", &[0; 79]));
    folder.write("ragged.csv", "a,b\n1,2\n3\n");
    folder.write("twice.json", "{\"a\": 1,\n \"a\": 2}");
    folder.write("nan.json", "[NaN]");
    folder.write("empty.csv", "");
    folder.write("empty.npz", "");
    folder.write("data.h5", "x");
    let before = folder.names();
    for (file, parts) in [
        ("objects.npz", &["'x", "object", "pickle"][..]),
        ("overlap.safetensors", &["tensor '", "overlap"]),
        ("beyond.safetensors", &["8 bytes", "4 bytes", "cut short"]),
        ("huge.npy", &["huge.npy: "]),
        ("short.npy", &["80", "79"]),
        ("ragged.csv", &["line 3"]),
        ("twice.json", &["twice", "line 2"]),
        ("nan.json", &["NaN", "null"]),
        ("empty.csv", &["empty"]),
        ("empty.npz", &["empty"]),
        (
            "data.h5",
            &[
                "run `python -m achronyme_env convert data.h5 -o data.ach`",
                "h5py",
            ],
        ),
        ("missing.npy", &["cannot open"]),
    ] {
        let text = folder.refused(&["pack", "-o", "out.ach", file]);
        assert!(text.contains(file), "{text}");
        for part in parts {
            assert!(text.contains(part), "{file}: {part:?} is not in {text:?}");
        }
        assert_eq!(folder.names(), before, "{file}");
    }
}

#[test]
fn packing_what_python_converts_says_which_line_to_run() {
    let folder = Folder::with_examples();
    for (file, library) in [
        ("run.h5", "h5py"),
        ("run.nc", "h5py"),
        ("run.mat", "scipy"),
        ("run.pt", "torch"),
        ("run.pth", "torch"),
        ("my run's.h5", "h5py"),
    ] {
        folder.write(file, "x");
        let text = folder.refused(&["pack", "-o", "out.ach", file]);
        assert!(
            text.contains("run `python -m achronyme_env convert "),
            "{text}"
        );
        assert!(text.contains(library), "{text}");
    }
    let text = folder.refused(&["pack", "-o", "out.ach", "my run's.h5"]);
    assert!(
        text.contains(r"convert 'my run'\''s.h5' -o 'my run'\''s.ach'`"),
        "{text}"
    );
    // A store is a folder.
    std::fs::create_dir(folder.path("run.zarr")).unwrap();
    let text = folder.refused(&["pack", "-o", "out.ach", "run.zarr"]);
    assert!(text.contains("convert run.zarr -o run.ach"), "{text}");
}

#[test]
fn a_name_given_twice_shows_the_way_out() {
    let folder = Folder::with_examples();
    folder.write("chelsea.json", "{\"chelsea\": 1}");
    let text = folder.refused(&["pack", "-o", "a.ach", "chelsea.npy", "chelsea.json"]);
    assert!(
        text.contains("'chelsea'") && text.contains("by chelsea.npy and by chelsea.json"),
        "{text}"
    );
    assert!(text.contains("NAME=chelsea.json"), "{text}");
    folder.fine(&["pack", "-o", "a.ach", "chelsea.npy", "other=chelsea.json"]);
    assert_eq!(folder.fine(&["get", "a.ach", "other/chelsea"]), "1\n");
}

#[test]
fn nothing_is_replaced_without_force() {
    let folder = with_archive();
    let before = (folder.read("a.ach"), folder.read("run.json"));
    folder.fine(&["extract", "a.ach", "-d", "out"]);
    for args in [
        &["pack", "-o", "a.ach", "run.json"][..],
        &["extract", "a.ach", "-o", "a.ach"],
        &["get", "a.ach", "chelsea", "-o", "run.json"],
        &["extract", "a.ach", "-d", "out"],
    ] {
        let text = folder.refused(args);
        assert!(
            text.contains("exists already; use --force"),
            "{args:?}: {text}"
        );
    }
    // Forced, but what would replace it cannot be made.
    folder.refused(&["pack", "--force", "-o", "a.ach", "missing.npy"]);
    folder.refused(&["extract", "a.ach", "--force", "-o", "run.json"]);
    folder.refused(&["get", "--force", "a.ach", "none", "-o", "run.json"]);
    assert_eq!(before, (folder.read("a.ach"), folder.read("run.json")));
    folder.fine(&["pack", "--force", "-o", "a.ach", "a.ach", "run.json"]);
    assert!(folder.fine(&["verify", "a.ach"]).contains(": ok, "));
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_leaves_the_old_file_and_nothing_else() {
    let folder = with_archive();
    let (before, names) = (folder.read("a.ach"), folder.names());
    // A limit on the size of files stands for the full disk: 100 blocks of 512 bytes.
    for command in [
        "pack --force -o a.ach chelsea.npy run.json",
        "pack -o b.ach chelsea.npy",
        "get a.ach chelsea -o b.npy",
        "extract a.ach -n chelsea -o b.npz",
    ] {
        let ran = folder.shell(&format!("ulimit -f 100; trap '' XFSZ; \"$ACH\" {command}"));
        assert_eq!(ran.code, Some(2), "{command}: {ran:?}");
        assert!(
            ran.err.starts_with("ach: cannot write "),
            "{command}: {ran:?}"
        );
        assert!(!ran.err.contains("tmp"), "{command}: {ran:?}");
        assert_eq!(folder.names(), names, "{command}");
    }
    assert_eq!(folder.read("a.ach"), before);
}

#[test]
fn what_is_no_archive_is_said_to_be_what_it_is() {
    let folder = with_archive();
    let good = folder.read("a.ach");
    folder.write("empty.ach", "");
    folder.write(
        "other.ach",
        "hello, this is a text of more than sixty-four bytes, not an archive",
    );
    let mut newer = good.clone();
    newer[4] = 9;
    let sum = crc32fast::hash(&newer[..60]).to_le_bytes();
    newer[60..64].copy_from_slice(&sum);
    folder.write("newer.ach", newer);
    for (file, part) in [
        ("empty.ach", "it is empty"),
        ("other.ach", "is not an .ach archive"),
        ("penguins.csv", "is not an .ach archive"),
        ("chelsea.npy", "pack it with `ach pack`"),
        ("newer.ach", "format version 9.0"),
        ("none.ach", "cannot open none.ach"),
        (".", "is a directory"),
    ] {
        for command in ["ls", "info"] {
            let text = folder.refused(&[command, file]);
            assert!(text.contains(part), "{command} {file}: {text}");
        }
        assert!(folder.refused(&["get", file, "x"]).contains(part), "{file}");
    }
    for (file, code) in [
        ("empty.ach", 1),
        ("other.ach", 1),
        ("none.ach", 2),
        ("newer.ach", 2),
        (".", 2),
    ] {
        assert_eq!(
            folder.ach(&["verify", file, "a.ach"]).code,
            Some(code),
            "{file}"
        );
    }
}

#[cfg(unix)]
#[test]
fn fifos_and_devices_are_not_waited_for() {
    let folder = Folder::new();
    assert_eq!(folder.shell("mkfifo fifo.ach fifo.npy").code, Some(0));
    assert!(folder.refused(&["ls", "fifo.ach"]).contains("is a FIFO"));
    assert!(
        folder
            .refused(&["pack", "-o", "a.ach", "fifo.npy"])
            .contains("is a FIFO")
    );
    assert!(folder.refused(&["ls", "/dev/null"]).contains("is a device"));
    folder.write("x.json", "{\"x\": 1}");
    folder.refused(&["pack", "--force", "-o", "fifo.ach", "x.json"]);
    folder.refused(&["pack", "--force", "-o", "/dev/null", "x.json"]);
}

#[test]
fn a_file_cut_short_or_longer_is_an_error_at_any_length() {
    let folder = with_archive();
    let good = folder.read("a.ach");
    let step = good.len() / 37;
    let lengths = (1..70)
        .step_by(9)
        .chain((100..good.len()).step_by(step))
        .chain([good.len() - 1]);
    for length in lengths {
        folder.write("cut.ach", &good[..length]);
        folder.refused(&["ls", "cut.ach"]);
        let ran = folder.ach(&["verify", "cut.ach"]);
        assert_eq!(ran.code, Some(1), "{length}: {ran:?}");
    }
    folder.write("long.ach", [good.as_slice(), b"x"].concat());
    assert!(
        folder
            .refused(&["ls", "long.ach"])
            .contains("1 bytes stand after its end")
    );
}

#[test]
fn any_flipped_byte_is_found_by_verify() {
    let folder = with_archive();
    let good = folder.read("a.ach");
    for at in (0..64)
        .step_by(7)
        .chain((64..good.len()).step_by(good.len() / 60))
    {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        folder.write("bad.ach", bad);
        let ran = folder.ach(&["verify", "bad.ach"]);
        // A version that is not known yet cannot be judged: that is an error.
        let expected = if (4..8).contains(&at) { [1, 2] } else { [1, 1] };
        assert!(
            expected.contains(&ran.code.unwrap_or(-1)),
            "byte {at}: {ran:?}"
        );
    }
    let mut bad = good.clone();
    bad[offset_of(&folder, "a.ach", "chelsea")] ^= 1;
    folder.write("bad.ach", bad);
    let told = folder.ach(&["verify", "bad.ach"]).out;
    assert!(told.contains("touches 'chelsea'"), "{told}");
    let text = folder.refused(&["get", "bad.ach", "chelsea"]);
    assert!(
        text.starts_with("variable 'chelsea': bad.ach is damaged: block 0"),
        "{text}"
    );
    // The others are as they were.
    folder.fine(&["get", "bad.ach", "penguins"]);
    folder.fine(&["ls", "-l", "bad.ach"]);
}

#[test]
fn names_and_slices_that_do_not_fit_say_what_would() {
    let folder = with_archive();
    for (args, parts) in [
        (
            &["get", "a.ach", "chelsae"][..],
            &["no variable 'chelsae'", "did you mean 'chelsea'?"][..],
        ),
        (
            &["get", "a.ach", "penguins.specie"],
            &["did you mean 'species'?"],
        ),
        (&["get", "a.ach", "s/history[60]"], &["60 elements"]),
        (
            &["get", "a.ach", "chelsea", "-s", "240"],
            &["(240, 320, 3)", "no index 240"],
        ),
        (
            &["get", "a.ach", "chelsea[:, :, :, 0]"],
            &["names 4 axes, there are 3"],
        ),
        (&["get", "a.ach", "penguins", "-s", "0"], &["record"]),
        (
            &["get", "a.ach", "chelsea", "-s", "a:b"],
            &["`a` is not an integer"],
        ),
        (
            &["get", "a.ach", "penguins", "--format", "npy"],
            &["kind record"],
        ),
        (
            &["extract", "a.ach", "-o", "x.zip"],
            &[".npz, .safetensors, ", " and .ach"],
        ),
        (&["extract", "a.ach", "-o", "x.npz"], &["'penguins'", "-n"]),
        (&["extract", "a.ach"], &["--directory", "--output"]),
        (
            &["pack", "-o", "b.ach", "run.json", "--attr", "none:k=1"],
            &["'none'"],
        ),
        (
            &["pack", "-o", "b.ach", "run.json", "--level", "99"],
            &["99"],
        ),
        (
            &["pack", "-o", "no/such/dir/b.ach", "run.json"],
            &["cannot write no/such/dir/b.ach"],
        ),
        (&["frobnicate"], &["'frobnicate'"]),
    ] {
        let text = folder.refused(args);
        for part in parts {
            assert!(text.contains(part), "{args:?}: {part:?} is not in {text:?}");
        }
    }
}

#[test]
fn a_dtype_or_codec_of_a_later_version_is_listed_and_the_rest_opens() {
    let folder = with_archive();
    let good = folder.read("a.ach");
    let u64_at = |at: usize| u64::from_le_bytes(*good[at..].first_chunk().unwrap()) as usize;
    // The table of contents stands at byte 64; its preamble says where entries and extents are.
    let (body, entries, extents) = (
        64 + u64_at(64 + 16),
        64 + u64_at(64 + 48),
        64 + u64_at(64 + 56),
    );
    let (table_end, body_end) = (64 + u64_at(48), body + u64_at(64 + 24));
    assert_eq!(table_end, body_end);
    // "chelsea" is the first name; a dtype is the first byte of an entry's payload, a codec byte 36
    // of an extent's record. Which extent is whose, `ls` says.
    let listed = folder.fine(&["ls", "-l", "--json", "-n", "chelsea", "a.ach"]);
    let json: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let number = &json["files"][0]["variables"][0]["extents"][0]["number"];
    let extent = extents + number.as_u64().unwrap() as usize * 72;
    for (at, told) in [(entries + 16, "unknown"), (extent + 36, "cold")] {
        let mut later = good.clone();
        later[at] = 99;
        for (page, bytes) in good[body..body_end].chunks(4096).enumerate() {
            let start = body + page * 4096;
            let sum = crc32fast::hash(&later[start..start + bytes.len()]).to_le_bytes();
            let place = 64 + 256 + page * 4;
            assert_eq!(good[place..place + 4], crc32fast::hash(bytes).to_le_bytes());
            later[place..place + 4].copy_from_slice(&sum);
        }
        let sum = crc32fast::hash(&later[64..body]).to_le_bytes();
        later[56..60].copy_from_slice(&sum);
        let sum = crc32fast::hash(&later[..60]).to_le_bytes();
        later[60..64].copy_from_slice(&sum);
        folder.write("later.ach", later);
        let listed = folder.fine(&["ls", "-l", "later.ach"]);
        let row = listed
            .lines()
            .find(|line| line.starts_with("chelsea"))
            .unwrap();
        assert!(row.contains("tensor") && row.contains(told), "{row}");
        folder.fine(&["info", "later.ach"]);
        folder.fine(&["get", "later.ach", "penguins"]);
        let text = folder.refused(&["get", "later.ach", "chelsea"]);
        assert!(
            text.contains("'chelsea'") && text.contains("does not know"),
            "{text}"
        );
    }
}
