//! Two workspaces: names are met in order, what the tables tell is compared there, and only the
//! rest is read.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::groups::{Groups, Sets};
use super::numbers;
use super::options::{DiffOptions, Rules};
use super::report::{Changed, Diff, Difference, Lone, Mismatch};
use super::values::{Comparison, Found};
use super::workspace::{Content, Head, Side, WorkspaceRef};
use crate::error::Result;
use crate::format::records::Slot;
use crate::selection::Selection;

/// Places of one variable on both sides, in the order of names.
type Pair = (usize, usize);

/// How `b` differs from `a`: variables added, removed and changed, and where in their values.
///
/// Names, values, attributes and marks count, and which cells are shared. The order in which
/// variables were defined does not, nor does what an archive says about itself. A variable under
/// another name is one that was removed and one that was added: nothing is guessed.
///
/// Arrays whose digests are recorded and equal are not read, so damage in them is not found; that
/// is what [`Archive::verify`](crate::Archive::verify) is for. Others are compared piece by piece on
/// all cores, in bounded memory.
///
/// ```
/// use achronyme_env::{diff, DiffOptions, Environment, Mismatch};
///
/// let mut before = Environment::new();
/// before.set("rate", 0.5)?;
/// before.set("old", true)?;
/// let mut after = Environment::new();
/// after.set("rate", 0.25)?;
///
/// let found = diff(&before, &after, &DiffOptions::new())?;
/// assert_eq!(found.removed[0].name, "old");
/// assert_eq!(found.changed[0].name, "rate");
/// assert!(matches!(found.changed[0].value[0].mismatch, Mismatch::Values { .. }));
/// assert!(diff(&before, &after, &DiffOptions::new().atol(0.25).exclude("old"))?.is_same());
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
///
/// # Errors
/// What reading answers, with the name of the variable; [`crate::EnvError::Unsupported`] for a
/// value of a later version; [`crate::EnvError::NestingTooDeep`];
/// [`crate::EnvError::WrongOption`] for a tolerance that is negative or NaN.
pub fn diff<'a, 'b>(
    a: impl Into<WorkspaceRef<'a>>,
    b: impl Into<WorkspaceRef<'b>>,
    options: &DiffOptions,
) -> Result<Diff> {
    let (a, b) = (Side::new(a.into())?, Side::new(b.into())?);
    let (rules, mut selection) = options.check()?;
    let outline = outline(&a, &b, &rules, &mut selection, false)?;
    let mut diff = Diff {
        unchanged: outline.same,
        ..Diff::default()
    };
    for index in outline.removed {
        diff.removed.push(lone(&a, index)?);
    }
    for index in outline.added {
        diff.added.push(lone(&b, index)?);
    }
    let mut changed = outline.changed;
    let mut note = |pair: Pair, found: Found| {
        changed.push((pair, found));
        true
    };
    let met = outline.unread.len();
    let differing = read(&a, &b, &rules, &outline.unread, &mut note)?;
    diff.unchanged += met - differing;
    changed.sort_by_key(|((index, _), _)| *index);
    for ((in_a, in_b), found) in changed {
        let (ours, theirs) = (a.head(in_a)?, b.head(in_b)?);
        let unlisted = found.unlisted();
        diff.changed.push(Changed {
            name: a.name(in_a).to_owned(),
            constant: other(ours.constant, theirs.constant),
            mutable: other(ours.mutable, theirs.mutable),
            value: found.value,
            attributes: found.attributes,
            unlisted,
        });
    }
    let names = (0..a.len()).map(|index| a.name(index));
    let names = names.chain((0..b.len()).map(|index| b.name(index)));
    diff.unmet = selection.unmet(names).collect();
    Ok(diff)
}

/// Whether anything differs: as [`diff`], and done with the first difference.
///
/// # Errors
/// As [`diff`].
pub fn differs<'a, 'b>(
    a: impl Into<WorkspaceRef<'a>>,
    b: impl Into<WorkspaceRef<'b>>,
    options: &DiffOptions,
) -> Result<bool> {
    let (a, b) = (Side::new(a.into())?, Side::new(b.into())?);
    let (rules, mut selection) = options.check()?;
    let rules = Rules {
        listed: 1,
        first_only: true,
        ..rules
    };
    let outline = outline(&a, &b, &rules, &mut selection, true)?;
    if outline.differs() {
        return Ok(true);
    }
    Ok(read(&a, &b, &rules, &outline.unread, &mut |_, _| false)? > 0)
}

