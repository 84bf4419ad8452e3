//! Small archives of several shapes, for tests that look at every byte; and both roads to a file.
#![allow(dead_code)]

use std::path::Path;

use achronyme_env::{
    Archive, ArchiveWriter, BindingOptions, Cell, Complex128, DType, OpenOptions, Order, Record,
    Result, SaveOptions, StringArray, Value,
};

use crate::samples;

/// An archive, and what it holds.
pub(crate) struct Small {
    pub(crate) shape: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) values: Vec<(&'static str, Value)>,
    pub(crate) attributes: Record,
}

impl Small {
    /// Where header and table end: the first byte that `open` does not look at.
    pub(crate) fn table_end(&self) -> usize {
        let len = u64::from_le_bytes(self.bytes[48..56].try_into().unwrap());
        64 + len as usize
    }
}

/// One archive of each shape.
pub(crate) fn archives() -> Vec<Small> {
    let options = || SaveOptions::new().created_at(1_700_000_000).durable(false);
    let plain = Record::new;
    let attributes = Record::from([
        ("units", Value::from("K")),
        ("valid", samples::tensor(DType::F32, &[2], Order::C).into()),
    ]);
    let described = options()
        .description("a description")
        .tag("one")
        .tag("two")
        .custom("run", "7");
    vec![
        small("scalars", scalars(), plain(), &options()),
        small("structured", structured(), plain(), &options()),
        small("hot", tensors(), plain(), &options()),
        small("two blocks", two_blocks(), plain(), &options()),
        small("cold", tensors(), plain(), &options().cold("*")),
        small("cold blocks", compressible(), plain(), &options().cold("*")),
        small("sealed", tensors(), plain(), &options().seal(true)),
        small("described", scalars(), attributes, &described),
        small("empty", Vec::new(), plain(), &options()),
    ]
}

fn small(
    shape: &'static str,
    values: Vec<(&'static str, Value)>,
    attributes: Record,
    options: &SaveOptions,
) -> Small {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("small.ach");
    let mut writer = ArchiveWriter::create(&path, options).unwrap();
    let binding = BindingOptions::new().attributes(attributes.clone());
    for (name, value) in &values {
        writer.add_with(name, value, &binding).unwrap();
    }
    writer.finish().unwrap();
    Small {
        shape,
        bytes: std::fs::read(path).unwrap(),
        values,
        attributes,
    }
}

fn scalars() -> Vec<(&'static str, Value)> {
    vec![
        ("complex", Complex128::new(1.5, -2.5).into()),
        ("integer", (-7i64).into()),
        ("no", false.into()),
        ("null", Value::Null),
        ("number", 0.1.into()),
    ]
}

fn structured() -> Vec<(&'static str, Value)> {
    let own = Cell::default();
    own.set(Value::vector([Value::from(own.clone()), 3i64.into()]));
    vec![
        ("cell", own.into()),
        ("indexed", samples::record(16).into()),
        ("nested", samples::nested(6)),
        ("text", "a text longer than sixteen bytes".into()),
        (
            "words",
            StringArray::new(["a", "", "\u{e9}t\u{e9}"], [3])
                .unwrap()
                .into(),
        ),
    ]
}

fn tensors() -> Vec<(&'static str, Value)> {
    vec![
        ("bools", samples::tensor(DType::Bool, &[5], Order::C).into()),
        (
            "empty",
            samples::tensor(DType::F64, &[0, 3], Order::C).into(),
        ),
        (
            "matrix",
            samples::tensor(DType::F64, &[3, 4], Order::Fortran).into(),
        ),
        ("scalar", samples::tensor(DType::F32, &[], Order::C).into()),
    ]
}

/// Two blocks of 64 KiB, the second short.
fn two_blocks() -> Vec<(&'static str, Value)> {
    let tensor = samples::tensor(DType::U8, &[65_600], Order::C);
    vec![("long", tensor.into())]
}

/// Two cold blocks of 256 KiB that take few bytes in the file, shuffled.
fn compressible() -> Vec<(&'static str, Value)> {
    let numbers: Vec<u32> = (0..70_000u32).map(|n| n / 20_000).collect();
    let tensor = achronyme_env::Tensor::from_vec(numbers, [70_000]).unwrap();
    vec![("steps", tensor.into())]
}

/// A way to open the file at a path, and its name.
pub(crate) type Road = (&'static str, fn(&Path) -> Result<Archive>);

/// Every road to a file.
pub(crate) const ROADS: [Road; 3] = [
    ("open", |path| Archive::open(path)),
    ("open_mmap", mapped),
    ("from_bytes", |path| {
        Archive::from_bytes(std::fs::read(path).unwrap())
    }),
];

/// Every road to a file whose table is checked as it is used.
pub(crate) const LAZY_ROADS: [Road; 3] = [
    ("open, lazy", |path| lazy().open(path)),
    ("open_mmap, lazy", lazily_mapped),
    ("from_bytes, lazy", |path| {
        lazy().from_bytes(std::fs::read(path).unwrap())
    }),
];

/// All of them.
pub(crate) fn all_roads() -> impl Iterator<Item = Road> {
    ROADS.into_iter().chain(LAZY_ROADS)
}

fn lazy() -> OpenOptions {
    OpenOptions::new().lazy_table(true)
}

#[allow(unsafe_code)]
fn mapped(path: &Path) -> Result<Archive> {
    // SAFETY: the tests that call this do not write to the file while the archive is open.
    unsafe { Archive::open_mmap(path) }
}

#[allow(unsafe_code)]
fn lazily_mapped(path: &Path) -> Result<Archive> {
    // SAFETY: as above.
    unsafe { lazy().open_mmap(path) }
}
