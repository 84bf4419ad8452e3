//! Writing an archive: bindings are gathered, then everything is placed, written once, and put in
//! place of the old file.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use super::areas::{aligned, expected_len};
use super::binding_options::BindingOptions;
use super::cancel::Cancel;
use super::destination::Destination;
use super::emit::write_at;
use super::entries::PlannedEntries;
use super::journal_guard::JournalGuard;
use super::options::SaveOptions;
use super::placed::{Placed, WrittenParts};
use super::replace::Replacement;
use super::report::SaveReport;
use super::size::choose_cold;
use super::spool::Spool;
use super::stream::{STREAMED_TOGETHER_BYTES, Stream};
use crate::error::{EnvError, Result};
use crate::finding::{Finding, Outcome};
use crate::format::extent::Codec;
use crate::format::header::{AchHeader, FORMAT_VERSION_MAJOR, FORMAT_VERSION_MINOR, HEADER_LEN};
use crate::format::records::{
    Area, FLAG_CONSTANT, FLAG_MUTABLE, LAYOUT_ID, PAGE_SIZE, Preamble, Slot,
};
use crate::format::{AREA_ALIGNMENT, NONE, TRAILER_LEN};
use crate::name::{check_name, nearest, quoted};
use crate::pattern::Patterns;
use crate::selection::Selection;
use crate::tree::build::{Builder, BuiltNodes};
use crate::tree::shared::SharedIds;
use crate::value::{NoContents, SharedContents, Value, ValueRef};

/// Made once: a record of attributes is allocated, though it is empty.
static PLAIN: LazyLock<BindingOptions> = LazyLock::new(BindingOptions::default);

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
/// Borrowed tensors are not copied: their memory is read when `finish` runs. What all together is
/// larger than memory is written with [`SaveOptions::streaming`], one array that is with
/// [`ArchiveWriter::reserve_tensor`].
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
    pub(super) destination: Destination,
    pub(super) options: SaveOptions,
    cold: Patterns,
    selection: Selection,
    pub(super) builder: Builder<'a, Spool>,
    pub(super) entries: PlannedEntries,
    /// Names of the bindings that the selection left out.
    omitted: Vec<String>,
    findings: Vec<Finding>,
    /// The journal of the archive that is replaced.
    guard: Option<JournalGuard>,
    /// Of an archive that is streamed: what of it is in the file already.
    pub(super) stream: Option<Stream>,
}

