//! Promises of sessions: a commit costs what changed and survives, undo appends, a checkpoint folds.

mod open_session;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use achronyme_env::{
    Archive, Cell, DType, EnvError, Environment, Moment, Order, Record, Scope, Session,
    SessionReader, Storage, Tensor, UserFunction, Value, Variable,
};
use open_session::{open, options, tensor};

fn integers(session: &Session) -> Vec<(String, i64)> {
    let names = session.names();
    let value = |name: &str| session.get(name).unwrap().as_i64().unwrap();
    names
        .iter()
        .map(|name| (name.to_string(), value(name)))
        .collect()
}

#[test]
fn what_is_committed_is_there_again_in_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    for (name, value) in [("b", 1), ("a", 2), ("c", 3)] {
        session.set(name, value).unwrap();
    }
    session.commit().unwrap();
    session.set("b", 10).unwrap();
    session.remove("a").unwrap();
    session.rename("c", "d").unwrap();
    session.set("a", 4).unwrap();
    let expected = [("b", 10), ("d", 3), ("a", 4)].map(|(name, n)| (name.to_owned(), n));
    assert_eq!(integers(&session), expected);
    session.commit().unwrap();
    assert_eq!(integers(&session), expected);
    session.set("lost", 5).unwrap();
    drop(session);

    let session = open(&path);
    assert_eq!(integers(&session), expected);
    let closed = session.close().unwrap();
    assert_eq!(closed.journal, None);
    let archive = Archive::open(&path).unwrap();
    let names: Vec<_> = archive
        .bindings_as_saved()
        .iter()
        .map(|b| b.name().to_owned())
        .collect();
    assert_eq!(names, ["b", "d", "a"]);
    assert!(archive.verify().unwrap().is_ok());
}

#[test]
fn undo_and_redo_walk_through_commits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    for n in 1..=3 {
        session.set("x", n).unwrap();
        session.commit().unwrap();
    }
    let x = |session: &Session| session.get("x").unwrap().as_i64();
    session.undo().unwrap();
    assert_eq!(x(&session), Some(2));
    session.undo().unwrap();
    assert_eq!(x(&session), Some(1));
    session.redo().unwrap();
    assert_eq!(x(&session), Some(2));
    session.redo().unwrap();
    assert_eq!(x(&session), Some(3));
    assert!(matches!(session.redo(), Err(EnvError::HistoryEnds { .. })));
    session.undo().unwrap();
    session.undo().unwrap();
    session.undo().unwrap();
    assert!(!session.contains("x"));
    assert!(matches!(session.undo(), Err(EnvError::HistoryEnds { .. })));
    session.redo().unwrap();
    session.set("y", 9).unwrap();
    session.commit().unwrap();
    assert!(matches!(session.redo(), Err(EnvError::HistoryEnds { .. })));
    assert_eq!(
        integers(&session),
        [("x".to_owned(), 1), ("y".to_owned(), 9)]
    );
    drop(session);
    let mut session = open(&path);
    assert_eq!(
        integers(&session),
        [("x".to_owned(), 1), ("y".to_owned(), 9)]
    );
    session.undo().unwrap();
    assert_eq!(integers(&session), [("x".to_owned(), 1)]);
}

#[test]
fn marks_lead_back_until_a_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    session.set("x", 1).unwrap();
    session.mark("before").unwrap();
    session.set("x", 2).unwrap();
    session.set("y", tensor(100_000, 0.5)).unwrap();
    session.commit().unwrap();
    let gone = session.restore_at(&Moment::Mark("before".into())).unwrap();
    assert_eq!(
        gone.changed.iter().map(|n| &**n).collect::<Vec<_>>(),
        ["x", "y"]
    );
    assert_eq!(integers(&session), [("x".to_owned(), 1)]);
    session.undo().unwrap();
    session.checkpoint().unwrap().unwrap();
    let error = session
        .restore_at(&Moment::Mark("before".into()))
        .unwrap_err();
    assert!(matches!(error, EnvError::NoSuchMark { .. }), "{error}");
    assert!(matches!(session.undo(), Err(EnvError::HistoryEnds { .. })));
}

