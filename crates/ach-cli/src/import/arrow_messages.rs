//! The messages of an Arrow file or stream: where each is, checked against the length of the file
//! before anything is read or allocated because of it.

use std::sync::Arc;

use achronyme_env::arrow::arrow_array::RecordBatch as Batch;
use achronyme_env::arrow::arrow_buffer::{Buffer, MutableBuffer};
use achronyme_env::arrow::arrow_schema::{Schema, SchemaRef};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, Message, MessageHeader, MetadataVersion, RecordBatch};

use super::arrow::{broken, damaged};
use super::arrow_guard::guarded;
use super::arrow_lazy::Wanted;
use super::error::{Result, Site};
use super::source::SourceFile;
use super::{ImportError, ImportOptions};

/// Most bytes of the footer, or of the head of a message.
const MAX_METADATA: u64 = 256 << 20;

/// Most bytes that all compressed parts of a file may become together: they stand in memory.
const MAX_DECODED: u64 = 16 << 30;

/// Times that a block of lz4 may be longer than what it is made of, and of zstd.
const MAX_RATIO: u64 = 40_000;

/// Where a message is.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u64,
    /// Bytes of its head, with what stands before it.
    head: u64,
    body: u64,
}

/// The messages of a file in the order in which they must be read.
#[derive(Debug)]
pub(super) struct Messages {
    source: Arc<SourceFile>,
    schema: SchemaRef,
    version: MetadataVersion,
    places: Vec<Place>,
}

/// What was read of the messages: their heads.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) parts: Vec<Part>,
}

/// The head of a message with data.
#[derive(Debug)]
pub(super) struct Part {
    head: Vec<u8>,
    block: Block,
    /// Where the body begins in the file.
    pub(super) body: u64,
    pub(super) rows: u64,
    pub(super) is_dictionary: bool,
    pub(super) compressed: bool,
    /// Length and number of nulls of each array.
    pub(super) nodes: Vec<(u64, u64)>,
    /// Place in the body and length of each buffer.
    pub(super) buffers: Vec<(u64, u64)>,
    pub(super) variadic: Vec<i64>,
}

impl Messages {
    /// Those of a file with a footer.
    ///
    /// # Errors
    /// When it has none, or one that names places outside the file.
    pub(super) fn of_file(source: &Arc<SourceFile>, len: u64, site: &Site) -> Result<Messages> {
        let mut end = [0; 10];
        let Some(trailer) = len.checked_sub(10).filter(|at| *at >= 8) else {
            return Err(cut_short(site));
        };
        let read = |at, out: &mut [u8]| source.read_exact_at(at, out).map_err(|e| site.value(e));
        read(trailer, &mut end)?;
        let length = read_footer_length(end).map_err(|_| cut_short(site))? as u64;
        if length > MAX_METADATA || length > trailer - 8 {
            return Err(cut_short(site));
        }
        let mut footer = vec![0; length as usize];
        read(trailer - length, &mut footer)?;
        let found = guarded(|| {
            let footer = arrow_ipc::root_as_footer(&footer)
                .map_err(|error| damaged(site, &format!("its footer: {error}")))?;
            let schema = footer
                .schema()
                .ok_or_else(|| damaged(site, "its footer has no schema"))?;
            let schema = schema_of(schema, site)?;
            let dictionaries = footer.dictionaries().into_iter().flatten();
            let batches = footer.recordBatches().into_iter().flatten();
            let places: Option<Vec<Place>> = dictionaries
                .chain(batches)
                .map(|block| {
                    Some(Place {
                        start: u64::try_from(block.offset()).ok()?,
                        head: u64::try_from(block.metaDataLength()).ok()?,
                        body: u64::try_from(block.bodyLength()).ok()?,
                    })
                })
                .collect();
            let places = places.ok_or_else(|| damaged(site, "a message has a negative length"))?;
            Ok((schema, footer.version(), places))
        });
        let (schema, version, places) = found.unwrap_or_else(|panic| Err(damaged(site, &panic)))?;
        // Together no longer than the file, so that one part is not unfolded many times.
        let mut left = len;
        for place in &places {
            let length = place.head.checked_add(place.body);
            let end = length.and_then(|length| place.start.checked_add(length));
            left = match (length, end) {
                (Some(length), Some(end)) if end <= len && length <= left => left - length,
                _ => {
                    return Err(damaged(
                        site,
                        "a message reaches beyond the file or into another",
                    ));
                }
            };
        }
        Ok(Messages {
            source: Arc::clone(source),
            schema,
            version,
            places,
        })
    }

