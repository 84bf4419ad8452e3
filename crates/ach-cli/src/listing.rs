//! What `ach ls` tells of a variable: as a row for people, or as JSON.

use achronyme_env::{
    Binding, Codec, DigestKind, EnvError, ExtentInfo, Kind, Record, Result, Value, format_shape,
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::term::json;

/// A variable of an archive, looked at without reading its arrays.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Its name.
    pub(crate) name: String,
    /// Its place in the order of saving.
    pub(crate) ordinal: u32,
    /// Kind, `unknown` for one of a later version, `damaged` when it cannot be read, `removed` for a
    /// name that a delta removes.
    pub(crate) kind: &'static str,
    /// The dtype of an array; `unknown` for one of a later version.
    pub(crate) dtype: Option<&'static str>,
    /// The shape of an array.
    pub(crate) shape: Option<Vec<u64>>,
    /// Fields of a record or elements of a vector.
    pub(crate) entries: Option<u64>,
    /// Bytes in memory.
    pub(crate) raw: u64,
    /// Bytes in the file, beside the table.
    pub(crate) stored: u64,
    /// Whether some of it is compressed.
    pub(crate) cold: bool,
    /// Whether it stands in the journal, and not in the archive.
    pub(crate) in_journal: bool,
    /// Marked a constant.
    pub(crate) constant: bool,
    /// Marked mutable.
    pub(crate) mutable: bool,
    /// Its attributes, when they were asked for.
    pub(crate) attributes: Record,
    /// Where its arrays stand, when that was asked for.
    pub(crate) extents: Vec<ExtentInfo>,
    /// What keeps it from being read.
    pub(crate) problem: Option<EnvError>,
}

impl Listed {
    /// Looks at a variable; with `long` also at its attributes and extents. What cannot be read is
    /// listed all the same.
    pub(crate) fn new(binding: &Binding<'_>, long: bool) -> Listed {
        let mut listed = Listed {
            name: binding.name().to_owned(),
            ordinal: binding.ordinal(),
            kind: "damaged",
            dtype: None,
            shape: None,
            entries: None,
            raw: 0,
            stored: 0,
            cold: false,
            in_journal: binding.is_in_journal(),
            constant: binding.is_constant(),
            mutable: binding.is_mutable(),
            attributes: Record::new(),
            extents: Vec::new(),
            problem: None,
        };
        listed.problem = listed.look(binding, long).err();
        if let Some(EnvError::Unsupported { .. }) = inner(listed.problem.as_ref()) {
            listed.problem = None;
            if listed.kind == "damaged" {
                listed.kind = "unknown";
            }
        }
        listed
    }

    /// A name that a delta removes.
    pub(crate) fn removed(name: &str) -> Listed {
        Listed {
            name: name.to_owned(),
            ordinal: u32::MAX,
            kind: "removed",
            dtype: None,
            shape: None,
            entries: None,
            raw: 0,
            stored: 0,
            cold: false,
            constant: false,
            mutable: false,
            in_journal: false,
            attributes: Record::new(),
            extents: Vec::new(),
            problem: None,
        }
    }

    /// The same without what is only known of the archive that was made of a version 1 file:
    /// nothing in such a file has a place of its own.
    pub(crate) fn unplaced(mut self) -> Listed {
        self.stored = 0;
        self.extents.clear();
        self
    }

    fn look(&mut self, binding: &Binding<'_>, long: bool) -> Result<()> {
        let kind = binding.kind()?;
        self.kind = kind.name();
        match kind {
            Kind::Tensor if binding.shape().is_some() => {
                self.shape = binding.shape().map(<[u64]>::to_vec);
                self.dtype = Some(binding.dtype().map_or("unknown", |dtype| dtype.name()));
            }
            Kind::Tensor => self.shape = Some(binding.view()?.shape()?),
            Kind::StringArray => {
                self.shape = Some(binding.view()?.shape()?);
                self.dtype = Some("string");
            }
            Kind::Record | Kind::Vector => self.entries = Some(binding.view()?.len()?),
            _ => {}
        }
        let sizes = binding.sizes()?;
        (self.raw, self.stored, self.cold) = (sizes.raw, sizes.stored, sizes.cold);
        if long {
            self.extents = binding.extents()?;
            self.attributes = binding.attributes()?;
        }
        Ok(())
    }

