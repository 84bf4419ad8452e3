//! Everything that can be asked of what was opened, with the answers as text: two ways to one file must
//! give the same.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;

use achronyme_env::{Archive, EnvError, Function, Limits, Record, Tensor, Value, View};

/// The cap on what one extent unpacks to, in the targets.
pub const MOST_RAW_BYTES: u64 = 1 << 20;
/// Steps into a value that are taken at most: cells may go in circles, and a view forgets nothing.
const MOST_STEPS: usize = 4000;

/// The caps of the targets.
pub fn limits() -> Limits {
    Limits {
        max_extent_raw_bytes: MOST_RAW_BYTES,
        max_table_bytes: 1 << 24,
        max_version1_bytes: 1 << 22,
    }
}

/// Bytes that the arrays of an archive unpack to, each under the cap.
pub fn declared(archive: &Archive) -> u64 {
    let mut seen = HashSet::new();
    let mut declared = 0;
    for binding in archive.bindings() {
        for extent in binding.extents().unwrap_or_default() {
            if extent.raw_len <= MOST_RAW_BYTES && seen.insert(extent.number) {
                declared += extent.raw_len;
            }
        }
    }
    declared
}

/// An error as it reads, without the variable it is about.
pub fn told(error: &EnvError) -> String {
    match error {
        EnvError::Variable { source, .. } => told(source),
        EnvError::Damaged { fault, .. } => format!("damaged: {fault}"),
        other => other.to_string(),
    }
}

/// What is in an archive, line by line. Values are read whole, and each is also walked through as a
/// view.
pub fn archive(archive: &Archive) -> Vec<String> {
    let mut lines = vec![format!("{} names", archive.len())];
    for binding in archive.bindings() {
        let (kind, extents) = (binding.kind(), binding.extents());
        lines.push(format!(
            "{:?} {} {:?} {:?} {:?}",
            binding.name(),
            binding.ordinal(),
            binding.dtype(),
            binding.shape(),
            kind.map_err(|e| told(&e)),
        ));
        lines.push(format!("{:?}", extents.map_err(|e| told(&e))));
        lines.push(match binding.value() {
            Ok(read) => value(&read),
            Err(error) => told(&error),
        });
        if let Ok(seen) = binding.view() {
            view(&seen);
        }
        lines.push(match binding.attributes() {
            Ok(attributes) => value(&attributes.into()),
            Err(error) => told(&error),
        });
        let _ = binding.sizes();
    }
    let metadata = archive.metadata().map_err(|e| told(&e));
    lines.push(format!("{metadata:?}"));
    let _ = (
        archive.children("", '.'),
        archive.sections(),
        archive.root_digest(),
    );
    lines
}

