//! The whole environment as one value: archived by rkyv, or as MessagePack in zstd, which is what version
//! 1 of the format was.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use memmap2::Mmap;
use rkyv::rancor::{Error, Source};
use rkyv::ser::writer::IoWriter;
use rkyv::ser::{Allocator, Writer};
use rkyv::validation::ArchiveContext;

use crate::data::{Tensors, sum};

/// A value.
#[derive(
    rkyv::Archive, rkyv::Serialize, rkyv::Deserialize, serde::Serialize, serde::Deserialize,
)]
#[rkyv(serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
#[rkyv(deserialize_bounds(__D::Error: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)))]
pub(crate) enum Plain {
    Number(f64),
    Text(String),
    Tensor(Vec<f64>),
    Vector(#[rkyv(omit_bounds)] Vec<Plain>),
    /// Sorted by name.
    Record(#[rkyv(omit_bounds)] Vec<(String, Plain)>),
}

pub(crate) type Environment = HashMap<String, Plain>;
pub(crate) type Archived = rkyv::Archived<Environment>;

pub(crate) fn tensors(tensors: &Tensors) -> Environment {
    let plain = |(name, numbers): (&str, &[f64])| (name.to_owned(), Plain::Tensor(numbers.into()));
    tensors.iter().map(plain).collect()
}

pub(crate) fn save_rkyv(path: &Path, environment: &Environment) {
    let file = BufWriter::with_capacity(1 << 20, File::create(path).expect("a file"));
    let written = rkyv::api::high::to_bytes_in::<_, Error>(environment, IoWriter::new(file));
    let mut file = written.expect("room").into_inner();
    file.flush().expect("room");
}

/// Validates all of it.
pub(crate) fn checked(map: &Mmap) -> &Archived {
    rkyv::access::<Archived, Error>(map).expect("a valid archive")
}

#[allow(unsafe_code)]
pub(crate) fn unchecked(map: &Mmap) -> &Archived {
    // SAFETY: these bytes were written by `save_rkyv` in this process.
    unsafe { rkyv::access_unchecked(map) }
}

/// Validates all of it, and makes values of it.
pub(crate) fn load(map: &Mmap) -> Environment {
    rkyv::deserialize::<Environment, Error>(checked(map)).expect("an environment")
}

/// A number, or the sum of a tensor.
pub(crate) fn one(environment: &Archived, name: &str) -> f64 {
    archived_number(environment.get(name).expect("a value"))
}

pub(crate) fn archived_number(value: &ArchivedPlain) -> f64 {
    match value {
        ArchivedPlain::Number(number) => number.to_native(),
        ArchivedPlain::Tensor(numbers) => sum(bytemuck::cast_slice(numbers.as_slice())),
        _ => panic!("neither a number nor a tensor"),
    }
}

/// A field of a record.
pub(crate) fn archived_field<'v>(value: &'v ArchivedPlain, name: &str) -> &'v ArchivedPlain {
    let ArchivedPlain::Record(fields) = value else {
        panic!("not a record");
    };
    let place = fields.binary_search_by(|field| field.0.as_str().cmp(name));
    &fields[place.expect("a field")].1
}

pub(crate) fn save_message_pack(path: &Path, environment: &Environment) {
    let file = File::create(path).expect("a file");
    let mut stream = zstd::Encoder::new(file, 3).expect("a stream");
    let written = rmp_serde::encode::write(&mut BufWriter::new(&mut stream), environment);
    written.expect("room");
    stream.finish().expect("room");
}

/// Loads all of it: there is no other way.
pub(crate) fn load_message_pack(path: &Path) -> Environment {
    let stream = zstd::Decoder::new(File::open(path).expect("a file")).expect("a stream");
    rmp_serde::from_read(BufReader::new(stream)).expect("an environment")
}

pub(crate) fn number(value: &Plain) -> f64 {
    match value {
        Plain::Number(number) => *number,
        Plain::Tensor(numbers) => sum(bytemuck::cast_slice(numbers)),
        _ => panic!("neither a number nor a tensor"),
    }
}

/// A field of a record.
pub(crate) fn field<'v>(value: &'v Plain, name: &str) -> &'v Plain {
    let Plain::Record(fields) = value else {
        panic!("not a record");
    };
    let place = fields.binary_search_by(|field| field.0.as_str().cmp(name));
    &fields[place.expect("a field")].1
}