    /// The shape of an array, or the number of entries.
    pub(crate) fn extent_text(&self) -> String {
        let one = self.entries == Some(1);
        match (&self.shape, self.entries, self.kind) {
            (Some(shape), ..) => format_shape(shape),
            (_, Some(count), "record") => {
                format!("{count} {}", if one { "field" } else { "fields" })
            }
            (_, Some(count), _) => format!("{count} {}", if one { "element" } else { "elements" }),
            _ => String::new(),
        }
    }

    fn extent_rows(&self) -> impl Iterator<Item = ExtentRow> + '_ {
        // In the journal, an offset would count from the beginning of a value.
        let place = |extent: &ExtentInfo| (!self.in_journal).then_some(extent.offset);
        let rows = self.extents.iter();
        rows.map(move |extent| ExtentRow::new(extent, place(extent)))
    }

    /// The row as it stands in JSON.
    pub(crate) fn to_json(&self, long: bool) -> Row<'_> {
        Row {
            name: &self.name,
            kind: self.kind,
            dtype: self.dtype,
            shape: self.shape.as_deref(),
            entries: self.entries,
            size: self.raw,
            stored: self.stored,
            cold: self.cold,
            journal: self.in_journal,
            constant: self.constant,
            mutable: self.mutable,
            attributes: long.then(|| raw_json(&self.attributes)).flatten(),
            extents: long.then(|| self.extent_rows().collect()),
            error: self.problem.as_ref().map(ToString::to_string),
        }
    }
}

/// The first hexadecimal digits of a content digest.
pub(crate) fn short_digest(extent: &ExtentInfo) -> String {
    hex(&extent.digest[..4])
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A record as a piece of JSON.
fn raw_json(record: &Record) -> Option<Box<RawValue>> {
    let mut text = Vec::new();
    json::write(&Value::Record(record.clone()), &mut text).ok()?;
    RawValue::from_string(String::from_utf8(text).ok()?).ok()
}

fn inner(error: Option<&EnvError>) -> Option<&EnvError> {
    match error {
        Some(EnvError::Variable { source, .. }) => inner(Some(source)),
        other => other,
    }
}

/// A variable in the JSON of `ach ls`.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    name: &'a str,
    kind: &'a str,
    dtype: Option<&'a str>,
    shape: Option<&'a [u64]>,
    entries: Option<u64>,
    size: u64,
    stored: u64,
    cold: bool,
    journal: bool,
    constant: bool,
    mutable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extents: Option<Vec<ExtentRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Array data of a variable in the JSON of `ach ls -l`.
#[derive(Debug, Serialize)]
struct ExtentRow {
    number: u32,
    offset: Option<u64>,
    stored: u64,
    size: u64,
    codec: &'static str,
    digest_kind: &'static str,
    digest: String,
}

impl ExtentRow {
    fn new(extent: &ExtentInfo, offset: Option<u64>) -> ExtentRow {
        let (digest_kind, length) = match extent.digest_kind {
            Some(DigestKind::Sha256) => ("sha256", 32),
            Some(DigestKind::Xxh3) => ("xxh3-128", 16),
            Some(DigestKind::None) => ("none", 0),
            None => ("unknown", 32),
        };
        ExtentRow {
            number: extent.number,
            offset,
            stored: extent.stored_len,
            size: extent.raw_len,
            codec: match extent.codec {
                Some(Codec::Raw) => "raw",
                Some(Codec::Zstd) => "zstd",
                None => "unknown",
            },
            digest_kind,
            digest: hex(&extent.digest[..length]),
        }
    }
}
