//! Promise: the same input gives the same bytes, in every process and from one version of this
//! library to the next; and files written once are read for ever.
//!
//! `tests/data/golden` holds archives and, beside each, a JSON that says what they hold (see the
//! README there). To make them again after a change that is meant:
//!
//! ```text
//! ACH_REMAKE_GOLDEN=1 cargo test --test golden
//! ```
//!
//! The values are those of `tests/samples`: changing them changes the golden files too.

mod samples;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use achronyme_env::{
    Archive, ArchiveWriter, BindingOptions, Cell, DType, Function, Order, Record, SaveOptions,
    Scope, Tensor, UserFunction, Value, deserialize_value, serialize_value,
};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// An archive to be made: what it is called, how it is saved, what is in it.
struct Case {
    name: &'static str,
    options: SaveOptions,
    description: Json,
    bindings: Vec<Planned>,
}

struct Planned {
    name: String,
    value: Value,
    attributes: Record,
    constant: bool,
    mutable: bool,
}

const CREATED: u64 = 1_700_000_000;
/// Set: where to write all cases instead of testing.
const CHILD: &str = "ACH_GOLDEN_CHILD";
const REMAKE: &str = "ACH_REMAKE_GOLDEN";
/// The header's fields that tell the writer's version, and the sum over the header.
const WRITER: std::ops::Range<usize> = 20..36;
const HEADER_SUM: std::ops::Range<usize> = 60..64;
const TRAILER_LEN: usize = 32;

#[test]
fn saving_gives_the_golden_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for case in cases() {
        let path = dir.path().join(file_name(&case));
        write(&case, &path);
        let golden = golden_dir().join(file_name(&case));
        if std::env::var_os(REMAKE).is_some() {
            fs::create_dir_all(golden_dir()).unwrap();
            fs::copy(&path, &golden).unwrap();
            fs::write(golden.with_extension("json"), text_of(&contents(&case))).unwrap();
            continue;
        }
        let (made, kept) = (fs::read(&path).unwrap(), fs::read(&golden).unwrap());
        assert_same_bytes(case.name, &made, &kept);
    }
}

#[test]
fn a_value_image_is_the_golden_one() {
    let (value, golden) = (in_an_image(), golden_dir().join("value.achv"));
    let image = serialize_value(&value).unwrap();
    let description = Describer::default().value(&value).to_string() + "\n";
    if std::env::var_os(REMAKE).is_some() {
        fs::create_dir_all(golden_dir()).unwrap();
        fs::write(&golden, &image).unwrap();
        fs::write(golden.with_extension("json"), &description).unwrap();
    }
    assert!(image == fs::read(&golden).unwrap());
    let kept = fs::read_to_string(golden.with_extension("json")).unwrap();
    assert_eq!(description, kept);
    let back = deserialize_value(&image).unwrap();
    assert!(value.identical(&back).unwrap());
}

/// The last section of `docs/format.md` shows two files in hex.
#[test]
fn the_specification_shows_the_golden_bytes() {
    if std::env::var_os(REMAKE).is_some() {
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/format.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, examples) = page.split_once("## 15. Two files in hex").unwrap();
    let (examples, _) = examples.split_once("\n## ").unwrap();
    let (archive, image) = examples.split_once("### A value image").unwrap();
    for (text, name) in [(archive, "minimal.ach"), (image, "value.achv")] {
        let kept = fs::read(golden_dir().join(name)).unwrap();
        let shown = bytes_shown(text);
        assert!(shown == kept, "{name}: {shown:02x?}");
    }
}

/// The bytes of the lines `    OFFSET  HEX   meaning`; `00 x 48` stands for 48 zeros.
fn bytes_shown(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("    ")) {
        let (offset, rest) = line[4..].split_at(3);
        assert_eq!(offset.trim().parse(), Ok(bytes.len()), "{line}");
        let (hex, _) = rest[2..].split_at(rest.len().min(26) - 2);
        match hex.split_once(" x ") {
            Some((_, count)) => {
                bytes.resize(bytes.len() + count.trim().parse::<usize>().unwrap(), 0)
            }
            None => {
                let pairs = hex.split_whitespace();
                bytes.extend(pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()));
            }
        }
    }
    bytes
}

#[test]
fn the_descriptions_say_what_is_saved() {
    if std::env::var_os(REMAKE).is_some() {
        return;
    }
    for case in cases() {
        let kept = golden_dir().join(file_name(&case)).with_extension("json");
        let kept = fs::read_to_string(kept).unwrap();
        assert!(kept == text_of(&contents(&case)), "{}.json", case.name);
    }
}

