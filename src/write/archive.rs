//! Writing an archive: bindings are gathered, then everything is placed, written once, and put in
//! place of the old file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::SpooledTempFile;

use super::areas::{aligned, expected_len};
use super::emit::write_at;
use super::options::SaveOptions;
use super::placed::Placed;
use super::replace::Replacement;
use crate::error::{EnvError, Result};
use crate::finding::{Finding, Outcome};
use crate::format::extent::Codec;
use crate::format::header::{
    AchHeader, FLAG_SEALED, FORMAT_VERSION_MAJOR, FORMAT_VERSION_MINOR, HEADER_LEN,
};
use crate::format::records::{
    Area, EntryRecord, FLAG_CONSTANT, FLAG_MUTABLE, LAYOUT_ID, NodeRecord, PAGE_SIZE, Preamble,
    Slot,
};
use crate::format::sums::root_digest;
use crate::format::{AREA_ALIGNMENT, NONE, TRAILER_LEN};
use crate::limits::MAX_NAME_HEAP_BYTES;
use crate::name::check_name;
use crate::pattern::Patterns;
use crate::tree::build::{Builder, BuiltNodes};
use crate::value::{NoContents, Record, SharedContents, Value, ValueRef};

/// Saves bindings to a file: atomically, in the given order.
///
/// ```
/// use achronyme_env::{save, Archive, SaveOptions, Value};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("run.ach");
///
/// let values = [("answer", Value::Integer(42)), ("greeting", Value::from("hello"))];
/// save(&path, values.iter().map(|(name, value)| (*name, value)), &SaveOptions::new())?;
/// assert_eq!(Archive::open(&path)?.load_var("answer")?.as_i64(), Some(42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`ArchiveWriter`]; the old file, if there is one, is then as it was.
pub fn save<'a, N, V>(
    path: impl AsRef<Path>,
    bindings: impl IntoIterator<Item = (N, V)>,
    options: &SaveOptions,
) -> Result<SaveReport>
where
    N: AsRef<str>,
    V: Into<ValueRef<'a>>,
{
    let mut writer = ArchiveWriter::create(path, options)?;
    for (name, value) in bindings {
        writer.add(name.as_ref(), value)?;
    }
    writer.finish()
}

/// Gathers bindings and writes them as one archive. Until [`ArchiveWriter::finish`] returns, the
/// file of that name is the old one, or none; dropped before, the writer leaves nothing.
///
/// Borrowed tensors are not copied: their memory is read when `finish` runs.
///
/// ```
/// use achronyme_env::{ArchiveWriter, BindingOptions, Record, SaveOptions, TensorRef};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("run.ach");
///
/// let temperature = vec![271.5f32; 12];
/// let units = Record::from([("units", "K")]);
/// let mut writer = ArchiveWriter::create(&path, &SaveOptions::new())?;
/// writer.add("run", 7i64)?;
/// writer.add_with(
///     "temperature",
///     TensorRef::new(&temperature, &[3, 4])?,
///     &BindingOptions::new().attributes(units),
/// )?;
/// let report = writer.finish()?;
/// assert_eq!(report.bindings, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ArchiveWriter<'a> {
    pub(super) replacement: Replacement,
    pub(super) options: SaveOptions,
    cold: Patterns,
    builder: Builder<'a, SpooledTempFile>,
    entries: Vec<PlannedEntry>,
    /// Names in the order they were added, one after the other.
    names: String,
    findings: Vec<Finding>,
}

/// What may be said of a binding beside its value.
#[derive(Clone, Debug, Default)]
pub struct BindingOptions {
    attributes: Record,
    constant: bool,
    mutable: bool,
}

impl BindingOptions {
    /// No attributes; neither constant nor mutable.
    pub fn new() -> BindingOptions {
        BindingOptions::default()
    }

    /// Attributes: units, dims, a description, anything.
    pub fn attributes(mut self, attributes: Record) -> Self {
        self.attributes = attributes;
        self
    }

    /// Marks a constant of the session.
    pub fn constant(mut self, constant: bool) -> Self {
        self.constant = constant;
        self
    }

    /// Marks a binding that was declared mutable.
    pub fn mutable(mut self, mutable: bool) -> Self {
        self.mutable = mutable;
        self
    }
}

