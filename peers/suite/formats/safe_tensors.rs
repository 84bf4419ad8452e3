//! safetensors: mapped, as its documentation shows.

use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize, serialize_to_file};

use crate::data::{Tensors, sum};
use crate::mapping::map;

fn views(tensors: &Tensors) -> impl Iterator<Item = (&str, TensorView<'_>)> {
    let shape = tensors.elements;
    tensors.iter().map(move |(name, numbers)| {
        let bytes = bytemuck::cast_slice(numbers);
        let view = TensorView::new(Dtype::F64, vec![shape], bytes);
        (name, view.expect("a tensor"))
    })
}

pub(crate) fn save(path: &Path, tensors: &Tensors) {
    serialize_to_file(views(tensors), None, path).expect("room");
}

pub(crate) fn bytes(tensors: &Tensors) -> Vec<u8> {
    serialize(views(tensors), None).expect("a tensor")
}

/// Numbers as tensors without axes.
pub(crate) fn save_numbers(path: &Path, numbers: &[(String, f64)]) {
    let views = numbers.iter().map(|(name, number)| {
        let view = TensorView::new(Dtype::F64, vec![], bytemuck::bytes_of(number));
        (name.as_str(), view.expect("a tensor"))
    });
    serialize_to_file(views, None, path).expect("room");
}

/// Opens, and adds up one tensor.
pub(crate) fn one(path: &Path, name: &str) -> f64 {
    let map = map(path);
    let tensors = SafeTensors::deserialize(&map).expect("tensors");
    sum(tensors.tensor(name).expect("a tensor").data())
}
