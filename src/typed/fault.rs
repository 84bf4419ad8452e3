//! Why a typed value cannot be seen as the program's type.

use crate::error::phrases::nearest_hint;

/// What is wrong with a typed value, or with the question for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeFault {
    /// No type of that name is registered.
    #[error(
        "no such type is registered{}; register it, or an alias, or take the value as it is", nearest_hint(.nearest)
    )]
    Unknown {
        /// The nearest name that is registered.
        nearest: Option<String>,
    },

    /// The Rust type that was asked for is not registered.
    #[error("the program asked for this type and never registered it; register its schema first")]
    NotRegistered,

    /// The value is of another type than was asked for.
    #[error("it is not of the type that was asked for, {}; ask for its own type", crate::name::quoted(.asked))]
    OtherType {
        /// The registered name of the type that was asked for.
        asked: String,
    },

    /// The value is of a later version than the program knows or asked for.
    #[error("it is of version {found}, and {known} is known here; read it with a newer program")]
    NewerSchema {
        /// Version of the value.
        found: u32,
        /// The version that was asked for, or the last that is registered.
        known: u32,
    },

    /// The value is of an earlier version, and no upgrade leads from it.
    #[error(
        "it is of version {found}, from which no upgrade leads to version {wanted}; register one"
    )]
    NoUpgrade {
        /// Version of the value.
        found: u32,
        /// The version that was asked for.
        wanted: u32,
    },

    /// Name and version fit, and the layout does not: the type was changed without a new version.
    #[error(
        "version {version} has another layout there (fingerprint {found:016x}) than in this program ({expected:016x}); give the changed type a new version"
    )]
    OtherLayout {
        /// Version of the value.
        version: u32,
        /// Fingerprint of the registered layout.
        expected: u64,
        /// Fingerprint of the value.
        found: u64,
    },

    /// The bytes are no value of the type, or the program's own check refuses them.
    #[error("its bytes are not valid in version {version}: {}", crate::name::escape_for_terminal(.reason))]
    Invalid {
        /// Version of the bytes.
        version: u32,
        /// What does not hold.
        reason: String,
    },

    /// rkyv could not archive the value, or make it of its archived form.
    #[error("it cannot be converted: {}", crate::name::escape_for_terminal(.reason))]
    NotMade {
        /// What rkyv said.
        reason: String,
    },

    /// An upgrade function gave up.
    #[error("it cannot be upgraded from version {from}: {}", crate::name::escape_for_terminal(.reason))]
    UpgradeFailed {
        /// Version it was to be upgraded from.
        from: u32,
        /// What the function said.
        reason: String,
    },
}
