//! Why a question of the page has no answer.

use achronyme_env::EnvError;

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not one that the page asks.
    Question(String),
    /// It cannot be shown; the sentence says why, and the page shows it.
    Told(String),
}

/// The answer to a question, or why there is none.
pub(super) type Result<T, E = Refusal> = std::result::Result<T, E>;

impl From<EnvError> for Refusal {
    fn from(error: EnvError) -> Refusal {
        match is_cancelled(&error) {
            true => Refusal::told(format!(
                "this took longer than {} seconds to read and was given up",
                super::server::PATIENCE.as_secs()
            )),
            false => Refusal::Told(error.to_string()),
        }
    }
}

/// Whether reading was given up, of a variable or of the file.
pub(super) fn is_cancelled(error: &EnvError) -> bool {
    match error {
        EnvError::Cancelled { .. } => true,
        EnvError::Variable { source, .. } => is_cancelled(source),
        _ => false,
    }
}

impl Refusal {
    /// What cannot be shown, and why.
    pub(super) fn told(text: impl Into<String>) -> Refusal {
        Refusal::Told(text.into())
    }

    /// A question that makes no sense.
    pub(super) fn question(text: impl Into<String>) -> Refusal {
        Refusal::Question(text.into())
    }
}
