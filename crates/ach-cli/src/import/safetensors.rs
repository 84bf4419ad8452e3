//! Tensors in the .safetensors format: the header is read, the data stays in the file.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use achronyme_env::{DType, Order, Record, Tensor, check_name, format_shape};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::error::{Place, Result, Site, quoted};
use super::file_range::{Conversion, FileRange};
use super::source::SourceFile;
use super::{ImportOptions, Imported, Imports};

/// Bytes of the header's length, before the header.
const LENGTH: u64 = 8;

/// Longest header, in bytes: the format's own cap.
const MAX_HEADER: u64 = 100_000_000;

/// Reads a .safetensors file.
///
/// # Errors
/// When the header is broken, when its offsets overlap, leave holes or do not end where the file
/// ends, and when a tensor has a dtype that no value stands for.
pub(super) fn import(path: &Path, _: &ImportOptions) -> Result<Imports> {
    let site = Site::whole(path);
    let source = Arc::new(SourceFile::open(path)?);
    let text = read_header(&source, &site)?;
    let header: Header = serde_json::from_slice(&text).map_err(|e| {
        let found = format!("its header cannot be read: {e}");
        site.damaged(found, "save it again with a safetensors library")
    })?;
    let data = LENGTH + text.len() as u64;
    drop(text);
    let metadata = header.file.clone().unwrap_or_default();
    let tensors = check(header, source.len() - data, &site)?;
    let values = tensors
        .into_iter()
        .map(|(name, info)| {
            let site = site.at(Place::Tensor(name.clone()));
            let dtype = dtype(info.dtype, &site)?;
            let shape: Vec<u64> = info.shape.iter().map(|n| *n as u64).collect();
            let (start, end) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
            let conversion = match dtype {
                DType::Bool => Conversion::Booleans,
                _ => Conversion::None,
            };
            let range = FileRange::new(Arc::clone(&source), data + start, end - start, conversion);
            let tensor = Tensor::from_storage(dtype, shape, Order::C, Arc::new(range))
                .map_err(|e| site.value(e))?;
            Ok(Imported {
                name,
                value: tensor.into(),
                attributes: Record::new(),
                note: None,
            })
        })
        .collect::<Result<Vec<Imported>>>()?;
    let mut imports = Imports::members(values);
    imports.metadata = metadata.into_iter().collect();
    Ok(imports)
}

/// The header's bytes, after its length was checked against the file's.
fn read_header(source: &SourceFile, site: &Site) -> Result<Vec<u8>> {
    let file = source.handle().map_err(|e| site.value(e))?;
    let found = source.len();
    if found < LENGTH {
        return Err(match found {
            0 => site.damaged("the file is empty", "save it again"),
            _ => site.damaged(
                format!("it has {found} bytes, too few for a header"),
                "it was cut short, or is no .safetensors file",
            ),
        });
    }
    let mut length = [0; LENGTH as usize];
    (&file)
        .read_exact(&mut length)
        .map_err(|e| site.io("read", e))?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER {
        return Err(site.damaged(
            format!("it declares a header of {length} bytes; the format allows {MAX_HEADER}"),
            "it is damaged, or is no .safetensors file",
        ));
    }
    if length > found - LENGTH {
        return Err(site.damaged(
            format!(
                "it declares a header of {length} bytes, but {} follow",
                found - LENGTH
            ),
            "it was cut short; copy or save it again",
        ));
    }
    let mut header = vec![0; length as usize];
    (&file)
        .read_exact(&mut header)
        .map_err(|e| site.io("read", e))?;
    Ok(header)
}

