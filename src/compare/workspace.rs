//! What is compared: named values, of an archive or of an environment, in the order of their names.

use super::report::Summary;
use crate::environment::{Environment, Variable};
use crate::error::{EnvError, Origin, Result};
use crate::format::records::{Slot, TensorSlot};
use crate::read::{Archive, Binding};
use crate::value::{Kind, Order, Record, Tensor, Value};

/// Named values to compare, or to name by their content.
///
/// ```
/// use achronyme_env::{content_hash, save_environment, Archive, Environment, SaveOptions};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("run.ach");
///
/// let mut env = Environment::new();
/// env.set("rate", 0.001)?;
/// save_environment(&env, &path, SaveOptions::new())?;
/// assert_eq!(content_hash(&env)?, content_hash(&Archive::open(&path)?)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum WorkspaceRef<'w> {
    /// The bindings of an archive.
    Archive(&'w Archive),
    /// The variables of an environment.
    Environment(&'w Environment),
}

impl<'w> From<&'w Archive> for WorkspaceRef<'w> {
    fn from(archive: &'w Archive) -> Self {
        WorkspaceRef::Archive(archive)
    }
}

impl<'w> From<&'w Environment> for WorkspaceRef<'w> {
    fn from(environment: &'w Environment) -> Self {
        WorkspaceRef::Environment(environment)
    }
}

/// A workspace whose variables are numbered in the order of their names, as bytes.
pub(super) enum Side<'w> {
    Archive(&'w Archive),
    Environment(Vec<(&'w str, &'w Variable)>),
}

/// A variable, as far as it can be looked at without reading.
pub(super) struct Head<'w> {
    pub(super) constant: bool,
    pub(super) mutable: bool,
    pub(super) has_attributes: bool,
    pub(super) content: Content<'w>,
}

/// A value, as far as the table tells.
pub(super) enum Content<'w> {
    /// All of it: never a tensor or a node.
    Scalar(Slot),
    Tensor(TensorHead<'w>),
    Structured,
}

/// What makes tensors equal without looking at their elements.
#[derive(PartialEq)]
pub(super) struct TensorHead<'w> {
    pub(super) dtype: u8,
    pub(super) order: Order,
    pub(super) shape: &'w [u64],
    pub(super) bytes: Known,
}

/// What is known of the bytes of a tensor.
#[derive(PartialEq)]
pub(super) enum Known {
    /// There are none.
    Empty,
    /// Kind and digest.
    Digest(u8, [u8; 32]),
    Nothing,
}

impl TensorHead<'_> {
    /// Whether both are known to be the same tensor.
    pub(super) fn is_same(&self, other: &TensorHead<'_>) -> bool {
        let order = self.order == other.order || self.shape.len() < 2;
        let bytes = self.bytes != Known::Nothing && self.bytes == other.bytes;
        order && bytes && (self.dtype, self.shape) == (other.dtype, other.shape)
    }
}

impl<'w> Side<'w> {
    /// All of a workspace: the table of an archive is checked, if it was not at open.
    pub(super) fn new(workspace: WorkspaceRef<'w>) -> Result<Side<'w>> {
        Ok(match workspace {
            WorkspaceRef::Archive(archive) => {
                archive.check_table()?;
                Side::Archive(archive)
            }
            WorkspaceRef::Environment(environment) => {
                let mut variables: Vec<_> = environment.iter().collect();
                variables.sort_unstable_by_key(|(name, _)| *name);
                Side::Environment(variables)
            }
        })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Side::Archive(archive) => archive.len(),
            Side::Environment(variables) => variables.len(),
        }
    }

