//! Values to foreign files: `.npy`, `.npz`, `.safetensors`, `.arrow`, `.parquet`, CSV and raw bytes. (JSON is written by
//! [`crate::term::json`].) Every writer streams through bounded memory, and the same values give
//! the same bytes.

#[cfg(feature = "arrow")]
pub(crate) mod arrow;
pub(crate) mod csv;
pub(crate) mod filename;
pub(crate) mod npy;
pub(crate) mod npz;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
pub(crate) mod pieces;
mod plain;
pub(crate) mod raw;
pub(crate) mod safetensors;
pub(crate) mod scalar;
pub(crate) mod strings;

use std::io;

use achronyme_env::{EnvError, Value, format_shape};

use crate::term::escape;

/// What may go wrong while values become a foreign file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The format has no name for the dtype.
    #[error("variable {} has the dtype {dtype}, which {format} does not have; {advice}", escape::name(.name))]
    DType {
        /// The variable.
        name: String,
        /// Its dtype.
        dtype: &'static str,
        /// The format.
        format: &'static str,
        /// Which formats have it.
        advice: &'static str,
    },

    /// The format has no place for values of that kind.
    #[error("variable {} is a value of kind {kind}, which {format} cannot hold; {advice}", escape::name(.name))]
    Kind {
        /// The variable.
        name: String,
        /// Its kind, with what else keeps it out.
        kind: String,
        /// The format.
        format: &'static str,
        /// Which formats can hold it.
        advice: &'static str,
    },

    /// The name cannot stand in the format, or cannot be a file.
    #[error("the name {} cannot be {role}: {reason}; give it another with NEW=PATH when packing, or leave it out with -n", escape::name(.name))]
    Name {
        /// The name.
        name: String,
        /// What it should be.
        role: &'static str,
        /// Why it cannot.
        reason: String,
    },

    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),

    /// The value is of the right kind but has another form than the format needs.
    #[error("variable {} cannot be {format}: {reason}", escape::name(.name))]
    Unfit {
        /// The variable.
        name: String,
        /// The format, with its article.
        format: &'static str,
        /// Why it cannot, and what to do.
        reason: String,
    },

    /// The variable could not be read.
    #[error(transparent)]
    Value(EnvError),
}

/// What stopped a stream of bytes: still without the name of the variable.
#[derive(Debug)]
pub(crate) enum Failure {
    Read(EnvError),
    Write(io::Error),
}

impl Failure {
    /// The error for the user, with the name of the variable that was being read.
    pub(crate) fn about(self, name: &str) -> ExportError {
        match self {
            Failure::Write(error) => ExportError::Output(error),
            Failure::Read(error @ EnvError::Variable { .. }) => ExportError::Value(error),
            Failure::Read(error) => ExportError::Value(EnvError::Variable {
                name: name.to_owned(),
                source: Box::new(error),
            }),
        }
    }
}

impl From<EnvError> for Failure {
    fn from(error: EnvError) -> Failure {
        Failure::Read(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Write(error)
    }
}

/// The error that `format` cannot hold `value`.
fn wrong_kind(
    name: &str,
    value: &Value,
    format: &'static str,
    advice: &'static str,
) -> ExportError {
    let kind = match value {
        Value::Tensor(tensor) => format!("tensor of shape {}", format_shape(tensor.shape())),
        other => other.kind().to_string(),
    };
    ExportError::Kind {
        name: name.to_owned(),
        kind,
        format,
        advice,
    }
}
