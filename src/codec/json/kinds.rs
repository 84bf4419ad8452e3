//! The kinds of values that stand behind a tag, made of their payloads.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de;

use super::payload::{Fields, Form, Payload};
use super::read::ValueSeed;
use super::tensors::bytes_of;
use crate::name::quoted;
use crate::value::{
    DType, Edge, ErrorValue, Extension, Function, Order, Record, SharedHandle, StringArray, Tensor,
    Typed, UserFunction, Value, byte_len,
};

pub(super) const TENSOR: Fields = &[
    ("dtype", Form::Text),
    ("shape", Form::Numbers),
    ("order", Form::Text),
    ("data", Form::Scalars),
    ("base64", Form::Text),
];
pub(super) const STRINGS: Fields = &[("shape", Form::Numbers), ("data", Form::Texts)];
pub(super) const EDGE: Fields = &[
    ("from", Form::Text),
    ("to", Form::Text),
    ("directed", Form::Flag),
    ("properties", Form::Value),
];
pub(super) const FUNCTION: Fields = &[
    ("builtin", Form::Text),
    ("name", Form::Text),
    ("parameters", Form::Texts),
    ("details", Form::Value),
    ("source", Form::Text),
    ("scope", Form::Number),
];
pub(super) const ERROR: Fields = &[
    ("message", Form::Text),
    ("kind", Form::Text),
    ("source", Form::Value),
];
pub(super) const EXTENSION: Fields = &[
    ("type", Form::Text),
    ("parameters", Form::Value),
    ("storage", Form::Value),
];
pub(super) const TYPED: Fields = &[
    ("type", Form::Text),
    ("version", Form::Number),
    ("alignment", Form::Number),
    ("fingerprint", Form::Text),
    ("base64", Form::Text),
];

pub(super) fn wrong<E: de::Error>(what: &str) -> E {
    E::custom(format!("this is no {what}"))
}

pub(super) fn decoded<E: de::Error>(text: &str) -> Result<Vec<u8>, E> {
    let bytes = STANDARD.decode(text);
    bytes.map_err(|e| E::custom(format!("this is no base64: {e}")))
}

pub(super) fn tensor<E: de::Error>(mut payload: Payload) -> Result<Value, E> {
    let name = payload.text("dtype")?;
    let dtype = DType::from_name(&name);
    let dtype = dtype.ok_or_else(|| E::custom(format!("there is no dtype {}", quoted(&name))))?;
    let shape = payload.numbers("shape")?;
    let order = match payload.optional_text("order").as_deref() {
        None | Some("C") => Order::C,
        Some("Fortran") => Order::Fortran,
        Some(_) => return Err(E::custom("order is neither C nor Fortran")),
    };
    let data = payload.optional_scalars("data");
    let bytes = match (data, payload.optional_text("base64")) {
        (Some(elements), None) => bytes_of(dtype, &elements).map_err(|place| {
            E::custom(format!("number {place} of data is no element of {dtype}"))
        })?,
        (None, Some(text)) => decoded(&text)?,
        _ => return Err(E::custom("a tensor has either data or base64")),
    };
    if dtype == DType::Bool && bytes.iter().any(|byte| *byte > 1) {
        return Err(E::custom("a boolean is neither 0 nor 1"));
    }
    let tensor = Tensor::from_bytes(dtype, shape, order, &bytes);
    tensor.map(Value::from).map_err(E::custom)
}

pub(super) fn strings<E: de::Error>(mut payload: Payload) -> Result<Value, E> {
    let shape = payload.numbers("shape")?;
    byte_len(DType::U8, &shape).map_err(E::custom)?;
    let array = StringArray::new(payload.texts("data")?, shape);
    array.map(Value::from).map_err(E::custom)
}

pub(super) fn typed<E: de::Error>(mut payload: Payload) -> Result<Value, E> {
    let whole = |number: u64| u32::try_from(number).map_err(|_| wrong("32-bit number"));
    let alignment = whole(payload.number("alignment")?)?;
    if !Typed::is_alignment(alignment) {
        return Err(E::custom("alignment is no power of two from 1 to 64"));
    }
    let fingerprint = payload.text("fingerprint")?;
    let is_hex = fingerprint.len() == 16 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hex {
        return Err(E::custom("fingerprint is not 16 hex digits"));
    }
    let bytes = decoded(&payload.text("base64")?)?;
    let len = bytes.len() as u64;
    let typed = Typed {
        type_name: payload.text("type")?.into(),
        version: whole(payload.number("version")?)?,
        alignment,
        fingerprint: u64::from_str_radix(&fingerprint, 16).map_err(E::custom)?,
        bytes: Tensor::from_bytes(DType::U8, [len], Order::C, &bytes).map_err(E::custom)?,
    };
    Ok(typed.into())
}

pub(super) fn edge<E: de::Error>(mut payload: Payload) -> Result<Value, E> {
    let edge = Edge {
        from: payload.text("from")?.into(),
        to: payload.text("to")?.into(),
        directed: payload.flag("directed")?,
        properties: record(payload.value("properties")?)?,
    };
    Ok(edge.into())
}

pub(super) fn record<E: de::Error>(value: Value) -> Result<Record, E> {
    match value {
        Value::Record(record) => Ok(record),
        other => Err(E::custom(format!("a {} is no record", other.kind()))),
    }
}

pub(super) fn error<E: de::Error>(mut payload: Payload) -> Result<Value, E> {
    let error = ErrorValue {
        message: payload.text("message")?.into(),
        kind: payload.optional_text("kind").map(Into::into),
        source: payload.optional_value("source"),
    };
    Ok(error.into())
}

pub(super) fn extension<E: de::Error>(mut payload: Payload) -> Result<Value, E> {
    let extension = Extension {
        type_name: payload.text("type")?.into(),
        parameters: payload.value("parameters")?,
        storage: payload.value("storage")?,
    };
    Ok(extension.into())
}

pub(super) fn function<E: de::Error>(
    seed: ValueSeed<'_>,
    mut payload: Payload,
) -> Result<Value, E> {
    if let Some(name) = payload.optional_text("builtin") {
        if !payload.is_empty() {
            return Err(E::custom("a builtin has a name and nothing else"));
        }
        return Ok(Function::Builtin { name: name.into() }.into());
    }
    seed.deeper::<E>()?;
    let parameters = payload.texts("parameters")?;
    let scope = match payload.optional_number("scope") {
        None => None,
        Some(number) => match seed.context.shared(number, true)? {
            SharedHandle::Scope(scope) => Some(scope),
            SharedHandle::Cell(_) => return Err(wrong("scope")),
        },
    };
    let function = UserFunction {
        name: payload.optional_text("name").map(Into::into),
        parameters: parameters.into_iter().map(Into::into).collect(),
        details: record(payload.value("details")?)?,
        source: payload.text("source")?.into(),
        scope,
    };
    Ok(function.into())
}
