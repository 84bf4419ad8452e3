//! `.safetensors`: tensors only, a header of JSON and then the numbers.

use std::collections::BTreeMap;
use std::io::Write;

use achronyme_env::{DType, Tensor, Value};
use serde_json::json;

use super::pieces::row_major;
use super::{ExportError, Failure, wrong_kind};

/// The numbers begin at a multiple of this: the header is padded with spaces.
const ALIGNMENT: usize = 64;

/// Readers refuse longer headers.
const MOST_HEADER: usize = 100_000_000;

/// The key that is no tensor.
const METADATA: &str = "__metadata__";

/// Writes `variables`, all of them tensors, with `metadata` as a `.safetensors` file. The format has
/// no order but C: tensors in Fortran order are transposed on the way.
///
/// The widest dtypes come first and then the order of names, so that every tensor is aligned to its
/// elements.
///
/// # Errors
/// [`ExportError`] for values that are no tensors and dtypes the format has not, before anything is
/// written; and when reading or writing fails.
pub(crate) fn write(
    variables: &[(&str, &Value)],
    metadata: &BTreeMap<String, String>,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut tensors = Vec::with_capacity(variables.len());
    for (name, value) in variables {
        tensors.push(accepted(name, value)?);
    }
    tensors.sort_by_key(|(name, _, tensor)| (std::cmp::Reverse(tensor.dtype().size()), *name));
    if let Some(pair) = tensors.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(refused_name(pair[0].0, "it is given twice"));
    }

    let mut header = serde_json::Map::new();
    if !metadata.is_empty() {
        header.insert(METADATA.to_owned(), json!(metadata));
    }
    let mut offset = 0u64;
    for (name, dtype, tensor) in &tensors {
        let end = offset + tensor.byte_len();
        let entry = json!({
            "dtype": dtype,
            "shape": tensor.shape(),
            "data_offsets": [offset, end],
        });
        header.insert((*name).to_owned(), entry);
        offset = end;
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    header.resize((header.len() + 8).next_multiple_of(ALIGNMENT) - 8, b' ');
    if let Some((name, ..)) = tensors.first().filter(|_| header.len() > MOST_HEADER) {
        return Err(ExportError::Unfit {
            name: (*name).to_owned(),
            format: "in one .safetensors file with the others",
            reason: "together their names and shapes make a header above 100 MB".to_owned(),
        });
    }
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for (name, _, tensor) in &tensors {
        row_major::<Failure>(tensor, |piece| Ok(out.write_all(piece)?))
            .map_err(|error| error.about(name))?;
    }
    Ok(())
}

/// The tensor and what the format calls its dtype.
fn accepted<'a>(
    name: &'a str,
    value: &'a Value,
) -> Result<(&'a str, &'static str, &'a Tensor), ExportError> {
    let Value::Tensor(tensor) = value else {
        return Err(wrong_kind(
            name,
            value,
            "a .safetensors file",
            "choose an .ach archive, or leave it out with -n",
        ));
    };
    if name == METADATA {
        return Err(refused_name(name, "the format keeps its metadata there"));
    }
    let Some(dtype) = dtype_name(tensor.dtype()) else {
        return Err(ExportError::DType {
            name: name.to_owned(),
            dtype: tensor.dtype().name(),
            format: "safetensors",
            advice: "choose npz or an .ach archive, or leave it out with -n",
        });
    };
    Ok((name, dtype, tensor))
}

fn refused_name(name: &str, reason: &str) -> ExportError {
    ExportError::Name {
        name: name.to_owned(),
        role: "a tensor of a .safetensors file",
        reason: reason.to_owned(),
    }
}

fn dtype_name(dtype: DType) -> Option<&'static str> {
    Some(match dtype {
        DType::Bool => "BOOL",
        DType::I8 => "I8",
        DType::I16 => "I16",
        DType::I32 => "I32",
        DType::I64 => "I64",
        DType::U8 => "U8",
        DType::U16 => "U16",
        DType::U32 => "U32",
        DType::U64 => "U64",
        DType::F16 => "F16",
        DType::BF16 => "BF16",
        DType::F32 => "F32",
        DType::F64 => "F64",
        DType::Complex64 => "C64",
        DType::F8E4M3 => "F8_E4M3",
        DType::F8E5M2 => "F8_E5M2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::Order;
    use safetensors::{Dtype, SafeTensors};

    fn tensor<T: achronyme_env::Element>(elements: Vec<T>, shape: &[u64]) -> Value {
        Tensor::from_vec(elements, shape).unwrap().into()
    }

    #[test]
    fn the_reference_reader_reads_it() {
        let fortran =
            Tensor::from_vec_in_order(vec![1u8, 4, 2, 5, 3, 6], [2, 3], Order::Fortran).unwrap();
        let variables = [
            ("bytes", &Value::from(fortran)),
            ("a.weight", &tensor(vec![0.5f32, -1.0], &[2])),
            ("z", &tensor(vec![1.0f64], &[])),
            ("none", &tensor(Vec::<i64>::new(), &[0, 3])),
        ];
        let metadata = BTreeMap::from([("format".to_owned(), "pt\n".to_owned())]);
        let mut out = Vec::new();
        write(&variables, &metadata, &mut out).unwrap();

        let header = u64::from_le_bytes(*out.first_chunk().unwrap());
        assert_eq!((header + 8) % 64, 0);
        let read = SafeTensors::deserialize(&out).unwrap();
        assert_eq!(read.len(), 4);
        let bytes = read.tensor("bytes").unwrap();
        assert_eq!((bytes.dtype(), bytes.shape()), (Dtype::U8, &[2, 3][..]));
        assert_eq!(bytes.data(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(read.tensor("z").unwrap().data(), 1.0f64.to_le_bytes());
        let (_, header) = SafeTensors::read_metadata(&out).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap()["format"], "pt\n");
    }

    #[test]
    fn every_dtype_but_complex128_is_known_to_the_reference_reader() {
        for dtype in DType::ALL {
            let bytes = vec![0; 2 * dtype.size()];
            let value = Value::from(Tensor::from_bytes(dtype, [2], Order::C, &bytes).unwrap());
            let mut out = Vec::new();
            let written = write(&[("x", &value)], &BTreeMap::new(), &mut out);
            if dtype == DType::Complex128 {
                let text = written.unwrap_err().to_string();
                assert!(text.contains("has the dtype complex128"), "{text}");
            } else {
                written.unwrap();
                let read = SafeTensors::deserialize(&out).unwrap();
                assert_eq!(read.tensor("x").unwrap().data(), bytes, "{dtype}");
            }
        }
    }

    #[test]
    fn what_is_no_tensor_is_refused_by_name() {
        let value = Value::from("text");
        let mut out = Vec::new();
        let error = write(&[("cfg", &value)], &BTreeMap::new(), &mut out).unwrap_err();
        assert_eq!(
            error.to_string(),
            "variable 'cfg' is a value of kind string, which a .safetensors file cannot hold; choose \
             an .ach archive, or leave it out with -n"
        );
        let t = tensor(vec![1u8], &[1]);
        assert!(write(&[("__metadata__", &t)], &BTreeMap::new(), &mut out).is_err());
        assert!(write(&[("a", &t), ("a", &t)], &BTreeMap::new(), &mut out).is_err());
        assert!(out.is_empty());
    }
}