    /// Those of a stream, one after the other.
    ///
    /// # Errors
    /// When one of them ends beyond the file.
    pub(super) fn of_stream(source: &Arc<SourceFile>, len: u64, site: &Site) -> Result<Messages> {
        let (mut places, mut schema) = (Vec::new(), None);
        let mut at = 0;
        while at + 8 <= len {
            let mut mark = [0; 8];
            source
                .read_exact_at(at, &mut mark)
                .map_err(|e| site.value(e))?;
            let [a, b, c, d, e, f, g, h] = mark;
            // Before format 0.15 there was no continuation mark.
            let (before, length) = match [a, b, c, d] {
                [0xff, 0xff, 0xff, 0xff] => (8, u32::from_le_bytes([e, f, g, h])),
                old => (4, u32::from_le_bytes(old)),
            };
            let length = u64::from(length);
            if length == 0 {
                break;
            }
            if length > MAX_METADATA || at + before + length > len {
                return Err(cut_short(site));
            }
            let head = self::head(source, at + before, length, site)?;
            let found = with_message(&head, site, |message| {
                let body = u64::try_from(message.bodyLength())
                    .map_err(|_| damaged(site, "a message has a negative length"))?;
                Ok(match message.header_as_schema() {
                    Some(found) => (body, Some((schema_of(found, site)?, message.version()))),
                    None => (body, None),
                })
            });
            let (body, found) = found?;
            let place = Place {
                start: at,
                head: before + length,
                body,
            };
            at = match (at + before + length).checked_add(body) {
                Some(end) if end <= len => end,
                _ => return Err(cut_short(site)),
            };
            match (found, &schema) {
                (Some(found), None) => schema = Some(found),
                (None, Some(_)) => places.push(place),
                _ => return Err(damaged(site, "it has not one schema, at its beginning")),
            }
        }
        let Some((schema, version)) = schema else {
            return Err(damaged(site, "it has no schema"));
        };
        Ok(Messages {
            source: Arc::clone(source),
            schema,
            version,
            places,
        })
    }

    /// The columns.
    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The file.
    pub(super) fn source(&self) -> &Arc<SourceFile> {
        &self.source
    }

    /// The batches, of which only the columns of those numbers are read and decoded.
    ///
    /// # Errors
    /// When something in them contradicts itself.
    pub(super) fn decode(
        &self,
        layout: &Layout,
        columns: &[usize],
        site: &Site,
    ) -> Result<Vec<Batch>> {
        let mut decoder = FileDecoder::new(Arc::clone(&self.schema), self.version)
            .with_projection(columns.to_vec());
        let mut batches = Vec::new();
        for part in &layout.parts {
            let bytes = self.load(part, columns, site)?;
            if part.is_dictionary {
                decoder
                    .read_dictionary(&part.block, &bytes)
                    .map_err(|e| broken(site, &e))?;
                continue;
            }
            let batch = decoder.read_record_batch(&part.block, &bytes);
            batches.extend(batch.map_err(|e| broken(site, &e))?);
        }
        Ok(batches)
    }

    /// A message in memory: of its body only what is wanted, zeros in place of the rest.
    fn load(&self, part: &Part, columns: &[usize], site: &Site) -> Result<Buffer> {
        let total = part.head.len() as u64 + part.block.bodyLength() as u64;
        let total = usize::try_from(total).map_err(|_| too_large(site))?;
        let mut bytes = MutableBuffer::try_from_len_zeroed(total).map_err(|_| too_large(site))?;
        let (head, body) = bytes.split_at_mut(part.head.len());
        head.copy_from_slice(&part.head);
        let wanted = Wanted::of(part, &self.schema, columns);
        for (index, (start, length)) in part.buffers.iter().enumerate() {
            if wanted.takes(index) {
                let out = &mut body[*start as usize..][..*length as usize];
                let read = self.source.read_exact_at(part.body + start, out);
                read.map_err(|error| site.value(error))?;
            }
        }
        Ok(bytes.into())
    }
}

impl Layout {
    /// Reads and checks the heads of all messages.
    ///
    /// # Errors
    /// When a buffer ends outside its message, or would be decompressed to more than the limits.
    pub(super) fn of(messages: &Messages, site: &Site, options: &ImportOptions) -> Result<Layout> {
        let mut left = options.max_member_bytes.min(MAX_DECODED);
        let mut parts = Vec::with_capacity(messages.places.len());
        for place in &messages.places {
            let head = self::head(&messages.source, place.start, place.head, site)?;
            let prefix = match head.get(..4) {
                Some([0xff, 0xff, 0xff, 0xff]) => 8,
                Some(_) => 4,
                None => return Err(cut_short(site)),
            };
            let metadata = head.get(prefix..).ok_or_else(|| cut_short(site))?;
            let part = with_message(metadata, site, |message| {
                Part::of(&message, place, head.clone(), site)
            })?;
            let Some(part) = part else { continue };
            if part.compressed {
                part.check_lengths(&messages.source, &mut left, site)?;
            }
            parts.push(part);
        }
        Ok(Layout { parts })
    }
}

