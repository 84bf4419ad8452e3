//! What the commands promise: nothing is lost on the way in or out, and everything has its name.

mod program;

use achronyme_env::Archive;
use program::{Folder, npy, safetensors};

fn assert_same(folder: &Folder, first: &str, second: &str) {
    let (a, b) = (
        Archive::open(folder.path(first)).unwrap(),
        Archive::open(folder.path(second)).unwrap(),
    );
    assert!(a.names().eq(b.names()));
    for (x, y) in a.bindings().zip(b.bindings()) {
        let same = x.value().unwrap().identical(&y.value().unwrap()).unwrap();
        assert!(same, "{}", x.name());
        let (with, without) = (x.attributes().unwrap(), y.attributes().unwrap());
        assert!(
            achronyme_env::Value::from(with)
                .identical(&without.into())
                .unwrap()
        );
        assert_eq!(
            x.sizes().unwrap().cold,
            y.sizes().unwrap().cold,
            "{}",
            x.name()
        );
        assert_eq!(x.ordinal(), y.ordinal());
    }
    assert_eq!(a.metadata().unwrap().custom, b.metadata().unwrap().custom);
    assert_eq!(a.metadata().unwrap().tags, b.metadata().unwrap().tags);
}

#[test]
fn pack_ls_get_extract_and_pack_again_lose_nothing() {
    let folder = Folder::with_examples();
    let packed = folder.fine(&[
        "pack",
        "-o",
        "a.ach",
        "penguins.csv",
        "cat=chelsea.npy",
        "digits-mlp.safetensors",
        "run.json",
        "--cold",
        "cat",
        "--attr",
        "cat:licence=CC0",
        "--attr",
        "cat:size=[1, 2]",
        "--tag",
        "real",
        "--meta",
        "k=v",
        "--description",
        "all of it",
    ]);
    assert!(packed.starts_with("a.ach: 20 variables, "), "{packed}");
    assert!(packed.contains("cold "), "{packed}");
    assert_eq!(folder.fine(&["ls", "a.ach"]).lines().count(), 21);
    folder.fine(&["extract", "a.ach", "-o", "b.ach"]);
    assert_same(&folder, "a.ach", "b.ach");
    folder.fine(&["pack", "-o", "c.ach", "b.ach"]);
    assert_same(&folder, "a.ach", "c.ach");
    assert!(
        folder
            .fine(&["verify", "a.ach", "b.ach", "c.ach"])
            .lines()
            .all(|l| l.contains(": ok, "))
    );

    folder.fine(&["get", "a.ach", "cat", "-o", "cat.npy"]);
    assert_eq!(folder.read("cat.npy"), folder.read("chelsea.npy"));
    let licence = folder.fine(&["ls", "-l", "a.ach", "-n", "cat"]);
    assert!(licence.contains("licence = 'CC0'"), "{licence}");
}

#[test]
fn arrays_come_back_from_a_directory_of_files() {
    let folder = Folder::with_examples();
    folder.fine(&[
        "pack",
        "-o",
        "a.ach",
        "net/v1=digits-mlp.safetensors",
        "\u{e9} x=chelsea.npy",
    ]);
    assert_eq!(
        folder.fine(&["extract", "a.ach", "-d", "out"]),
        "out: 9 .npy, 0 .json\n"
    );
    folder.fine(&["pack", "-o", "b.ach", "-r", "out", "--decode"]);
    let (a, b) = (
        Archive::open(folder.path("a.ach")).unwrap(),
        Archive::open(folder.path("b.ach")).unwrap(),
    );
    assert!(a.names().eq(b.names()));
    for name in a.names() {
        assert!(
            a.get(name)
                .unwrap()
                .identical(&b.get(name).unwrap())
                .unwrap(),
            "{name}"
        );
    }
    folder.fine(&["extract", "a.ach", "-n", "net/*", "-o", "net.npz"]);
    folder.fine(&["extract", "a.ach", "-n", "net/*", "-o", "net.safetensors"]);
    for file in ["net.npz", "net.safetensors"] {
        folder.fine(&["pack", "-o", "c.ach", file, "--force"]);
        let c = Archive::open(folder.path("c.ach")).unwrap();
        assert_eq!(c.len(), 8);
        for name in c.names() {
            assert!(
                a.get(name)
                    .unwrap()
                    .identical(&c.get(name).unwrap())
                    .unwrap(),
                "{name}"
            );
        }
    }
}

#[test]
fn what_a_model_says_about_itself_comes_back() {
    let folder = Folder::with_examples();
    folder.fine(&["pack", "-o", "a.ach", "digits-mlp.safetensors"]);
    folder.fine(&["extract", "a.ach", "-o", "b.safetensors"]);
    folder.fine(&["pack", "-o", "b.ach", "b.safetensors"]);
    let custom = |file| {
        Archive::open(folder.path(file))
            .unwrap()
            .metadata()
            .unwrap()
            .custom
    };
    let (mut a, mut b) = (custom("a.ach"), custom("b.ach"));
    a.sort();
    b.sort();
    assert!(!a.is_empty());
    assert_eq!(a, b);
}

