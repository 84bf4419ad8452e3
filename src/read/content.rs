//! What no sum can tell of a file that was made to deceive: booleans that are neither 0 nor 1,
//! string arrays whose offsets or text do not hold together, indexes that do not lead to fields.

use std::collections::HashSet;

use super::view::View;
use crate::error::Result;
use crate::tree::schema::{Archived, ArchivedFieldTree, ArchivedTree};
use crate::value::{DType, Function, StringArray, Tensor, Value};

/// Bytes looked at in one go.
const PIECE: usize = 1 << 20;

/// Goes through a value and says what is wrong with its content, if anything.
pub(super) fn problem_of(value: Value) -> Result<Option<String>> {
    let mut seen = HashSet::new();
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        let problem = match &value {
            Value::Tensor(tensor) if tensor.dtype() == DType::Bool => booleans(tensor)?,
            Value::StringArray(array) => strings(array)?,
            Value::Vector(elements) => {
                waiting.extend(elements.iter().filter(|value| has_content(value)).cloned());
                None
            }
            Value::Record(fields) => {
                let fields = fields.iter().map(|(_, value)| value);
                waiting.extend(fields.filter(|value| has_content(value)).cloned());
                None
            }
            Value::Edge(edge) => {
                waiting.push(edge.properties.clone().into());
                None
            }
            Value::Function(function) => {
                if let Function::User(function) = &**function {
                    waiting.push(function.details.clone().into());
                    if let Some(scope) = &function.scope
                        && seen.insert(scope.address())
                    {
                        waiting.push(scope.bindings().into());
                    }
                }
                None
            }
            Value::Cell(cell) => {
                if seen.insert(cell.address()) {
                    waiting.push(cell.get());
                }
                None
            }
            Value::Error(error) => {
                waiting.extend(error.source.clone());
                None
            }
            Value::Extension(extension) => {
                waiting.push(extension.parameters.clone());
                waiting.push(extension.storage.clone());
                None
            }
            _ => None,
        };
        if problem.is_some() {
            return Ok(problem);
        }
    }
    Ok(None)
}

/// Whether something in the value is checked here.
fn has_content(value: &Value) -> bool {
    !matches!(
        value,
        Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Number(_)
            | Value::Complex(_)
            | Value::String(_)
            | Value::Bytes(_)
    )
}

fn booleans(tensor: &Tensor) -> Result<Option<String>> {
    let mut found = None;
    each_piece(tensor, |at, piece| {
        if let (None, Some(place)) = (found, piece.iter().position(|byte| *byte > 1)) {
            found = Some(at + place as u64);
        }
    })?;
    Ok(found.map(|at| format!("boolean {at} of a tensor is neither 0 nor 1")))
}

/// Offsets rise from 0 to the end, the text is UTF-8, and every offset stands between characters.
fn strings(array: &StringArray) -> Result<Option<String>> {
    let (mut rest, mut is_text) = (Vec::new(), true);
    each_piece(array.bytes(), |_, piece| {
        rest.extend_from_slice(piece);
        let valid = match std::str::from_utf8(&rest) {
            Ok(_) => rest.len(),
            // Cut in the middle of a character: the next piece brings the rest of it.
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            Err(_) => {
                is_text = false;
                rest.len()
            }
        };
        rest.drain(..valid);
    })?;
    if !is_text || !rest.is_empty() {
        return Ok(Some("the text of a string array is not UTF-8".to_owned()));
    }
    let total = array.bytes().byte_len();
    let (mut previous, mut number, mut broken) = (0, 0u64, None);
    let mut window = Window {
        bytes: array.bytes(),
        start: 0,
        piece: Vec::new(),
    };
    let mut failed = None;
    each_piece(array.offsets(), |_, piece| {
        for offset in piece.as_chunks::<8>().0 {
            // Behind the first that is wrong nothing is asked: offsets that go to and fro would read a
            // piece of the text for each.
            if broken.is_some() {
                return;
            }
            let offset = u64::from_le_bytes(*offset);
            let ends = number > 0 || offset == 0;
            let between = match window.byte(offset) {
                _ if offset > total || offset < previous => false,
                Ok(byte) => byte.is_none_or(|byte| byte & 0xc0 != 0x80),
                Err(e) => {
                    failed.get_or_insert(e);
                    true
                }
            };
            if !(ends && offset >= previous && between) {
                broken = Some(number);
            }
            previous = offset;
            number += 1;
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let broken = broken.or((previous != total).then_some(number - 1));
    Ok(broken.map(|number| format!("offset {number} of a string array is wrong")))
}

/// Single bytes of a tensor, read by the piece.
struct Window<'t> {
    bytes: &'t Tensor,
    start: u64,
    piece: Vec<u8>,
}

impl Window<'_> {
    fn byte(&mut self, at: u64) -> Result<Option<u8>> {
        let total = self.bytes.byte_len();
        if at >= total {
            return Ok(None);
        }
        if at < self.start || at >= self.start + self.piece.len() as u64 {
            self.start = at;
            self.piece
                .resize((total - at).min(PIECE as u64) as usize, 0);
            self.bytes.read_at(at, &mut self.piece)?;
        }
        Ok(self.piece.get((at - self.start) as usize).copied())
    }
}

fn each_piece(tensor: &Tensor, mut visit: impl FnMut(u64, &[u8])) -> Result<()> {
    let total = tensor.byte_len();
    let mut piece = vec![0; total.min(PIECE as u64) as usize];
    let mut at = 0;
    while at < total {
        let now = (total - at).min(PIECE as u64) as usize;
        let piece = piece.get_mut(..now).unwrap_or_default();
        tensor.read_at(at, piece)?;
        visit(at, piece);
        at += now as u64;
    }
    Ok(())
}

/// Checks the indexes of all records in the tree of one node.
pub(super) fn check_indexes(view: View<'_>) -> Result<()> {
    let Some((tree, _)) = view.tree() else {
        return Ok(());
    };
    let mut records = Vec::new();
    indexed(tree, &mut records);
    records
        .into_iter()
        .try_for_each(|tree| view.beside(tree).check_index())
}

/// The records with an index below `tree`. Its depth was bounded when its node was checked.
fn indexed<'t>(tree: &'t Archived, found: &mut Vec<&'t Archived>) {
    match tree {
        ArchivedTree::Vector(elements) => elements.iter().for_each(|tree| indexed(tree, found)),
        ArchivedTree::Record(fields) => indexed_fields(fields, found),
        ArchivedTree::IndexedRecord(record) => {
            found.push(tree);
            indexed_fields(&record.fields, found);
        }
        ArchivedTree::RecordParts(record) if !record.index.is_empty() => found.push(tree),
        ArchivedTree::Edge(edge) => indexed(&edge.properties, found),
        ArchivedTree::Function(function) => indexed(&function.details, found),
        ArchivedTree::Error(error) => indexed(&error.source, found),
        ArchivedTree::Extension(extension) => {
            indexed(&extension.parameters, found);
            indexed(&extension.storage, found);
        }
        _ => {}
    }
}

fn indexed_fields<'t>(fields: &'t [ArchivedFieldTree], found: &mut Vec<&'t Archived>) {
    fields.iter().for_each(|field| indexed(&field.value, found));
}
