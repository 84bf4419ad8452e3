//! Promise: random operations, crashes, checkpoints and undos agree with a plain map.

use std::collections::HashMap;
use std::path::Path;

use achronyme_env::{
    Durability, EnvError, Moment, Record, Session, SessionOptions, SessionReader, Tensor, Value,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Set(u8, u8),
    SetInside(u8, u8),
    Remove(u8),
    Rename(u8, u8),
    Clear,
    Commit,
    Rollback,
    Mark(u8),
    Undo,
    Redo,
    RestoreAt(u8),
    Checkpoint,
    CheckpointAround(u8, u8),
    Close,
    /// The process ends: what is pending is lost. What a torn write may leave is put behind the
    /// journal.
    Crash(Vec<u8>),
    Read,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0u8..6;
    let step = prop_oneof![
        8 => (name.clone(), any::<u8>()).prop_map(|(n, v)| Step::Set(n, v)),
        2 => (name.clone(), any::<u8>()).prop_map(|(n, v)| Step::SetInside(n, v)),
        2 => name.clone().prop_map(Step::Remove),
        2 => (name.clone(), name.clone()).prop_map(|(a, b)| Step::Rename(a, b)),
        1 => Just(Step::Clear),
        8 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        2 => (0u8..3).prop_map(Step::Mark),
        5 => Just(Step::Undo),
        4 => Just(Step::Redo),
        2 => (0u8..3).prop_map(Step::RestoreAt),
        1 => Just(Step::Checkpoint),
        1 => (name, any::<u8>()).prop_map(|(n, v)| Step::CheckpointAround(n, v)),
        1 => Just(Step::Close),
        2 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Step::Crash),
        2 => Just(Step::Read),
    ];
    prop::collection::vec(step, 1..60)
}

fn name(n: u8) -> String {
    format!("name.{n}")
}

/// Scalars, text, arrays that are written once and named again, and records of them.
fn value(v: u8) -> Value {
    let array = |seed: u8| {
        let elements = (0..10_000)
            .map(|n| f64::from(n) + f64::from(seed))
            .collect();
        Tensor::from_vec(elements, [100, 100]).unwrap()
    };
    match v % 5 {
        0 => Value::from(i64::from(v)),
        1 => Value::from(format!("text {v}")),
        2 => array(v % 3).into(),
        3 => Record::from([
            ("array", Value::from(array(v % 3))),
            ("n", Value::from(v as i64)),
        ])
        .into(),
        _ => Value::vector([i64::from(v), 2, 3]),
    }
}

type State = Vec<(String, Value)>;

/// What the session should hold.
#[derive(Default)]
struct Model {
    working: State,
    committed: State,
    dirty: bool,
    undo: Vec<State>,
    redo: Vec<State>,
    marks: HashMap<String, State>,
    /// Whether something was committed since the last checkpoint.
    unfolded: bool,
}

impl Model {
    fn place(&self, name: &str) -> Option<usize> {
        self.working.iter().position(|(known, _)| known == name)
    }

    fn set(&mut self, name: String, value: Value) {
        match self.place(&name) {
            Some(place) => self.working[place].1 = value,
            None => self.working.push((name, value)),
        }
        self.dirty = true;
    }

    fn commit(&mut self) {
        if self.dirty {
            let before = std::mem::replace(&mut self.committed, self.working.clone());
            self.undo.push(before);
            self.redo.clear();
            self.dirty = false;
            self.unfolded = true;
        }
    }

    fn go(&mut self, state: State) {
        self.working = state.clone();
        self.committed = state;
        self.unfolded = true;
    }

    fn fold(&mut self) {
        if self.unfolded {
            self.undo.clear();
            self.redo.clear();
            self.marks.clear();
            self.unfolded = false;
        }
    }

    fn lose(&mut self) {
        self.working = self.committed.clone();
        self.dirty = false;
    }
}

fn same(state: &State, names: &[String], get: impl Fn(&str) -> Value) {
    let expected: Vec<&String> = state.iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<Vec<_>>(), expected);
    for (name, value) in state {
        assert!(get(name).identical(value).unwrap(), "{name}");
    }
}

fn check(session: &Session, state: &State) {
    let names: Vec<String> = session.names().iter().map(|n| n.to_string()).collect();
    same(state, &names, |name| session.get(name).unwrap());
}

fn check_reader(path: &Path, state: &State) {
    let reader = SessionReader::open(path).unwrap();
    let bindings = reader.archive().bindings_as_saved();
    let names: Vec<String> = bindings.iter().map(|b| b.name().to_owned()).collect();
    same(state, &names, |name| reader.archive().get(name).unwrap());
    let mut sorted: Vec<&String> = state.iter().map(|(name, _)| name).collect();
    sorted.sort();
    assert!(reader.archive().names().eq(sorted));
    assert!(reader.archive().verify().unwrap().is_ok());
}