#[test]
#[allow(unsafe_code)]
fn golden_files_are_read_on_both_roads() {
    if std::env::var_os(REMAKE).is_some() {
        return;
    }
    for case in cases() {
        let path = golden_dir().join(file_name(&case));
        assert_holds(&case, &Archive::open(&path).unwrap());
        // SAFETY: nobody writes to the golden files.
        assert_holds(&case, &unsafe { Archive::open_mmap(&path) }.unwrap());
    }
}

#[test]
fn two_processes_write_the_same_bytes() {
    if let Some(dir) = std::env::var_os(CHILD) {
        for case in cases() {
            write(&case, &Path::new(&dir).join(file_name(&case)));
        }
        return;
    }
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for dir in &dirs {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "two_processes_write_the_same_bytes"])
            .env(CHILD, dir.path())
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
    }
    for case in cases() {
        let [a, b] = [&dirs[0], &dirs[1]].map(|dir| fs::read(dir.path().join(file_name(&case))));
        assert!(a.unwrap() == b.unwrap(), "{}", case.name);
    }
}

fn cases() -> Vec<Case> {
    let options = || SaveOptions::new().created_at(CREATED).durable(false);
    let case = |name, options, bindings| Case {
        name,
        options,
        description: json!({"description": null, "tags": [], "custom": []}),
        bindings,
    };
    let mut described = case(
        "marks",
        options()
            .description("third run")
            .tag("lr")
            .tag("\u{3b1}")
            .custom("host", "none")
            .custom("seed", "a seed of more than sixteen bytes"),
        marks(),
    );
    described.description = json!({
        "description": "third run",
        "tags": ["lr", "\u{3b1}"],
        "custom": [["host", "none"], ["seed", "a seed of more than sixteen bytes"]],
    });
    vec![
        case("minimal", options(), vec![plain("x", 42i64.into())]),
        case("empty", options(), Vec::new()),
        case("hot", options(), every_kind()),
        case("sealed", options().seal(true), sealed()),
        #[cfg(feature = "zstd")]
        case("cold", options().cold("*").compression_level(3), cold()),
        described,
        case("names", options(), names()),
        case("cut", options(), cut()),
    ]
}

/// One of every kind and dtype, without the largest, which `cut` has or which say nothing new.
fn every_kind() -> Vec<Planned> {
    samples::every_kind()
        .into_iter()
        .filter(|(name, _)| !matches!(name.as_str(), "t/large" | "record of 5000" | "long vector"))
        .map(|(name, value)| plain(&name, value))
        .collect()
}

/// Extents around a piece of 1 MiB, at which content digests become digests of digests.
fn sealed() -> Vec<Planned> {
    let mut bytes = vec![0u8; (1 << 20) + 1];
    bytes[1 << 20] = 7;
    let two_pieces = Tensor::from_vec(bytes, [(1 << 20) + 1]).unwrap();
    vec![
        plain("two pieces", two_pieces.into()),
        plain(
            "small",
            samples::tensor(DType::F64, &[3, 5], Order::C).into(),
        ),
        plain("text", "a sealed archive has SHA-256 digests".into()),
    ]
}

#[cfg(feature = "zstd")]
fn cold() -> Vec<Planned> {
    let steps = |n: u32| (0..n).map(|i| f64::from(i) * 0.5).collect::<Vec<_>>();
    let mut all: Vec<Planned> = every_kind()
        .into_iter()
        .filter(|planned| planned.name.starts_with("t/") || planned.name == "long string")
        .collect();
    let one = Tensor::from_vec(steps(1000), [1000]).unwrap();
    let three_blocks = Tensor::from_vec(steps(70_000), [70_000]).unwrap();
    all.push(plain("shuffled", one.into()));
    all.push(plain("shuffled, three blocks", three_blocks.into()));
    all.push(plain("small", 7i64.into()));
    all
}

/// Constant and mutable marks, attributes, and metadata.
fn marks() -> Vec<Planned> {
    let temperature = samples::tensor(DType::F32, &[3, 4], Order::C);
    let units = Record::from([
        ("units", Value::from("K")),
        ("dims", Value::vector(["lat", "lon"])),
        ("scale", samples::tensor(DType::F64, &[2], Order::C).into()),
    ]);
    let cell = Cell::new(vec![Value::from(1i64)]);
    let scope = Scope::new(Record::from([("rate", 0.5)]));
    let function = Function::User(UserFunction {
        parameters: vec!["x".into()],
        source: "x * rate".into(),
        scope: Some(scope),
        ..UserFunction::default()
    });
    let mut all = vec![
        plain("temperature", temperature.into()),
        plain("pi", std::f64::consts::PI.into()),
        plain("count", cell.clone().into()),
        plain("same count", cell.into()),
        plain("scaled", function.into()),
        plain("both", "constant and mutable".into()),
    ];
    all[0].attributes = units;
    all[1].constant = true;
    all[2].mutable = true;
    all[5].constant = true;
    all[5].mutable = true;
    all
}

