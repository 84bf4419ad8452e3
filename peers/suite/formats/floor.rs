//! The same bytes through the plain calls of the system: nothing is named, found or checked.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::data::{Tensors, sum};
use crate::mapping::{map, reserved};

/// One `write` a tensor.
pub(crate) fn write(path: &Path, tensors: &Tensors) {
    write_to(File::create(path).expect("a file"), tensors);
}

/// One `write` a tensor, into a file with room for all of them.
pub(crate) fn write_reserved(path: &Path, tensors: &Tensors) {
    write_to(reserved(path, tensors.bytes() as u64), tensors);
}

fn write_to(mut file: File, tensors: &Tensors) {
    // Small ones are gathered first.
    if tensors.elements < 8192 {
        return file.write_all(&tensors.data.concat()).expect("room");
    }
    for bytes in &tensors.data {
        file.write_all(bytes).expect("room");
    }
}

/// Opens, maps, and adds up what stands in a known place.
pub(crate) fn mapped(path: &Path, start: usize, len: usize) -> f64 {
    sum(&map(path)[start..][..len])
}

/// Opens, and reads what stands in a known place.
pub(crate) fn read(path: &Path, start: usize, out: &mut [u8]) -> f64 {
    let file = File::open(path).expect("a file");
    file.read_exact_at(out, start as u64).expect("a read");
    sum(out)
}
