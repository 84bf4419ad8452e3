//! A place in a value: a view where the archive has one, the value itself below what has no views.

use std::sync::Arc;

use achronyme_env::{
    Archive, Binding, Edge, Function, Kind, Record, StringArray, Tensor, Value, View,
};

use super::query::Query;
use super::refusal::{Refusal, Result};
use super::snapshot::Snapshot;

/// Bytes of structured values that are made whole, where nothing shows them in part.
const MOST_MADE: u64 = 64 << 20;

/// Extensions that stand for extensions.
const MOST_STANDING: usize = 8;

/// A place in a value.
#[derive(Clone)]
pub(super) enum Look<'a> {
    /// Seen where it is.
    View(View<'a>),
    /// Made of what the file holds; arrays in it are still there.
    Value(Value),
}

/// What a part of a value is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// A field.
    Name(Arc<str>),
    /// An element.
    Index(u64),
}

/// A part of a value.
pub(super) type Part<'a> = (Label, Look<'a>);

/// What a question is about: `v` names the variable, `at=attributes` means those, `p` leads on.
pub(super) struct Place<'a> {
    /// The variable.
    pub(super) binding: Binding<'a>,
    /// The labels of the steps.
    pub(super) labels: Vec<Label>,
    /// What is there.
    pub(super) look: Look<'a>,
}

impl<'a> Place<'a> {
    /// Finds it.
    ///
    /// # Errors
    /// When it is not there; what reading answers.
    pub(super) fn find(snapshot: &'a Snapshot, query: &Query) -> Result<Place<'a>> {
        let binding = binding(&snapshot.archive, query)?;
        let mut look = match query.text("at") {
            "attributes" => Look::Value(Value::Record(binding.attributes()?)),
            _ => Look::View(binding.view()?),
        };
        let mut labels = Vec::new();
        for step in query.numbers("p")? {
            let (label, part) = look.openable(&binding)?.part(step)?;
            labels.push(label);
            look = part;
        }
        Ok(Place {
            look: look.openable(&binding)?,
            binding,
            labels,
        })
    }
}

/// The variable a question is about.
///
/// # Errors
/// When it is not there.
pub(super) fn binding<'a>(archive: &'a Archive, query: &Query) -> Result<Binding<'a>> {
    let name = query
        .find("v")
        .ok_or_else(|| Refusal::question("v names no variable"))?;
    archive
        .binding(name)
        .ok_or_else(|| Refusal::told("the file has no variable of this name"))
}

