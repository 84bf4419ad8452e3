//! The archive of this project.

use std::path::Path;

use achronyme_env::{
    Archive, Check, OpenOptions, SaveOptions, Tensor, TensorRef, Value, ValueRef, save,
};

use crate::data::{Tensors, sum};

/// A way of opening an archive.
pub(crate) struct Way {
    pub(crate) label: &'static str,
    /// What it compares with sums before it hands something out.
    pub(crate) checks: &'static str,
    pub(crate) open: fn(&Path) -> Archive,
}

pub(crate) const MAPPED: Way = Way {
    label: "ach, mapped",
    checks: "table, what is touched",
    open: |path| mapped(path, OpenOptions::new()),
};

pub(crate) const READ: Way = Way {
    label: "ach, read",
    checks: "table, what is touched",
    open: |path| OpenOptions::new().open(path).expect("an archive"),
};

pub(crate) const UNCHECKED: Way = Way {
    label: "ach, mapped, `Check::Never`",
    checks: "table",
    open: |path| mapped(path, OpenOptions::new().check(Check::Never)),
};

/// Ways whose table is looked at page by page, as it is used.
pub(crate) const LAZY: [Way; 2] = [
    Way {
        label: "ach, mapped, lazy table",
        checks: "what is touched",
        open: |path| mapped(path, OpenOptions::new().lazy_table(true)),
    },
    Way {
        label: "ach, read, lazy table",
        checks: "what is touched",
        open: |path| {
            let lazy = OpenOptions::new().lazy_table(true);
            lazy.open(path).expect("an archive")
        },
    },
];

pub(crate) fn ways() -> impl Iterator<Item = Way> {
    [MAPPED, READ, UNCHECKED].into_iter().chain(LAZY)
}

#[allow(unsafe_code)]
fn mapped(path: &Path, options: OpenOptions) -> Archive {
    // SAFETY: files of this program are written once, before they are mapped.
    unsafe { options.open_mmap(path) }.expect("an archive")
}

/// What a save sums up, and what it does when it seals.
pub(crate) const SUMS: &str = "CRC-32, XXH3";
pub(crate) const SEALED: &str = "CRC-32, SHA-256";

/// Saved into the page cache, over whatever is there.
pub(crate) fn options() -> SaveOptions {
    SaveOptions::new().durable(false).allow_overwrite(true)
}

pub(crate) fn save_tensors(path: &Path, tensors: &Tensors, options: &SaveOptions) {
    let shape = [tensors.elements as u64];
    let bindings = tensors.iter().map(|(name, numbers)| {
        let tensor = TensorRef::new(numbers, &shape).expect("a tensor");
        (name, ValueRef::Tensor(tensor))
    });
    save(path, bindings, options).expect("a save");
}

pub(crate) fn save_values(path: &Path, values: &[(String, Value)]) {
    save(path, values.iter().map(|(n, v)| (n, v)), &options()).expect("a save");
}

/// The sum of a tensor.
pub(crate) fn tensor(archive: &Archive, name: &str) -> f64 {
    elements(&archive.tensor(name).expect("a tensor"))
}

pub(crate) fn elements(tensor: &Tensor) -> f64 {
    let numbers: &[f64] = tensor.as_slice().expect("numbers");
    sum(bytemuck::cast_slice(numbers))
}

/// A number.
pub(crate) fn number(archive: &Archive, name: &str) -> f64 {
    let value = archive.load_var(name).expect("a value");
    value.as_f64().expect("a number")
}
