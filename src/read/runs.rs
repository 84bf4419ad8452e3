//! Elements of vectors and fields of records by their index, and in order, however many nodes they
//! are cut into.

use super::view::View;
use crate::error::{EnvError, Result};
use crate::format::NONE;
use crate::tree::runs::MAX_PART_LEVELS;
use crate::tree::schema::{Archived, ArchivedFieldTree, ArchivedTree};

/// A run of elements or fields that stand together in one node.
#[derive(Clone, Copy)]
enum Leaf<'a> {
    Elements(&'a [Archived]),
    Fields(&'a [ArchivedFieldTree]),
}

/// A leaf, the index of its first element, and its node.
#[derive(Clone, Copy)]
struct Run<'a> {
    leaf: Leaf<'a>,
    start: u64,
    node: u32,
}

impl<'a> View<'a> {
    pub(super) fn walk(&self) -> Result<Walk<'a>> {
        Ok(Walk {
            view: *self,
            next: 0,
            len: self.len()?,
            run: None,
        })
    }

    /// Name (of a field) and value at `index`.
    pub(super) fn at_index(&self, index: u64) -> Result<(Option<&'a str>, View<'a>)> {
        let len = self.len()?;
        if index >= len {
            return Err(EnvError::NoSuchPart {
                path: format!("[{index}]"),
                reason: format!("there are {len} elements"),
            });
        }
        self.in_run(self.run_of(index)?, index)
    }

    fn in_run(&self, run: Run<'a>, index: u64) -> Result<(Option<&'a str>, View<'a>)> {
        let at = (index - run.start) as usize;
        let missing = || self.bad_index(run.node);
        match run.leaf {
            Leaf::Elements(elements) => {
                let tree = elements.get(at).ok_or_else(missing)?;
                Ok((None, self.resolved(tree, run.node)?))
            }
            Leaf::Fields(fields) => {
                let field = fields.get(at).ok_or_else(missing)?;
                let view = self.resolved(&field.value, run.node)?;
                Ok((Some(field.name.as_str()), view))
            }
        }
    }

    /// The run of elements that `index` stands in.
    fn run_of(&self, index: u64) -> Result<Run<'a>> {
        let Some((mut tree, mut node)) = self.tree() else {
            return Err(self.wrong_kind("vector or record"));
        };
        let mut start = 0;
        for _ in 0..=MAX_PART_LEVELS {
            let parts = match tree {
                ArchivedTree::Vector(elements) => {
                    return Ok(Run {
                        leaf: Leaf::Elements(elements),
                        start,
                        node,
                    });
                }
                ArchivedTree::Record(fields) => {
                    return Ok(Run {
                        leaf: Leaf::Fields(fields),
                        start,
                        node,
                    });
                }
                ArchivedTree::IndexedRecord(record) => {
                    return Ok(Run {
                        leaf: Leaf::Fields(&record.fields),
                        start,
                        node,
                    });
                }
                ArchivedTree::VectorParts(parts) => parts.as_slice(),
                ArchivedTree::RecordParts(record) => record.parts.as_slice(),
                _ => return Err(self.bad_index(node)),
            };
            let at = parts.partition_point(|part| part.end.to_native() <= index - start);
            let part = parts.get(at).ok_or_else(|| self.bad_index(node))?;
            let before = at.checked_sub(1).and_then(|before| parts.get(before));
            let below = u32::try_from(part.node.to_native()).unwrap_or(NONE);
            let child = self.root_of(below, node)?;
            start += before.map_or(0, |part| part.end.to_native());
            if start > index {
                return Err(self.bad_index(node));
            }
            let Some((child, own)) = child.tree() else {
                return Err(self.bad_index(node));
            };
            (tree, node) = (child, own);
        }
        Err(self.bad_index(node))
    }
}

/// Goes through elements in order; finds each run of them once.
pub(super) struct Walk<'a> {
    view: View<'a>,
    next: u64,
    len: u64,
    run: Option<(Run<'a>, u64)>,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<(Option<&'a str>, View<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.len {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let run = match self.run {
            Some((run, end)) if index < end => Ok(run),
            _ => self.view.run_of(index),
        };
        let item = run.and_then(|run| {
            let length = match run.leaf {
                Leaf::Elements(elements) => elements.len(),
                Leaf::Fields(fields) => fields.len(),
            };
            self.run = Some((run, run.start + length as u64));
            self.view.in_run(run, index)
        });
        if item.is_err() {
            self.next = self.len;
        }
        Some(item)
    }
}
