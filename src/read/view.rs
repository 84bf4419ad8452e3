//! Views: structured values looked at where they are. Only the nodes passed through are read and
//! checked, once; nothing is allocated for what is seen.

use std::sync::Arc;

use super::binding::Root;
use super::overlay::Overlay;
use super::store::{Store, StoreRef};
use crate::error::{EnvError, Result};
use crate::format::NONE;
use crate::format::records::Slot;
use crate::path::Step;
use crate::slice::{Axis, Slice};
use crate::tree::restore::{native, restore_tree};
use crate::tree::schema::{Archived, ArchivedPartTree, ArchivedTree};
use crate::value::{Complex128, Kind, Tensor, Value};

/// A borrowed look at a value of an archive, or at a part of one.
///
/// ```no_run
/// use achronyme_env::Archive;
///
/// let archive = Archive::open("run.ach")?;
/// let results = archive.view("results")?;
/// let score = results.field("lr")?.field("score")?.as_f64()?;
/// for note in results.field("notes")?.iter()? {
///     println!("{}", note?.as_str()?);
/// }
/// # let _ = score;
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone, Copy)]
pub struct View<'a> {
    store: &'a Arc<Store>,
    item: Item<'a>,
    /// Name of the binding, for errors.
    variable: &'a str,
    /// Of a session: where the newest contents of cells stand.
    overlay: Option<&'a Overlay>,
}

#[derive(Clone, Copy)]
enum Item<'a> {
    Slot(Slot),
    /// A tree, and the node it stands in.
    Tree(&'a Archived, u32),
}

