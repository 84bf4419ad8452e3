//! Building the trees of what a host lends: records and the kinds of `kinds`, borrowed; the host's
//! own cells and scopes; and placeholders for what cannot be saved.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{Read, Seek, Write};

use super::build::Builder;
use super::compound::{Sized, TREE, deeper, within};
use super::extent_source::ExtentSource;
use super::kinds::NOTHING;
use super::node_bytes::{Root, tag};
use super::shared::Shared;
use crate::error::{EnvError, Result};
use crate::finding::Outcome;
use crate::format::NONE;
use crate::limits::{LONG_BYTES, MAX_NESTING};
use crate::value::{
    EdgeRef, ErrorRef, Extension, ExtensionRef, FunctionRef, ScopeRef, UserFunctionRef, Value,
    ValueRef,
};

/// Fields of a borrowed record.
type Fields<'a> = [(Cow<'a, str>, ValueRef<'a>)];

impl<'a, S: Read + Write + Seek> Builder<'a, S> {
    pub(super) fn lent_record(&mut self, fields: &Fields<'a>, depth: usize) -> Result<Sized> {
        let mut names = HashSet::with_capacity(fields.len());
        if let Some((twice, _)) = fields.iter().find(|(name, _)| !names.insert(&**name)) {
            return Err(EnvError::DuplicateName {
                name: twice.to_string(),
            });
        }
        drop(names);
        let fields = fields.iter().map(|(name, value)| (&**name, value));
        self.record(fields, depth, |builder, value, depth| {
            builder.tree_of_ref(value, depth)
        })
    }

    pub(super) fn lent_edge(&mut self, edge: &EdgeRef<'a>, depth: usize) -> Result<Sized> {
        let depth = deeper(depth)?;
        let from = self.cow_text(&edge.from)?;
        let to = self.cow_text(&edge.to)?;
        let properties = self.spilled(|builder| builder.lent_record(&edge.properties, depth))?;
        Ok(self.edge_of([from, to, properties], edge.directed))
    }

    pub(super) fn lent_function(
        &mut self,
        function: &FunctionRef<'a>,
        depth: usize,
    ) -> Result<Sized> {
        match function {
            FunctionRef::Builtin(name) => self.builtin(name),
            FunctionRef::User(function) => self.lent_user_function(function, depth),
        }
    }

    fn lent_user_function(
        &mut self,
        function: &UserFunctionRef<'a>,
        depth: usize,
    ) -> Result<Sized> {
        let depth = deeper(depth)?;
        let name = match &function.name {
            Some(name) => self.cow_text(name)?,
            None => NOTHING,
        };
        let parameters = self.spilled(|builder| {
            let parameters = function.parameters.iter();
            builder.vector(parameters, depth, |builder, name, _| builder.cow_text(name))
        })?;
        let details = self.spilled(|builder| builder.lent_record(&function.details, depth))?;
        let source = self.cow_text(&function.source)?;
        let scope = match &function.scope {
            Some(ScopeRef::Host(id)) => self.share_lent(Shared::HostScope(*id))?,
            Some(ScopeRef::Owned(scope)) => self.share(Shared::Scope(scope.clone()))?.0,
            None => NONE,
        };
        Ok(self.function_of([name, parameters, details, source], scope))
    }

    pub(super) fn lent_error(&mut self, error: &ErrorRef<'a>, depth: usize) -> Result<Sized> {
        let depth = deeper(depth)?;
        let message = self.cow_text(&error.message)?;
        let kind = match &error.kind {
            Some(kind) => self.cow_text(kind)?,
            None => NOTHING,
        };
        let source = match &error.source {
            Some(source) => self.part(source, depth, ".source")?,
            None => NOTHING,
        };
        Ok(self.error_of([message, kind, source], error.source.is_some()))
    }

    pub(super) fn lent_extension(
        &mut self,
        extension: &ExtensionRef<'a>,
        depth: usize,
    ) -> Result<Sized> {
        let depth = deeper(depth)?;
        let type_name = self.cow_text(&extension.type_name)?;
        let parameters = self.part(&extension.parameters, depth, ".parameters")?;
        let storage = self.part(&extension.storage, depth, ".storage")?;
        Ok(self.extension_of([type_name, parameters, storage]))
    }

    /// What stands for a value that cannot be saved, and the mark that tells so.
    pub(super) fn unsupported(&mut self, kind: &str, reason: &str, depth: usize) -> Result<Sized> {
        self.marks.finding(kind, Outcome::Lost, reason);
        // The placeholder is two levels deep itself.
        if depth + 2 > MAX_NESTING {
            return Ok(NOTHING);
        }
        let parameters = [("kind", kind), ("reason", reason)];
        let parameters = parameters.into_iter();
        let type_name = self.string(Extension::UNSUPPORTED);
        let parameters = self.spilled(|builder| {
            builder.record(parameters, depth + 1, |builder, text, _| {
                builder.copied_text(text)
            })
        })?;
        Ok(self.extension_of([type_name, parameters, NOTHING]))
    }

    /// The shared number of one of the host's own.
    pub(super) fn share_lent(&mut self, shared: Shared) -> Result<u32> {
        let is_scope = shared.is_scope();
        let (number, new) = self.share(shared)?;
        if new {
            self.marks.shared(number, is_scope);
        }
        Ok(number)
    }

    /// The content of one of the host's own, as it can stand in a node.
    pub(super) fn lent_content(
        &mut self,
        content: ValueRef<'a>,
        is_scope: bool,
    ) -> Result<ValueRef<'a>> {
        if !is_scope {
            return Ok(content);
        }
        match content {
            ValueRef::Unsupported { kind, reason } => {
                self.marks.finding(&kind, Outcome::Lost, &reason);
                Ok(ValueRef::Record(Vec::new()))
            }
            ValueRef::Record(_)
            | ValueRef::Owned(Value::Record(_))
            | ValueRef::Value(Value::Record(_)) => Ok(content),
            _ => Err(EnvError::InvalidValue {
                what: "the content of a scope".to_owned(),
                reason: "it is not a record of its bindings".to_owned(),
            }),
        }
    }

    /// The tree of the content of the shared number `number`.
    pub(super) fn lent_tree(&mut self, content: &ValueRef<'a>, number: u32) -> Result<Sized> {
        let tree = self.tree_of_ref(content, 0);
        let tree = tree.map_err(|e| within(e, || self.marks.route(Some(number))))?;
        self.marks.settle(Some(number));
        Ok(tree)
    }

    /// The tree of a part that has a name of its own.
    fn part(&mut self, value: &ValueRef<'a>, depth: usize, step: &str) -> Result<Sized> {
        let marks = self.marks.len();
        let tree = self.spilled(|builder| builder.tree_of_ref(value, depth));
        let tree = tree.map_err(|e| within(e, || step.to_owned()))?;
        self.marks.step(marks, || step.to_owned());
        Ok(tree)
    }

    #[allow(clippy::ptr_arg)] // A borrowed text lives for 'a, and then a long one is not copied.
    fn cow_text(&mut self, text: &Cow<'a, str>) -> Result<Sized> {
        self.spilled(|builder| match text {
            Cow::Borrowed(text) => builder.borrowed_text(text),
            Cow::Owned(text) => builder.copied_text(text),
        })
    }

    fn copied_text(&mut self, text: &str) -> Result<Sized> {
        if text.len() < LONG_BYTES {
            return Ok(self.string(text));
        }
        let source = ExtentSource::Text(text.into());
        let extent = self.extent(source, text.len() as u64, 1)?;
        Ok((Root::numbered(tag::LONG_STRING, extent), TREE))
    }
}