/// The variables of `b` that are not as they are in `a`, bit for bit, and those of `a` that `b` does
/// not have; by their places in the order of names.
pub(super) struct Exact {
    pub(super) added: Vec<usize>,
    pub(super) changed: Vec<usize>,
    pub(super) removed: Vec<usize>,
}

/// What differs bit for bit, without saying how.
pub(super) fn exact(a: &Side<'_>, b: &Side<'_>) -> Result<Exact> {
    let rules = Rules::exact();
    let outline = outline(a, b, &rules, &mut Selection::default(), false)?;
    let mut changed: Vec<usize> = outline.changed.iter().map(|((_, b), _)| *b).collect();
    read(a, b, &rules, &outline.unread, &mut |(_, b), _| {
        changed.push(b);
        true
    })?;
    changed.sort_unstable();
    Ok(Exact {
        added: outline.added,
        changed,
        removed: outline.removed,
    })
}

/// What the tables tell.
#[derive(Default)]
struct Outline {
    added: Vec<usize>,
    removed: Vec<usize>,
    /// Places on both sides, and how they differ.
    changed: Vec<(Pair, Found)>,
    /// Places on both sides of what must be read.
    unread: Vec<Pair>,
    same: usize,
}

impl Outline {
    fn differs(&self) -> bool {
        !(self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty())
    }
}

fn outline(
    a: &Side<'_>,
    b: &Side<'_>,
    rules: &Rules,
    selection: &mut Selection,
    first_only: bool,
) -> Result<Outline> {
    let mut outline = Outline::default();
    let (mut at, mut bt) = (0, 0);
    while at < a.len() || bt < b.len() {
        if first_only && outline.differs() {
            break;
        }
        let order = match (at < a.len(), bt < b.len()) {
            (true, true) => a.name(at).cmp(b.name(bt)),
            (true, false) => Ordering::Less,
            _ => Ordering::Greater,
        };
        let name = match order {
            Ordering::Greater => b.name(bt),
            _ => a.name(at),
        };
        let taken = selection.takes(name);
        match order {
            _ if !taken => {}
            Ordering::Less => outline.removed.push(at),
            Ordering::Greater => outline.added.push(bt),
            Ordering::Equal => {
                let heads = (a.head(at)?, b.head(bt)?);
                match of_heads(&heads.0, &heads.1, rules) {
                    Some(found) if found.is_same() => outline.same += 1,
                    Some(found) => outline.changed.push(((at, bt), found)),
                    None => outline.unread.push((at, bt)),
                }
            }
        }
        at += usize::from(order != Ordering::Greater);
        bt += usize::from(order != Ordering::Less);
    }
    Ok(outline)
}

/// How two variables differ, when the tables tell.
fn of_heads(a: &Head<'_>, b: &Head<'_>, rules: &Rules) -> Option<Found> {
    let mut found = Found {
        marks: marks_differ(a, b),
        ..Found::default()
    };
    if rules.first_only && found.marks {
        return Some(found);
    }
    if a.has_attributes || b.has_attributes {
        return None;
    }
    match (&a.content, &b.content) {
        (Content::Scalar(a), Content::Scalar(b)) => {
            if let Some(mismatch) = scalars(*a, *b, rules) {
                found.count = 1;
                let path = String::new();
                let difference = Difference { path, mismatch };
                found.value.extend((rules.listed > 0).then_some(difference));
            }
        }
        (Content::Tensor(a), Content::Tensor(b)) if a.is_same(b) => {}
        _ => return None,
    }
    Some(found)
}

fn marks_differ(a: &Head<'_>, b: &Head<'_>) -> bool {
    (a.constant, a.mutable) != (b.constant, b.mutable)
}

/// Two values that slots hold whole.
fn scalars(a: Slot, b: Slot, rules: &Rules) -> Option<Mismatch> {
    if a == b {
        return None;
    }
    let float = f64::from_bits;
    let close = rules.tolerance.is_some_and(|rule| match (a, b) {
        (Slot::Integer(a), Slot::Integer(b)) => {
            numbers::integers(a.into(), b.into(), rule).is_none()
        }
        (Slot::Number(a), Slot::Number(b)) => numbers::floats(float(a), float(b), rule).is_none(),
        (Slot::Complex(..), Slot::Complex(..)) => {
            let parts = |slot| match slot {
                Slot::Complex(re, im) => [float(re), float(im)],
                _ => [0.0; 2],
            };
            numbers::complex(parts(a), parts(b), rule).is_none()
        }
        _ => false,
    });
    if close {
        return None;
    }
    let (a, b) = (a.to_scalar(), b.to_scalar());
    Some(match a.kind() == b.kind() {
        true => Mismatch::Values { a, b },
        false => Mismatch::Kind {
            a: a.kind(),
            b: b.kind(),
        },
    })
}