#[test]
fn cells_are_one_in_archive_journal_and_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    let cell = Cell::new(1);
    session.set("a", cell.clone()).unwrap();
    session.commit().unwrap();
    session
        .set("b", Value::vector([Value::Cell(cell.clone())]))
        .unwrap();
    session.commit().unwrap();
    cell.set(2);
    session.commit().unwrap();
    let sequence = session.sequence();
    session.commit().unwrap();
    assert_eq!(session.sequence(), sequence, "nothing changed");

    let check = |session: &Session, expected: i64| {
        let (a, b) = (session.get("a").unwrap(), session.get("b").unwrap());
        let (Value::Cell(a), Some([Value::Cell(b)])) = (&a, b.as_vector()) else {
            panic!()
        };
        assert!(a.same(b));
        assert_eq!(a.get().as_i64(), Some(expected));
    };
    check(&session, 2);
    drop(session);
    let mut session = open(&path);
    check(&session, 2);
    session.checkpoint().unwrap().unwrap();
    check(&session, 2);
    let Value::Cell(cell) = session.get("a").unwrap() else {
        panic!()
    };
    cell.set(3);
    session.commit().unwrap();
    drop(session);
    let mut session = open(&path);
    check(&session, 3);
    session.undo().unwrap();
    check(&session, 2);
    let reader = SessionReader::open(&path).unwrap();
    let values = reader.archive().load_vars(&["a", "b"]).unwrap();
    let (Value::Cell(a), Some([Value::Cell(b)])) = (&values[0], values[1].as_vector()) else {
        panic!()
    };
    assert!(a.same(b));
    assert_eq!(
        reader
            .archive()
            .view("a")
            .unwrap()
            .content()
            .unwrap()
            .to_value()
            .unwrap()
            .as_i64(),
        Some(2)
    );
}

#[test]
fn unchanged_arrays_are_not_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    let big = tensor(1 << 20, 0.0);
    session.set("big", big.clone()).unwrap();
    session.commit().unwrap();
    let after_first = session.journal_len();
    assert!(after_first > 8 << 20);
    let model = Record::from([
        ("weights", Value::from(big.clone())),
        ("rate", Value::from(0.1)),
    ]);
    session.set("model", model).unwrap();
    session.commit().unwrap();
    session.set_at("model.rate", 0.2).unwrap();
    session.commit().unwrap();
    assert!(
        session.journal_len() < after_first + 4096,
        "{}",
        session.journal_len() - after_first
    );
    drop(session);
    let mut session = open(&path);
    assert_eq!(
        session
            .at("model.weights[5]")
            .unwrap()
            .as_tensor()
            .unwrap()
            .as_slice::<f64>()
            .unwrap(),
        [5.0]
    );
    session.checkpoint().unwrap().unwrap();
    let before = session.journal_len();
    session.set_at("model.rate", 0.3).unwrap();
    session.commit().unwrap();
    assert!(session.journal_len() < before + 4096);
    drop(session);
    let session = open(&path);
    assert_eq!(session.at("model.rate").unwrap().as_f64(), Some(0.3));
    let weights = session.at("model.weights").unwrap();
    assert!(weights.identical(&Value::from(big)).unwrap());
}