impl<'a> Look<'a> {
    /// The kind of the value.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn kind(&self) -> Result<Kind> {
        Ok(match self {
            Look::View(view) => view.kind()?,
            Look::Value(value) => value.kind(),
        })
    }

    /// The same; made whole when it is of a kind that is not seen in part otherwise.
    fn openable(self, binding: &Binding<'_>) -> Result<Look<'a>> {
        let Look::View(view) = &self else {
            return Ok(self);
        };
        let opaque = matches!(
            view.kind()?,
            Kind::Edge | Kind::Function | Kind::Error | Kind::Typed
        );
        if !opaque {
            return Ok(self);
        }
        let sizes = binding.sizes()?;
        let arrays: u64 = binding.extents()?.iter().map(|extent| extent.raw_len).sum();
        if sizes.raw.saturating_sub(arrays) > MOST_MADE {
            return Err(Refusal::told(
                "this value is too large to be shown here; `ach get` writes it as JSON",
            ));
        }
        Ok(Look::Value(view.to_value()?))
    }

    /// Number of its parts; 0 for a value without parts.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn len(&self) -> Result<u64> {
        Ok(match (self, self.kind()?) {
            (Look::View(view), Kind::Record | Kind::Vector) => view.len()?,
            (_, Kind::Cell) => 1,
            (_, Kind::Extension) => 2,
            (Look::Value(Value::Record(record)), _) => record.len() as u64,
            (Look::Value(Value::Vector(vector)), _) => vector.len() as u64,
            (Look::Value(value), _) => fields(value).map_or(0, |fields| fields.len() as u64),
            (Look::View(_), _) => 0,
        })
    }

    /// One of its parts.
    ///
    /// # Errors
    /// When there is none of that number; what reading answers.
    pub(super) fn part(&self, index: u64) -> Result<Part<'a>> {
        if index >= self.len()? {
            return Err(Refusal::told("the value has no such part"));
        }
        let named = |name: &str, look| Ok((Label::Name(name.into()), look));
        match (self, self.kind()?) {
            (Look::View(view), Kind::Record) => {
                let (name, part) = view.field_at(index)?;
                named(name, Look::View(part))
            }
            (Look::View(view), Kind::Vector) => {
                Ok((Label::Index(index), Look::View(view.index(index)?)))
            }
            (Look::View(view), Kind::Cell) => named("content", Look::View(view.content()?)),
            (Look::View(view), Kind::Extension) => match index {
                0 => named("parameters", Look::View(view.parameters()?)),
                _ => named("storage", Look::View(view.storage()?)),
            },
            (Look::View(_), _) => Err(Refusal::told("the value has no such part")),
            (Look::Value(Value::Record(record)), _) => match record.at(index as usize) {
                Some((name, part)) => named(name, Look::Value(part.clone())),
                None => Err(Refusal::told("the value has no such part")),
            },
            (Look::Value(Value::Vector(vector)), _) => match vector.get(index as usize) {
                Some(part) => Ok((Label::Index(index), Look::Value(part.clone()))),
                None => Err(Refusal::told("the value has no such part")),
            },
            (Look::Value(value), _) => {
                let fields = fields(value).unwrap_or_default();
                match fields.into_iter().nth(index as usize) {
                    Some((name, part)) => named(name, Look::Value(part)),
                    None => Err(Refusal::told("the value has no such part")),
                }
            }
        }
    }

    /// The field of that name of a record.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn field(&self, name: &str) -> Result<Option<Look<'a>>> {
        Ok(match self {
            Look::View(view) if view.kind()? == Kind::Record => match view.field(name) {
                Ok(part) => Some(Look::View(part)),
                Err(achronyme_env::EnvError::NoSuchPart { .. }) => None,
                Err(error) => return Err(error.into()),
            },
            Look::Value(Value::Record(record)) => {
                record.get(name).map(|part| Look::Value(part.clone()))
            }
            _ => None,
        })
    }

    /// What stands for an extension, and otherwise the value itself; with the type of the first
    /// extension.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn standing(&self) -> Result<(Option<Arc<str>>, Look<'a>)> {
        let mut look = self.clone();
        let mut outer = None;
        for _ in 0..MOST_STANDING {
            if look.kind()? != Kind::Extension {
                break;
            }
            let name = look.type_name()?;
            outer = outer.or(name);
            look = look.part(1)?.1;
        }
        Ok((outer, look))
    }

    /// The type of an extension or a typed value.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn type_name(&self) -> Result<Option<Arc<str>>> {
        Ok(match self {
            Look::View(view) if view.kind()? == Kind::Extension => Some(view.type_name()?.into()),
            Look::Value(Value::Extension(extension)) => Some(Arc::clone(&extension.type_name)),
            Look::Value(Value::Typed(typed)) => Some(Arc::clone(&typed.type_name)),
            _ => None,
        })
    }

    /// The tensor, when it is one. Nothing of it is read.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn tensor(&self) -> Result<Option<Tensor>> {
        Ok(match self {
            Look::View(view) if view.kind()? == Kind::Tensor => Some(view.tensor()?),
            Look::Value(Value::Tensor(tensor)) => Some(tensor.clone()),
            _ => None,
        })
    }

    /// The string array, when it is one. Nothing of a large one is read.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn strings(&self) -> Result<Option<Arc<StringArray>>> {
        let value = match self {
            Look::View(view) if view.kind()? == Kind::StringArray => view.to_value()?,
            Look::Value(value) => value.clone(),
            Look::View(_) => return Ok(None),
        };
        Ok(match value {
            Value::StringArray(strings) => Some(strings),
            _ => None,
        })
    }

    /// The bytes of a string or of bytes. Nothing of a long one is read.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn written(&self) -> Result<Option<Tensor>> {
        Ok(match self {
            Look::View(view) if matches!(view.kind()?, Kind::String | Kind::Bytes) => {
                Some(view.byte_tensor()?)
            }
            Look::Value(Value::String(text)) => Some(of_bytes(text.as_bytes())?),
            Look::Value(Value::Bytes(bytes)) => Some(of_bytes(bytes)?),
            _ => None,
        })
    }

    /// The number, when it is a single one that lies on a line.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Look::View(view) => match view.kind().ok()? {
                Kind::Number => view.as_f64().ok(),
                Kind::Integer => view.as_i64().ok().map(|x| x as f64),
                Kind::Boolean => view.as_bool().ok().map(|x| f64::from(u8::from(x))),
                _ => None,
            },
            Look::Value(Value::Number(x)) => Some(*x),
            Look::Value(Value::Integer(x)) => Some(*x as f64),
            Look::Value(Value::Boolean(x)) => Some(f64::from(u8::from(*x))),
            Look::Value(_) => None,
        }
    }

    /// The value itself, for kinds whose values are small.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn small(&self) -> Result<Option<Value>> {
        let is_small = matches!(
            self.kind()?,
            Kind::Null | Kind::Boolean | Kind::Integer | Kind::Number | Kind::Complex
        );
        Ok(match self {
            _ if !is_small => None,
            Look::View(view) => Some(view.to_value()?),
            Look::Value(value) => Some(value.clone()),
        })
    }
}