/// Whether [`value`] could read all of it.
pub fn is_sound(line: &str) -> bool {
    line.len() == 16 && line.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A sum over all that a value holds, or what is wrong with a part of it. Its arrays are read.
pub fn value(root: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    let mut errors = Vec::new();
    // Cells that were seen: they may go in circles.
    let mut seen: Vec<achronyme_env::Cell> = Vec::new();
    let mut scopes: Vec<achronyme_env::Scope> = Vec::new();
    let mut waiting = vec![root.clone()];
    while let Some(value) = waiting.pop() {
        hasher.write(value.kind().name().as_bytes());
        match &value {
            Value::Null => {}
            Value::Boolean(boolean) => hasher.write_u8((*boolean).into()),
            Value::Integer(integer) => hasher.write_i64(*integer),
            Value::Number(number) => hasher.write_u64(number.to_bits()),
            Value::Complex(complex) => {
                hasher.write_u64(complex.re.to_bits());
                hasher.write_u64(complex.im.to_bits());
            }
            Value::String(text) => hasher.write(text.as_bytes()),
            Value::Bytes(bytes) => hasher.write(bytes),
            Value::Vector(elements) => waiting.extend(elements.iter().cloned()),
            Value::Tensor(tensor) => elements(tensor, &mut hasher, &mut errors),
            Value::StringArray(array) => {
                for text in array.iter() {
                    match text {
                        Ok(text) => hasher.write(text.as_bytes()),
                        Err(error) => errors.push(told(&error)),
                    }
                }
            }
            Value::Record(record) => fields(record, &mut hasher, &mut waiting),
            Value::Edge(edge) => {
                hasher.write(edge.from.as_bytes());
                hasher.write(edge.to.as_bytes());
                fields(&edge.properties, &mut hasher, &mut waiting);
            }
            Value::Function(function) => match function.function() {
                Function::Builtin { name } => hasher.write(name.as_bytes()),
                Function::User(function) => {
                    hasher.write(function.source.as_bytes());
                    fields(&function.details, &mut hasher, &mut waiting);
                    if let Some(scope) = &function.scope
                        && !scopes.iter().any(|other| other.same(scope))
                    {
                        scopes.push(scope.clone());
                        fields(&scope.bindings(), &mut hasher, &mut waiting);
                    }
                }
            },
            Value::Cell(cell) if seen.iter().any(|other| other.same(cell)) => {}
            Value::Cell(cell) => {
                seen.push(cell.clone());
                waiting.push(cell.get());
            }
            Value::Error(error) => {
                hasher.write(error.message.as_bytes());
                waiting.extend(error.source.clone());
            }
            Value::Extension(extension) => {
                hasher.write(extension.type_name.as_bytes());
                waiting.push(extension.parameters.clone());
                waiting.push(extension.storage.clone());
            }
            Value::Typed(typed) => {
                hasher.write(typed.type_name.as_bytes());
                elements(&typed.bytes, &mut hasher, &mut errors);
            }
            _ => {}
        }
    }
    match errors.first() {
        Some(error) => error.clone(),
        None => format!("{:016x}", hasher.finish()),
    }
}

fn fields(record: &Record, hasher: &mut DefaultHasher, waiting: &mut Vec<Value>) {
    for (name, value) in record.iter() {
        hasher.write(name.as_bytes());
        waiting.push(value.clone());
    }
}

/// Reads the elements as a whole, and their end alone.
fn elements(tensor: &Tensor, hasher: &mut DefaultHasher, errors: &mut Vec<String>) {
    let len = tensor.byte_len();
    let mut end = [0; 16];
    let tail = len.min(16) as usize;
    let piece = tensor.read_at(len - tail as u64, &mut end[..tail]);
    match (tensor.as_bytes(), piece) {
        (Ok(bytes), piece) => {
            hasher.write(bytes);
            piece.expect("a part of what was read");
            assert_eq!(
                &bytes[bytes.len() - tail..],
                &end[..tail],
                "a part differs from the whole"
            );
        }
        (Err(error), _) => errors.push(told(&error)),
    }
}

/// Walks through a view, as far as a few thousand steps lead.
pub fn view(root: &View<'_>) {
    let mut waiting = vec![*root];
    let mut steps = 0;
    while let Some(view) = waiting.pop() {
        steps += 1;
        if steps > MOST_STEPS {
            return;
        }
        let _ = (view.kind(), view.len(), view.shape());
        let _ = (
            view.as_str().map(str::len),
            view.as_bytes().map(<[u8]>::len),
        );
        let _ = (
            view.as_bool(),
            view.as_i64(),
            view.as_f64(),
            view.as_complex(),
        );
        let _ = view.tensor().map(|tensor| tensor.byte_len());
        let _ = view.type_name().map(str::len);
        waiting.extend(
            [view.parameters(), view.storage(), view.content()]
                .into_iter()
                .flatten(),
        );
        if let Ok(elements) = view.iter() {
            waiting.extend(elements.take(200).flatten());
        }
        if let Ok(fields) = view.fields() {
            for (name, field) in fields.take(200).flatten() {
                let _ = view.find_field(name).map(|found| found.is_some());
                waiting.push(field);
            }
        }
    }
}