#[test]
fn readers_follow_and_stay_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    session.set("x", 1).unwrap();
    session.commit().unwrap();
    let mut reader = SessionReader::open(&path).unwrap();
    let kept = reader.archive().clone();
    session.set("x", 2).unwrap();
    assert!(!reader.refresh().unwrap());
    session.commit().unwrap();
    assert!(reader.wait(Duration::from_secs(5)).unwrap());
    assert_eq!(reader.archive().get("x").unwrap().as_i64(), Some(2));
    session.checkpoint().unwrap();
    session.set("y", 3).unwrap();
    session.commit().unwrap();
    assert!(reader.refresh().unwrap());
    assert_eq!(reader.archive().get("y").unwrap().as_i64(), Some(3));
    session.undo().unwrap();
    assert!(reader.refresh().unwrap());
    assert!(!reader.archive().contains("y"));
    assert_eq!(kept.get("x").unwrap().as_i64(), Some(1));
}

#[test]
fn an_attached_environment_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    environment.set("first", 1).unwrap();
    let mut session = open(&path);
    session.attach(&mut environment).unwrap();
    session.commit().unwrap();
    environment.set("second", 2).unwrap();
    environment
        .define("third", Variable::new(3).constant())
        .unwrap();
    environment.remove("first").unwrap();
    environment.rename("second", "2nd").unwrap();
    session.commit().unwrap();
    assert_eq!(
        integers(&session),
        [("2nd".to_owned(), 2), ("third".to_owned(), 3)]
    );
    let travelled = session.undo().unwrap();
    session.update(&mut environment, &travelled).unwrap();
    assert_eq!(environment.names().collect::<Vec<_>>(), ["first"]);
    drop(session);
    let mut session = open(&path);
    assert_eq!(integers(&session), [("first".to_owned(), 1)]);
    let mut again = Environment::new();
    session.attach(&mut again).unwrap();
    assert_eq!(again.get("first").unwrap().as_i64(), Some(1));
    assert!(!session.is_changed());
}

#[test]
fn kept_history_reaches_over_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = options().keep_history(true).open(&path).unwrap();
    session.set("x", 1).unwrap();
    session.mark("one").unwrap();
    session.set("x", tensor(20_000, 2.0)).unwrap();
    session.commit().unwrap();
    session.checkpoint().unwrap().unwrap();
    session.set("x", 3).unwrap();
    session.commit().unwrap();
    session.checkpoint().unwrap().unwrap();
    assert_eq!(session.log().unwrap().len(), 3);
    session.restore_at(&Moment::Mark("one".into())).unwrap();
    assert_eq!(integers(&session), [("x".to_owned(), 1)]);
    let two = session.log().unwrap()[1].sequence;
    session.restore_at(&Moment::Sequence(two)).unwrap();
    assert_eq!(
        session.get("x").unwrap().as_tensor().unwrap().shape(),
        [20_000]
    );
}

#[test]
fn a_checkpoint_folds_while_commits_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    session.set("big", tensor(100_000, 1.0)).unwrap();
    session.commit().unwrap();
    let checkpoint = session.begin_checkpoint().unwrap().unwrap();
    let running = std::thread::spawn(move || checkpoint.run().unwrap());
    let big = session.get("big").unwrap();
    session.set("same", big).unwrap();
    session.set("x", 1).unwrap();
    session.commit().unwrap();
    let done = running.join().unwrap();
    session.finish_checkpoint(done).unwrap();
    assert_eq!(session.names().len(), 3);
    assert!(
        session
            .get("same")
            .unwrap()
            .identical(&session.get("big").unwrap())
            .unwrap()
    );
    drop(session);
    let session = open(&path);
    assert_eq!(session.get("x").unwrap().as_i64(), Some(1));
    assert_eq!(
        Archive::open(&path).unwrap().names().collect::<Vec<_>>(),
        ["big"]
    );
    let names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn memory_that_holds_what_the_session_has_is_not_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    session.set("big", tensor(1 << 18, 0.0)).unwrap();
    session.commit().unwrap();
    let written = session.journal_len();
    // Other memory, small and large: the bytes count.
    session.set("copy", tensor(1 << 18, 0.0)).unwrap();
    session.set("small", tensor(1 << 14, 0.0)).unwrap();
    session.commit().unwrap();
    let with_small = session.journal_len();
    assert!(with_small < written + (8 << 14) + 4096);
    session.set("small", tensor(1 << 14, 0.0)).unwrap();
    session.set("big", tensor(1 << 18, 0.0)).unwrap();
    session.commit().unwrap();
    assert!(session.journal_len() < with_small + 4096);
    session.set("big", tensor(1 << 18, 1.0)).unwrap();
    session.commit().unwrap();
    assert!(session.journal_len() > with_small + (8 << 18));
    drop(session);
    let mut session = open(&path);
    let first = |session: &Session, name: &str| {
        let value = session.get(name).unwrap();
        value.as_tensor().unwrap().as_slice::<f64>().unwrap()[0]
    };
    assert_eq!(first(&session, "big"), 1.0);
    assert_eq!(first(&session, "copy"), 0.0);
    session.checkpoint().unwrap().unwrap();
    let folded = session.journal_len();
    session.set("third", tensor(1 << 18, 0.0)).unwrap();
    session.commit().unwrap();
    assert!(session.journal_len() < folded + 4096);
    assert_eq!(first(&session, "third"), 0.0);
}

