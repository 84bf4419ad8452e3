//! Writing a value image: into memory, or to its place in a file that is larger than memory.

use std::fs::File;
use std::io::{self, Cursor, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::cancel::Cancel;
use super::emit::{Emission, write_at, write_placed};
use crate::error::{EnvError, Origin, Result};
use crate::format::align_up;
use crate::format::crc;
use crate::format::extent::{Codec, DigestKind, ExtentRecord};
use crate::format::image::ImageHead;
use crate::format::records::{NodeRecord, Slot};
use crate::format::sums::{PIECE_BYTES, combine, piece_digest};
use crate::limits::{EXTENT_ALIGNMENT, HOT_BLOCK_BYTES};
use crate::tree::build::{Builder, BuiltNodes};
use crate::tree::extent_source::PlannedExtent;
use crate::tree::shared::SharedIds;
use crate::value::{NoContents, Record, Value, ValueRef};

/// One value as bytes: what messages and journals carry. [`crate::deserialize_value`] reads it.
/// The same value gives the same bytes.
///
/// # Errors
/// As [`crate::ArchiveWriter::add`], and what reading the value's own bytes answers.
pub fn serialize_value<'a>(value: impl Into<ValueRef<'a>>) -> Result<Vec<u8>> {
    ImagePlan::new(&value.into(), ImageOptions::default())?.into_bytes()
}

/// Kind and content of the digest of an extent that need not be written again.
pub(crate) type KnownDigest = (DigestKind, [u8; 32]);

/// Tells of an extent under which digest it stands in an earlier frame or in the archive, if it does.
pub(crate) type Elsewhere<'a, 'e> = dyn Fn(&PlannedExtent<'a>) -> Option<KnownDigest> + 'e;

/// What a session says of the image of a binding.
#[derive(Default)]
pub(crate) struct ImageOptions<'a, 'e> {
    pub(crate) attributes: Option<&'e Record>,
    /// Names cells and scopes. Without it the image stands on its own.
    pub(crate) ids: Option<Box<dyn SharedIds + 'a>>,
    /// Tells which extents stand in an earlier frame or in the archive.
    pub(crate) elsewhere: Option<&'e Elsewhere<'a, 'e>>,
    /// Digests are SHA-256, as in the archive of the session.
    pub(crate) sealed: bool,
    /// The content that is written of a cell or scope, by its address, instead of what is in it.
    pub(crate) frozen: Option<(usize, Value)>,
}

/// An image whose parts have their places; array data is not read yet.
pub(crate) struct ImagePlan<'a> {
    head: ImageHead,
    /// The nodes, one after the other.
    nodes: Vec<u8>,
    /// The extents that stand in the image, each with its place among the records.
    extents: Vec<PlannedExtent<'a>>,
    places: Vec<usize>,
    digest: DigestKind,
    len: u64,
}

/// What writing an image gave.
pub(crate) struct WrittenImage<'a> {
    /// CRC-32 of the whole image.
    pub(crate) crc: u32,
    /// The extents that stand in it.
    pub(crate) extents: Vec<(PlannedExtent<'a>, ExtentRecord)>,
}

