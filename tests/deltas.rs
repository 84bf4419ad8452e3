//! Promise: a delta applied to its parent makes the archive it was made of, in content, order,
//! metadata and what is compressed; it is small; it is applied to nothing else; and a broken one is
//! an error.

mod arbitrary;
mod samples;

use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, Cell, DType, Delta, DeltaOptions, DiffOptions, EnvError, Environment, OpenOptions,
    Order, Record, SaveOptions, Session, SessionOptions, Tensor, Value, Variable, apply_delta,
    content_hash, create_delta, diff, restore_environment, save, save_environment,
};
use proptest::prelude::*;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn saved(&self, name: &str, env: &Environment, options: SaveOptions) -> Archive {
        let path = self.path(name);
        let options = options
            .include_builtins(true)
            .durable(false)
            .allow_overwrite(true);
        save_environment(env, &path, options).unwrap();
        Archive::open(path).unwrap()
    }
}

fn quick() -> DeltaOptions {
    DeltaOptions::new().durable(false).allow_overwrite(true)
}

fn environment<V: Into<Value>, const N: usize>(variables: [(&str, V); N]) -> Environment {
    let mut env = Environment::new();
    for (name, value) in variables {
        env.set(name, value).unwrap();
    }
    env
}

fn order(archive: &Archive) -> Vec<&str> {
    archive
        .bindings_as_saved()
        .iter()
        .map(|b| b.name())
        .collect()
}

/// The two are the same in all that a delta promises.
fn assert_same(found: &Archive, expected: &Archive) {
    let differ = diff(found, expected, &DiffOptions::new()).unwrap();
    assert!(differ.is_same(), "{differ:?}");
    assert_eq!(
        content_hash(found).unwrap(),
        content_hash(expected).unwrap()
    );
    assert_eq!(order(found), order(expected));
    let metadata = |archive: &Archive| {
        let found = archive.metadata().unwrap();
        (
            found.created_at,
            found.description,
            found.tags,
            found.custom,
        )
    };
    assert_eq!(metadata(found), metadata(expected));
    assert!(found.verify().unwrap().is_ok());
}

/// Makes a delta, applies it, and compares.
fn there(folder: &Folder, old: &Archive, new: &Archive) -> Archive {
    let (delta, made) = (folder.path("x.ach-delta"), folder.path("made.ach"));
    create_delta(old, new, &delta, &quick()).unwrap();
    assert!(Delta::open(&delta).unwrap().verify().unwrap().is_ok());
    apply_delta(old, &delta, &made, &quick()).unwrap();
    let made = Archive::open(made).unwrap();
    assert_same(&made, new);
    made
}

#[test]
fn a_thousand_changed_scalars_of_a_million_take_less_than_100_kb() {
    let folder = Folder::new();
    let names: Vec<String> = (0..1_000_000).map(|n| format!("scalar_{n}")).collect();
    let mut archives = ["old.ach", "new.ach"].map(|file| {
        let changed = file == "new.ach";
        let values = names.iter().enumerate().map(|(n, name)| {
            let bump = if changed && n % 1000 == 7 { 0.5 } else { 0.0 };
            (name, Value::from(n as f64 + bump))
        });
        let path = folder.path(file);
        save(&path, values, &SaveOptions::new().durable(false)).unwrap();
        Some(Archive::open(path).unwrap())
    });
    let [old, new] = archives.each_mut().map(|archive| archive.take().unwrap());
    let delta = folder.path("new.ach-delta");
    let report = create_delta(&old, &new, &delta, &quick()).unwrap();
    assert_eq!((report.changed, report.added, report.removed), (1000, 0, 0));
    assert_eq!(report.unchanged, 999_000);
    println!("{} bytes", report.file_len);
    assert!(report.file_len < 100_000, "{}", report.file_len);
    assert_eq!(std::fs::metadata(&delta).unwrap().len(), report.file_len);
    apply_delta(&old, &delta, folder.path("made.ach"), &quick()).unwrap();
    let made = Archive::open(folder.path("made.ach")).unwrap();
    assert_eq!(content_hash(&made).unwrap(), content_hash(&new).unwrap());
    assert!(
        order(&made)
            .into_iter()
            .eq(names.iter().map(String::as_str))
    );
}

