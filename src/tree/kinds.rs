//! Building the trees of the kinds a language brings: edges, functions, errors; and of string arrays,
//! extensions and typed values.

use std::io::{Read, Seek, Write};

use super::build::Builder;
use super::compound::{Sized, TREE, deeper, within};
use super::schema::{
    EdgeTree, ErrorTree, ExtensionTree, FunctionTree, StringArrayTree, Tree, TypedTree,
};
use super::shared::Shared;
use crate::error::{EnvError, Result};
use crate::format::NONE;
use crate::value::{DType, Edge, ErrorValue, Extension, StringArray, Typed, UserFunction};

impl<S: Read + Write + Seek> Builder<'_, S> {
    pub(super) fn string_array<'t>(&mut self, array: &StringArray) -> Result<Sized<'t>> {
        let tree = StringArrayTree {
            shape: array.shape().to_vec(),
            offsets: self.tensor(array.offsets())?,
            bytes: self.tensor(array.bytes())?,
            byte_len: array.bytes().byte_len(),
        };
        let size = TREE + 32 + tree.shape.len() * 8;
        Ok((Tree::StringArray(Box::new(tree)), size))
    }

    pub(super) fn edge<'t>(&mut self, edge: &'t Edge, depth: usize) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let from = self.text(&edge.from)?;
        let to = self.text(&edge.to)?;
        let properties = self.plain_record(&edge.properties, depth)?;
        let ([from, to, properties], size) = self.spill_all([from, to, properties])?;
        let edge = EdgeTree {
            from,
            to,
            properties,
            directed: edge.directed.into(),
        };
        Ok((Tree::Edge(Box::new(edge)), TREE + 8 + size))
    }

    pub(super) fn function<'t>(
        &mut self,
        function: &'t UserFunction,
        depth: usize,
    ) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let name = match &function.name {
            Some(name) => self.text(name)?,
            None => (Tree::Null, TREE),
        };
        let parameters = self.vector(function.parameters.iter(), depth, |builder, name, _| {
            builder.text(name)
        })?;
        let details = self.plain_record(&function.details, depth)?;
        let source = self.text(&function.source)?;
        let scope = match &function.scope {
            Some(scope) => self.share(Shared::Scope(scope.clone()))?.0,
            None => NONE,
        };
        self.function_of([name, parameters, details, source], scope)
    }

    pub(super) fn error<'t>(&mut self, error: &'t ErrorValue, depth: usize) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let message = self.text(&error.message)?;
        let kind = match &error.kind {
            Some(kind) => self.text(kind)?,
            None => (Tree::Null, TREE),
        };
        let source = match &error.source {
            Some(source) => self
                .tree(source, depth)
                .map_err(|e| within(e, || ".source".to_owned()))?,
            None => (Tree::Null, TREE),
        };
        self.error_of([message, kind, source], error.source.is_some())
    }

    /// The function of a name, parameters, details and a source.
    pub(super) fn function_of<'t>(
        &mut self,
        parts: [Sized<'t>; 4],
        scope: u32,
    ) -> Result<Sized<'t>> {
        let ([name, parameters, details, source], size) = self.spill_all(parts)?;
        let tree = FunctionTree {
            name,
            parameters,
            details,
            source,
            scope: scope.into(),
        };
        Ok((Tree::Function(Box::new(tree)), TREE + 8 + size))
    }

    /// The error of a message, a kind and a source, which stands there when it has one.
    pub(super) fn error_of<'t>(
        &mut self,
        parts: [Sized<'t>; 3],
        has_source: bool,
    ) -> Result<Sized<'t>> {
        let ([message, kind, source], size) = self.spill_all(parts)?;
        let tree = ErrorTree {
            message,
            kind,
            source,
            has_source: has_source.into(),
        };
        Ok((Tree::Error(Box::new(tree)), TREE + 8 + size))
    }

    pub(super) fn extension<'t>(
        &mut self,
        extension: &'t Extension,
        depth: usize,
    ) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let type_name = self.text(&extension.type_name)?;
        let parameters = self.tree(&extension.parameters, depth);
        let parameters = parameters.map_err(|e| within(e, || ".parameters".to_owned()))?;
        let storage = self.tree(&extension.storage, depth);
        let storage = storage.map_err(|e| within(e, || ".storage".to_owned()))?;
        let parts = [type_name, parameters, storage];
        let ([type_name, parameters, storage], size) = self.spill_all(parts)?;
        let tree = ExtensionTree {
            type_name,
            parameters,
            storage,
        };
        Ok((Tree::Extension(Box::new(tree)), TREE + size))
    }

    pub(super) fn typed<'t>(&mut self, typed: &'t Typed) -> Result<Sized<'t>> {
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
        let type_name = self.text(&typed.type_name)?;
        let extent = self.tensor(&typed.bytes)?;
        let ([type_name], size) = self.spill_all([type_name])?;
        let tree = TypedTree {
            type_name,
            fingerprint: typed.fingerprint,
            byte_len: typed.bytes.byte_len(),
            version: typed.version,
            alignment: typed.alignment,
            extent,
            zero: 0,
        };
        Ok((Tree::Typed(Box::new(tree)), TREE + 32 + size))
    }
}
