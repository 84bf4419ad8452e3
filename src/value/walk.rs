//! A walk through everything a value holds: parts by recursion, bounded by the nesting limit; the
//! contents of cells and scopes by a queue, each once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;

use super::compound::Function;
use super::handle::SharedHandle;
use super::{Record, Value};
use crate::error::{EnvError, Result};
use crate::limits::MAX_NESTING;

/// Where a part of a value is: the steps that lead to it. Shown as `.layers[2]<cell>.act<scope>.n`:
/// `<cell>` leads into a cell, `<scope>` into what a function captured, as in a save's findings.
#[derive(Clone, Copy)]
pub(crate) struct Trail<'t> {
    /// The path of the cell or scope the walk is in, or empty.
    start: &'t str,
    parent: Option<&'t Trail<'t>>,
    step: Step<'t>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Step<'t> {
    None,
    Field(&'t str),
    Index(usize),
}

/// What stays the same while several values are walked through: cells and scopes met, each walked
/// into once.
#[derive(Default)]
pub(crate) struct Walk {
    met: HashSet<usize>,
    /// Those met, in that order, with the path of the first meeting.
    pub(crate) shared: VecDeque<(SharedHandle, String)>,
    /// Look only where cells and scopes may be.
    only_shared: bool,
    /// How often one was met, the same one again too.
    meetings: usize,
    /// Levels that will stand above the values.
    above: usize,
}

/// Contents of cells and scopes by their addresses.
pub(crate) type Contents = HashMap<usize, Value>;

impl Walk {
    /// A walk that looks only where cells and scopes may be.
    pub(crate) fn of_shared() -> Walk {
        Walk {
            only_shared: true,
            ..Walk::default()
        }
    }

    /// A walk through values that `levels` others will hold: nesting is counted with them.
    pub(crate) fn below(levels: usize) -> Walk {
        Walk {
            above: levels,
            ..Walk::default()
        }
    }

    /// Shows `visit` the value and every part of it, but not what its cells and scopes hold: these
    /// wait in [`Walk::shared`].
    ///
    /// # Errors
    /// [`EnvError::NestingTooDeep`] with the path; what `visit` returns.
    pub(crate) fn value(
        &mut self,
        value: &Value,
        start: &str,
        visit: &mut dyn FnMut(&Value, &Trail<'_>) -> Result<()>,
    ) -> Result<()> {
        self.part(value, &Trail::at(start, self.above), visit)
    }

    /// Shows `visit` what is in the cells and scopes that were met, and in those met there; hands
    /// each and its content to `content` first.
    ///
    /// # Errors
    /// As [`Walk::value`].
    pub(crate) fn shared(
        &mut self,
        content: &mut dyn FnMut(&SharedHandle, &Value),
        visit: &mut dyn FnMut(&Value, &Trail<'_>) -> Result<()>,
    ) -> Result<()> {
        while let Some((shared, path)) = self.shared.pop_front() {
            let inside = shared.content();
            content(&shared, &inside);
            self.part(&inside, &Trail::at(&path, 0), visit)?;
        }
        Ok(())
    }

    fn part(
        &mut self,
        value: &Value,
        trail: &Trail<'_>,
        visit: &mut dyn FnMut(&Value, &Trail<'_>) -> Result<()>,
    ) -> Result<()> {
        visit(value, trail)?;
        if self.only_shared && !value.may_share() {
            return Ok(());
        }
        if trail.depth >= MAX_NESTING && holds_parts(value) {
            return Err(trail.too_deep());
        }
        match value {
            Value::Vector(elements) => {
                let before = self.meetings;
                for (index, element) in elements.iter().enumerate() {
                    self.part(element, &trail.to(Step::Index(index))?, visit)?;
                }
                if self.meetings == before {
                    elements.shares_nothing();
                }
            }
            Value::Record(record) => self.record(record, trail, visit)?,
            // The record of the properties is a level of its own.
            Value::Edge(edge) => self.record(&edge.properties, &trail.to(Step::None)?, visit)?,
            Value::Function(function) => {
                if let Function::User(user) = function.function() {
                    self.record(&user.details, &trail.to(Step::Field("details"))?, visit)?;
                    if let Some(scope) = &user.scope {
                        let path = || shortened(format!("{trail}<scope>"));
                        self.meet(SharedHandle::Scope(scope.clone()), path);
                    }
                }
            }
            Value::Cell(cell) => {
                let path = || shortened(format!("{trail}<cell>"));
                self.meet(SharedHandle::Cell(cell.clone()), path);
            }
            Value::Error(error) => {
                if let Some(source) = &error.source {
                    self.part(source, &trail.to(Step::Field("source"))?, visit)?;
                }
            }
            Value::Extension(extension) => {
                let parameters = trail.to(Step::Field("parameters"))?;
                self.part(&extension.parameters, &parameters, visit)?;
                let storage = trail.to(Step::Field("storage"))?;
                self.part(&extension.storage, &storage, visit)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn record(
        &mut self,
        record: &Record,
        trail: &Trail<'_>,
        visit: &mut dyn FnMut(&Value, &Trail<'_>) -> Result<()>,
    ) -> Result<()> {
        let before = self.meetings;
        for (name, value) in record.iter() {
            self.part(value, &trail.to(Step::Field(name))?, visit)?;
        }
        if self.meetings == before {
            record.shares_nothing();
        }
        Ok(())
    }

    fn meet(&mut self, shared: SharedHandle, path: impl FnOnce() -> String) {
        self.meetings += 1;
        if self.met.insert(shared.address()) {
            self.shared.push_back((shared, path()));
        }
    }
}

impl<'t> Trail<'t> {
    /// The beginning of a way, `depth` levels down.
    pub(crate) fn at(start: &'t str, depth: usize) -> Trail<'t> {
        Trail {
            start,
            parent: None,
            step: Step::None,
            depth,
        }
    }

    /// The path for a message or a report: a long one is shortened in the middle.
    pub(crate) fn path(&self) -> String {
        shortened(self.to_string())
    }

    /// One step on, to a field or to a part that has a name.
    ///
    /// # Errors
    /// [`EnvError::NestingTooDeep`].
    pub(crate) fn field(&'t self, name: &'t str) -> Result<Trail<'t>> {
        self.to(Step::Field(name))
    }

    /// One step on, to an element.
    ///
    /// # Errors
    /// [`EnvError::NestingTooDeep`].
    pub(crate) fn element(&'t self, index: usize) -> Result<Trail<'t>> {
        self.to(Step::Index(index))
    }

    fn too_deep(&self) -> EnvError {
        EnvError::NestingTooDeep { path: self.path() }
    }

    fn to(&'t self, step: Step<'t>) -> Result<Trail<'t>> {
        if self.depth >= MAX_NESTING {
            return Err(self.too_deep());
        }
        Ok(Trail {
            start: self.start,
            parent: Some(self),
            step,
            depth: self.depth + 1,
        })
    }
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parent {
            Some(parent) => parent.fmt(f)?,
            None => f.write_str(self.start)?,
        }
        match self.step {
            Step::None => Ok(()),
            Step::Field(name) => write!(f, ".{}", shortened(name.to_owned())),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Bytes of a path that are kept of its beginning and of its end.
const PATH_ENDS: usize = 200;

/// A path without its middle when it is long: chains of cells lengthen it link by link, and a file
/// chooses the names in it.
pub(crate) fn shortened(path: String) -> String {
    if path.len() <= 2 * PATH_ENDS + 3 {
        return path;
    }
    let boundary = |mut at: usize| {
        while !path.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (head, tail) = (boundary(PATH_ENDS), boundary(path.len() - PATH_ENDS));
    let ends = (path.get(..head), path.get(tail..));
    format!(
        "{}...{}",
        ends.0.unwrap_or_default(),
        ends.1.unwrap_or_default()
    )
}

/// Whether a value of this kind is a level of nesting.
fn holds_parts(value: &Value) -> bool {
    match value {
        Value::Function(function) => matches!(function.function(), Function::User(_)),
        Value::Vector(_)
        | Value::Record(_)
        | Value::Edge(_)
        | Value::Error(_)
        | Value::Extension(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Cell, Scope, UserFunction};

    fn paths(value: &Value, mut walk: Walk) -> Vec<String> {
        let mut paths = Vec::new();
        let mut visit = |value: &Value, trail: &Trail<'_>| {
            paths.push(format!("{trail} {}", value.kind()));
            Ok(())
        };
        walk.value(value, "", &mut visit).unwrap();
        walk.shared(&mut |_, _| (), &mut visit).unwrap();
        paths
    }

    #[test]
    fn every_part_is_visited_once_and_cells_that_hold_themselves_end() {
        let cell = Cell::default();
        cell.set(Record::from([
            ("me", Value::from(cell.clone())),
            ("n", Value::from(1i64)),
        ]));
        let counter = UserFunction {
            scope: Some(Scope::new(Record::from([("count", cell.clone())]))),
            ..UserFunction::default()
        };
        let value = Value::vector([Value::from(cell), Value::from(counter), Value::Null]);
        assert_eq!(
            paths(&value, Walk::default()),
            [
                " vector",
                "[0] cell",
                "[1] function",
                "[2] null",
                "[0]<cell> record",
                "[0]<cell>.me cell",
                "[0]<cell>.n integer",
                "[1]<scope> record",
                "[1]<scope>.count cell",
            ]
        );
    }

    #[test]
    fn a_walk_for_cells_passes_by_what_cannot_hold_any() {
        let plain = Value::vector((0..1000).map(Value::from).collect::<Vec<_>>());
        let value = Value::vector([plain, Value::from(Cell::new(2i64))]);
        assert_eq!(
            paths(&value, Walk::of_shared()),
            [" vector", "[0] vector", "[1] cell", "[1]<cell> integer"]
        );
    }

    /// What was handed out for writing is looked through once, and not at every snapshot again.
    #[test]
    fn what_was_written_to_is_looked_through_once_unless_a_cell_was_put_there() {
        let plain = || crate::value::Vector::from((0..9).map(Value::from).collect::<Vec<_>>());
        let (mut written, mut given) = (plain(), plain());
        written.make_mut()[3] = Value::from(7i64);
        given.make_mut()[3] = Cell::default().into();
        let mut record = Record::from([("written", written), ("given", given)]);
        record.get_mut("written");
        let value = Value::from(record);
        assert_eq!(paths(&value, Walk::of_shared()).len(), 1 + 2 + 18 + 1);
        for _ in 0..2 {
            let again = paths(&value, Walk::of_shared());
            assert_eq!(again.len(), 1 + 2 + 9 + 1, "{again:?}");
            assert!(again.contains(&".given[3] cell".to_owned()), "{again:?}");
        }
    }

    #[test]
    fn too_deep_nesting_is_an_error_that_names_the_path() {
        let mut value = Value::Null;
        for _ in 0..=MAX_NESTING {
            value = Value::vector([value]);
        }
        let error = Walk::default()
            .value(&value, "", &mut |_, _| Ok(()))
            .unwrap_err();
        assert!(error.to_string().contains("[0][0][0]"), "{error}");
        let deepest = (0..MAX_NESTING).fold(Value::Null, |inner, _| Value::vector([inner]));
        let depth_of = |mut walk: Walk, value: &Value| walk.value(value, "", &mut |_, _| Ok(()));
        assert!(depth_of(Walk::default(), &deepest).is_ok());
        assert!(depth_of(Walk::below(1), &deepest).is_err());
    }

    #[test]
    fn paths_along_a_chain_of_cells_stay_short() {
        let mut chain = Value::Null;
        for _ in 0..10_000 {
            chain = Record::from([(
                "weiter im Text \u{e9}\u{e9}\u{e9}",
                Value::from(Cell::new(chain)),
            )])
            .into();
        }
        let longest = paths(&chain, Walk::default()).iter().map(String::len).max();
        assert!(longest.unwrap() < 500, "{longest:?}");
    }
}