#[test]
fn only_what_changed_is_sent() {
    let folder = Folder::new();
    let large = samples::tensor(DType::F64, &[100_000], Order::C);
    let mut env = environment([
        ("large", Value::from(large.clone())),
        ("n", 1i64.into()),
        ("gone", true.into()),
        ("record", Record::from([("w", Value::from(large))]).into()),
    ]);
    let old = folder.saved("old.ach", &env, SaveOptions::new());
    env.remove("gone").unwrap();
    env.set("n", 2i64).unwrap();
    env.set("extra", Value::vector(["a", "b"])).unwrap();
    let new = folder.saved("new.ach", &env, SaveOptions::new());
    let delta = folder.path("x.ach-delta");
    let report = create_delta(&old, &new, &delta, &quick()).unwrap();
    assert_eq!((report.added, report.changed, report.removed), (1, 1, 1));
    assert_eq!((report.unchanged, report.together), (2, 0));
    assert_eq!(report.parent_digest, old.root_digest().unwrap());
    assert!(report.file_len < 1500, "{}", report.file_len);
    let delta = Delta::open(delta).unwrap();
    let sent: Vec<&str> = delta.sent().iter().map(|b| b.name()).collect();
    assert_eq!((sent, delta.removed()), (vec!["extra", "n"], vec!["gone"]));
    assert_eq!(
        (delta.result_len(), delta.parent_digest()),
        (4, report.parent_digest)
    );
    assert_eq!(delta.result_digest(), new.root_digest().unwrap());
    there(&folder, &old, &new);
    // Nothing changed: nothing is sent.
    let report = create_delta(&new, &new, folder.path("none.ach-delta"), &quick()).unwrap();
    assert_eq!((report.changed, report.unchanged), (0, 4));
    there(&folder, &new, &new);
    // From nothing, and to nothing.
    let nothing = folder.saved("nothing.ach", &Environment::new(), SaveOptions::new());
    there(&folder, &nothing, &new);
    there(&folder, &new, &nothing);
}