/// Three hundred names in no order: several pages of table.
fn names() -> Vec<Planned> {
    let mut all: Vec<Planned> = (0..300i64)
        .map(|n| {
            let n = n * 7919 % 300;
            plain(&format!("layer.{n}.weight/\u{e9}"), n.into())
        })
        .collect();
    all.push(plain(&"n".repeat(4096), Value::Null));
    all.push(plain("", Value::Null));
    all
}

/// A record and a vector that are cut into several nodes, and long strings in a vector.
fn cut() -> Vec<Planned> {
    let texts = (0..40).map(|n| Value::from(format!("{n} ").repeat(300 + n)));
    vec![
        plain("record of 5000", samples::record(5000).into()),
        plain(
            "long vector",
            Value::vector((0..10_000i64).map(Value::from)),
        ),
        plain("vector of texts", Value::vector(texts)),
        plain("record of 16", samples::record(16).into()),
        plain("record of 15", samples::record(15).into()),
    ]
}

/// A vector of a string outside its tree, a boolean, and a tensor.
fn in_an_image() -> Value {
    let tensor = Tensor::from_vec(vec![1u16, 2, 3], [3]).unwrap();
    Value::vector(["seventeen letters".into(), true.into(), Value::from(tensor)])
}

fn plain(name: &str, value: Value) -> Planned {
    Planned {
        name: name.to_owned(),
        value,
        attributes: Record::new(),
        constant: false,
        mutable: false,
    }
}

fn write(case: &Case, path: &Path) {
    let mut writer = ArchiveWriter::create(path, &case.options).unwrap();
    for planned in &case.bindings {
        let options = BindingOptions::new()
            .attributes(planned.attributes.clone())
            .constant(planned.constant)
            .mutable(planned.mutable);
        writer
            .add_with(&planned.name, &planned.value, &options)
            .unwrap();
    }
    writer.finish().unwrap();
}

/// Compares all but what tells the version of the library: it, the header's sum, the root digest.
fn assert_same_bytes(name: &str, made: &[u8], kept: &[u8]) {
    assert_eq!(made.len(), kept.len(), "{name}: length");
    let end = made.len() - TRAILER_LEN;
    let differs = (0..end)
        .filter(|at| !WRITER.contains(at) && !HEADER_SUM.contains(at))
        .find(|at| made[*at] != kept[*at]);
    // A cold archive also changes with the version of zstd, which `Cargo.lock` pins.
    assert_eq!(differs, None, "{name}: first byte that differs");
    if made[WRITER] == kept[WRITER] {
        assert!(made == kept, "{name}: header's sum or root digest");
    }
}

fn assert_holds(case: &Case, archive: &Archive) {
    assert_eq!(archive.len(), case.bindings.len());
    for planned in &case.bindings {
        let binding = archive.binding(&planned.name).unwrap();
        let found = binding.value().unwrap();
        assert!(planned.value.identical(&found).unwrap(), "{}", planned.name);
        let attributes = Value::from(planned.attributes.clone());
        let found = binding.attributes().unwrap().into();
        assert!(attributes.identical(&found).unwrap(), "{}", planned.name);
        assert_eq!(binding.is_constant(), planned.constant);
        assert_eq!(binding.is_mutable(), planned.mutable);
    }
    assert_eq!(archive.header().created, CREATED);
    let report = archive.verify().unwrap();
    assert!(report.is_ok(), "{}: {report:?}", case.name);
}

fn file_name(case: &Case) -> String {
    format!("{}.ach", case.name)
}

fn golden_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden")
}

/// What an archive holds, as `tests/data/golden/README.md` says. Made from the values, not from
/// the file.
fn contents(case: &Case) -> Json {
    let mut order: Vec<(usize, &Planned)> = case.bindings.iter().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    let mut describer = Describer::default();
    let bindings: Vec<Json> = order
        .into_iter()
        .map(|(ordinal, planned)| {
            json!({
                "name": planned.name,
                "ordinal": ordinal,
                "constant": planned.constant,
                "mutable": planned.mutable,
                "attributes": describer.record(&planned.attributes),
                "value": describer.value(&planned.value),
            })
        })
        .collect();
    let mut shared = Vec::new();
    while let Some(next) = describer.shared.get(shared.len()).cloned() {
        shared.push(match next {
            Shared::Cell(cell) => describer.value(&cell.get()),
            Shared::Scope(scope) => describer.record(&scope.bindings()),
        });
    }
    json!({
        "created": CREATED,
        "sealed": case.name == "sealed",
        "cold": case.name == "cold",
        "metadata": case.description,
        "bindings": bindings,
        "shared": shared,
    })
}