impl Part {
    /// What the head of a message says; `None` for one without data.
    fn of(
        message: &Message<'_>,
        place: &Place,
        head: Vec<u8>,
        site: &Site,
    ) -> Result<Option<Part>> {
        let is_dictionary = message.header_type() == MessageHeader::DictionaryBatch;
        let batch: Option<RecordBatch<'_>> = match is_dictionary {
            true => message
                .header_as_dictionary_batch()
                .and_then(|dictionary| dictionary.data()),
            false => message.header_as_record_batch(),
        };
        let Some(batch) = batch else {
            return Ok(None);
        };
        let unsigned = |number: i64| u64::try_from(number).ok();
        let nodes: Option<Vec<(u64, u64)>> = batch
            .nodes()
            .into_iter()
            .flatten()
            .map(|node| {
                let (length, nulls) = (unsigned(node.length())?, unsigned(node.null_count())?);
                (nulls <= length).then_some((length, nulls))
            })
            .collect();
        let buffers: Option<Vec<(u64, u64)>> = batch
            .buffers()
            .into_iter()
            .flatten()
            .map(|buffer| {
                let (start, length) = (unsigned(buffer.offset())?, unsigned(buffer.length())?);
                let end = start.checked_add(length)?;
                (end <= place.body).then_some((start, length))
            })
            .collect();
        let (Some(nodes), Some(buffers), Some(rows)) = (nodes, buffers, unsigned(batch.length()))
        else {
            return Err(damaged(site, "a buffer reaches beyond its message"));
        };
        let (head_len, body) = (i32::try_from(place.head), i64::try_from(place.body));
        let (Ok(head_len), Ok(body_len)) = (head_len, body) else {
            return Err(damaged(site, "a message is too long"));
        };
        Ok(Some(Part {
            block: Block::new(0, head_len, body_len),
            body: place.start + place.head,
            head,
            rows,
            is_dictionary,
            compressed: batch.compression().is_some(),
            nodes,
            buffers,
            variadic: batch.variadicBufferCounts().into_iter().flatten().collect(),
        }))
    }

    /// Looks at the lengths that compressed buffers declare, and takes them from what is `left`.
    fn check_lengths(&self, source: &SourceFile, left: &mut u64, site: &Site) -> Result<()> {
        for (start, length) in &self.buffers {
            if *length < 8 {
                continue;
            }
            let mut declared = [0; 8];
            let read = source.read_exact_at(self.body + start, &mut declared);
            read.map_err(|error| site.value(error))?;
            let Ok(declared) = u64::try_from(i64::from_le_bytes(declared)) else {
                continue;
            };
            if declared > length.saturating_mul(MAX_RATIO) {
                return Err(damaged(
                    site,
                    "a compressed buffer declares more than it can hold",
                ));
            }
            *left = left.checked_sub(declared).ok_or_else(|| too_large(site))?;
            // What cannot be had is an error here, and would end the program there.
            let mut probe = Vec::<u8>::new();
            probe
                .try_reserve_exact(declared as usize)
                .map_err(|_| too_large(site))?;
        }
        Ok(())
    }
}

/// Bytes `start..start + length` of the file.
fn head(source: &SourceFile, start: u64, length: u64, site: &Site) -> Result<Vec<u8>> {
    if length > MAX_METADATA {
        return Err(damaged(site, "the head of a message is too long"));
    }
    let mut head = vec![0; length as usize];
    source
        .read_exact_at(start, &mut head)
        .map_err(|error| site.value(error))?;
    Ok(head)
}

fn with_message<T>(
    metadata: &[u8],
    site: &Site,
    work: impl FnOnce(Message<'_>) -> Result<T>,
) -> Result<T> {
    let done = guarded(|| {
        let message = arrow_ipc::root_as_message(metadata)
            .map_err(|error| damaged(site, &format!("a message: {error}")))?;
        work(message)
    });
    done.unwrap_or_else(|panic| Err(damaged(site, &panic)))
}

fn schema_of(schema: arrow_ipc::Schema<'_>, site: &Site) -> Result<SchemaRef> {
    if !schema.endianness().equals_to_target_endianness() {
        return Err(site.unsupported("it is big-endian", "save it on a little-endian machine"));
    }
    try_fb_to_schema(schema)
        .map(Arc::new)
        .map_err(|error| broken(site, &error))
}

fn cut_short(site: &Site) -> ImportError {
    site.damaged(
        "it does not end as an Arrow file",
        "it was cut short; copy or save it again",
    )
}

fn too_large(site: &Site) -> ImportError {
    site.unsupported(
        format!(
            "it unfolds to more than the memory that may be used for it ({} GiB)",
            MAX_DECODED >> 30
        ),
        "save it without compression, or in parts",
    )
}
