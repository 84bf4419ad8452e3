//! NumPy's formats by way of ndarray-npy: a directory of `.npy`, each mapped, and `.npz` without
//! compression.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use ndarray::{Array1, ArrayView1};
use ndarray_npy::{NpzReader, NpzWriter, ViewNpyExt, WriteNpyExt};

use crate::data::{Tensors, sum};
use crate::mapping::{map, remove};

/// The file of a variable.
fn file(dir: &Path, name: &str) -> std::path::PathBuf {
    dir.join(name.replace('/', "-")).with_extension("npy")
}

pub(crate) fn save_one(path: &Path, numbers: &[f64]) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    ArrayView1::from(numbers)
        .write_npy(&mut file)
        .expect("room");
    file.flush().expect("room");
}

pub(crate) fn save_dir(dir: &Path, tensors: &Tensors) {
    remove([dir]);
    std::fs::create_dir(dir).expect("a directory");
    for (name, numbers) in tensors.iter() {
        save_one(&file(dir, name), numbers);
    }
}

/// Opens, and adds up one of them.
pub(crate) fn one_of_dir(dir: &Path, name: &str) -> f64 {
    let map = map(&file(dir, name));
    let numbers = ArrayView1::<f64>::view_npy(&map).expect("an array");
    sum(bytemuck::cast_slice(numbers.as_slice().expect("numbers")))
}

pub(crate) fn save_npz(path: &Path, tensors: &Tensors) {
    let file = BufWriter::new(File::create(path).expect("a file"));
    let mut members = NpzWriter::new(file);
    for (name, numbers) in tensors.iter() {
        let added = members.add_array(name, &ArrayView1::from(numbers));
        added.expect("room");
    }
    members.finish().expect("room").flush().expect("room");
}

/// Opens, and adds up one of them; its member's CRC-32 is compared.
pub(crate) fn one_of_npz(path: &Path, name: &str) -> f64 {
    let file = BufReader::new(File::open(path).expect("a file"));
    let mut members = NpzReader::new(file).expect("members");
    let numbers: Array1<f64> = members.by_name(name).expect("an array");
    sum(bytemuck::cast_slice(numbers.as_slice().expect("numbers")))
}