/// Reads the variables of both sides that must be, and hands those that differ to `note` until it
/// answers `false`. Returns how many those were.
fn read(
    a: &Side<'_>,
    b: &Side<'_>,
    rules: &Rules,
    pairs: &[Pair],
    note: &mut dyn FnMut(Pair, Found) -> bool,
) -> Result<usize> {
    let groups = together(a, b, pairs)?;
    let mut differing = 0;
    let mut compare = |members: &[usize], shares: bool| -> Result<bool> {
        for (member, found) in of_members(a, b, rules, pairs, members, shares)? {
            differing += 1;
            if let Some(pair) = pairs.get(member)
                && !note(*pair, found)
            {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let alone: Vec<usize> = (0..pairs.len())
        .filter(|number| groups.around(*number).is_none())
        .collect();
    for members in alone.chunks(a.batch().min(b.batch())) {
        if !compare(members, false)? {
            return Ok(differing);
        }
    }
    for members in groups.iter() {
        if !compare(members, true)? {
            break;
        }
    }
    Ok(differing)
}

/// The groups of pairs that share cells on one side or the other.
fn together(a: &Side<'_>, b: &Side<'_>, pairs: &[Pair]) -> Result<Groups> {
    if pairs.is_empty() {
        return Ok(Groups::default());
    }
    let (ours, theirs) = (Groups::of(a)?, Groups::of(b)?);
    if ours.is_empty() && theirs.is_empty() {
        return Ok(Groups::default());
    }
    let mut sets = Sets::new(pairs.len());
    let mut join = |groups: &Groups, place: fn(&Pair) -> usize| {
        let mut first: HashMap<usize, usize> = HashMap::new();
        for (number, pair) in pairs.iter().enumerate() {
            let head = groups.around(place(pair)).and_then(<[usize]>::first);
            if let Some(head) = head {
                sets.join(number, *first.entry(*head).or_insert(number));
            }
        }
    };
    join(&ours, |pair| pair.0);
    join(&theirs, |pair| pair.1);
    Ok(Groups::new(sets, pairs.len()))
}

/// Loads some of the pairs, and compares them: those that differ, by their numbers.
fn of_members(
    a: &Side<'_>,
    b: &Side<'_>,
    rules: &Rules,
    pairs: &[Pair],
    members: &[usize],
    shares: bool,
) -> Result<Vec<(usize, Found)>> {
    let chosen: Vec<Pair> = members
        .iter()
        .filter_map(|member| pairs.get(*member).copied())
        .collect();
    let places = |place: fn(&Pair) -> usize| -> Vec<usize> { chosen.iter().map(place).collect() };
    let ours = a.load(&places(|pair| pair.0))?;
    let theirs = b.load(&places(|pair| pair.1))?;
    let mut comparison = Comparison::new(rules);
    let mut all = Vec::with_capacity(chosen.len());
    for (number, (pair, (x, y))) in chosen.iter().zip(ours.iter().zip(&theirs)).enumerate() {
        if !shares {
            // Nobody else's cells: what is known of them is of no use to others.
            comparison = Comparison::new(rules);
        }
        let found = comparison.variable(number, (&x.0, &x.1), (&y.0, &y.1));
        let mut found = found.map_err(|e| e.of_variable(a.name(pair.0)))?;
        found.marks = marks_differ(&a.head(pair.0)?, &b.head(pair.1)?);
        all.push(found);
    }
    if shares {
        let told = comparison.pairs.reached(chosen.len());
        for (number, found) in all.iter_mut().enumerate().filter(|(_, f)| f.count == 0) {
            let told_under = told.get(number).copied().flatten();
            if let Some((in_a, _)) = told_under.and_then(|owner| chosen.get(owner)) {
                let name = a.name(*in_a).to_owned();
                found.count = 1;
                found.value.extend((rules.listed > 0).then(|| Difference {
                    path: String::new(),
                    mismatch: Mismatch::Shared { name },
                }));
            }
        }
    }
    let differing = members.iter().copied().zip(all);
    Ok(differing.filter(|(_, found)| !found.is_same()).collect())
}

fn other(a: bool, b: bool) -> Option<(bool, bool)> {
    (a != b).then_some((a, b))
}

/// What a variable is that only one side has.
fn lone(side: &Side<'_>, index: usize) -> Result<Lone> {
    let name = side.name(index).to_owned();
    let summary = side.summary(index)?;
    Ok(Lone { name, summary })
}
