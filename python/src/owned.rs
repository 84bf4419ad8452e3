//! Values that outlive the call they were made in.

use achronyme_env::{Extension, Record, Value, ValueRef};

/// A value on its own. Arrays are owned already.
pub(crate) fn owned_value(value: ValueRef<'_>) -> achronyme_env::Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Boolean(boolean) => Value::Boolean(boolean),
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Number(number) => Value::Number(number),
        ValueRef::Complex(complex) => Value::Complex(complex),
        ValueRef::String(text) => Value::from(text),
        ValueRef::Bytes(bytes) => Value::Bytes(bytes.into()),
        ValueRef::Vector(values) => {
            let values = values.into_iter().map(owned_value);
            Value::vector(values.collect::<achronyme_env::Result<Vec<_>>>()?)
        }
        ValueRef::Record(fields) => {
            let mut record = Record::new();
            for (name, value) in fields {
                record.insert(&*name, owned_value(value)?);
            }
            record.into()
        }
        ValueRef::Extension(extension) => Value::from(Extension {
            type_name: (&*extension.type_name).into(),
            parameters: owned_value(extension.parameters)?,
            storage: owned_value(extension.storage)?,
        }),
        ValueRef::Unsupported { kind, reason } => {
            Value::from(Extension::unsupported(&kind, &reason))
        }
        ValueRef::Owned(value) => value,
        ValueRef::Value(value) => value.clone(),
        // The library's own way, for what the encoder does not make.
        other => achronyme_env::deserialize_value(&achronyme_env::serialize_value(other)?)?,
    })
}
