//! Promise: random operations, crashes, failures, checkpoints and undos agree with a plain map, with
//! cells that variables share, and with history that is kept.

use std::collections::HashMap;
use std::path::Path;

use achronyme_env::{
    Cell, Durability, EnvError, Moment, Record, Session, SessionOptions, SessionReader, Tensor,
    Value,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Set(u8, u8),
    /// A cell is set, if a variable holds it.
    Fill(u8),
    SetInside(u8, u8),
    Remove(u8),
    Rename(u8, u8),
    Clear,
    Commit,
    /// A commit that fails for one of its values, which is then taken back.
    FailingCommit,
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
        4 => (0..CELLS as u8).prop_map(Step::Fill),
        2 => (name.clone(), any::<u8>()).prop_map(|(n, v)| Step::SetInside(n, v)),
        2 => name.clone().prop_map(Step::Remove),
        2 => (name.clone(), name.clone()).prop_map(|(a, b)| Step::Rename(a, b)),
        1 => Just(Step::Clear),
        8 => Just(Step::Commit),
        2 => Just(Step::FailingCommit),
        1 => Just(Step::Rollback),
        2 => (0u8..3).prop_map(Step::Mark),
        5 => Just(Step::Undo),
        4 => Just(Step::Redo),
        2 => (0u8..3).prop_map(Step::RestoreAt),
        2 => Just(Step::Checkpoint),
        2 => (name, any::<u8>()).prop_map(|(n, v)| Step::CheckpointAround(n, v)),
        1 => Just(Step::Close),
        2 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Step::Crash),
        2 => Just(Step::Read),
    ];
    prop::collection::vec(step, 1..60)
}

fn name(n: u8) -> String {
    format!("name.{n}")
}

/// Cells that variables share.
const CELLS: usize = 3;

/// Scalars, text, arrays that are written once and named again, and records of them; `None` for a
/// cell.
fn value(v: u8) -> Option<Value> {
    let array = |seed: u8| {
        // One is larger than what is put together in memory.
        let len = if seed == 2 { 70_000 } else { 10_000 };
        let elements = (0..len).map(|n| f64::from(n) + f64::from(seed)).collect();
        Tensor::from_vec(elements, [len as u64]).unwrap()
    };
    Some(match v % 7 {
        5 | 6 => return None,
        0 => Value::from(i64::from(v)),
        1 => Value::from(format!("text {v}")),
        2 => array(v % 3).into(),
        3 => Record::from([
            ("array", Value::from(array(v % 3))),
            ("n", Value::from(v as i64)),
        ])
        .into(),
        _ => Value::vector([i64::from(v), 2, 3]),
    })
}

/// Nested deeper than can be written.
fn unwritable() -> Value {
    (0..200).fold(Value::Null, |inner, _| Value::vector([inner]))
}

/// What a variable holds: a value, or a cell by its number.
#[derive(Clone, Debug)]
enum Held {
    Plain(Value),
    Cell(usize),
    /// In a vector.
    Within(usize),
}

impl Held {
    fn cell(&self) -> Option<usize> {
        match self {
            Held::Plain(_) => None,
            Held::Cell(number) | Held::Within(number) => Some(*number),
        }
    }
}

fn cell_in(value: &Value) -> Cell {
    match (value, value.as_vector()) {
        (Value::Cell(cell), _) | (_, Some([Value::Cell(cell)])) => cell.clone(),
        _ => panic!("{value:?}"),
    }
}

/// Variables, and what the cells hold that are in them.
#[derive(Clone, Default)]
struct State {
    variables: Vec<(String, Held)>,
    cells: [i64; CELLS],
}

impl State {
    fn holder(&self, cell: usize) -> Option<&str> {
        let mut variables = self.variables.iter();
        let holder = variables.find(|(_, held)| held.cell() == Some(cell));
        holder.map(|(name, _)| &**name)
    }
}

/// What the session should hold.
#[derive(Default)]
struct Model {
    working: State,
    committed: State,
    /// The cells in memory.
    pool: [Cell; CELLS],
    /// Numbers that no cell held yet.
    next: i64,
    keeps_history: bool,
    dirty: bool,
    undo: Vec<State>,
    redo: Vec<State>,
    marks: HashMap<String, State>,
    /// Whether something was committed since the last checkpoint.
    unfolded: bool,
}

impl Model {
    fn place(&self, name: &str) -> Option<usize> {
        let mut variables = self.working.variables.iter();
        variables.position(|(known, _)| known == name)
    }

    fn set(&mut self, name: String, held: Held) {
        match self.place(&name) {
            Some(place) => self.working.variables[place].1 = held,
            None => self.working.variables.push((name, held)),
        }
        self.dirty = true;
    }

    /// Sets a variable in both.
    fn put(&mut self, session: &mut Session, n: u8, v: u8) {
        let held = match value(v) {
            Some(value) => Held::Plain(value),
            None => {
                let number = usize::from(v / 7) % CELLS;
                if self.working.holder(number).is_none() {
                    self.working.cells[number] = self.pool[number].get().as_i64().unwrap_or(0);
                }
                match v % 7 {
                    5 => Held::Cell(number),
                    _ => Held::Within(number),
                }
            }
        };
        let value = match &held {
            Held::Plain(value) => value.clone(),
            Held::Cell(number) => Value::Cell(self.pool[*number].clone()),
            Held::Within(number) => Value::vector([Value::Cell(self.pool[*number].clone())]),
        };
        session.set(&name(n), value).unwrap();
        self.set(name(n), held);
    }

