//! Variables that share cells or scopes: what must be looked at, and sent, together.

use std::cell::RefCell;
use std::collections::HashMap;

use super::workspace::Side;
use crate::environment::Variable;
use crate::error::Result;
use crate::read::Archive;
use crate::value::walk::{Trail, Walk};
use crate::value::{Function, SharedHandle, Value};

/// Sets that are joined two by two: which one an element is in is told by one of its elements.
#[derive(Default)]
pub(super) struct Sets {
    parents: Vec<usize>,
}

impl Sets {
    pub(super) fn new(elements: usize) -> Sets {
        Sets {
            parents: (0..elements).collect(),
        }
    }

    fn add(&mut self) -> usize {
        self.parents.push(self.parents.len());
        self.parents.len() - 1
    }

    pub(super) fn find(&mut self, element: usize) -> usize {
        let mut at = element;
        while self.parents[at] != at {
            // Halves the way of whoever comes next.
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    pub(super) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b)] = a.min(b);
    }
}

/// The groups of a workspace's variables.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// The members of each group, rising; at least two.
    members: Vec<Vec<usize>>,
    /// The group of each variable that is in one.
    of: HashMap<usize, usize>,
}

impl Groups {
    /// Finds who shares with whom. Reads the structured values of an archive that has cells or
    /// scopes at all.
    ///
    /// # Errors
    /// What reading answers; [`crate::EnvError::NestingTooDeep`].
    pub(super) fn of(side: &Side<'_>) -> Result<Groups> {
        let variables = side.len();
        let sets = match side {
            Side::Archive(archive) if !archive.may_share() => return Ok(Groups::default()),
            Side::Archive(archive) => of_archive(archive)?,
            Side::Environment(variables) => match of_environment(variables)? {
                Some(sets) => sets,
                None => return Ok(Groups::default()),
            },
        };
        Ok(Groups::new(sets, variables))
    }

    /// The groups among the first `variables` elements of `sets`.
    pub(super) fn new(mut sets: Sets, variables: usize) -> Groups {
        let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
        for variable in 0..variables {
            members
                .entry(sets.find(variable))
                .or_default()
                .push(variable);
        }
        let mut members: Vec<Vec<usize>> = members.into_values().filter(|m| m.len() > 1).collect();
        members.sort_unstable();
        let of = members.iter().enumerate();
        let of = of.flat_map(|(group, members)| members.iter().map(move |m| (*m, group)));
        Groups {
            of: of.collect(),
            members,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The groups, each with its members in the order of names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.members.iter().map(Vec::as_slice)
    }

    /// All who share with `variable`, itself included; none when nobody does.
    pub(super) fn around(&self, variable: usize) -> Option<&[usize]> {
        let group = self.of.get(&variable)?;
        self.members.get(*group).map(Vec::as_slice)
    }
}

/// Variables first, then cells and scopes as they are met. Each value and each content is gone
/// through once, so chains of cells that many variables name cost no more than one.
fn of_archive(archive: &Archive) -> Result<Sets> {
    let mut sets = Sets::new(archive.len());
    let mut elements: HashMap<u64, usize> = HashMap::new();
    let mut waiting = Vec::new();
    let mut join = |sets: &mut Sets, waiting: &mut Vec<(u64, usize)>, element, found: Vec<u64>| {
        for shared in found {
            let met = *elements.entry(shared).or_insert_with(|| {
                let new = sets.add();
                waiting.push((shared, new));
                new
            });
            sets.join(element, met);
        }
    };
    for (index, binding) in archive.bindings().enumerate() {
        join(&mut sets, &mut waiting, index, binding.shared(archive)?);
    }
    while let Some((shared, element)) = waiting.pop() {
        join(&mut sets, &mut waiting, element, archive.shared_in(shared)?);
    }
    Ok(sets)
}

/// Cells and scopes of an environment by their addresses, and the sets they make with variables.
struct Meetings {
    sets: Sets,
    elements: HashMap<usize, usize>,
    /// The element whose value or content is being walked through.
    inside: usize,
}

impl Meetings {
    fn element(&mut self, address: usize) -> usize {
        *self
            .elements
            .entry(address)
            .or_insert_with(|| self.sets.add())
    }

    fn meet(&mut self, value: &Value) {
        if let Some(address) = shared_address(value) {
            let element = self.element(address);
            self.sets.join(self.inside, element);
        }
    }

    fn enter(&mut self, part: &SharedHandle) {
        self.inside = self.element(part.address());
    }
}

/// As [`of_archive`], by addresses. `None` when there are no cells.
fn of_environment(variables: &[(&str, &Variable)]) -> Result<Option<Sets>> {
    let meetings = RefCell::new(Meetings {
        sets: Sets::new(variables.len()),
        elements: HashMap::new(),
        inside: 0,
    });
    let mut walk = Walk::of_shared();
    let mut visit = |value: &Value, _: &Trail<'_>| {
        meetings.borrow_mut().meet(value);
        Ok(())
    };
    let mut enter = |part: &SharedHandle, _: &Value| meetings.borrow_mut().enter(part);
    for (index, (name, variable)) in variables.iter().enumerate() {
        let attributes = Value::Record(variable.attributes.clone());
        for value in [&variable.value, &attributes] {
            if !value.may_share() {
                continue;
            }
            meetings.borrow_mut().inside = index;
            walk.value(value, "", &mut visit)
                .and_then(|()| walk.shared(&mut enter, &mut visit))
                .map_err(|e| e.of_variable(name))?;
        }
    }
    let Meetings { sets, elements, .. } = meetings.into_inner();
    Ok((!elements.is_empty()).then_some(sets))
}

/// The address of the cell, or of the scope of the function, that a value is.
fn shared_address(value: &Value) -> Option<usize> {
    match value {
        Value::Cell(cell) => Some(cell.address()),
        Value::Function(function) => match function.function() {
            Function::User(user) => Some(user.scope.as_ref()?.address()),
            Function::Builtin { .. } => None,
        },
        _ => None,
    }
}
