//! Promise: `ach` packs tables of Arrow and Parquet and writes them, and says what it cannot.
#![cfg(feature = "parquet")]

mod program;

use program::Folder;

/// A folder with pyarrow's files.
fn folder(names: &[&str]) -> Folder {
    let folder = Folder::new();
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tables");
    for name in names {
        folder.write(name, std::fs::read(data.join(name)).unwrap());
    }
    folder
}

#[test]
fn what_is_packed_and_extracted_and_packed_again_is_the_same() {
    let folder = folder(&["plain.arrow", "zstd.parquet"]);
    for (given, out) in [
        ("plain.arrow", "again.arrow"),
        ("plain.arrow", "again.feather"),
        ("zstd.parquet", "again.arrow"),
    ] {
        let given = format!("t={given}");
        folder.fine(&["pack", "--force", "-o", "a.ach", &given]);
        let told = folder.fine(&["extract", "--force", "a.ach", "-o", out]);
        assert_eq!(told, format!("{out}: 1 variable\n"));
        let again = format!("t={out}");
        folder.fine(&["pack", "--force", "-o", "b.ach", &again]);
        let told = folder.ach(&["diff", "a.ach", "b.ach"]);
        assert_eq!(
            (told.code, &*told.err),
            (Some(0), ""),
            "{out}: {}",
            told.out
        );
        folder.fine(&["verify", "b.ach"]);
    }
}

/// Parquet keeps neither what stands below a null nor categories that nothing has: once written they
/// are gone, and then nothing changes.
#[test]
fn parquet_that_was_written_and_packed_is_written_the_same() {
    let folder = folder(&["zstd.parquet"]);
    folder.fine(&["pack", "-o", "0.ach", "t=zstd.parquet"]);
    for (from, table, to) in [
        ("0.ach", "1.parquet", "1.ach"),
        ("1.ach", "2.parquet", "2.ach"),
    ] {
        folder.fine(&["extract", from, "-o", table]);
        folder.fine(&["pack", "-o", to, &format!("t={table}")]);
    }
    folder.fine(&["diff", "1.ach", "2.ach"]);
    assert_eq!(folder.read("1.parquet"), folder.read("2.parquet"));
}

#[test]
fn a_csv_becomes_parquet() {
    let folder = Folder::with_examples();
    folder.fine(&["pack", "-o", "a.ach", "penguins.csv"]);
    folder.fine(&["extract", "a.ach", "-o", "penguins.parquet"]);
    folder.fine(&["pack", "-o", "b.ach", "penguins.parquet"]);
    folder.fine(&["diff", "a.ach", "b.ach"]);
    // The same values, the same bytes.
    let first = folder.read("penguins.parquet");
    folder.fine(&["extract", "--force", "b.ach", "-o", "penguins.parquet"]);
    assert_eq!(folder.read("penguins.parquet"), first);
}

#[test]
fn tables_are_found_in_directories() {
    let folder = folder(&["plain.arrow", "zstd.parquet", "lz4.feather"]);
    let told = folder.fine(&["pack", "-r", "-o", "all.ach", "."]);
    assert!(told.starts_with("all.ach: 3 variables"), "{told}");
}

#[test]
fn what_is_no_table_is_refused_and_nothing_is_written() {
    let folder = Folder::with_examples();
    folder.fine(&[
        "pack",
        "-o",
        "run.ach",
        "run.json",
        "penguins.csv",
        "cat=chelsea.npy",
    ]);
    let whole = ["extract", "run.ach", "-o", "x.parquet"];
    let text = folder.refused(&whole);
    assert!(
        text.contains("a table is one variable") && text.contains("choose it with -n"),
        "{text}"
    );
    let text = folder.refused(&["extract", "run.ach", "-n", "cat", "-o", "x.arrow"]);
    assert!(
        text.contains("'cat' is a value of kind tensor of shape (240, 320, 3)"),
        "{text}"
    );
    let text = folder.refused(&["extract", "run.ach", "-n", "model", "-o", "x.arrow"]);
    assert!(
        text.contains("cannot be an Arrow file: its field"),
        "{text}"
    );
    assert!(
        !folder
            .names()
            .iter()
            .any(|name| name.starts_with('x') || name.starts_with(".ach"))
    );
}

#[test]
fn attributes_that_are_no_text_are_noted() {
    let folder = Folder::with_examples();
    let attrs = [
        "--attr",
        "penguins:origin=Palmer",
        "--attr",
        "penguins:year=2007",
    ];
    folder.fine(&[&["pack", "-o", "a.ach", "penguins.csv"][..], &attrs].concat());
    let ran = folder.ach(&["extract", "a.ach", "-o", "p.arrow"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.err.contains("note: ") && ran.err.contains("year (integer) is left out"),
        "{ran:?}"
    );
    folder.fine(&["pack", "-o", "b.ach", "p.arrow"]);
    let listed = folder.fine(&["ls", "-l", "b.ach"]);
    assert!(
        listed.contains("origin") && !listed.contains("year"),
        "{listed}"
    );
}

#[test]
fn a_damaged_table_is_one_sentence() {
    let folder = folder(&["plain.arrow", "zstd.parquet"]);
    for name in ["plain.arrow", "zstd.parquet"] {
        let mut bytes = folder.read(name);
        bytes.truncate(bytes.len() / 2);
        folder.write(name, bytes);
        let text = folder.refused(&["pack", "-o", "a.ach", name]);
        assert!(text.contains(name), "{text}");
    }
    assert!(!folder.names().contains(&"a.ach".to_owned()));
}

/// A footer of groups, each in the one before: the decoder would call itself for each.
#[test]
fn a_schema_that_is_nested_very_deep_is_one_sentence() {
    let footer = |groups: u32| {
        // Version 1, and a list of structs: a name and one child each, and a leaf.
        let mut footer = vec![0x15, 2, 0x19, 0xfc];
        let count = groups + 2;
        footer.extend([0, 7, 14, 21].map(|shift| (count >> shift) as u8 | 0x80));
        footer.push(0);
        footer.extend([0x48, 1, b'r', 0x15, 2, 0]);
        for _ in 0..groups {
            footer.extend([0x35, 2, 0x18, 1, b'g', 0x15, 2, 0]);
        }
        footer.extend([0x15, 2, 0x25, 2, 0x18, 1, b'x', 0]);
        // No rows, and no groups of them.
        footer.extend([0x16, 0, 0x19, 0x0c, 0]);
        let mut file = b"PAR1".to_vec();
        file.extend(&footer);
        file.extend((footer.len() as u32).to_le_bytes());
        file.extend(b"PAR1");
        file
    };
    let folder = Folder::new();
    folder.write("flat.parquet", footer(3));
    folder.write("deep.parquet", footer(200_000));
    folder.fine(&["pack", "-o", "a.ach", "flat.parquet"]);
    let told = folder.ach(&["pack", "-o", "b.ach", "deep.parquet"]);
    assert_eq!(told.code, Some(2), "{}", told.err);
    assert!(
        told.err.contains("nested deeper than 256 levels"),
        "{}",
        told.err
    );
}
