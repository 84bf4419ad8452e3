//! Building the trees of the kinds a language brings: edges, functions, errors; and of string arrays,
//! extensions and typed values.

use std::io::{Read, Seek, Write};

use super::build::Builder;
use super::compound::{Sized, TREE, deeper, within};
use super::node_bytes::{Part, Root, tag};
use super::shared::Shared;
use crate::error::{EnvError, Result};
use crate::format::NONE;
use crate::value::{DType, Edge, ErrorValue, Extension, StringArray, Typed, UserFunction, Value};

/// What stands where a part is missing.
pub(super) const NOTHING: Sized = (Root::NULL, TREE);

impl<S: Read + Write + Seek> Builder<'_, S> {
    pub(super) fn string_array(&mut self, array: &StringArray) -> Result<Sized> {
        let offsets = self.tensor(array.offsets())?;
        let bytes = self.tensor(array.bytes())?;
        let shape = self.bytes.shape(array.shape());
        let array_tree = self.bytes.object(&[
            Part::List(shape),
            Part::pair(offsets, bytes),
            Part::Word(array.bytes().byte_len()),
        ]);
        let size = TREE + 32 + size_of_val(array.shape());
        Ok((Root::boxed(tag::STRING_ARRAY, array_tree), size))
    }

    pub(super) fn edge(&mut self, edge: &Edge, depth: usize) -> Result<Sized> {
        let depth = deeper(depth)?;
        let from = self.spilled(|builder| builder.text(&edge.from))?;
        let to = self.spilled(|builder| builder.text(&edge.to))?;
        let properties = self.spilled(|builder| builder.plain_record(&edge.properties, depth))?;
        Ok(self.edge_of([from, to, properties], edge.directed))
    }

    pub(super) fn function(&mut self, function: &UserFunction, depth: usize) -> Result<Sized> {
        let depth = deeper(depth)?;
        let name = match &function.name {
            Some(name) => self.spilled(|builder| builder.text(name))?,
            None => NOTHING,
        };
        let parameters = self.spilled(|builder| {
            let parameters = function.parameters.iter();
            builder.vector(parameters, depth, |builder, name, _| builder.text(name))
        })?;
        let details = self.spilled(|builder| builder.plain_record(&function.details, depth))?;
        let source = self.spilled(|builder| builder.text(&function.source))?;
        let scope = match &function.scope {
            Some(scope) => self.share(Shared::Scope(scope.clone()))?.0,
            None => NONE,
        };
        Ok(self.function_of([name, parameters, details, source], scope))
    }

    pub(super) fn error(&mut self, error: &ErrorValue, depth: usize) -> Result<Sized> {
        let depth = deeper(depth)?;
        let message = self.spilled(|builder| builder.text(&error.message))?;
        let kind = match &error.kind {
            Some(kind) => self.spilled(|builder| builder.text(kind))?,
            None => NOTHING,
        };
        let source = match &error.source {
            Some(source) => self.named_part(source, depth, ".source")?,
            None => NOTHING,
        };
        Ok(self.error_of([message, kind, source], error.source.is_some()))
    }

    /// The tree of a part that has a name of its own.
    fn named_part(&mut self, value: &Value, depth: usize, step: &str) -> Result<Sized> {
        let part = self.spilled(|builder| builder.tree(value, depth));
        part.map_err(|e| within(e, || step.to_owned()))
    }

    /// An object of trees and a last word, in a box. No part of it is larger than a node may hold
    /// beside the others: each was cut off when it was large.
    fn boxed<const N: usize>(&mut self, tag: u8, parts: [Sized; N], words: &[u64]) -> Sized {
        let mut fields = [Part::Word(0); 8];
        let trees = parts.iter().map(|(tree, _)| Part::Root(*tree));
        let words = words.iter().map(|word| Part::Word(*word));
        let mut len = 0;
        for (field, part) in fields.iter_mut().zip(trees.chain(words)) {
            *field = part;
            len += 1;
        }
        let object = self.bytes.object(&fields[..len]);
        let size: usize = parts.iter().map(|(_, size)| size).sum();
        (Root::boxed(tag, object), TREE + size + (len - N) * 8)
    }

    /// The edge of two names and properties.
    pub(super) fn edge_of(&mut self, parts: [Sized; 3], directed: bool) -> Sized {
        self.boxed(tag::EDGE, parts, &[directed.into()])
    }

    /// The function of a name, parameters, details and a source.
    pub(super) fn function_of(&mut self, parts: [Sized; 4], scope: u32) -> Sized {
        self.boxed(tag::FUNCTION, parts, &[scope.into()])
    }

    /// The error of a message, a kind and a source, which stands there when it has one.
    pub(super) fn error_of(&mut self, parts: [Sized; 3], has_source: bool) -> Sized {
        self.boxed(tag::ERROR, parts, &[has_source.into()])
    }

    /// The extension of a type, parameters and storage.
    pub(super) fn extension_of(&mut self, parts: [Sized; 3]) -> Sized {
        self.boxed(tag::EXTENSION, parts, &[])
    }

    pub(super) fn extension(&mut self, extension: &Extension, depth: usize) -> Result<Sized> {
        let depth = deeper(depth)?;
        let type_name = self.spilled(|builder| builder.text(&extension.type_name))?;
        let parameters = self.named_part(&extension.parameters, depth, ".parameters")?;
        let storage = self.named_part(&extension.storage, depth, ".storage")?;
        Ok(self.extension_of([type_name, parameters, storage]))
    }

    pub(super) fn typed(&mut self, typed: &Typed) -> Result<Sized> {
        if !Typed::is_alignment(typed.alignment) {
            return Err(EnvError::InvalidValue {
                what: format!(
                    "the typed value of type {}",
                    crate::name::quoted(&typed.type_name)
                ),
                reason: format!(
                    "its alignment is {}, not a power of two to 64",
                    typed.alignment
                ),
            });
        }
        if typed.bytes.dtype() != DType::U8 || typed.bytes.shape().len() != 1 {
            return Err(EnvError::InvalidValue {
                what: format!(
                    "the typed value of type {}",
                    crate::name::quoted(&typed.type_name)
                ),
                reason: "its bytes are not a rank-1 tensor of uint8".to_owned(),
            });
        }
        let type_name = self.spilled(|builder| builder.text(&typed.type_name))?;
        let extent = self.tensor(&typed.bytes)?;
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let words = [
            typed.fingerprint,
            typed.bytes.byte_len(),
            pair(typed.version, typed.alignment),
            pair(extent, 0),
        ];
        Ok(self.boxed(tag::TYPED, [type_name], &words))
    }
}