#[test]
fn a_commit_and_a_checkpoint_are_given_up_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    session.set("x", 1).unwrap();
    session.commit().unwrap();
    let before = (session.sequence(), session.journal_len());
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    session.set("big", tensor(1 << 20, 0.0)).unwrap();
    let given_up = achronyme_env::read_cancellable(&stop, || session.commit());
    assert!(
        matches!(given_up, Err(EnvError::Cancelled { .. })),
        "{given_up:?}"
    );
    assert_eq!((session.sequence(), session.journal_len()), before);
    session.commit().unwrap();
    let given_up = achronyme_env::read_cancellable(&stop, || session.checkpoint());
    assert!(matches!(given_up, Err(EnvError::Cancelled { .. })));
    assert_eq!(session.archive().len(), 2);
    assert!(Archive::open(&path).unwrap().is_empty());
    session.checkpoint().unwrap().unwrap();
    assert_eq!(Archive::open(&path).unwrap().len(), 2);
}

/// What a cell in a variable holds.
fn in_cell(value: &Value) -> Option<i64> {
    match value {
        Value::Cell(cell) => cell.get().as_i64(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn functions_that_share_a_scope_are_verified_with_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    let scope = Scope::new(Record::from([("count", Cell::new(3))]));
    for name in ["up", "down"] {
        let function = UserFunction {
            source: "count = count + 1".into(),
            scope: Some(scope.clone()),
            ..UserFunction::default()
        };
        session.set(name, Value::from(function)).unwrap();
    }
    session.commit().unwrap();
    let check = |archive: &Archive| {
        let report = archive.verify().unwrap();
        assert!(report.is_ok(), "{report:?}");
        archive.verify_one("up").unwrap();
        archive.verify_one("down").unwrap();
    };
    check(session.archive());
    scope.set_bindings(Record::from([("count", 4)]));
    session.commit().unwrap();
    check(session.archive());
    drop(session);
    check(SessionReader::open(&path).unwrap().archive());
}

#[test]
fn a_cell_that_no_variable_held_at_a_checkpoint_is_saved_when_it_is_set_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    let (plain, meanwhile) = (Cell::new(1), Cell::new(2));
    // One cell is held by a cell only.
    let inner = Cell::new(3);
    let outer = Cell::new(Value::vector([Value::Cell(inner.clone())]));
    let cells = [
        ("plain", &plain),
        ("meanwhile", &meanwhile),
        ("outer", &outer),
    ];
    for (name, cell) in cells {
        session.set(name, cell.clone()).unwrap();
    }
    session.commit().unwrap();
    for (name, _) in cells {
        session.remove(name).unwrap();
    }
    session.set("kept", 0).unwrap();
    session.commit().unwrap();
    let checkpoint = session.begin_checkpoint().unwrap().unwrap();
    session.set("meanwhile", meanwhile.clone()).unwrap();
    session.set("too", meanwhile.clone()).unwrap();
    session.commit().unwrap();
    let done = checkpoint.run().unwrap();
    session.finish_checkpoint(done).unwrap();
    session.set("plain", plain).unwrap();
    session.set("outer", outer).unwrap();
    session.set("inner", inner).unwrap();
    session.commit().unwrap();
    meanwhile.set(20);
    session.commit().unwrap();
    drop(session);

    for _ in 0..2 {
        let mut session = open(&path);
        assert_eq!(in_cell(&session.get("plain").unwrap()), Some(1));
        assert_eq!(in_cell(&session.get("meanwhile").unwrap()), Some(20));
        let (a, b) = (session.get("meanwhile"), session.get("too"));
        assert!(matches!((a, b), (Ok(Value::Cell(a)), Ok(Value::Cell(b))) if a.same(&b)));
        let Value::Cell(outer) = session.get("outer").unwrap() else {
            panic!()
        };
        let held = outer.get();
        let inner = session.get("inner").unwrap();
        let (Some([Value::Cell(held)]), Value::Cell(inner)) = (held.as_vector(), &inner) else {
            panic!()
        };
        assert!(held.same(inner));
        assert_eq!(inner.get().as_i64(), Some(3));
        session.checkpoint().unwrap();
    }
}

/// Zeros; reading them sets a cell, as another thread may while a commit is written.
#[derive(Debug)]
struct Meddling(Cell);

impl Storage for Meddling {
    fn byte_len(&self) -> u64 {
        800_000
    }

    fn range(&self, _: u64, _: u64) -> achronyme_env::Result<&[u8]> {
        unreachable!("it is read piece by piece")
    }

    fn read_at(&self, _: u64, out: &mut [u8]) -> achronyme_env::Result<()> {
        self.0.set(3);
        out.fill(0);
        Ok(())
    }
}

#[test]
fn a_cell_that_is_set_while_its_commit_is_written_is_saved_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    let cell = Cell::new(1);
    session.set("cell", cell.clone()).unwrap();
    session.commit().unwrap();
    cell.set(2);
    let meddling = Arc::new(Meddling(cell));
    let array = Tensor::from_storage(DType::F64, [100_000], Order::C, meddling);
    session.set("array", array.unwrap()).unwrap();
    session.commit().unwrap();
    assert!(session.is_changed());
    session.commit().unwrap();
    drop(session);
    assert_eq!(in_cell(&open(&path).get("cell").unwrap()), Some(3));
}