#[test]
fn every_kind_of_value_goes_through_a_delta() {
    let folder = Folder::new();
    let mut env = Environment::new();
    for (name, value) in samples::every_kind() {
        env.set(&name, value).unwrap();
    }
    let full = folder.saved("full.ach", &env, SaveOptions::new());
    let empty = folder.saved("empty.ach", &Environment::new(), SaveOptions::new());
    let made = there(&folder, &empty, &full);
    for (name, value) in samples::every_kind() {
        assert!(
            value.identical(&made.get(&name).unwrap()).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn the_order_of_definition_and_what_the_archive_says_of_itself_are_those_of_the_new_one() {
    let folder = Folder::new();
    let names = ["d", "a", "c", "b", "e"];
    let old = folder.saved(
        "old.ach",
        &environment(names.map(|name| (name, 1i64))),
        SaveOptions::new()
            .description("old")
            .tag("gone")
            .created_at(5),
    );
    for names in [
        &["d", "a", "c", "b", "e"][..],
        &["e", "d", "a", "c", "b"],
        &["b", "x", "a", "d"],
        &["x", "d", "y", "a", "c", "b", "e", "z"],
        &["e", "b", "c", "a", "d"],
    ] {
        let mut env = Environment::new();
        for (n, name) in names.iter().enumerate() {
            env.set(name, i64::from(n % 2 == 0)).unwrap();
        }
        let options = SaveOptions::new()
            .description("new")
            .custom("k", "v")
            .tag("t");
        let new = folder.saved("new.ach", &env, options.created_at(7));
        there(&folder, &old, &new);
    }
}

#[test]
fn what_was_compressed_stays_so_and_what_was_not_can_be_mapped() {
    if !cfg!(feature = "zstd") {
        return;
    }
    let folder = Folder::new();
    let tensor = |seed: f64| {
        let all: Vec<f64> = (0..50_000).map(|n| seed + f64::from(n / 100)).collect();
        Value::from(Tensor::from_vec(all, [50_000]).unwrap())
    };
    let worlds = [0.0, 1.0].map(|changed| {
        environment([
            ("hot", tensor(changed)),
            ("cold", tensor(10.0 + changed)),
            ("hot kept", tensor(20.0)),
            ("cold kept", tensor(30.0)),
        ])
    });
    let options = || SaveOptions::new().cold("cold*");
    let old = folder.saved("old.ach", &worlds[0], options());
    let new = folder.saved("new.ach", &worlds[1], options());
    let made = there(&folder, &old, &new);
    for name in ["hot", "cold", "hot kept", "cold kept"] {
        let cold = |archive: &Archive| archive.binding(name).unwrap().sizes().unwrap();
        assert_eq!(cold(&made), cold(&new), "{name}");
    }
    let report = create_delta(&old, &new, folder.path("x.ach-delta"), &quick()).unwrap();
    assert!(report.file_len < 50_000, "{}", report.file_len);
    // A sealed archive makes a sealed one, whatever the parent is.
    let sealed = folder.saved("sealed.ach", &worlds[1], options().seal(true));
    let made = there(&folder, &old, &sealed);
    assert!(made.header().is_sealed());
}

#[test]
fn cells_that_variables_share_stay_shared() {
    let folder = Folder::new();
    let world = |n: i64, kept: i64, apart: bool| {
        let (cell, kept) = (Cell::new(n), Cell::new(kept));
        let other = if apart { Cell::new(n) } else { cell.clone() };
        let mut env = environment([
            ("a", Value::from(cell.clone())),
            ("k1", kept.clone().into()),
            ("b", Value::vector([other])),
            ("k2", Value::vector([kept])),
        ]);
        env.set("attributed", 1i64).unwrap();
        let about = Record::from([("cell", cell)]);
        env.set_attributes("attributed", about).unwrap();
        env
    };
    let first = folder.saved("1.ach", &world(1, 1, false), SaveOptions::new());
    let second = folder.saved("2.ach", &world(2, 1, false), SaveOptions::new());
    let delta = folder.path("x.ach-delta");
    let report = create_delta(&first, &second, &delta, &quick()).unwrap();
    // Whoever holds the cell is changed with it; those of the other cell are not sent.
    assert_eq!((report.changed + report.together, report.unchanged), (3, 2));
    let made = there(&folder, &first, &second);
    let values = made.load_vars(&["a", "b", "k1", "k2"]).unwrap();
    let cell = |value: &Value| match value {
        Value::Cell(cell) => cell.clone(),
        Value::Vector(elements) => match &elements[0] {
            Value::Cell(cell) => cell.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert!(cell(&values[0]).same(&cell(&values[1])));
    assert!(cell(&values[2]).same(&cell(&values[3])));
    let apart = folder.saved("3.ach", &world(1, 1, true), SaveOptions::new());
    there(&folder, &first, &apart);
    there(&folder, &apart, &first);
    // One who joins a group brings all of it.
    let mut joined = world(1, 1, false);
    let Some(Value::Cell(cell)) = joined.get("k1").cloned() else {
        panic!()
    };
    joined.set("new", Record::from([("cell", cell)])).unwrap();
    let joined = folder.saved("4.ach", &joined, SaveOptions::new());
    let report = create_delta(&first, &joined, &delta, &quick()).unwrap();
    assert_eq!((report.added, report.together), (1, 2));
    there(&folder, &first, &joined);
}

#[test]
fn marks_and_attributes_alone_are_changes() {
    let folder = Folder::new();
    let world = |variable: Variable| {
        let mut env = environment([("y", 1i64)]);
        env.define("x", variable).unwrap();
        env
    };
    let units = Record::from([("units", "m")]);
    let worlds = [
        Variable::new(1i64),
        Variable::new(1i64).constant(),
        Variable::new(1i64).mutable().attributes(units),
    ];
    let archives: Vec<Archive> = worlds
        .into_iter()
        .enumerate()
        .map(|(n, v)| folder.saved(&format!("{n}.ach"), &world(v), SaveOptions::new()))
        .collect();
    for old in &archives {
        for new in &archives {
            there(&folder, old, new);
        }
    }
}

#[test]
fn a_delta_is_applied_to_its_parent_only_and_an_archive_is_no_delta() {
    let folder = Folder::new();
    let [one, two, three] = [1, 2, 3i64].map(|n| {
        let name = format!("{n}.ach");
        folder.saved(&name, &environment([("x", n)]), SaveOptions::new())
    });
    let delta = folder.path("x.ach-delta");
    create_delta(&one, &two, &delta, &quick()).unwrap();
    let made = folder.path("made.ach");
    let error = apply_delta(&three, &delta, &made, &quick()).unwrap_err();
    assert!(matches!(error, EnvError::OtherParent { .. }), "{error}");
    let hex = |archive: &Archive| -> String {
        let digest = archive.root_digest().unwrap();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let text = error.to_string();
    assert!(
        text.contains(&hex(&one)) && text.contains(&hex(&three)),
        "{text}"
    );
    assert!(!made.exists());
    let error = Archive::open(&delta).unwrap_err();
    assert!(matches!(error, EnvError::IsDelta { .. }), "{error}");
    let error = restore_environment(&delta, achronyme_env::RestoreOptions::new()).unwrap_err();
    assert!(matches!(error, EnvError::IsDelta { .. }), "{error}");
    let error = Delta::open(folder.path("1.ach")).unwrap_err();
    assert!(matches!(error, EnvError::NotADelta { .. }), "{error}");
}

#[test]
fn nothing_is_replaced_unless_that_is_allowed_and_the_parent_may_be() {
    let folder = Folder::new();
    let [old, new] = [1, 2i64].map(|n| {
        let name = format!("{n}.ach");
        folder.saved(
            &name,
            &environment([("x", n), ("y", 0)]),
            SaveOptions::new(),
        )
    });
    let (delta, parent) = (folder.path("x.ach-delta"), folder.path("1.ach"));
    let careful = DeltaOptions::new().durable(false);
    create_delta(&old, &new, &delta, &careful).unwrap();
    let before = std::fs::read(&delta).unwrap();
    for error in [
        create_delta(&old, &new, &delta, &careful)
            .map(drop)
            .unwrap_err(),
        apply_delta(&old, &delta, &parent, &careful)
            .map(drop)
            .unwrap_err(),
    ] {
        assert!(matches!(error, EnvError::AlreadyExists { .. }), "{error}");
    }
    assert_eq!(std::fs::read(&delta).unwrap(), before);
    apply_delta(&old, &delta, &parent, &quick()).unwrap();
    assert_same(&Archive::open(&parent).unwrap(), &new);
    let left: Vec<_> = std::fs::read_dir(folder.0.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn deltas_follow_each_other_on_copies_as_on_the_originals() {
    let folder = Folder::new();
    let days: Vec<Archive> = (0..4i64)
        .map(|n| {
            let env = environment([("day", n), ("same", 7), ("half", n / 2)]);
            folder.saved(&format!("{n}.ach"), &env, SaveOptions::new())
        })
        .collect();
    let path = |n: usize| folder.path(&format!("{n}.ach-delta"));
    for (n, pair) in days.windows(2).enumerate() {
        create_delta(&pair[0], &pair[1], path(n), &quick()).unwrap();
    }
    let mut copy = days[0].clone();
    for (n, day) in days.iter().enumerate().skip(1) {
        let made = folder.path(&format!("copy{n}.ach"));
        apply_delta(&copy, path(n - 1), &made, &quick()).unwrap();
        let parent = copy.root_digest().unwrap();
        copy = Archive::open(made).unwrap();
        assert_ne!(copy.root_digest().unwrap(), parent);
        assert_same(&copy, day);
    }
    // A delta made of a copy is for the original too.
    let back = folder.path("back.ach-delta");
    create_delta(&copy, &days[0], &back, &quick()).unwrap();
    let made = folder.path("made.ach");
    apply_delta(&days[3], &back, &made, &quick()).unwrap();
    assert_same(&Archive::open(made).unwrap(), &days[0]);
}

fn small_delta(folder: &Folder) -> (Archive, Archive, PathBuf) {
    let old = environment([("a", 1i64), ("b", 2), ("c", 3)]);
    let tensor = samples::tensor(DType::U16, &[50], Order::C);
    let new = environment([
        ("c", Value::from(3i64)),
        ("x", tensor.into()),
        ("a", Value::vector(["some", "text"])),
    ]);
    let old = folder.saved("old.ach", &old, SaveOptions::new());
    let new = folder.saved("new.ach", &new, SaveOptions::new().description("d"));
    let delta = folder.path("x.ach-delta");
    create_delta(&old, &new, &delta, &quick().created_at(1)).unwrap();
    (old, new, delta)
}

fn try_bytes(bytes: &[u8], old: &Archive, made: &Path) -> Result<Archive, EnvError> {
    Delta::from_bytes(bytes)?.apply(old, made, &quick())?;
    Archive::open(made)
}

#[test]
fn a_delta_with_a_flipped_byte_is_an_error_or_makes_the_same() {
    let folder = Folder::new();
    let (old, new, delta) = small_delta(&folder);
    let sound = std::fs::read(delta).unwrap();
    let expected = content_hash(&new).unwrap();
    let made = folder.path("made.ach");
    try_bytes(&sound, &old, &made).unwrap();
    let mut errors = 0;
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x11;
        match try_bytes(&bytes, &old, &made) {
            Ok(found) => assert_eq!(content_hash(&found).unwrap(), expected, "byte {at}"),
            Err(error) => {
                errors += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    // What is left is padding and the digest at the end, which are looked at by `verify`.
    assert!(errors * 10 > sound.len() * 6, "{errors} of {}", sound.len());
    for len in (0..sound.len()).step_by(13) {
        assert!(try_bytes(&sound[..len], &old, &made).is_err(), "{len}");
    }
}

/// What no sum tells: deltas made to deceive, with sound sums.
#[test]
fn a_delta_that_says_what_cannot_be_is_an_error() {
    let folder = Folder::new();
    let (old, new, _) = small_delta(&folder);
    let made = folder.path("made.ach");
    let delta = folder.path("y.ach-delta");
    // A delta for a parent that does not have what it removes: the parent's digest is put in.
    let other = folder.saved(
        "other.ach",
        &environment([("zz", 1i64)]),
        SaveOptions::new(),
    );
    create_delta(&other, &new, &delta, &quick()).unwrap();
    let mut bytes = std::fs::read(&delta).unwrap();
    bytes[64 + 128..64 + 160].copy_from_slice(&old.root_digest().unwrap());
    seal(&mut bytes);
    let error = try_bytes(&bytes, &old, &made).unwrap_err();
    assert!(error.to_string().contains("it removes 'zz'"), "{error}");
    // One that makes another number of bindings than it says.
    let fewer = folder.saved("fewer.ach", &Environment::new(), SaveOptions::new());
    create_delta(&fewer, &new, &delta, &quick()).unwrap();
    let mut bytes = std::fs::read(&delta).unwrap();
    bytes[64 + 128..64 + 160].copy_from_slice(&old.root_digest().unwrap());
    seal(&mut bytes);
    let error = try_bytes(&bytes, &old, &made).unwrap_err();
    assert!(
        error.to_string().contains("bindings, and says 3"),
        "{error}"
    );
    // An archive that claims to be a delta.
    let mut bytes = std::fs::read(folder.path("new.ach")).unwrap();
    bytes[8] |= 2;
    seal(&mut bytes);
    let error = try_bytes(&bytes, &old, &made).unwrap_err();
    assert!(error.to_string().contains("the record `delta`"), "{error}");
}

/// Makes the sums of preamble and header right again.
fn seal(bytes: &mut [u8]) {
    let body = u64::from_le_bytes(*bytes[64 + 16..].first_chunk().unwrap()) as usize;
    let sum = crc32fast::hash(&bytes[64..64 + body]).to_le_bytes();
    bytes[56..60].copy_from_slice(&sum);
    let sum = crc32fast::hash(&bytes[..60]).to_le_bytes();
    bytes[60..64].copy_from_slice(&sum);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_delta_applied_makes_what_it_was_made_of(
        a in arbitrary::variables(),
        b in arbitrary::variables(),
        taken in proptest::collection::vec(any::<bool>(), 10),
        cold in any::<(bool, bool)>(),
    ) {
        let folder = Folder::new();
        // Some of the old variables stay as they are.
        let kept = a.iter().zip(&taken).filter(|(_, taken)| **taken);
        let b: Vec<_> = kept.map(|(variable, _)| variable.clone()).chain(b).collect();
        let (a, b) = (arbitrary::environment(&a), arbitrary::environment(&b));
        let options = |cold: bool| match cold && cfg!(feature = "zstd") {
            true => SaveOptions::new().compress(true).compression_level(1),
            false => SaveOptions::new(),
        };
        let old = folder.saved("old.ach", &a, options(cold.0));
        let new = folder.saved("new.ach", &b, options(cold.1));
        let made = there(&folder, &old, &new);
        for (name, variable) in b.iter() {
            prop_assert!(made.get(name).unwrap().identical(&variable.value).unwrap());
        }
    }
}

/// The commits are not what the delta was made for, and would be lost or mixed in.
#[test]
fn an_archive_with_its_journal_is_no_parent() {
    let folder = Folder::new();
    let old = folder.saved(
        "old.ach",
        &environment([("a", 1), ("b", 2)]),
        SaveOptions::new(),
    );
    let new = folder.saved(
        "new.ach",
        &environment([("a", 1), ("b", 20)]),
        SaveOptions::new(),
    );
    let delta = folder.path("new.ach-delta");
    create_delta(&old, &new, &delta, &quick()).unwrap();
    let path = folder.path("old.ach");
    let open = || OpenOptions::new().journal(true).open(&path).unwrap();
    let mut session = SessionOptions::new().fold_below(0).open(&path).unwrap();
    // Nothing is said over it yet.
    apply_delta(session.archive(), &delta, folder.path("made.ach"), &quick()).unwrap();
    session.set("a", 100).unwrap();
    session.commit().unwrap();
    session.close().unwrap();
    let error = apply_delta(&open(), &delta, folder.path("no.ach"), &quick()).unwrap_err();
    assert!(matches!(error, EnvError::InvalidValue { .. }), "{error}");
    assert!(error.to_string().contains("ach checkpoint"), "{error}");
    assert!(!folder.path("no.ach").exists());
    Session::open(&path).unwrap().close().unwrap();
    // Folded it is another archive.
    let error = apply_delta(&open(), &delta, folder.path("no.ach"), &quick()).unwrap_err();
    assert!(matches!(error, EnvError::OtherParent { .. }), "{error}");
}