impl<'a> ImagePlan<'a> {
    /// Builds the nodes of `value` and gives everything its place.
    pub(crate) fn new(
        value: &ValueRef<'a>,
        options: ImageOptions<'a, '_>,
    ) -> Result<ImagePlan<'a>> {
        let spool = || Cursor::new(Vec::new());
        let mut builder = Builder::new(spool(), spool());
        builder.ids = options.ids;
        builder.frozen = options.frozen.map(|frozen| Arc::new([frozen].into()));
        let slot = builder.add(value, false, &mut NoContents)?;
        if let Some(finding) = builder.take_findings("").next() {
            return Err(EnvError::InvalidValue {
                what: match finding.path.as_str() {
                    "" => format!("a {}", finding.kind),
                    path => format!("{path} (a {})", finding.kind),
                },
                reason: finding.reason,
            });
        }
        let attributes = match options.attributes {
            Some(record) if !record.is_empty() => {
                let record = ValueRef::Owned(Value::Record(record.clone()));
                match builder.add(&record, false, &mut NoContents)? {
                    Slot::Node(node) => Some(node),
                    // `Builder::add` puts every record in a node.
                    other => unreachable!("a record became {other:?}"),
                }
            }
            _ => None,
        };
        let built = builder.finish_nodes([spool(), spool()])?;
        let planned = std::mem::take(&mut builder.extents);
        let shapes = std::mem::take(&mut builder.shapes);
        let digest = match options.sealed {
            true => DigestKind::Sha256,
            false => DigestKind::Xxh3,
        };
        let mut plan = ImagePlan {
            head: ImageHead {
                slot,
                attributes,
                extents: Vec::with_capacity(planned.len()),
                nodes: Vec::with_capacity(built.nodes.len()),
                shapes,
                shared_count: built.shared_count,
                shared_ids: None,
            },
            nodes: Vec::new(),
            extents: Vec::new(),
            places: Vec::new(),
            digest,
            len: 0,
        };
        for (place, extent) in planned.into_iter().enumerate() {
            let known = options.elsewhere.and_then(|known| known(&extent));
            plan.head.extents.push(match known {
                Some((kind, digest)) => ExtentRecord::elsewhere(extent.raw_len, kind, digest),
                None => ExtentRecord::blank(extent.raw_len, Codec::Raw, HOT_BLOCK_BYTES, digest),
            });
            if known.is_none() {
                plan.extents.push(extent);
                plan.places.push(place);
            }
        }
        plan.place(built);
        Ok(plan)
    }

    /// Gives nodes, lists of sums and extents their places.
    fn place(&mut self, built: BuiltNodes<Cursor<Vec<u8>>>) {
        let head = &mut self.head;
        head.shared_ids = built.shared_ids;
        let ids = head.shared_ids.as_ref().map_or(0, Vec::len);
        let mut end = ImageHead::len(
            head.extents.len(),
            built.nodes.len(),
            head.shapes.len(),
            ids,
        );
        for node in built.nodes {
            head.nodes.push(NodeRecord {
                offset: end,
                len: node.len,
                crc: node.crc,
            });
            end += u64::from(node.len);
        }
        let [nodes, shared] = built.spools.map(Cursor::into_inner);
        self.nodes = nodes;
        self.nodes.extend_from_slice(&shared);
        for place in &self.places {
            let record = &mut head.extents[*place];
            if record.sums_len() > 0 {
                record.sums_offset = end;
                end += record.sums_len().next_multiple_of(8);
            }
        }
        for place in &self.places {
            let record = &mut head.extents[*place];
            record.offset = align_up(end, EXTENT_ALIGNMENT).unwrap_or(u64::MAX);
            end = record.offset.saturating_add(record.stored_len);
        }
        self.len = end;
    }

    /// Length of the image in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether the image names content that stands elsewhere in the session.
    pub(crate) fn names_extents_elsewhere(&self) -> bool {
        self.places.len() < self.head.extents.len()
    }

    /// Whether cells or scopes are in it.
    pub(crate) fn has_cells(&self) -> bool {
        self.head.shared_count > 0
    }

    /// Reads array data for its sums; nothing is missing then.
    pub(crate) fn summed(mut self) -> Result<SummedImage<'a>> {
        let mut lists = Vec::with_capacity(self.extents.len());
        for (extent, place) in self.extents.iter().zip(&self.places) {
            let (list, digest) = summed(extent, self.digest)?;
            self.head.extents[*place].digest = digest;
            lists.push(list);
        }
        let front = self.front(&lists);
        let records: Vec<_> = self.records().collect();
        Ok(SummedImage {
            front,
            lists,
            extents: self.extents,
            records,
            len: self.len,
        })
    }

    /// The image in memory; array data is read once.
    pub(crate) fn into_bytes(mut self) -> Result<Vec<u8>> {
        let nodes_start = self.nodes_start();
        let mut image = Vec::with_capacity(usize::try_from(self.len).unwrap_or(usize::MAX));
        image.resize(nodes_start, 0);
        image.extend_from_slice(&self.nodes);
        let mut list = Vec::new();
        for (extent, place) in self.extents.iter().zip(&self.places) {
            let record = &mut self.head.extents[*place];
            // Between the nodes and the first extent are the lists of sums.
            let start = record.offset as usize;
            image.resize(start, 0);
            match extent.source.resident(extent.raw_len) {
                Some(bytes) => image.extend_from_slice(bytes),
                None => {
                    image.resize(start + extent.raw_len as usize, 0);
                    extent.source.read_at(0, &mut image[start..])?;
                }
            }
            let (sums, digest) = (&mut list, &mut Digests::new(self.digest, extent.raw_len));
            sums.clear();
            for piece in image[start..].chunks(PIECE_BYTES) {
                digest.add(piece, sums);
            }
            record.digest = digest.whole();
            record.sum = match record.sums_len() {
                0 => sums_of(sums).next().unwrap_or_default(),
                _ => crc32fast::hash(sums),
            };
            if record.sums_len() > 0 {
                image[record.sums_offset as usize..][..sums.len()].copy_from_slice(sums);
            }
        }
        let head = self.head.to_bytes(self.len);
        image[..nodes_start].copy_from_slice(&head);
        Ok(image)
    }

    /// Where the nodes begin: after head and records.
    fn nodes_start(&self) -> usize {
        let head = &self.head;
        let ids = head.shared_ids.as_ref().map_or(0, Vec::len);
        let (extents, nodes) = (head.extents.len(), head.nodes.len());
        ImageHead::len(extents, nodes, head.shapes.len(), ids) as usize
    }

    /// The records of the extents that stand in the image.
    fn records(&self) -> impl Iterator<Item = ExtentRecord> {
        self.places.iter().map(|place| self.head.extents[*place])
    }

    /// Writes the image to `base..base + len` of a file, on all cores; its front comes last. Ends
    /// with [`EnvError::Cancelled`] soon after `cancel` is true.
    pub(crate) fn write_to(
        mut self,
        file: &File,
        base: u64,
        origin: &Origin,
        cancel: Option<Arc<AtomicBool>>,
        failed: &(dyn Fn(io::Error) -> EnvError + Sync),
    ) -> Result<WrittenImage<'a>> {
        let emission = Emission {
            pool: None,
            file,
            digest: self.digest,
            // A session tells arrays apart by them: they are those of the bytes that are written.
            carries_digests: false,
            progress: None,
            total: self.extents.iter().map(|extent| extent.raw_len).sum(),
            done: AtomicU64::new(0),
            durable: false,
            cancel: Cancel::new(cancel, origin.clone()),
        };
        let mut records: Vec<ExtentRecord> = self
            .records()
            .map(|record| ExtentRecord {
                offset: base + record.offset,
                ..record
            })
            .collect();
        let lists = write_placed(&emission, &self.extents, &mut records, failed)?;
        for (record, place) in records.iter().zip(&self.places) {
            self.head.extents[*place].digest = record.digest;
        }
        let front = self.front(&lists);
        write_at(file, base, &front).map_err(failed)?;

        let records: Vec<_> = self.records().collect();
        let crc = joined_crc(&front, &lists, &records);
        Ok(WrittenImage {
            crc,
            extents: self.extents.into_iter().zip(records).collect(),
        })
    }

    /// Everything before the first extent, with the sums of `lists` in place.
    fn front(&mut self, lists: &[Vec<u8>]) -> Vec<u8> {
        let mut area = Vec::new();
        for (list, place) in lists.iter().zip(&self.places) {
            let record = &mut self.head.extents[*place];
            if record.sums_len() == 0 {
                record.sum = sums_of(list).next().unwrap_or_default();
                continue;
            }
            record.sum = crc32fast::hash(list);
            area.extend_from_slice(list);
            area.resize(area.len().next_multiple_of(8), 0);
        }
        let mut front = self.head.to_bytes(self.len);
        front.extend_from_slice(&self.nodes);
        front.append(&mut area);
        front
    }
}