fn open(path: &Path) -> Session {
    let options = SessionOptions::new()
        .create(true)
        .durability(Durability::Os)
        .checkpoint_at(None);
    options.open(path).unwrap()
}

fn is_end<T: std::fmt::Debug>(result: achronyme_env::Result<T>) -> bool {
    matches!(
        result,
        Err(EnvError::HistoryEnds { .. } | EnvError::NoSuchMark { .. })
    )
}

fn run(steps: &[Step]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Set(n, v) => {
                session.set(&name(*n), value(*v)).unwrap();
                model.set(name(*n), value(*v));
            }
            Step::SetInside(n, v) => {
                let name = name(*n);
                let known = model
                    .place(&name)
                    .map(|place| model.working[place].1.clone());
                if let Some(Value::Record(mut record)) = known {
                    session.set_at(&format!("{name}.n"), i64::from(*v)).unwrap();
                    record.insert("n", i64::from(*v));
                    model.set(name, record.into());
                }
            }
            Step::Remove(n) => {
                let place = model.place(&name(*n));
                assert_eq!(session.remove(&name(*n)).unwrap(), place.is_some());
                if let Some(place) = place {
                    model.working.remove(place);
                    model.dirty = true;
                }
            }
            Step::Rename(a, b) => {
                let renamed = session.rename(&name(*a), &name(*b));
                match (model.place(&name(*a)), model.place(&name(*b))) {
                    (None, _) => assert!(matches!(renamed, Err(EnvError::NotFound { .. }))),
                    (Some(_), Some(_)) if a != b => {
                        assert!(matches!(renamed, Err(EnvError::DuplicateName { .. })));
                    }
                    (Some(place), _) => {
                        renamed.unwrap();
                        model.dirty |= a != b;
                        model.working[place].0 = name(*b);
                    }
                }
            }
            Step::Clear => {
                session.clear();
                model.dirty |= !model.working.is_empty();
                model.working.clear();
            }
            Step::Commit => {
                session.commit().unwrap();
                model.commit();
            }
            Step::Rollback => {
                session.rollback().unwrap();
                model.lose();
            }
            Step::Mark(n) => {
                session.mark(&name(*n)).unwrap();
                model.commit();
                model.redo.clear();
                model.unfolded = true;
                model.marks.insert(name(*n), model.committed.clone());
            }
            Step::Undo => {
                let undone = session.undo();
                model.commit();
                match model.undo.pop() {
                    Some(state) => {
                        undone.unwrap();
                        model.redo.push(model.committed.clone());
                        model.go(state);
                    }
                    None => assert!(is_end(undone)),
                }
            }
            Step::Redo => {
                let redone = session.redo();
                model.commit();
                match model.redo.pop() {
                    Some(state) => {
                        redone.unwrap();
                        model.undo.push(model.committed.clone());
                        model.go(state);
                    }
                    None => assert!(is_end(redone)),
                }
            }
            Step::RestoreAt(n) => {
                let restored = session.restore_at(&Moment::Mark(name(*n)));
                model.commit();
                match model.marks.get(&name(*n)).cloned() {
                    Some(state) => {
                        restored.unwrap();
                        model.undo.push(model.committed.clone());
                        model.redo.clear();
                        model.go(state);
                    }
                    None => assert!(is_end(restored)),
                }
            }
            Step::Checkpoint => {
                session.checkpoint().unwrap();
                model.commit();
                model.fold();
            }
            Step::CheckpointAround(n, v) => {
                let begun = session.begin_checkpoint().unwrap();
                model.commit();
                assert_eq!(begun.is_some(), model.unfolded);
                model.fold();
                session.set(&name(*n), value(*v)).unwrap();
                session.commit().unwrap();
                model.set(name(*n), value(*v));
                model.commit();
                if let Some(checkpoint) = begun {
                    let done = checkpoint.run().unwrap();
                    session.finish_checkpoint(done).unwrap();
                }
            }
            Step::Close => {
                session.close().unwrap();
                model.commit();
                model.fold();
                session = open(&path);
            }
            Step::Crash(tail) => {
                drop(session);
                let journal = dir.path().join("run.ach-journal");
                let mut bytes = std::fs::read(&journal).unwrap();
                bytes.extend_from_slice(tail);
                std::fs::write(&journal, bytes).unwrap();
                model.lose();
                check_reader(&path, &model.committed);
                session = open(&path);
            }
            Step::Read => check_reader(&path, &model.committed),
        }
        check(&session, &model.working);
    }
    model.commit();
    session.close().unwrap();
    check_reader(&path, &model.committed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_session_agrees_with_a_plain_map(steps in steps()) {
        run(&steps);
    }
}