#[test]
fn every_tensor_has_its_dotted_name() {
    let folder = Folder::with_examples();
    let header = r#"{"a.b[0]":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},
        "a.b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}"#;
    folder.write("odd.safetensors", safetensors(header, &[7, 8, 9, 1]));
    folder.fine(&[
        "pack",
        "-o",
        "m.ach",
        "digits-mlp.safetensors",
        "odd.safetensors",
    ]);
    let archive = Archive::open(folder.path("m.ach")).unwrap();
    for name in archive.names() {
        let shown = folder.fine(&["get", "m.ach", name]);
        let shape = achronyme_env::format_shape(archive.binding(name).unwrap().shape().unwrap());
        assert!(shown.contains(&shape), "{name}: {shown}");
    }
    assert!(
        folder
            .fine(&["get", "m.ach", "layer1.weight"])
            .starts_with("float16 (64, 64)")
    );
    assert!(folder.fine(&["get", "m.ach", "a.b[0]"]).contains("[7 8 9]"));
    assert!(
        folder
            .fine(&["get", "m.ach", "a.b[0]", "-s", "1:"])
            .contains("[8 9]")
    );
    assert_eq!(
        folder.fine(&["get", "m.ach", "'a.b'[0]", "--format", "csv"]),
        "1\n"
    );
}

#[test]
fn inputs_are_named_by_path_or_by_hand() {
    let folder = Folder::with_examples();
    std::fs::create_dir_all(folder.path("d/sub/.hidden")).unwrap();
    std::fs::copy(folder.path("chelsea.npy"), folder.path("d/sub/cat.npy")).unwrap();
    std::fs::copy(
        folder.path("chelsea.npy"),
        folder.path("d/sub/.hidden/cat.npy"),
    )
    .unwrap();
    std::fs::copy(
        folder.path("digits-mlp.safetensors"),
        folder.path("d/net.safetensors"),
    )
    .unwrap();
    folder.write("d/readme.md", "x");
    let ran = folder.ach(&["pack", "-o", "a.ach", "-r", "d"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("readme.md"), "{ran:?}");
    let names = |file| -> Vec<String> {
        let archive = Archive::open(folder.path(file)).unwrap();
        archive.names().map(str::to_owned).collect()
    };
    assert_eq!(names("a.ach").len(), 9);
    assert!(names("a.ach").contains(&"sub/cat".to_owned()));
    assert!(names("a.ach").contains(&"net/layer1.weight".to_owned()));
    folder.fine(&["pack", "-o", "b.ach", "-r", "x=d", "--exclude", "*/layer*"]);
    assert_eq!(
        names("b.ach"),
        ["x/net/input.mean", "x/net/input.std", "x/sub/cat"]
    );
    // A file of that very name is a path.
    std::fs::copy(folder.path("chelsea.npy"), folder.path("y=z.npy")).unwrap();
    folder.fine(&["pack", "-o", "c.ach", "y=z.npy", "w=y=z.npy"]);
    assert_eq!(names("c.ach"), ["w", "y=z"]);
}

#[test]
fn tables_are_read_as_asked() {
    let folder = Folder::new();
    folder.write("t.csv", "1;007\n2;008\n");
    folder.fine(&[
        "pack",
        "-o",
        "a.ach",
        "t.csv",
        "--no-header",
        "--delimiter",
        ";",
        "--strings",
        "c1",
    ]);
    assert_eq!(
        folder.fine(&["get", "a.ach", "t", "--format", "csv"]),
        "c0,c1\n1,007\n2,008\n"
    );
    let text = folder.refused(&["pack", "-o", "b.ach", "t.csv", "--strings", "c7"]);
    assert!(text.contains("'c7'"), "{text}");
    folder.refused(&["pack", "-o", "b.ach", "t.csv", "--delimiter", "\""]);
    assert_eq!(folder.names(), ["a.ach", "t.csv"]);
}

#[test]
fn sorting_filtering_and_exact_sizes() {
    let folder = Folder::with_examples();
    folder.fine(&[
        "pack",
        "-o",
        "a.ach",
        "digits-mlp.safetensors",
        "chelsea.npy",
    ]);
    let first = |args: &[&str]| -> String {
        let out = folder.fine(args);
        out.lines().nth(1).unwrap_or_default().to_owned()
    };
    assert!(first(&["ls", "a.ach"]).starts_with("input.mean"));
    assert!(first(&["ls", "--sort", "name", "a.ach"]).starts_with("chelsea"));
    assert!(first(&["ls", "--sort", "size", "a.ach"]).starts_with("chelsea"));
    assert!(first(&["ls", "--sort", "size", "--bytes", "a.ach"]).contains(" 230400 "));
    assert_eq!(
        folder
            .fine(&["ls", "-n", "*.weight", "a.ach"])
            .lines()
            .count(),
        4
    );
    folder.refused(&["ls", "-n", "zzz*", "a.ach"]);
}

#[test]
fn the_tour_runs_and_cleans_up() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("tmp")).unwrap();
    let mut demo = folder.command(env!("CARGO_BIN_EXE_ach"));
    let output = demo
        .arg("demo")
        .env("TMPDIR", folder.path("tmp"))
        .env("TMP", folder.path("tmp"));
    let ran = program::Ran::of(output.output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in ["$ ach ls tour.ach", "waves", "one slice", "everything"] {
        assert!(ran.out.contains(part), "{part}: {ran:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path("tmp")).unwrap().count(), 0);
    folder.write("full", "x");
    folder.refused(&["demo", "."]);
    assert_eq!(folder.names(), ["full", "tmp"]);
}

#[test]
fn what_was_converted_is_said() {
    let folder = Folder::new();
    let data: Vec<u8> = [1.5f32, -2.0]
        .iter()
        .flat_map(|x| x.to_be_bytes())
        .collect();
    folder.write("big.npy", npy(">f4", "(2,)", &data));
    let ran = folder.ach(&["pack", "-o", "a.ach", "big.npy"]);
    assert!(ran.err.contains("big-endian"), "{ran:?}");
    assert!(
        folder
            .fine(&["get", "a.ach", "big"])
            .contains("[ 1.5 -2. ]")
    );
}