    /// The cells as the session has them in memory.
    fn meet(&mut self, session: &Session) {
        for number in 0..CELLS {
            if let Some(name) = self.working.holder(number) {
                self.pool[number] = cell_in(&session.get(name).unwrap());
            }
        }
    }

    fn fail(&mut self, session: &mut Session) {
        session.set("bad", unwritable()).unwrap();
        session.commit().unwrap_err();
        assert!(session.remove("bad").unwrap());
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
            if !self.keeps_history {
                self.marks.clear();
            }
            self.unfolded = false;
        }
    }

    fn lose(&mut self) {
        self.working = self.committed.clone();
        self.dirty = false;
    }
}

fn same(state: &State, names: &[String], get: impl Fn(&str) -> Value) {
    let expected: Vec<&String> = state.variables.iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<Vec<_>>(), expected);
    for (name, held) in &state.variables {
        match held {
            Held::Plain(value) => assert!(get(name).identical(value).unwrap(), "{name}"),
            Held::Cell(number) | Held::Within(number) => {
                let content = cell_in(&get(name)).get().as_i64();
                assert_eq!(content.unwrap_or(0), state.cells[*number], "{name}");
            }
        }
    }
}

fn check(session: &Session, model: &Model) {
    let state = &model.working;
    for (name, held) in &state.variables {
        if let Some(number) = held.cell() {
            let cell = cell_in(&session.get(name).unwrap());
            assert!(cell.same(&model.pool[number]), "{name}");
        }
    }
    let names: Vec<String> = session.names().iter().map(|n| n.to_string()).collect();
    same(state, &names, |name| session.get(name).unwrap());
}

fn check_reader(path: &Path, state: &State) {
    let reader = SessionReader::open(path).unwrap();
    let bindings = reader.archive().bindings_as_saved();
    let names: Vec<String> = bindings.iter().map(|b| b.name().to_owned()).collect();
    same(state, &names, |name| reader.archive().get(name).unwrap());
    let mut sorted: Vec<&String> = state.variables.iter().map(|(name, _)| name).collect();
    sorted.sort();
    assert!(reader.archive().names().eq(sorted));
    assert!(reader.archive().verify().unwrap().is_ok());
}

fn open(path: &Path, keeps_history: bool) -> Session {
    let options = SessionOptions::new()
        .create(true)
        .keep_history(keeps_history)
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

fn run(steps: &[Step], keeps_history: bool) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path, keeps_history);
    let mut model = Model {
        keeps_history,
        ..Model::default()
    };
    for step in steps {
        match step {
            Step::Set(n, v) => model.put(&mut session, *n, *v),
            Step::Fill(number) => {
                let number = usize::from(*number);
                if model.working.holder(number).is_some() {
                    model.next += 1;
                    model.pool[number].set(model.next);
                    model.working.cells[number] = model.next;
                    model.dirty = true;
                }
            }
            Step::SetInside(n, v) => {
                let name = name(*n);
                let known = model
                    .place(&name)
                    .map(|place| model.working.variables[place].1.clone());
                if let Some(Held::Plain(Value::Record(mut record))) = known {
                    session.set_at(&format!("{name}.n"), i64::from(*v)).unwrap();
                    record.insert("n", i64::from(*v));
                    model.set(name, Held::Plain(record.into()));
                }
            }
            Step::Remove(n) => {
                let place = model.place(&name(*n));
                assert_eq!(session.remove(&name(*n)).unwrap(), place.is_some());
                if let Some(place) = place {
                    model.working.variables.remove(place);
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
                        model.working.variables[place].0 = name(*b);
                    }
                }
            }
            Step::Clear => {
                session.clear();
                model.dirty |= !model.working.variables.is_empty();
                model.working.variables.clear();
            }
            Step::Commit => {
                session.commit().unwrap();
                model.commit();
            }
            Step::FailingCommit => model.fail(&mut session),
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
                model.put(&mut session, *n, *v);
                if v % 2 == 0 {
                    model.fail(&mut session);
                }
                session.commit().unwrap();
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
                session = open(&path, keeps_history);
            }
            Step::Crash(tail) => {
                drop(session);
                let journal = dir.path().join("run.ach-journal");
                let mut bytes = std::fs::read(&journal).unwrap();
                bytes.extend_from_slice(tail);
                std::fs::write(&journal, bytes).unwrap();
                model.lose();
                check_reader(&path, &model.committed);
                session = open(&path, keeps_history);
            }
            Step::Read => check_reader(&path, &model.committed),
        }
        let leads_elsewhere = matches!(
            step,
            Step::Rollback
                | Step::Undo
                | Step::Redo
                | Step::RestoreAt(_)
                | Step::Close
                | Step::Crash(_)
        );
        if leads_elsewhere {
            model.meet(&session);
        }
        check(&session, &model);
    }
    model.commit();
    session.close().unwrap();
    check_reader(&path, &model.committed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_session_agrees_with_a_plain_map(steps in steps(), keeps_history: bool) {
        run(&steps, keeps_history);
    }
}