/// An image of which all is known but the array data, which is read again when it is written.
#[derive(Debug)]
pub(crate) struct SummedImage<'a> {
    front: Vec<u8>,
    /// Block sums of each extent.
    lists: Vec<Vec<u8>>,
    extents: Vec<PlannedExtent<'a>>,
    records: Vec<ExtentRecord>,
    len: u64,
}

impl<'a> SummedImage<'a> {
    /// The image of a value that stands on its own.
    ///
    /// # Errors
    /// As [`serialize_value`].
    pub(crate) fn of(value: &ValueRef<'a>) -> Result<SummedImage<'a>> {
        ImagePlan::new(value, ImageOptions::default())?.summed()
    }

    /// Length of the image in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// CRC-32 of the image.
    pub(crate) fn crc(&self) -> u32 {
        joined_crc(&self.front, &self.lists, &self.records)
    }

    /// Writes the image, from its beginning to its end.
    ///
    /// # Errors
    /// What reading array data answers; `failed` words those of `out`.
    pub(crate) fn write(
        &self,
        out: &mut dyn Write,
        failed: &dyn Fn(io::Error) -> EnvError,
    ) -> Result<()> {
        out.write_all(&self.front).map_err(failed)?;
        let mut end = self.front.len() as u64;
        let mut piece = Vec::new();
        for (extent, record) in self.extents.iter().zip(&self.records) {
            let zeros = [0; EXTENT_ALIGNMENT as usize];
            let gap = (record.offset - end) as usize;
            out.write_all(&zeros[..gap]).map_err(failed)?;
            end = record.offset + extent.raw_len;
            if let Some(bytes) = extent.source.resident(extent.raw_len) {
                out.write_all(bytes).map_err(failed)?;
                continue;
            }
            piece.resize(extent.raw_len.min(PIECE_BYTES as u64) as usize, 0);
            let mut at = 0;
            while at < extent.raw_len {
                let now = (extent.raw_len - at).min(piece.len() as u64);
                let bytes = &mut piece[..now as usize];
                extent.source.read_at(at, bytes)?;
                out.write_all(bytes).map_err(failed)?;
                at += now;
            }
        }
        Ok(())
    }
}

/// CRC-32 of an image, from that of its front and those of blocks of array data.
fn joined_crc(front: &[u8], lists: &[Vec<u8>], records: &[ExtentRecord]) -> u32 {
    let mut sum = crc32fast::hash(front);
    let mut end = front.len() as u64;
    for (list, record) in lists.iter().zip(records) {
        let gap = record.offset - end;
        let zeros = [0; EXTENT_ALIGNMENT as usize];
        sum = crc::join(
            sum,
            crc32fast::hash(&zeros[..gap as usize]),
            crc::shift(gap),
        );
        let sums: Vec<u32> = sums_of(list).collect();
        let array = crc::of_blocks(&sums, HOT_BLOCK_BYTES, record.raw_len);
        sum = crc::join(sum, array, crc::shift(record.raw_len));
        end = record.offset + record.stored_len;
    }
    sum
}

/// The sums of a list as it stands in a file.
fn sums_of(list: &[u8]) -> impl Iterator<Item = u32> {
    let sums = list.as_chunks::<4>().0.iter();
    sums.map(|sum| u32::from_le_bytes(*sum))
}

/// Block sums and digest of an extent.
fn summed(extent: &PlannedExtent<'_>, kind: DigestKind) -> Result<(Vec<u8>, [u8; 32])> {
    let (mut list, mut digests) = (Vec::new(), Digests::new(kind, extent.raw_len));
    let resident = extent.source.resident(extent.raw_len);
    let room = match resident {
        Some(_) => 0,
        None => extent.raw_len.min(PIECE_BYTES as u64) as usize,
    };
    let mut piece = vec![0; room];
    let mut at = 0;
    while at < extent.raw_len {
        let now = (extent.raw_len - at).min(PIECE_BYTES as u64) as usize;
        let bytes = match resident {
            Some(bytes) => &bytes[at as usize..][..now],
            None => {
                extent.source.read_at(at, &mut piece[..now])?;
                &piece[..now]
            }
        };
        digests.add(bytes, &mut list);
        at += now as u64;
    }
    Ok((list, digests.whole()))
}

/// Sums of the pieces of an extent.
struct Digests {
    kind: DigestKind,
    pieces: Vec<[u8; 32]>,
    last: [u8; 32],
}

impl Digests {
    fn new(kind: DigestKind, raw_len: u64) -> Digests {
        // Most extents of small values are one piece, which needs no list.
        let pieces = match raw_len {
            0..=PIECE => 0,
            _ => raw_len.div_ceil(PIECE) as usize,
        };
        Digests {
            kind,
            pieces: Vec::with_capacity(pieces),
            last: [0; 32],
        }
    }

    /// Takes the next piece, and adds the sums of its blocks to `list`.
    fn add(&mut self, piece: &[u8], list: &mut Vec<u8>) {
        let sums = piece.chunks(HOT_BLOCK_BYTES as usize).map(crc32fast::hash);
        list.extend(sums.flat_map(u32::to_le_bytes));
        self.last = piece_digest(self.kind, piece);
        if self.pieces.capacity() > 0 {
            self.pieces.push(self.last);
        }
    }

    fn whole(&self) -> [u8; 32] {
        match self.pieces.is_empty() {
            true => self.last,
            false => combine(self.kind, &self.pieces),
        }
    }
}

const PIECE: u64 = PIECE_BYTES as u64;