    pub(super) fn name(&self, index: usize) -> &'w str {
        match self {
            Side::Archive(archive) => archive.nth(index).name(),
            Side::Environment(variables) => variables.get(index).map_or("", |(name, _)| name),
        }
    }

    /// The place of `name`.
    pub(super) fn find(&self, name: &str) -> Result<usize> {
        match self {
            Side::Archive(archive) => archive.place(name).ok_or_else(|| archive.not_found(name)),
            Side::Environment(variables) => variables
                .binary_search_by_key(&name, |(name, _)| name)
                .map_err(|_| EnvError::NotFound {
                    path: Origin::Environment,
                    name: name.to_owned(),
                    nearest: crate::name::nearest(name, variables.iter().map(|(name, _)| *name)),
                }),
        }
    }

    /// What can be told of a variable without reading.
    ///
    /// # Errors
    /// [`EnvError::Unsupported`] for a kind of a later version.
    pub(super) fn head(&self, index: usize) -> Result<Head<'w>> {
        match self {
            Side::Archive(archive) => of_binding(archive.nth(index)),
            Side::Environment(variables) => Ok(match variables.get(index) {
                Some((_, variable)) => of_variable(variable),
                None => Head {
                    constant: false,
                    mutable: false,
                    has_attributes: false,
                    content: Content::Structured,
                },
            }),
        }
    }

    /// Values and attributes of several variables; what is one cell in two of them is one cell.
    ///
    /// # Errors
    /// What reading answers, with the name of the variable.
    pub(super) fn load(&self, indices: &[usize]) -> Result<Vec<(Value, Record)>> {
        match self {
            Side::Archive(archive) => {
                let bindings: Vec<Binding<'_>> =
                    indices.iter().map(|index| archive.nth(*index)).collect();
                archive.load_with_attributes(&bindings)
            }
            Side::Environment(variables) => {
                let found = indices.iter().filter_map(|index| variables.get(*index));
                let copies = found
                    .map(|(_, variable)| (variable.value.clone(), variable.attributes.clone()));
                Ok(copies.collect())
            }
        }
    }

    /// What a variable is. Of a structured value of an archive the root is read.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn summary(&self, index: usize) -> Result<Summary> {
        match self {
            Side::Archive(archive) => summary_of(archive.nth(index)),
            Side::Environment(variables) => Ok(variables
                .get(index)
                .map_or(Summary::of(&Value::Null), |(_, variable)| {
                    Summary::of(&variable.value)
                })),
        }
    }

    /// How many structured values are loaded in one go: as many as take a few MB on average.
    pub(super) fn batch(&self) -> usize {
        const BYTES: u64 = 8 << 20;
        const MOST: u64 = 1024;
        match self {
            Side::Archive(archive) => {
                let average = archive.node_bytes() / (archive.len() as u64).max(1);
                (BYTES / average.max(1)).clamp(1, MOST) as usize
            }
            Side::Environment(_) => MOST as usize,
        }
    }
}

fn of_binding(binding: Binding<'_>) -> Result<Head<'_>> {
    let content = match binding.slot()? {
        Slot::Tensor(TensorSlot { dtype, extent, .. }) => Content::Tensor(TensorHead {
            dtype,
            order: binding.order().unwrap_or_default(),
            shape: binding.shape().unwrap_or_default(),
            bytes: match binding.recorded_digest() {
                _ if extent == crate::format::NONE => Known::Empty,
                Some((kind, digest)) => Known::Digest(kind, digest),
                None => Known::Nothing,
            },
        }),
        Slot::Node(_) => Content::Structured,
        scalar => Content::Scalar(scalar),
    };
    Ok(Head {
        constant: binding.is_constant(),
        mutable: binding.is_mutable(),
        has_attributes: binding.has_attributes(),
        content,
    })
}

fn summary_of(binding: Binding<'_>) -> Result<Summary> {
    let kind = binding.kind()?;
    let mut summary = Summary {
        kind,
        dtype: binding.dtype(),
        shape: binding.shape().map(<[u64]>::to_vec),
        len: None,
    };
    match kind {
        Kind::StringArray => summary.shape = Some(binding.view()?.shape()?),
        Kind::Record | Kind::Vector => summary.len = Some(binding.view()?.len()?),
        _ => {}
    }
    Ok(summary)
}

fn of_variable(variable: &Variable) -> Head<'_> {
    let content = match &variable.value {
        Value::Tensor(tensor) => Content::Tensor(TensorHead {
            dtype: tensor.dtype().code(),
            order: tensor.order(),
            shape: tensor.shape(),
            bytes: known(tensor),
        }),
        value => scalar(value).map_or(Content::Structured, Content::Scalar),
    };
    Head {
        constant: variable.constant,
        mutable: variable.mutable,
        has_attributes: !variable.attributes.is_empty(),
        content,
    }
}

/// What is known of a tensor's bytes without reading them.
pub(super) fn known(tensor: &Tensor) -> Known {
    if tensor.is_empty() {
        return Known::Empty;
    }
    let (storage, start, len) = tensor.storage();
    match storage.stored().and_then(|stored| stored.digest()) {
        Some((kind, digest)) if start == 0 && len == storage.byte_len() => {
            Known::Digest(kind, digest)
        }
        _ => Known::Nothing,
    }
}

/// A value that a slot holds whole.
pub(super) fn scalar(value: &Value) -> Option<Slot> {
    Some(match value {
        Value::Null => Slot::Null,
        Value::Boolean(boolean) => Slot::Boolean(*boolean),
        Value::Integer(integer) => Slot::Integer(*integer),
        Value::Number(number) => Slot::Number(number.to_bits()),
        Value::Complex(z) => Slot::Complex(z.re.to_bits(), z.im.to_bits()),
        _ => return None,
    })
}