impl<'a> View<'a> {
    /// A view of the value of `variable`.
    pub(super) fn of_root(
        root: Root<'a>,
        variable: &'a str,
        overlay: Option<&'a Overlay>,
    ) -> Result<View<'a>> {
        let view = View {
            store: root.store,
            item: Item::Slot(root.slot),
            variable,
            overlay,
        };
        match root.slot {
            Slot::Node(node) => view.root_of(node, u32::MAX),
            _ => Ok(view),
        }
    }

    /// A view of the root of `node`, which must be lower than `above`.
    pub(super) fn root_of(&self, node: u32, above: u32) -> Result<View<'a>> {
        if node >= above {
            let what = "it names a node that is not lower".to_owned();
            return Err(self.store.damaged_node(above, what));
        }
        let tree = self.store.kept_node(node)?.root();
        if matches!(tree, ArchivedTree::Node(_)) {
            return Err(self
                .store
                .damaged_node(node, "it only names another node".to_owned()));
        }
        Ok(View {
            item: Item::Tree(tree, node),
            ..*self
        })
    }

    /// A view of a tree that stands in node `own`.
    pub(super) fn resolved(&self, tree: &'a Archived, own: u32) -> Result<View<'a>> {
        match tree {
            ArchivedTree::Node(node) => self.root_of(node.to_native(), own),
            tree => Ok(View {
                item: Item::Tree(tree, own),
                ..*self
            }),
        }
    }

    /// The kind of the value.
    ///
    /// # Errors
    /// [`EnvError::Damaged`] when a node holds no value.
    pub fn kind(&self) -> Result<Kind> {
        Ok(match self.item {
            Item::Slot(slot) => match slot {
                Slot::Null => Kind::Null,
                Slot::Boolean(_) => Kind::Boolean,
                Slot::Integer(_) => Kind::Integer,
                Slot::Number(_) => Kind::Number,
                Slot::Complex(..) => Kind::Complex,
                Slot::Tensor(_) => Kind::Tensor,
                // A view of a node is a view of its tree: see `of_root`.
                Slot::Node(node) => self.root_of(node, u32::MAX)?.kind()?,
            },
            Item::Tree(tree, own) => match tree {
                ArchivedTree::Null => Kind::Null,
                ArchivedTree::Boolean(_) => Kind::Boolean,
                ArchivedTree::Integer(_) => Kind::Integer,
                ArchivedTree::Number(_) => Kind::Number,
                ArchivedTree::Complex(..) => Kind::Complex,
                ArchivedTree::String(_) | ArchivedTree::LongString(_) => Kind::String,
                ArchivedTree::Bytes(_) | ArchivedTree::LongBytes(_) => Kind::Bytes,
                ArchivedTree::Vector(_) | ArchivedTree::VectorParts(_) => Kind::Vector,
                ArchivedTree::Record(_)
                | ArchivedTree::IndexedRecord(_)
                | ArchivedTree::RecordParts(_) => Kind::Record,
                ArchivedTree::Tensor(_) => Kind::Tensor,
                ArchivedTree::StringArray(_) => Kind::StringArray,
                ArchivedTree::Edge(_) => Kind::Edge,
                ArchivedTree::Builtin(_) | ArchivedTree::Function(_) => Kind::Function,
                ArchivedTree::Cell(_) => Kind::Cell,
                ArchivedTree::Error(_) => Kind::Error,
                ArchivedTree::Extension(_) => Kind::Extension,
                ArchivedTree::Typed(_) => Kind::Typed,
                ArchivedTree::Index(_) | ArchivedTree::Node(_) => {
                    let what = "an index stands where a value should".to_owned();
                    return Err(self.store.damaged_node(own, what));
                }
            },
        })
    }

    /// The boolean.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`].
    pub fn as_bool(&self) -> Result<bool> {
        match self.item {
            Item::Slot(Slot::Boolean(boolean)) => Ok(boolean),
            Item::Tree(ArchivedTree::Boolean(boolean), _) => Ok(*boolean),
            _ => Err(self.wrong_kind("boolean")),
        }
    }

    /// The integer.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`].
    pub fn as_i64(&self) -> Result<i64> {
        match self.item {
            Item::Slot(Slot::Integer(integer)) => Ok(integer),
            Item::Tree(ArchivedTree::Integer(integer), _) => Ok(integer.to_native()),
            _ => Err(self.wrong_kind("integer")),
        }
    }

    /// The number.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`]; an integer is not a number.
    pub fn as_f64(&self) -> Result<f64> {
        match self.item {
            Item::Slot(Slot::Number(bits)) => Ok(f64::from_bits(bits)),
            Item::Tree(ArchivedTree::Number(number), _) => Ok(number.to_native()),
            _ => Err(self.wrong_kind("number")),
        }
    }

    /// The complex number.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`].
    pub fn as_complex(&self) -> Result<Complex128> {
        match self.item {
            Item::Slot(Slot::Complex(re, im)) => {
                Ok(Complex128::new(f64::from_bits(re), f64::from_bits(im)))
            }
            Item::Tree(ArchivedTree::Complex(re, im), _) => {
                Ok(Complex128::new(re.to_native(), im.to_native()))
            }
            _ => Err(self.wrong_kind("complex")),
        }
    }

    /// The text, borrowed. A long one of an archive that is not mapped is read and then kept as
    /// long as the archive.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`]; what reading answers.
    pub fn as_str(&self) -> Result<&'a str> {
        match self.item {
            Item::Tree(ArchivedTree::String(text), _) => Ok(text.as_str()),
            Item::Tree(ArchivedTree::LongString(extent), own) => {
                let bytes = self.store.borrow_extent(extent.to_native())?;
                std::str::from_utf8(bytes).map_err(|_| {
                    self.store
                        .damaged_node(own, "a long string is not UTF-8".to_owned())
                })
            }
            _ => Err(self.wrong_kind("string")),
        }
    }

    /// The bytes, borrowed; as [`View::as_str`].
    ///
    /// # Errors
    /// As [`View::as_str`].
    pub fn as_bytes(&self) -> Result<&'a [u8]> {
        match self.item {
            Item::Tree(ArchivedTree::Bytes(bytes), _) => Ok(bytes.as_slice()),
            Item::Tree(ArchivedTree::LongBytes(extent), _) => {
                self.store.borrow_extent(extent.to_native())
            }
            _ => Err(self.wrong_kind("bytes")),
        }
    }

    /// The tensor.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`]; [`EnvError::Unsupported`] for an unknown dtype or codec.
    pub fn tensor(&self) -> Result<Tensor> {
        match self.value_of_kind(Kind::Tensor)? {
            Value::Tensor(tensor) => Ok(tensor),
            _ => Err(self.wrong_kind("tensor")),
        }
    }

    /// Shape of a tensor or string array, without making one.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`].
    pub fn shape(&self) -> Result<Vec<u64>> {
        match self.item {
            Item::Slot(Slot::Tensor(tensor)) => Ok(self.store.shape(&tensor)?.to_vec()),
            Item::Tree(ArchivedTree::Tensor(tensor), _) => Ok(native(&tensor.shape)),
            Item::Tree(ArchivedTree::StringArray(array), _) => Ok(native(&array.shape)),
            _ => Err(self.wrong_kind("tensor")),
        }
    }

    /// Number of elements of a vector or fields of a record.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`].
    pub fn len(&self) -> Result<u64> {
        let Item::Tree(tree, own) = self.item else {
            return Err(self.wrong_kind("vector or record"));
        };
        let parts_end = |parts: &[ArchivedPartTree]| {
            let end = parts.last().map_or(0, |part| part.end.to_native());
            // Each element stands somewhere in the nodes: a list that names one part again and
            // again cannot pretend to be longer than they are.
            if end > self.store.node_bytes() / size_of::<Archived>() as u64 {
                return Err(self.bad_index(own));
            }
            Ok(end)
        };
        match tree {
            ArchivedTree::Vector(elements) => Ok(elements.len() as u64),
            ArchivedTree::VectorParts(parts) => parts_end(parts),
            ArchivedTree::Record(fields) => Ok(fields.len() as u64),
            ArchivedTree::IndexedRecord(record) => Ok(record.fields.len() as u64),
            ArchivedTree::RecordParts(record) => parts_end(&record.parts),
            _ => Err(self.wrong_kind("vector or record")),
        }
    }

    /// Whether a vector or record is empty.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`].
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Element `index` of a vector, or the value of the field at `index` of a record.
    ///
    /// # Errors
    /// [`EnvError::NoSuchPart`], [`EnvError::WrongKind`]; what reading answers.
    pub fn index(&self, index: u64) -> Result<View<'a>> {
        Ok(self.at_index(index)?.1)
    }

    /// The name and the value of the field at `index` of a record.
    ///
    /// # Errors
    /// As [`View::index`].
    pub fn field_at(&self, index: u64) -> Result<(&'a str, View<'a>)> {
        match self.at_index(index)? {
            (Some(name), value) => Ok((name, value)),
            (None, _) => Err(self.wrong_kind("record")),
        }
    }

    /// The value of field `name` of a record.
    ///
    /// # Errors
    /// [`EnvError::NoSuchPart`] with the nearest name, [`EnvError::WrongKind`]; what reading
    /// answers.
    pub fn field(&self, name: &str) -> Result<View<'a>> {
        self.find_field(name)?.ok_or_else(|| self.no_field(name))
    }

    /// The elements of a vector, or the values of a record, in order.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`].
    pub fn iter(&self) -> Result<impl Iterator<Item = Result<View<'a>>> + use<'a>> {
        Ok(self.walk()?.map(|item| item.map(|(_, view)| view)))
    }

    /// The names and values of a record, in order.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`].
    pub fn fields(&self) -> Result<impl Iterator<Item = Result<(&'a str, View<'a>)>> + use<'a>> {
        if self.kind()? != Kind::Record {
            return Err(self.wrong_kind("record"));
        }
        Ok(self
            .walk()?
            .map(|item| item.map(|(name, view)| (name.unwrap_or_default(), view))))
    }

    /// A view of what a cell holds.
    ///
    /// # Errors
    /// [`EnvError::WrongKind`]; what reading answers.
    pub fn content(&self) -> Result<View<'a>> {
        let Item::Tree(ArchivedTree::Cell(shared), own) = self.item else {
            return Err(self.wrong_kind("cell"));
        };
        if let Some(overlay) = self.overlay {
            let (store, node) = overlay.content(self.store, shared.to_native())?;
            return View { store, ..*self }.root_of(node, u32::MAX);
        }
        let node = self.store.shared_node(shared.to_native());
        let node = node.ok_or_else(|| {
            self.store
                .damaged_node(own, "it names a cell that is not there".to_owned())
        })?;
        self.root_of(node, u32::MAX)
    }

    /// The value itself: structured values are made of their nodes, tensors stay where they are.
    ///
    /// # Errors
    /// What reading and checking answers.
    pub fn to_value(&self) -> Result<Value> {
        match self.item {
            Item::Slot(slot) => self.store.value(slot, Some(self.variable)),
            Item::Tree(tree, own) => match self.overlay {
                Some(overlay) => {
                    super::cells::load_tree(overlay, self.store, (tree, own), self.variable)
                }
                None => restore_tree(&StoreRef::new(self.store, Some(self.variable)), tree, own),
            },
        }
    }

    /// The value a slice names: of a tensor or string array, or elements of a vector.
    pub(crate) fn slice(&self, slice: &Slice) -> Result<Value> {
        match self.kind()? {
            Kind::Tensor => Ok(Value::Tensor(self.tensor()?.slice(slice)?)),
            Kind::StringArray => match self.to_value()? {
                Value::StringArray(array) => array.slice(slice),
                _ => Err(self.wrong_kind("string array")),
            },
            Kind::Vector => {
                let length = self.len()?;
                let [axis] = slice.resolve(&[length])?[..] else {
                    return Err(self.wrong_kind("tensor"));
                };
                if !axis.stays {
                    return self.index(axis.start)?.to_value();
                }
                let at = |n: u64| axis.start.wrapping_add_signed(n as i64 * axis.step);
                let elements = (0..axis.count).map(|n| self.index(at(n))?.to_value());
                Ok(Value::from(elements.collect::<Result<Vec<_>>>()?))
            }
            _ => Err(self.wrong_kind("tensor or vector")),
        }
    }

    /// One step of a path: a field, or one element of a vector.
    pub(crate) fn step(&self, step: &Step) -> Result<View<'a>> {
        match step {
            Step::Field(name) if self.kind()? == Kind::Cell => self.content()?.field(name),
            Step::Field(name) => self.field(name),
            Step::Slice(slice) => match slice.axes() {
                [Axis::Index(_)] => {
                    let [at] = slice.resolve(&[self.len()?])?[..] else {
                        return Err(self.wrong_kind("vector"));
                    };
                    self.index(at.start)
                }
                _ => Err(self.wrong_kind("tensor")),
            },
        }
    }

    /// Whether the next step with brackets ends a path: a slice of array data or of a vector.
    pub(crate) fn ends_at(&self, slice: &Slice) -> Result<bool> {
        Ok(slice.as_index().is_none() || self.kind()? != Kind::Vector)
    }

    /// The tree looked at, and the node it stands in.
    pub(super) fn tree(&self) -> Option<(&'a Archived, u32)> {
        match self.item {
            Item::Slot(_) => None,
            Item::Tree(tree, node) => Some((tree, node)),
        }
    }

    /// Where its bytes are.
    pub(super) fn store(&self) -> &'a Arc<Store> {
        self.store
    }

    /// Name of the binding it belongs to.
    pub(super) fn variable(&self) -> &'a str {
        self.variable
    }

    /// A view of a tree that was checked already, which stands in node `own`.
    pub(super) fn of_checked(store: &'a Arc<Store>, tree: &'a Archived, own: u32) -> View<'a> {
        View {
            store,
            item: Item::Tree(tree, own),
            variable: "",
            overlay: None,
        }
    }

    /// A view of another tree of the same node.
    pub(super) fn beside(&self, tree: &'a Archived) -> View<'a> {
        let node = self.tree().map_or(NONE, |(_, node)| node);
        View {
            item: Item::Tree(tree, node),
            ..*self
        }
    }

    fn value_of_kind(&self, kind: Kind) -> Result<Value> {
        if self.kind()? != kind {
            return Err(self.wrong_kind(kind.name()));
        }
        self.to_value()
    }

    pub(super) fn bad_index(&self, node: u32) -> EnvError {
        let what = "its parts or its index do not hold together".to_owned();
        self.store.damaged_node(node, what)
    }

    fn no_field(&self, name: &str) -> EnvError {
        let names = self.fields().into_iter().flatten().take(10_000);
        let names: Vec<&str> = names
            .map_while(|field| field.ok().map(|(name, _)| name))
            .collect();
        let hint = match crate::name::nearest(name, names.iter().copied()) {
            Some(nearest) => format!("; did you mean {}?", crate::name::quoted(&nearest)),
            None => String::new(),
        };
        EnvError::NoSuchPart {
            path: format!(".{name}"),
            reason: format!("the record has no such field{hint}"),
        }
    }

    pub(super) fn wrong_kind(&self, asked: &'static str) -> EnvError {
        let found = self.kind().map_or("something unreadable", Kind::name);
        EnvError::WrongKind { asked, found }
    }
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "View({})", self.kind().map_or("?", Kind::name))
    }
}
