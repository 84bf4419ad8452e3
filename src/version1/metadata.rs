//! What a version 1 file says about itself.

/// What a version 1 file says about itself, in its header and in its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version1Metadata {
    /// Major version of the format in the header: 1, or 0.
    pub major: u16,
    /// Minor version of the format in the header.
    pub minor: u16,
    /// When the file was made, in seconds since 1970-01-01 00:00 UTC: the header's field, which no
    /// sum covers.
    pub created: u64,
    /// Version of the program that wrote the file, from the header; at most 16 bytes.
    pub writer: String,
    /// Whether the body is compressed with zstd.
    pub compressed: bool,
    /// Name and version of the program that wrote the file, such as `Achronyme v0.6.1`.
    pub created_by: String,
    /// When the file was made, as text (RFC 3339).
    pub created_at: String,
    /// Operating system and processor it was made on, such as `linux x86_64`.
    pub platform: String,
    /// Number of bindings the file says it holds.
    pub num_bindings: u32,
    /// A description.
    pub description: Option<String>,
    /// Tags, in order.
    pub tags: Vec<String>,
    /// Anything else, sorted by key.
    pub custom: Vec<(String, String)>,
    /// Names of the bindings the file says it holds; empty when it does not say.
    pub binding_names: Vec<String>,
}