impl<'a> ArchiveWriter<'a> {
    /// Begins an archive that will be `path`.
    ///
    /// # Errors
    /// [`EnvError::AlreadyExists`], [`EnvError::NotAFile`], [`EnvError::Io`];
    /// [`EnvError::UnfoldedJournal`] and [`EnvError::SessionLocked`] for the archive of a session;
    /// [`EnvError::ChangedInPlace`] under [`SaveOptions::replaces`]; [`EnvError::InvalidValue`] or [`EnvError::Syntax`] for options that cannot be.
    pub fn create(path: impl AsRef<Path>, options: &SaveOptions) -> Result<ArchiveWriter<'a>> {
        let path = path.as_ref();
        let mut writer = ArchiveWriter::to(options, || {
            let replacement = Replacement::new(path, options.allow_overwrite)?;
            Ok(Destination::Replacement(replacement))
        })?;
        if !options.for_session {
            writer.guard = JournalGuard::new(path, options.discard_journal, options.replaces)?;
            if let Some((session, sequence)) = writer.guard.as_ref().and_then(JournalGuard::session)
            {
                writer.options.lineage.session_id = session;
                writer.options.lineage.folded_sequence = sequence;
            }
        }
        Ok(writer)
    }

    /// Begins an archive in memory.
    pub(crate) fn in_memory(options: &SaveOptions) -> Result<ArchiveWriter<'a>> {
        ArchiveWriter::to(options, Destination::memory)
    }

    fn to(
        options: &SaveOptions,
        destination: impl FnOnce() -> Result<Destination>,
    ) -> Result<ArchiveWriter<'a>> {
        let (cold, selection) = options.check()?;
        let destination = destination()?;
        let mut builder = Builder::new(destination.spool(), destination.spool());
        builder.keep_coding = options.keep_coding;
        let stream = match options.streaming {
            true => Some(Stream::new(&destination)?),
            false => None,
        };
        Ok(ArchiveWriter {
            stream,
            destination,
            options: options.clone(),
            cold,
            selection,
            builder,
            entries: PlannedEntries::default(),
            omitted: Vec::new(),
            findings: Vec::new(),
            guard: None,
        })
    }

    /// Saves these contents of cells and scopes, by their addresses, instead of what is in them.
    pub(crate) fn freeze(&mut self, contents: Arc<HashMap<usize, Value>>) {
        self.builder.frozen = Some(contents);
    }

    /// Gives cells and scopes the ids they have in a session.
    pub(crate) fn name_cells(&mut self, ids: Box<dyn SharedIds + 'a>) {
        self.builder.ids = Some(ids);
    }

    /// Adds a binding.
    ///
    /// # Errors
    /// [`EnvError::NameTooLong`]; [`EnvError::NestingTooDeep`], [`EnvError::InvalidValue`] and
    /// [`EnvError::DuplicateName`] about the value, wrapped with the name. A name given twice is an
    /// error of [`ArchiveWriter::finish`].
    pub fn add(&mut self, name: &str, value: impl Into<ValueRef<'a>>) -> Result<()> {
        self.add_with(name, value, &PLAIN)
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
        self.refuse_reserved(name)?;
        let value = value.into();
        if !self.takes(name, &value, options) {
            return Ok(());
        }
        if let ValueRef::Unsupported { kind, reason } = value {
            let finding = Finding::new(name, kind, Outcome::Lost, reason);
            self.findings.push(finding);
            return Ok(());
        }
        let of_variable = |e: EnvError| e.of_variable(name);
        self.builder.keep_coding = self.options.keep_coding && !options.unpacked;
        let cold = self.is_cold(name);
        let slot = self
            .builder
            .add(&value, cold, contents)
            .map_err(of_variable)?;
        self.findings.extend(self.builder.take_findings(name));
        self.note_large(name, value.kind().name(), self.builder.binding_bytes());
        let attributes = self.attributes_node(name, options)?;
        self.stream_waiting(STREAMED_TOGETHER_BYTES)?;
        self.push_entry(name, slot, attributes, options);
        Ok(())
    }

    /// Warns of a binding that needs many bytes.
    pub(super) fn note_large(&mut self, name: &str, kind: &str, bytes: u64) {
        let large = self.options.warn_large_values;
        if large.is_some_and(|large| bytes > large) {
            let size = match bytes {
                0..1_000_000 => format!("{bytes} bytes"),
                _ => format!("{:.1} MB", bytes as f64 / 1e6),
            };
            let reason = format!("it needs {size}");
            self.findings
                .push(Finding::new(name, kind, Outcome::Warning, reason));
        }
    }

    /// The node of the attributes of a binding; [`NONE`] without any.
    pub(super) fn attributes_node(&mut self, name: &str, options: &BindingOptions) -> Result<u32> {
        let given = self.options.attributes.get(name);
        if given.is_none() && options.attributes.is_empty() {
            return Ok(NONE);
        }
        let mut attributes = options.attributes.clone();
        for (key, value) in given.iter().flat_map(|given| given.iter()) {
            attributes.insert(key, value.clone());
        }
        match attributes.is_empty() {
            true => Ok(NONE),
            false => self
                .record_node(Value::Record(attributes))
                .map_err(|e| e.of_variable(name)),
        }
    }

    /// Adds the entry of a binding.
    pub(super) fn push_entry(
        &mut self,
        name: &str,
        slot: Slot,
        attributes: u32,
        options: &BindingOptions,
    ) {
        let flags =
            (options.constant as u8 * FLAG_CONSTANT) | (options.mutable as u8 * FLAG_MUTABLE);
        self.entries.push(name, flags, attributes, slot);
    }

    /// Whether the options ask for the array data of that binding to be compressed.
    pub(super) fn is_cold(&self, name: &str) -> bool {
        self.options.compress || (!self.cold.is_empty() && self.cold.matches(name))
    }

    /// Whether the options take a binding. What they leave out for its kind is a finding.
    pub(super) fn takes(
        &mut self,
        name: &str,
        value: &ValueRef<'_>,
        options: &BindingOptions,
    ) -> bool {
        if !self.selection.takes(name) {
            self.omitted.push(name.to_owned());
            return false;
        }
        let builtins = self.options.include_builtins.unwrap_or(true);
        let (left_out, option) = match value.is_builtin() {
            _ if options.constant && !self.options.include_constants => (true, "include_constants"),
            Some(true) => (!builtins, "include_builtins"),
            Some(false) => (!self.options.include_functions, "include_functions"),
            None => (false, ""),
        };
        if left_out {
            let reason = format!("`{option}` is off");
            let kind = value.kind().name();
            self.findings
                .push(Finding::new(name, kind, Outcome::Omitted, reason));
        }
        !left_out
    }

    /// Writes the archive and puts it in place.
    ///
    /// # Errors
    /// [`EnvError::DuplicateName`]; [`EnvError::DiskFull`], [`EnvError::Io`] and
    /// [`EnvError::Cancelled`], after which the old file is as it was and nothing is left behind; [`EnvError::ReplacedNotDurable`], after
    /// which the new file is in place.
    pub fn finish(self) -> Result<SaveReport> {
        self.finish_after(|| Ok(()))
    }

    /// As [`ArchiveWriter::finish`]. `before` is asked just before the old file is replaced: its
    /// error leaves that as it is, and what it answers is held until the new one is in place.
    pub(crate) fn finish_after<G>(
        mut self,
        before: impl FnOnce() -> Result<G>,
    ) -> Result<SaveReport> {
        let (report, expected) = self.write()?;
        self.cancel().check()?;
        match self.destination {
            Destination::Replacement(replacement) => {
                replacement.commit(self.options.durable, expected, before)?
            }
            Destination::Memory(_) => {}
        }
        if let Some(guard) = self.guard {
            guard.remove_journal();
        }
        Ok(report)
    }

    /// As [`ArchiveWriter::finish`], for an archive in memory: the file that holds it.
    pub(crate) fn finish_in_memory(mut self) -> Result<(std::fs::File, SaveReport)> {
        let (report, _) = self.write()?;
        match self.destination {
            Destination::Memory(file) => Ok((file, report)),
            Destination::Replacement(_) => unreachable!("it was not begun in memory"),
        }
    }

    pub(super) fn cancel(&self) -> Cancel {
        Cancel::new(self.options.cancel.clone(), self.destination.origin())
    }

    /// Writes everything. Returns the report, and how many bytes were expected to be needed.
    fn write(&mut self) -> Result<(SaveReport, u64)> {
        if let Some(stream) = self.stream.take() {
            return self.write_streamed(stream);
        }
        let metadata_node = self.metadata_node()?;
        let empty = [self.destination.spool(), self.destination.spool()];
        let BuiltNodes {
            nodes,
            shared_count,
            shared_ids,
            spools,
        } = self.builder.finish_nodes(empty)?;
        let mut extents = std::mem::take(&mut self.builder.extents);
        choose_cold(&self.options, &self.cancel(), &mut extents)?;
        let entries = std::mem::take(&mut self.entries).sorted()?;
        let mut placed = Placed {
            entries,
            extents: extents
                .iter()
                .map(|extent| self.blank_record(extent))
                .collect(),
            nodes: Vec::with_capacity(nodes.len()),
            shapes: std::mem::take(&mut self.builder.shapes),
            shared_ids: shared_ids.unwrap_or_default(),
        };

        // The plan: the table's length is known from the counts, so it stands in front.
        let table_offset = HEADER_LEN as u64;
        let table_len = placed.table_len(nodes.len());
        let nodes_area = placed.place_nodes(&nodes, table_offset + table_len);
        let extents_offset = aligned(nodes_area.offset + nodes_area.len, AREA_ALIGNMENT);

        self.refuse_losses()?;
        self.refuse_too_large(extents_offset, &extents)?;
        let expected = expected_len(extents_offset, &extents, &placed.extents);
        self.destination.reserve(expected)?;
        let failed = |e| self.destination.write_failed(e, expected);

        self.write_nodes(spools, nodes_area).map_err(failed)?;
        let (extents_end, lists) =
            self.write_extents(&extents, &mut placed.extents, extents_offset, 0, &failed)?;
        let extents_area = Area {
            offset: extents_offset,
            len: extents_end - extents_offset,
        };
        let sums_area = self
            .write_sums(&lists, &mut placed.extents, extents_end)
            .map_err(failed)?;

        let parts = WrittenParts {
            file_len: sums_area.offset + sums_area.len + TRAILER_LEN,
            table_offset,
            metadata_node,
            shared_count,
            nodes_area,
            extents_area,
            sums_area,
        };
        let report = self.write_table(placed, &parts);
        let report = report.map_err(|e| self.destination.write_failed(e, expected))?;
        Ok((report, expected))
    }

    /// Writes table, header and root digest: everything else is in the file.
    pub(super) fn write_table(
        &mut self,
        placed: Placed,
        parts: &WrittenParts,
    ) -> io::Result<SaveReport> {
        let preamble = Preamble {
            file_len: parts.file_len,
            layout_id: LAYOUT_ID,
            page_size: PAGE_SIZE,
            entry_count: placed.entries.len() as u32,
            extent_count: placed.extents.len() as u32,
            node_count: placed.nodes.len() as u32,
            shape_count: placed.shapes.len() as u32,
            metadata_node: parts.metadata_node,
            shared_count: parts.shared_count,
            session_id: self.options.lineage.session_id,
            folded_sequence: self.options.lineage.folded_sequence,
            parent_digest: self.options.lineage.parent_digest,
            nodes_area: parts.nodes_area,
            extents_area: parts.extents_area,
            sums_area: parts.sums_area,
            ..bytemuck::Zeroable::zeroed()
        };
        let table = placed.table(preamble);
        let header = AchHeader {
            major: FORMAT_VERSION_MAJOR,
            minor: FORMAT_VERSION_MINOR,
            flags: self.options.header_flags(),
            created: self.options.created.unwrap_or_else(now),
            writer: env!("CARGO_PKG_VERSION").to_owned(),
            has_cold: placed
                .extents
                .iter()
                .any(|extent| extent.codec != Codec::Raw as u8),
            table_offset: parts.table_offset,
            table_len: table.len() as u64,
            table_crc: table.crc(),
        };
        let file = self.destination.file();
        let root_digest = table.write(file, &header.to_bytes(), parts.table_offset)?;
        write_at(file, parts.file_len - TRAILER_LEN, &root_digest)?;
        file.set_len(parts.file_len)?;
        // A name that was mistyped is often near one that was therefore left out.
        let omitted = self.omitted.iter().map(String::as_str);
        let names = placed.entries.names().chain(omitted);
        self.findings.extend(self.selection.unmet(names));
        let mut report = SaveReport {
            path: self.destination.origin(),
            file_len: parts.file_len,
            bindings: placed.entries.len(),
            omitted: self.omitted.len(),
            raw_bytes: placed.extents.iter().map(|extent| extent.raw_len).sum(),
            stored_bytes: placed.extents.iter().map(|extent| extent.stored_len).sum(),
            root_digest,
            findings: std::mem::take(&mut self.findings),
        };
        let unmet = self.attributes_of_nothing(&placed.entries);
        report.findings.extend(unmet);
        Ok(report)
    }

    /// A finding for every name whose attributes no binding took.
    fn attributes_of_nothing(&self, entries: &PlannedEntries) -> impl Iterator<Item = Finding> {
        let saved: HashSet<&str> = match self.options.attributes.is_empty() {
            true => HashSet::new(),
            false => entries.names().collect(),
        };
        let given = self.options.attributes.keys();
        let unknown = given.filter(move |name| !saved.contains(name.as_str()));
        unknown.map(|name| {
            let near = nearest(name, entries.names());
            let hint = near.map(|near| format!("; did you mean {}?", quoted(&near)));
            let hint = hint.unwrap_or_default();
            let reason = format!("attributes were given for it, and it is not saved{hint}");
            Finding::new(name, "", Outcome::Unknown, reason)
        })
    }

    /// Under `strict`, an error when something would be lost.
    pub(super) fn refuse_losses(&self) -> Result<()> {
        if self.options.strict && self.findings.iter().any(|f| f.outcome.is_loss()) {
            return Err(EnvError::Lossy {
                action: "save",
                path: self.destination.origin(),
                findings: self.findings.clone(),
            });
        }
        Ok(())
    }

    pub(super) fn record_node(&mut self, record: Value) -> Result<u32> {
        match self
            .builder
            .add(&ValueRef::Owned(record), false, &mut NoContents)?
        {
            Slot::Node(node) => Ok(node),
            // `Builder::add` puts every record in a node.
            other => unreachable!("a record became {other:?}"),
        }
    }
}

impl fmt::Debug for ArchiveWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveWriter")
            .field("path", &self.destination.origin())
            .field("bindings", &self.entries.len())
            .finish_non_exhaustive()
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