#[test]
fn what_undo_and_marks_are_for_is_not_folded_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let options = options().checkpoint_at(0.5);
    let mut session = options.open(&path).unwrap();
    let big = tensor(9 << 20, 0.5);
    session.set("y", big.clone()).unwrap();
    session.commit().unwrap();
    session.set("y", 0).unwrap();
    session.undo().unwrap();
    assert!(session.get("y").unwrap().identical(&big.into()).unwrap());
    session.set("y", 0).unwrap();
    session.mark("before").unwrap();
    session.set("y", 1).unwrap();
    session.restore_at(&Moment::Mark("before".into())).unwrap();
    assert_eq!(integers(&session), [("y".to_owned(), 0)]);
}

#[test]
fn an_environment_that_another_follows_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    let (mut first, mut second) = (Environment::new(), Environment::new());
    session.attach(&mut first).unwrap();
    first.set("x", 1).unwrap();
    session.set("y", 2).unwrap();
    session.attach(&mut second).unwrap();
    assert_eq!(second.get("x").unwrap().as_i64(), Some(1));
    assert_eq!(second.get("y").unwrap().as_i64(), Some(2));
    session.commit().unwrap();
    assert_eq!(
        integers(&session),
        [("x".to_owned(), 1), ("y".to_owned(), 2)]
    );
}