/// What a save did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveReport {
    /// The file.
    pub path: PathBuf,
    /// Its length in bytes.
    pub file_len: u64,
    /// Number of bindings.
    pub bindings: usize,
    /// Bytes of array data before compression; shared data counts once.
    pub raw_bytes: u64,
    /// Bytes of array data in the file.
    pub stored_bytes: u64,
    /// The root digest.
    pub root_digest: [u8; 32],
    /// What could not be saved: bindings that are missing, parts that stand as placeholders.
    pub findings: Vec<Finding>,
}

#[derive(Clone, Copy, Debug)]
struct PlannedEntry {
    name_start: usize,
    name_len: u16,
    flags: u8,
    attributes: u32,
    slot: Slot,
}

impl<'a> ArchiveWriter<'a> {
    /// Begins an archive that will be `path`.
    ///
    /// # Errors
    /// [`EnvError::AlreadyExists`], [`EnvError::NotAFile`], [`EnvError::Io`];
    /// [`EnvError::InvalidValue`] or [`EnvError::Syntax`] for options that cannot be.
    pub fn create(path: impl AsRef<Path>, options: &SaveOptions) -> Result<ArchiveWriter<'a>> {
        let cold = options.check()?;
        let replacement = Replacement::new(path.as_ref(), options.overwrite)?;
        let builder = Builder::new(replacement.spool(), replacement.spool());
        Ok(ArchiveWriter {
            replacement,
            options: options.clone(),
            cold,
            builder,
            entries: Vec::new(),
            names: String::new(),
            findings: Vec::new(),
        })
    }

    /// Adds a binding.
    ///
    /// # Errors
    /// [`EnvError::NameTooLong`]; [`EnvError::NestingTooDeep`], [`EnvError::InvalidValue`] and
    /// [`EnvError::DuplicateName`] about the value, wrapped with the name. A name given twice is an
    /// error of [`ArchiveWriter::finish`].
    pub fn add(&mut self, name: &str, value: impl Into<ValueRef<'a>>) -> Result<()> {
        self.add_with(name, value, &BindingOptions::default())
    }

    /// Adds a binding with attributes or marks.
    ///
    /// # Errors
    /// As [`ArchiveWriter::add`].
    pub fn add_with(
        &mut self,
        name: &str,
        value: impl Into<ValueRef<'a>>,
        options: &BindingOptions,
    ) -> Result<()> {
        self.add_from(name, value, options, &mut NoContents)
    }

    /// Adds a binding whose value may name cells and scopes of the host's own
    /// ([`ValueRef::HostCell`], [`ScopeRef::Host`](crate::ScopeRef)): `contents` tells what they
    /// hold. One that was met before, in this or another binding, is not asked for again.
    ///
    /// A value that is [`ValueRef::Unsupported`] is left out, and a part that is becomes a
    /// placeholder; [`SaveReport::findings`] names both. In the path of a finding `<cell>` and
    /// `<scope>` are the steps into a cell of the host's and into the scope a function captured:
    /// `counter.step<scope>.next<cell>[2]`. The name is that of the binding by which the cell was
    /// met first.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use achronyme_env::{
    ///     Archive, ArchiveWriter, BindingOptions, Result, SaveOptions, SharedContents, SharedId,
    ///     Value, ValueRef,
    /// };
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.ach");
    ///
    /// // The host's own cell, under two names.
    /// let cell = Rc::new(RefCell::new(41.0));
    /// struct Cells<'c>(&'c RefCell<f64>);
    /// impl<'a> SharedContents<'a> for Cells<'_> {
    ///     fn contents(&mut self, _: SharedId) -> Result<ValueRef<'a>> {
    ///         Ok(ValueRef::Number(*self.0.borrow()))
    ///     }
    /// }
    ///
    /// let mut writer = ArchiveWriter::create(&path, &SaveOptions::new())?;
    /// for name in ["counter", "alias"] {
    ///     let value = ValueRef::HostCell(SharedId::of(&*cell));
    ///     writer.add_from(name, value, &BindingOptions::new(), &mut Cells(&cell))?;
    /// }
    /// writer.finish()?;
    ///
    /// let values = Archive::open(&path)?.load_vars(&["counter", "alias"])?;
    /// let [Value::Cell(counter), Value::Cell(alias)] = &values[..] else { panic!() };
    /// assert!(counter.same(alias));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`ArchiveWriter::add`], and what `contents` answers.
    pub fn add_from(
        &mut self,
        name: &str,
        value: impl Into<ValueRef<'a>>,
        options: &BindingOptions,
        contents: &mut dyn SharedContents<'a>,
    ) -> Result<()> {
        check_name(name)?;
        let value = value.into();
        if let ValueRef::Unsupported { kind, reason } = value {
            let finding = Finding::new(name, kind, Outcome::Lost, reason);
            self.findings.push(finding);
            return Ok(());
        }
        let cold = !self.cold.is_empty() && self.cold.matches(name);
        let slot = self
            .builder
            .add(&value, cold, contents)
            .map_err(|e| e.of_variable(name))?;
        self.findings.extend(self.builder.take_findings(name));
        let attributes = match options.attributes.is_empty() {
            true => NONE,
            false => {
                let attributes = Value::Record(options.attributes.clone());
                self.record_node(attributes)
                    .map_err(|e| e.of_variable(name))?
            }
        };
        let flags =
            (options.constant as u8 * FLAG_CONSTANT) | (options.mutable as u8 * FLAG_MUTABLE);
        let name_start = self.names.len();
        self.names.push_str(name);
        let name_len = name.len() as u16;
        self.entries.push(PlannedEntry {
            name_start,
            name_len,
            flags,
            attributes,
            slot,
        });
        Ok(())
    }

    /// Writes the archive and puts it in place.
    ///
    /// # Errors
    /// [`EnvError::DuplicateName`]; [`EnvError::DiskFull`] and [`EnvError::Io`], after which the
    /// old file is as it was and nothing is left behind; [`EnvError::ReplacedNotDurable`], after
    /// which the new file is in place.
    pub fn finish(mut self) -> Result<SaveReport> {
        let metadata_node = self.metadata_node()?;
        let empty = [self.replacement.spool(), self.replacement.spool()];
        let BuiltNodes {
            nodes,
            shared_count,
            spools,
        } = self.builder.finish_nodes(empty)?;
        let extents = std::mem::take(&mut self.builder.extents);
        let (entries, names) = self.sorted_entries()?;
        let mut placed = Placed {
            entries,
            names,
            extents: extents
                .iter()
                .map(|extent| self.blank_record(extent))
                .collect(),
            nodes: Vec::with_capacity(nodes.len()),
            shapes: std::mem::take(&mut self.builder.shapes),
        };

        // The plan: the table's length is known from the counts, so it stands in front.
        let table_offset = HEADER_LEN as u64;
        let table_len = placed.table_len(nodes.len());
        let nodes_area_offset = aligned(table_offset + table_len, AREA_ALIGNMENT);
        let mut node_end = nodes_area_offset;
        for node in &nodes {
            placed.nodes.push(NodeRecord {
                offset: node_end,
                len: node.len,
                crc: node.crc,
            });
            node_end += u64::from(node.len);
        }
        let nodes_area = Area {
            offset: nodes_area_offset,
            len: node_end - nodes_area_offset,
        };
        let extents_offset = aligned(node_end, AREA_ALIGNMENT);

        let expected = expected_len(extents_offset, &extents);
        self.replacement.reserve(expected)?;
        let failed = |e| self.replacement.write_failed(e, expected);

        self.write_nodes(spools, nodes_area).map_err(failed)?;
        let (extents_end, lists) =
            self.write_extents(&extents, &mut placed.extents, extents_offset, &failed)?;
        let extents_area = Area {
            offset: extents_offset,
            len: extents_end - extents_offset,
        };
        let sums_area = self
            .write_sums(&lists, &mut placed.extents, extents_end)
            .map_err(failed)?;

        let file_len = sums_area.offset + sums_area.len + TRAILER_LEN;
        let preamble = Preamble {
            file_len,
            layout_id: LAYOUT_ID,
            page_size: PAGE_SIZE,
            entry_count: placed.entries.len() as u32,
            extent_count: placed.extents.len() as u32,
            node_count: placed.nodes.len() as u32,
            shape_count: placed.shapes.len() as u32,
            metadata_node,
            shared_count,
            nodes_area,
            extents_area,
            sums_area,
            ..bytemuck::Zeroable::zeroed()
        };
        let (table, table_crc) = placed.table(preamble);
        debug_assert_eq!(table.len() as u64, table_len);
        let header = AchHeader {
            major: FORMAT_VERSION_MAJOR,
            minor: FORMAT_VERSION_MINOR,
            flags: if self.options.seal { FLAG_SEALED } else { 0 },
            created: self.options.created.unwrap_or_else(now),
            writer: env!("CARGO_PKG_VERSION").to_owned(),
            has_cold: placed
                .extents
                .iter()
                .any(|extent| extent.codec != Codec::Raw as u8),
            table_offset,
            table_len,
            table_crc,
        };
        let header = header.to_bytes();
        let root_digest = root_digest(&header, &table);
        let file = self.replacement.file();
        write_at(file, 0, &header)
            .and_then(|()| write_at(file, table_offset, &table))
            .and_then(|()| write_at(file, file_len - TRAILER_LEN, &root_digest))
            .and_then(|()| file.set_len(file_len))
            .map_err(failed)?;
        let report = SaveReport {
            path: self.replacement.path().to_owned(),
            file_len,
            bindings: placed.entries.len(),
            raw_bytes: placed.extents.iter().map(|extent| extent.raw_len).sum(),
            stored_bytes: placed.extents.iter().map(|extent| extent.stored_len).sum(),
            root_digest,
            findings: std::mem::take(&mut self.findings),
        };
        self.replacement.commit(self.options.durable, expected)?;
        Ok(report)
    }

    /// The node of the metadata record, or `NONE` when there is nothing to say.
    fn metadata_node(&mut self) -> Result<u32> {
        let mut metadata = Record::new();
        if let Some(description) = &self.options.description {
            metadata.insert("description", description.as_str());
        }
        if !self.options.tags.is_empty() {
            metadata.insert(
                "tags",
                Value::vector(self.options.tags.iter().map(String::as_str)),
            );
        }
        if !self.options.custom.is_empty() {
            let custom = self.options.custom.iter();
            let custom: Record = custom
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect();
            metadata.insert("custom", custom);
        }
        if metadata.is_empty() {
            return Ok(NONE);
        }
        self.record_node(Value::Record(metadata))
    }

    fn record_node(&mut self, record: Value) -> Result<u32> {
        match self
            .builder
            .add(&ValueRef::Owned(record), false, &mut NoContents)?
        {
            Slot::Node(node) => Ok(node),
            // `Builder::add` puts every record in a node.
            other => unreachable!("a record became {other:?}"),
        }
    }

    /// The entries sorted by name, and the name heap in that order.
    fn sorted_entries(&self) -> Result<(Vec<EntryRecord>, Vec<u8>)> {
        let name = |entry: &PlannedEntry| {
            &self.names.as_bytes()[entry.name_start..][..usize::from(entry.name_len)]
        };
        if self.names.len() as u64 > MAX_NAME_HEAP_BYTES || self.entries.len() as u64 >= NONE.into()
        {
            return Err(EnvError::InvalidValue {
                what: format!("{} bindings", self.entries.len()),
                reason: "their names need more than 4 GiB, or they are too many".to_owned(),
            });
        }
        let mut order: Vec<u32> = (0..self.entries.len() as u32).collect();
        if !self.entries.is_sorted_by(|a, b| name(a) < name(b)) {
            order.sort_by(|a, b| {
                name(&self.entries[*a as usize]).cmp(name(&self.entries[*b as usize]))
            });
        }
        let mut names = Vec::with_capacity(self.names.len());
        let mut records: Vec<EntryRecord> = Vec::with_capacity(order.len());
        let mut previous: Option<&[u8]> = None;
        for ordinal in order {
            let entry = &self.entries[ordinal as usize];
            let bytes = name(entry);
            if previous == Some(bytes) {
                let name = String::from_utf8_lossy(bytes).into_owned();
                return Err(EnvError::DuplicateName { name });
            }
            previous = Some(bytes);
            let (kind, payload) = entry.slot.to_record();
            records.push(EntryRecord {
                name_offset: names.len() as u32,
                name_len: entry.name_len,
                kind,
                flags: entry.flags,
                ordinal,
                attributes: entry.attributes,
                payload,
            });
            names.extend_from_slice(bytes);
        }
        Ok((records, names))
    }
}

impl fmt::Debug for ArchiveWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveWriter")
            .field("path", &self.replacement.path())
            .field("bindings", &self.entries.len())
            .finish_non_exhaustive()
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