fn of_bytes(bytes: &[u8]) -> Result<Tensor> {
    Ok(Tensor::from_vec(bytes.to_vec(), [bytes.len() as u64])?)
}

/// The parts of a value that has parts and is no container.
fn fields(value: &Value) -> Option<Vec<(&'static str, Value)>> {
    let optional = |text: &Option<Arc<str>>| match text {
        Some(text) => Value::String(Arc::clone(text)),
        None => Value::Null,
    };
    Some(match value {
        Value::Cell(cell) => vec![("content", cell.get())],
        Value::Edge(edge) => {
            let Edge {
                from,
                to,
                directed,
                properties,
            } = &**edge;
            vec![
                ("from", Value::String(Arc::clone(from))),
                ("to", Value::String(Arc::clone(to))),
                ("directed", Value::Boolean(*directed)),
                ("properties", Value::Record(properties.clone())),
            ]
        }
        Value::Function(callable) => match callable.function() {
            Function::Builtin { name } => vec![("builtin", Value::String(Arc::clone(name)))],
            Function::User(function) => {
                let parameters = function.parameters.iter();
                let parameters = parameters.map(|name| Value::String(Arc::clone(name)));
                let scope = function.scope.as_ref().map_or(Value::Null, |scope| {
                    Value::Record(Record::clone(&scope.bindings()))
                });
                vec![
                    ("name", optional(&function.name)),
                    ("parameters", Value::vector(parameters)),
                    ("source", Value::String(Arc::clone(&function.source))),
                    ("details", Value::Record(function.details.clone())),
                    ("scope", scope),
                ]
            }
        },
        Value::Error(error) => vec![
            ("message", Value::String(Arc::clone(&error.message))),
            ("kind", optional(&error.kind)),
            ("source", error.source.clone().unwrap_or_default()),
        ],
        Value::Extension(extension) => vec![
            ("parameters", extension.parameters.clone()),
            ("storage", extension.storage.clone()),
        ],
        Value::Typed(typed) => vec![
            ("type", Value::String(Arc::clone(&typed.type_name))),
            ("version", Value::Integer(typed.version.into())),
            ("bytes", Value::Tensor(typed.bytes.clone())),
        ],
        _ => return None,
    })
}