/// A session that makes checkpoints by itself when half of what there is is dead.
fn folding(path: &Path) -> Session {
    options().checkpoint_at(0.5).open(path).unwrap()
}

#[test]
fn a_session_whose_state_is_in_cells_does_not_grow_without_bound() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = folding(&path);
    let cell = Cell::new(0);
    session.set("cell", cell.clone()).unwrap();
    session.commit().unwrap();
    for n in 0..8 {
        cell.set(tensor(3 << 20, f64::from(n)));
        session.commit().unwrap();
    }
    let (archive, journal) = (session.archive().file_len(), session.journal_len());
    assert!(archive > 24 << 20, "a checkpoint was made");
    assert!(archive + journal < 160 << 20);
    // Likewise with cells that are new each time, also when it is opened again.
    for n in 0..4 {
        session
            .set("cell", Cell::new(tensor(3 << 20, f64::from(n))))
            .unwrap();
        session.commit().unwrap();
    }
    drop(session);
    let mut session = folding(&path);
    for n in 4..8 {
        session
            .set("cell", Cell::new(tensor(3 << 20, f64::from(n))))
            .unwrap();
        session.commit().unwrap();
    }
    let (archive, journal) = (session.archive().file_len(), session.journal_len());
    assert!(archive + journal < 160 << 20, "{archive} {journal}");
}

#[test]
fn a_record_of_the_archive_that_is_replaced_is_folded_away() {
    for opened_again in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.ach");
        let mut session = folding(&path);
        let record = Record::from([("weights", Value::from(tensor(9 << 20, 0.0)))]);
        session.set("model", record).unwrap();
        session.checkpoint().unwrap().unwrap();
        session.rename("model", "renamed").unwrap();
        session.commit().unwrap();
        assert!(session.archive().file_len() > 72 << 20, "nothing is dead");
        session.set("renamed", 0).unwrap();
        if opened_again {
            drop(session);
            let mut before = options().open(&path).unwrap();
            before.set("renamed", 0).unwrap();
            before.commit().unwrap();
            drop(before);
            session = folding(&path);
            session.set("other", 0).unwrap();
        }
        session.commit().unwrap();
        assert!(session.archive().file_len() < 1 << 20);
    }
}

#[test]
fn what_undo_gives_back_and_what_has_two_names_is_not_dead() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = folding(&path);
    let big = tensor(5 << 20, 0.5);
    session.set("y", big.clone()).unwrap();
    session.commit().unwrap();
    for _ in 0..3 {
        session.set("y", 0).unwrap();
        session.commit().unwrap();
        session.undo().unwrap();
    }
    // The data has two names, and then one.
    session.set("big", tensor(9 << 20, 0.5)).unwrap();
    session.commit().unwrap();
    session.set("again", session.get("big").unwrap()).unwrap();
    session.commit().unwrap();
    session.remove("big").unwrap();
    session.commit().unwrap();
    session.undo().unwrap();
    assert_eq!(session.names().len(), 3);
    session.remove("big").unwrap();
    session.commit().unwrap();
    session.remove("again").unwrap();
    session.commit().unwrap();
    assert!(matches!(session.undo(), Err(EnvError::HistoryEnds { .. })));
    assert!(session.get("y").unwrap().identical(&big.into()).unwrap());
}

#[test]
fn a_cell_gets_no_id_that_an_undone_commit_gave() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    session.mark("empty").unwrap();
    session.set("old", Cell::new(1)).unwrap();
    session.commit().unwrap();
    session.undo().unwrap();
    drop(session);
    let mut session = open(&path);
    session.redo().unwrap();
    session.set("new", Cell::new(2)).unwrap();
    session.commit().unwrap();
    drop(session);
    let session = open(&path);
    assert_eq!(in_cell(&session.get("old").unwrap()), Some(1));
    assert_eq!(in_cell(&session.get("new").unwrap()), Some(2));
}