/// The tensors in the order of their data, after the format's own check of the offsets.
fn check(header: Header, data_len: u64, site: &Site) -> Result<Vec<(String, TensorInfo)>> {
    let mut tensors = header.tensors;
    for (name, _) in &tensors {
        check_name(name).map_err(|e| site.value(e))?;
    }
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    let verdict = Metadata::new(None, tensors.clone());
    let again = "save it again with a safetensors library";
    match verdict {
        Ok(metadata) if metadata.data_len() as u64 == data_len => Ok(tensors),
        Ok(metadata) => {
            let declared = metadata.data_len() as u64;
            let advice = match data_len < declared {
                true => "the file was cut short; copy or save it again",
                false => "something was appended; copy or save it again",
            };
            let found =
                format!("its header says {declared} bytes of data, but {data_len} bytes follow");
            Err(site.damaged(found, advice))
        }
        Err(SafeTensorError::ValidationOverflow) => {
            Err(site.damaged("a shape is too large to exist", again))
        }
        Err(error) => Err(wrong_offsets(&tensors, site).unwrap_or_else(|| {
            site.damaged(format!("its header contradicts itself: {error}"), again)
        })),
    }
}

/// The first tensor whose offsets are wrong, and how.
fn wrong_offsets(tensors: &[(String, TensorInfo)], site: &Site) -> Option<super::ImportError> {
    let mut expected = 0;
    for (name, info) in tensors {
        let (start, end) = info.data_offsets;
        let shape: Vec<u64> = info.shape.iter().map(|n| *n as u64).collect();
        let bits = info
            .shape
            .iter()
            .try_fold(info.dtype.bitsize(), |p, n| p.checked_mul(*n))?;
        let found = if end < start {
            format!("its data ends at byte {end}, before it starts at {start}")
        } else if start < expected {
            format!(
                "its data starts at byte {start}, inside the data before it, which ends at {expected}"
            )
        } else if start > expected {
            format!(
                "its data starts at byte {start}, but the data before it ends at {expected}: a hole"
            )
        } else if bits % 8 != 0 || end - start != bits / 8 {
            format!(
                "its shape {} of {} needs {} bytes, but its data has {}",
                format_shape(&shape),
                info.dtype,
                bits.div_ceil(8),
                end - start
            )
        } else {
            expected = end;
            continue;
        };
        let advice = "the file is damaged or was made to harm; save it again";
        return Some(site.at(Place::Tensor(name.clone())).damaged(found, advice));
    }
    None
}

fn dtype(dtype: Dtype, site: &Site) -> Result<DType> {
    Ok(match dtype {
        Dtype::BOOL => DType::Bool,
        Dtype::I8 => DType::I8,
        Dtype::I16 => DType::I16,
        Dtype::I32 => DType::I32,
        Dtype::I64 => DType::I64,
        Dtype::U8 => DType::U8,
        Dtype::U16 => DType::U16,
        Dtype::U32 => DType::U32,
        Dtype::U64 => DType::U64,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        Dtype::C64 => DType::Complex64,
        Dtype::F8_E4M3 => DType::F8E4M3,
        Dtype::F8_E5M2 => DType::F8E5M2,
        other => {
            return Err(site.unsupported(
                format!("its dtype is {other}, which archives do not have"),
                "save it as F16, BF16 or F32, or its bytes as U8",
            ));
        }
    })
}

/// The header: `__metadata__` and the tensors, in the order of the file. Nothing may be given twice,
/// which the crate's own type does not notice.
struct Header {
    file: Option<Vec<(String, String)>>,
    tensors: Vec<(String, TensorInfo)>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Header, D::Error> {
        from.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header {
            file: None,
            tensors: Vec::new(),
        };
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let about =
                |e: A::Error| A::Error::custom(format_args!("tensor {}: {e}", quoted(&name)));
            if !seen.insert(name.clone()) {
                return Err(about(A::Error::custom("the name is given twice")));
            }
            if name == "__metadata__" {
                let text: HashMap<String, String> = map.next_value()?;
                let mut text: Vec<_> = text.into_iter().collect();
                text.sort();
                header.file = Some(text);
            } else {
                let info: TensorInfo = map.next_value().map_err(about)?;
                header.tensors.push((name, info));
            }
        }
        Ok(header)
    }
}