/// JSON with a binding a line.
fn text_of(contents: &Json) -> String {
    let mut text = String::from("{\n");
    let fields = contents.as_object().unwrap();
    for (number, (name, value)) in fields.iter().enumerate() {
        let end = if number + 1 == fields.len() { "" } else { "," };
        match value.as_array() {
            Some(lines) => {
                let lines: Vec<String> = lines.iter().map(Json::to_string).collect();
                text += &format!("{}: [\n{}\n]{end}\n", json!(name), lines.join(",\n"));
            }
            None => text += &format!("{}: {value}{end}\n", json!(name)),
        }
    }
    text + "}\n"
}

/// Gives cells and scopes their numbers, in the order in which they are met.
#[derive(Default)]
struct Describer {
    shared: Vec<Shared>,
}

#[derive(Clone)]
enum Shared {
    Cell(Cell),
    Scope(Scope),
}

impl Describer {
    fn value(&mut self, value: &Value) -> Json {
        match value {
            Value::Null => json!(["null"]),
            Value::Boolean(boolean) => json!(["boolean", boolean]),
            Value::Integer(integer) => json!(["integer", integer.to_string()]),
            Value::Number(number) => json!(["number", bits(*number)]),
            Value::Complex(z) => json!(["complex", bits(z.re), bits(z.im)]),
            Value::String(text) => text_json(text),
            Value::Bytes(bytes) => json!(["bytes", bytes_json(bytes)]),
            Value::Vector(elements) => {
                let elements: Vec<Json> = elements.iter().map(|v| self.value(v)).collect();
                json!(["vector", elements])
            }
            Value::Tensor(tensor) => json!([
                "tensor",
                tensor.dtype().name(),
                match tensor.order() {
                    Order::C => "C",
                    Order::Fortran => "Fortran",
                },
                tensor.shape(),
                bytes_json(tensor.as_bytes().unwrap()),
            ]),
            Value::StringArray(array) => {
                let strings: Vec<&str> = array.iter().map(Result::unwrap).collect();
                json!(["string array", array.shape(), strings])
            }
            Value::Record(record) => self.record(record),
            Value::Edge(edge) => json!([
                "edge",
                *edge.from,
                *edge.to,
                edge.directed,
                self.record(&edge.properties)
            ]),
            Value::Function(function) => match &**function {
                Function::Builtin { name } => json!(["builtin", **name]),
                Function::User(function) => self.function(function),
            },
            Value::Cell(cell) => json!(["cell", self.number(Shared::Cell(cell.clone()))]),
            Value::Error(error) => json!([
                "error",
                *error.message,
                error.kind.as_deref(),
                error.source.as_ref().map(|source| self.value(source)),
            ]),
            Value::Extension(extension) => json!([
                "extension",
                *extension.type_name,
                self.value(&extension.parameters),
                self.value(&extension.storage),
            ]),
            Value::Typed(typed) => json!([
                "typed",
                *typed.type_name,
                typed.version,
                typed.alignment,
                format!("{:016x}", typed.fingerprint),
                bytes_json(typed.bytes.as_bytes().unwrap()),
            ]),
            other => panic!("no description of {other:?}"),
        }
    }

    fn record(&mut self, record: &Record) -> Json {
        let fields: Vec<Json> = record
            .iter()
            .map(|(name, value)| json!([name, self.value(value)]))
            .collect();
        json!(["record", fields])
    }

    fn function(&mut self, function: &UserFunction) -> Json {
        let details = self.record(&function.details);
        let scope = function
            .scope
            .as_ref()
            .map(|scope| self.number(Shared::Scope(scope.clone())));
        let parameters: Vec<&str> = function.parameters.iter().map(|name| &**name).collect();
        let (name, source) = (function.name.as_deref(), &*function.source);
        json!(["function", name, parameters, details, source, scope])
    }

    fn number(&mut self, shared: Shared) -> usize {
        let known = self.shared.iter().position(|known| match (known, &shared) {
            (Shared::Cell(a), Shared::Cell(b)) => a.same(b),
            (Shared::Scope(a), Shared::Scope(b)) => a.same(b),
            _ => false,
        });
        known.unwrap_or_else(|| {
            self.shared.push(shared);
            self.shared.len() - 1
        })
    }
}

/// Up to this many bytes stand in the JSON; of more only their SHA-256.
const SHOWN_BYTES: usize = 512;

fn bits(number: f64) -> String {
    format!("{:016x}", number.to_bits())
}

fn text_json(text: &str) -> Json {
    if text.len() <= SHOWN_BYTES {
        return json!(["string", text]);
    }
    json!(["string", bytes_json(text.as_bytes())])
}

fn bytes_json(bytes: &[u8]) -> Json {
    if bytes.len() <= SHOWN_BYTES {
        return json!(hex(bytes));
    }
    json!({"len": bytes.len(), "sha256": hex(&Sha256::digest(bytes))})
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
