//! Cells and scopes of two sides, paired off: which stands for which, where the content of each
//! pair differs, and who else holds it.

use std::collections::{HashMap, VecDeque};

use crate::value::Value;

/// Whose value or content is being compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// A variable, by its number among those compared.
    Variable(usize),
    /// The content of a pair.
    Pair(usize),
}

/// What is waiting to be compared: chains of cells need no stack.
pub(super) struct Waiting {
    pub(super) a: Value,
    pub(super) b: Value,
    pub(super) path: String,
    pub(super) in_attributes: bool,
    pub(super) pair: usize,
}

/// The pairs met so far.
#[derive(Default)]
pub(super) struct Pairs {
    ours: HashMap<usize, (usize, usize)>,
    theirs: HashMap<usize, usize>,
    /// The variable by which each pair was met first.
    owners: Vec<usize>,
    /// Whether something differs in the content of each itself.
    differs: Vec<bool>,
    /// Who names which pair.
    named: Vec<(Holder, usize)>,
    pub(super) waiting: VecDeque<Waiting>,
}

/// What is known of two cells or scopes, one of each side.
#[derive(Debug, PartialEq)]
pub(super) enum Met {
    /// The pair of that number is new: its contents are to be compared.
    New(usize),
    Again,
    /// One of them stands for another already: the sharing differs.
    Otherwise,
}

impl Pairs {
    /// Pairs off two cells or scopes by their addresses; `holder` names them, and it belongs to
    /// variable `owner`.
    pub(super) fn meet(&mut self, a: usize, b: usize, holder: Holder, owner: usize) -> Met {
        match (self.ours.get(&a), self.theirs.get(&b)) {
            (None, None) => {
                let pair = self.owners.len();
                self.ours.insert(a, (b, pair));
                self.theirs.insert(b, a);
                self.owners.push(owner);
                self.differs.push(false);
                self.named.push((holder, pair));
                Met::New(pair)
            }
            (Some((known, pair)), _) if *known == b => {
                self.named.push((holder, *pair));
                Met::Again
            }
            _ => Met::Otherwise,
        }
    }

    /// Notes that something differs in what `holder` holds.
    pub(super) fn differs_in(&mut self, holder: Holder) {
        if let Holder::Pair(pair) = holder
            && let Some(differs) = self.differs.get_mut(pair)
        {
            *differs = true;
        }
    }

    /// Of every variable below `variables` through whose cells a difference is reached: the
    /// variable under which that difference was told.
    pub(super) fn reached(&self, variables: usize) -> Vec<Option<usize>> {
        let mut holders: Vec<Vec<Holder>> = vec![Vec::new(); self.owners.len()];
        for (holder, pair) in &self.named {
            if let Some(holders) = holders.get_mut(*pair) {
                holders.push(*holder);
            }
        }
        let mut reached = vec![None; variables];
        let mut seen = vec![false; self.owners.len()];
        for (pair, _) in self.differs.iter().enumerate().filter(|(_, d)| **d) {
            let owner = self.owners.get(pair).copied();
            let mut waiting = vec![pair];
            while let Some(pair) = waiting.pop() {
                // A pair seen from another difference has told its holders already.
                if std::mem::replace(&mut seen[pair], true) {
                    continue;
                }
                for holder in &holders[pair] {
                    match holder {
                        Holder::Pair(outer) => waiting.push(*outer),
                        Holder::Variable(variable) => {
                            if let Some(reached) = reached.get_mut(*variable)
                                && reached.is_none()
                            {
                                *reached = owner;
                            }
                        }
                    }
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_deep_in_a_chain_reaches_all_who_hold_a_link() {
        let mut pairs = Pairs::default();
        let new = |met: Met| match met {
            Met::New(pair) => pair,
            other => panic!("{other:?}"),
        };
        let outer = new(pairs.meet(1, 11, Holder::Variable(0), 0));
        let inner = new(pairs.meet(2, 12, Holder::Pair(outer), 0));
        let lone = new(pairs.meet(3, 13, Holder::Variable(2), 2));
        assert_eq!(pairs.meet(1, 11, Holder::Variable(1), 1), Met::Again);
        assert_eq!(pairs.meet(1, 12, Holder::Variable(1), 1), Met::Otherwise);
        assert_eq!(pairs.reached(3), [None; 3]);
        pairs.differs_in(Holder::Pair(inner));
        assert_eq!(pairs.reached(3), [Some(0), Some(0), None]);
        pairs.differs_in(Holder::Pair(lone));
        assert_eq!(pairs.reached(3), [Some(0), Some(0), Some(2)]);
    }
}
