//! A value to JSON.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::scalars::{put_f64, put_integer};
use super::tensors::put_elements;
use crate::error::{EnvError, Result};
use crate::limits::MAX_NESTING;
use crate::value::{
    DType, Edge, ErrorValue, Extension, Function, Order, Record, Scope, SharedHandle, StringArray,
    Tensor, Typed, Value,
};

/// The JSON of a value, with the contents of the cells and scopes that are met.
pub(super) fn document(value: &Value, base64: bool) -> Result<Vec<u8>> {
    let mut writer = Writer {
        out: String::new(),
        base64,
        numbers: HashMap::new(),
        waiting: VecDeque::new(),
    };
    writer.value(value, 0)?;
    if writer.numbers.is_empty() {
        return Ok(writer.out.into_bytes());
    }
    writer.out.insert_str(0, r#"{"$shared":{"value":"#);
    writer.out.push_str(r#","contents":["#);
    let mut first = true;
    // Contents stand in the order of the numbers, which are given as cells are met.
    while let Some(shared) = writer.waiting.pop_front() {
        if !std::mem::take(&mut first) {
            writer.out.push(',');
        }
        writer.out.push_str(match shared {
            SharedHandle::Cell(_) => r#"{"cell":"#,
            SharedHandle::Scope(_) => r#"{"scope":"#,
        });
        writer.value(&shared.content(), 0)?;
        writer.out.push('}');
    }
    writer.out.push_str("]}}");
    Ok(writer.out.into_bytes())
}

struct Writer {
    out: String,
    base64: bool,
    /// The number of each cell and scope, by its address; held, so that no other comes to stand there.
    numbers: HashMap<usize, (usize, SharedHandle)>,
    /// Those whose content is not written yet.
    waiting: VecDeque<SharedHandle>,
}

impl Writer {
    /// Writes a value that stands at `depth` levels of nesting.
    fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Boolean(true) => self.out.push_str("true"),
            Value::Boolean(false) => self.out.push_str("false"),
            Value::Integer(integer) => {
                let tagged = integer.unsigned_abs() > 1 << 53;
                self.tagged(tagged.then_some("integer"), |out| {
                    put_integer(out, (*integer).into())
                });
            }
            Value::Number(number) => {
                let tagged = !number.is_finite();
                self.tagged(tagged.then_some("number"), |out| put_f64(out, *number));
            }
            Value::Complex(z) => self.tagged(Some("complex"), |out| {
                out.push('[');
                put_f64(out, z.re);
                out.push(',');
                put_f64(out, z.im);
                out.push(']');
            }),
            Value::String(text) => self.text(text),
            Value::Bytes(bytes) => self.tagged(Some("bytes"), |out| put_base64(out, bytes)),
            Value::Vector(elements) => {
                let depth = deeper(depth)?;
                self.out.push('[');
                for (n, element) in elements.iter().enumerate() {
                    self.comma(n);
                    let written = self.value(element, depth);
                    written.map_err(|e| within(e, || format!("[{n}]")))?;
                }
                self.out.push(']');
            }
            Value::Tensor(tensor) => self.tensor(tensor)?,
            Value::StringArray(array) => self.strings(array)?,
            Value::Record(record) => self.record(record, depth)?,
            Value::Edge(edge) => self.edge(edge, depth)?,
            Value::Function(function) => self.function(function, depth)?,
            Value::Cell(cell) => {
                let number = self.number(SharedHandle::Cell(cell.clone()));
                self.tagged(Some("cell"), |out| put_integer(out, number as i128));
            }
            Value::Error(error) => self.error(error, depth)?,
            Value::Extension(extension) => self.extension(extension, depth)?,
            Value::Typed(typed) => self.typed(typed)?,
        }
        Ok(())
    }

    /// Writes something, with a tag as the only field of an object.
    fn tagged(&mut self, tag: Option<&str>, put: impl FnOnce(&mut String)) {
        match tag {
            Some(tag) => {
                self.open(tag);
                put(&mut self.out);
                self.out.push('}');
            }
            None => put(&mut self.out),
        }
    }

    fn open(&mut self, tag: &str) {
        let _ = write!(self.out, "{{\"${tag}\":");
    }

    fn comma(&mut self, n: usize) {
        if n > 0 {
            self.out.push(',');
        }
    }

    fn text(&mut self, text: &str) {
        // Text becomes JSON without fail.
        self.out
            .push_str(&serde_json::to_string(text).unwrap_or_default());
    }

    /// Writes a field of text, behind others or as the first.
    fn field(&mut self, start: &str, text: &str) {
        self.out.push_str(start);
        self.text(text);
    }

    fn record(&mut self, record: &Record, depth: usize) -> Result<()> {
        let depth = deeper(depth)?;
        // A name that could be taken for a tag: all names as texts of pairs.
        let in_pairs = record.names().any(|name| name.starts_with('$'));
        self.out
            .push_str(if in_pairs { r#"{"$record":["# } else { "{" });
        for (n, (name, value)) in record.iter().enumerate() {
            self.comma(n);
            self.field(if in_pairs { "[" } else { "" }, name);
            self.out.push(if in_pairs { ',' } else { ':' });
            let written = self.value(value, depth);
            written.map_err(|e| within(e, || format!(".{name}")))?;
            if in_pairs {
                self.out.push(']');
            }
        }
        self.out.push_str(if in_pairs { "]}" } else { "}" });
        Ok(())
    }

    fn tensor(&mut self, tensor: &Tensor) -> Result<()> {
        self.open("tensor");
        let _ = write!(self.out, "{{\"dtype\":\"{}\",", tensor.dtype());
        self.shape(tensor.shape());
        if tensor.order() == Order::Fortran {
            self.out.push_str(r#""order":"Fortran","#);
        }
        match self.base64 {
            true => {
                self.out.push_str(r#""base64":"#);
                put_base64(&mut self.out, tensor.as_bytes()?);
            }
            false => {
                self.out.push_str(r#""data":["#);
                put_elements(&mut self.out, tensor)?;
                self.out.push(']');
            }
        }
        self.out.push_str("}}");
        Ok(())
    }

    fn shape(&mut self, shape: &[u64]) {
        self.out.push_str(r#""shape":["#);
        for (n, extent) in shape.iter().enumerate() {
            self.comma(n);
            put_integer(&mut self.out, (*extent).into());
        }
        self.out.push_str("],");
    }

    fn strings(&mut self, array: &StringArray) -> Result<()> {
        self.open("strings");
        self.out.push('{');
        self.shape(array.shape());
        self.out.push_str(r#""data":["#);
        for (n, text) in array.iter().enumerate() {
            self.comma(n);
            self.text(text?);
        }
        self.out.push_str("]}}");
        Ok(())
    }

    fn edge(&mut self, edge: &Edge, depth: usize) -> Result<()> {
        let depth = deeper(depth)?;
        self.open("edge");
        self.field(r#"{"from":"#, &edge.from);
        self.field(r#","to":"#, &edge.to);
        let _ = write!(self.out, ",\"directed\":{},\"properties\":", edge.directed);
        self.record(&edge.properties, depth)?;
        self.out.push_str("}}");
        Ok(())
    }

    fn function(&mut self, function: &Function, depth: usize) -> Result<()> {
        self.open("function");
        match function {
            Function::Builtin { name } => self.field(r#"{"builtin":"#, name),
            Function::User(user) => {
                let depth = deeper(depth)?;
                self.field(r#"{"source":"#, &user.source);
                if let Some(name) = &user.name {
                    self.field(r#","name":"#, name);
                }
                self.out.push_str(r#","parameters":["#);
                for (n, parameter) in user.parameters.iter().enumerate() {
                    self.comma(n);
                    self.text(parameter);
                }
                self.out.push_str(r#"],"details":"#);
                self.record(&user.details, depth)?;
                if let Some(scope) = &user.scope {
                    let number = self.number(SharedHandle::Scope(Scope::clone(scope)));
                    let _ = write!(self.out, ",\"scope\":{number}");
                }
            }
        }
        self.out.push_str("}}");
        Ok(())
    }

    fn error(&mut self, error: &ErrorValue, depth: usize) -> Result<()> {
        let depth = deeper(depth)?;
        self.open("error");
        self.field(r#"{"message":"#, &error.message);
        if let Some(kind) = &error.kind {
            self.field(r#","kind":"#, kind);
        }
        if let Some(source) = &error.source {
            self.out.push_str(r#","source":"#);
            let written = self.value(source, depth);
            written.map_err(|e| within(e, || ".source".to_owned()))?;
        }
        self.out.push_str("}}");
        Ok(())
    }

    fn extension(&mut self, extension: &Extension, depth: usize) -> Result<()> {
        let depth = deeper(depth)?;
        self.open("extension");
        self.field(r#"{"type":"#, &extension.type_name);
        self.out.push_str(r#","parameters":"#);
        let written = self.value(&extension.parameters, depth);
        written.map_err(|e| within(e, || ".parameters".to_owned()))?;
        self.out.push_str(r#","storage":"#);
        let written = self.value(&extension.storage, depth);
        written.map_err(|e| within(e, || ".storage".to_owned()))?;
        self.out.push_str("}}");
        Ok(())
    }

    fn typed(&mut self, typed: &Typed) -> Result<()> {
        if typed.bytes.dtype() != DType::U8 || typed.bytes.shape().len() != 1 {
            return Err(EnvError::InvalidValue {
                what: format!(
                    "the typed value of type {}",
                    crate::name::quoted(&typed.type_name)
                ),
                reason: format!("its bytes are {:?}, no rank-1 uint8", typed.bytes),
            });
        }
        self.open("typed");
        self.field(r#"{"type":"#, &typed.type_name);
        let (version, alignment) = (typed.version, typed.alignment);
        let _ = write!(
            self.out,
            ",\"version\":{version},\"alignment\":{alignment},\"fingerprint\":\"{:016x}\",\"base64\":",
            typed.fingerprint
        );
        put_base64(&mut self.out, typed.bytes.as_bytes()?);
        self.out.push_str("}}");
        Ok(())
    }

    /// The number of a cell or scope, new when it is met the first time.
    fn number(&mut self, shared: SharedHandle) -> usize {
        let next = self.numbers.len();
        let address = shared.address();
        if let Some((number, _)) = self.numbers.get(&address) {
            return *number;
        }
        self.waiting.push_back(shared.clone());
        self.numbers.insert(address, (next, shared));
        next
    }
}

fn put_base64(out: &mut String, bytes: &[u8]) {
    out.push('"');
    STANDARD.encode_string(bytes, out);
    out.push('"');
}

fn deeper(depth: usize) -> Result<usize> {
    match depth < MAX_NESTING {
        true => Ok(depth + 1),
        false => Err(EnvError::NestingTooDeep {
            path: String::new(),
        }),
    }
}

/// Puts a step before the path of a value that is too deep.
fn within(error: EnvError, step: impl FnOnce() -> String) -> EnvError {
    match error {
        EnvError::NestingTooDeep { path } => EnvError::NestingTooDeep {
            path: step() + &path,
        },
        other => other,
    }
}
