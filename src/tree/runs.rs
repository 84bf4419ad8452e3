//! Making values of the elements of vectors and the fields of records, however many nodes they are
//! cut into.

use std::sync::Arc;

use super::node::Node;
use super::restore::Restorer;
use super::schema::{Archived, ArchivedFieldTree, ArchivedPartTree, ArchivedTree};
use crate::error::Result;
use crate::value::{Record, Value};

/// Levels of nodes that only list the parts of a large vector or record.
pub(crate) const MAX_PART_LEVELS: usize = 4;

/// A list of elements or fields of a node, or of the nodes it is cut into.
pub(super) enum Run<'t> {
    Elements(&'t [Archived]),
    Fields(&'t [ArchivedFieldTree]),
    Parts(&'t [ArchivedPartTree]),
}

impl Restorer<'_> {
    pub(super) fn elements(
        &mut self,
        run: Run<'_>,
        own: u32,
        depth: usize,
        level: usize,
        out: &mut Vec<Value>,
    ) -> Result<()> {
        match run {
            Run::Elements(elements) => {
                out.reserve(elements.len());
                for element in elements {
                    let value = self.tree(element, own, depth)?;
                    out.push(value);
                }
                Ok(())
            }
            Run::Parts(parts) => {
                let start = out.len() as u64;
                for part in parts {
                    let (number, node) = self.part(part, own, level)?;
                    let run = match node.root() {
                        ArchivedTree::Vector(elements) => Run::Elements(elements),
                        ArchivedTree::VectorParts(parts) => Run::Parts(parts),
                        _ => {
                            return Err(self
                                .source
                                .damaged(number, "it is not a part of a vector"));
                        }
                    };
                    self.elements(run, number, depth, level + 1, out)?;
                    self.part_end(part, out.len() as u64 - start, number)?;
                }
                Ok(())
            }
            Run::Fields(_) => Err(self.source.damaged(own, "fields stand in a vector")),
        }
    }

    pub(super) fn record(&mut self, run: Run<'_>, own: u32, depth: usize) -> Result<Value> {
        let depth = self.deeper(own, depth)?;
        let mut out = Record::with_capacity(match run {
            Run::Fields(fields) => fields.len(),
            _ => 0,
        });
        self.fields(run, own, depth, 0, &mut out)?;
        Ok(Value::Record(out))
    }

    fn fields(
        &mut self,
        run: Run<'_>,
        own: u32,
        depth: usize,
        level: usize,
        out: &mut Record,
    ) -> Result<()> {
        match run {
            Run::Fields(fields) => {
                for field in fields {
                    let value = self.tree(&field.value, own, depth)?;
                    let name = self.name(field.name.as_str());
                    if out.insert(name, value).is_some() {
                        return Err(self.source.damaged(own, "a field's name stands twice"));
                    }
                }
                Ok(())
            }
            Run::Parts(parts) => {
                let start = out.len() as u64;
                for part in parts {
                    let (number, node) = self.part(part, own, level)?;
                    let run = match node.root() {
                        ArchivedTree::Record(fields) => Run::Fields(fields),
                        ArchivedTree::RecordParts(record) => Run::Parts(&record.parts),
                        _ => {
                            return Err(self
                                .source
                                .damaged(number, "it is not a part of a record"));
                        }
                    };
                    self.fields(run, number, depth, level + 1, out)?;
                    self.part_end(part, out.len() as u64 - start, number)?;
                }
                Ok(())
            }
            Run::Elements(_) => Err(self.source.damaged(own, "elements stand in a record")),
        }
    }

    fn part(
        &mut self,
        part: &ArchivedPartTree,
        own: u32,
        level: usize,
    ) -> Result<(u32, Arc<Node>)> {
        if level >= MAX_PART_LEVELS {
            return Err(self
                .source
                .damaged(own, "it is cut into too many levels of parts"));
        }
        let number = u32::try_from(part.node.to_native()).unwrap_or(u32::MAX);
        Ok((number, self.open(number, own)?))
    }

    fn part_end(&self, part: &ArchivedPartTree, found: u64, number: u32) -> Result<()> {
        if part.end.to_native() == found {
            return Ok(());
        }
        Err(self
            .source
            .damaged(number, "it has another number of elements than is recorded"))
    }
}
