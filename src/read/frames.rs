//! Value images in frames of a journal, each opened as a store when it is first looked at.
//!
//! An extent that stands elsewhere is found by its digest, and its record then leads there: the
//! upper bits of an offset say in which of the store's sources the bytes are.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::binding::Root;
use super::check::Check;
use super::content::{check_indexes, problem_of};
use super::map::Mapping;
use super::overlay::Overlay;
use super::source::ByteSource;
use super::store::{Store, Tables};
use super::verify::check_digest;
use super::view::View;
use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::format::extent::{DigestKind, ExtentRecord};
use crate::format::image::ImageHead;
use crate::format::records::Slot;
use crate::journal::{Place, Segment};
use crate::limits::Limits;
use crate::value::Value;

/// Extents from this many bytes up may be named by their digest instead of being written again.
pub(crate) const ELSEWHERE_FROM: u64 = 1 << 16;

/// Bits of an offset that count bytes; those above number the source.
const OFFSET_BITS: u32 = 56;
const MAX_SOURCES: usize = 255;

/// The offset in the file of a record's offset.
pub(super) fn local_offset(offset: u64) -> u64 {
    offset & ((1 << OFFSET_BITS) - 1)
}

/// The number of the source in which a record's offset counts.
pub(super) fn source_of(offset: u64) -> usize {
    (offset >> OFFSET_BITS) as usize
}

/// Where a value image stands: in a segment of the journal.
#[derive(Clone, Debug)]
pub(crate) struct ImagePlace {
    pub(crate) segment: Segment,
    /// First byte, and number of bytes.
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

impl From<Place<'_>> for ImagePlace {
    fn from(place: Place<'_>) -> ImagePlace {
        ImagePlace {
            segment: place.segment.clone(),
            offset: place.offset,
            len: place.len,
        }
    }
}

impl ImagePlace {
    /// Whether both are the same bytes of the same segment.
    pub(crate) fn is_same(&self, other: &ImagePlace) -> bool {
        let (a, b) = (self.segment.begin(), other.segment.begin());
        a.base_sequence == b.base_sequence && self.offset == other.offset
    }

    fn path(&self) -> Origin {
        self.segment.path().into()
    }
}

/// How the images of a session are read, and what they may name.
#[derive(Debug)]
pub(crate) struct ImageContext {
    pub(crate) check: Check,
    pub(crate) limits: Limits,
    /// On the mapped road: permission to map what is committed.
    pub(super) mapping: Option<Mapping>,
    /// The archive of the session.
    pub(super) base: Arc<Store>,
    /// Content that images may name, found when one first does.
    contents: Mutex<Contents>,
}

/// The extents of the archive and of all images, by their content.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The images in which extents may stand that others name.
    images: Vec<ImagePlace>,
    /// How many of the images are in `known`; the archive is once there is anything.
    indexed: usize,
    with_archive: bool,
    /// Where the content stands: 0 for the archive, else the number of an image from 1.
    known: HashMap<ContentKey, (usize, ExtentRecord)>,
    /// The lengths of what is known, to tell at once that something is not.
    lengths: HashSet<u64>,
    /// What was read and found to be what its digest says.
    pub(super) sound: HashSet<ContentKey>,
}

/// Kind, content and length: what an extent is, wherever it stands.
pub(super) type ContentKey = (u8, [u8; 32], u64);

pub(super) fn content_key(record: &ExtentRecord) -> ContentKey {
    (record.digest_kind, record.digest, record.raw_len)
}

impl ImageContext {
    pub(crate) fn new(
        check: Check,
        limits: Limits,
        mapping: Option<Mapping>,
        base: Arc<Store>,
    ) -> ImageContext {
        ImageContext {
            check,
            limits,
            mapping,
            base,
            contents: Mutex::default(),
        }
    }

    /// Adds an image whose extents later ones may name.
    pub(crate) fn add_image(&self, place: ImagePlace) {
        if place.len >= ELSEWHERE_FROM {
            self.lock().images.push(place);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of an image.
    fn source(&self, place: &ImagePlace) -> Result<Arc<dyn ByteSource>> {
        if let Some(mapping) = &self.mapping
            && place.len >= ELSEWHERE_FROM
        {
            let file = place.segment.file();
            let map = file.and_then(|file| mapping.range(&file, place.offset, place.len));
            let map = map.map_err(|e| EnvError::io("map", place.path(), e))?;
            return Ok(Arc::new(map));
        }
        Ok(Arc::new(place.clone()))
    }

    /// Whether an extent of this content stands in the archive or in an image.
    pub(crate) fn has(&self, kind: DigestKind, digest: [u8; 32], raw_len: u64) -> bool {
        self.find((kind as u8, digest, raw_len)).is_some()
    }

    /// Whether an extent of that length stands in the archive or in an image.
    pub(crate) fn has_length(&self, raw_len: u64) -> bool {
        self.indexed().lengths.contains(&raw_len)
    }

    /// All content that images may name.
    fn indexed(&self) -> MutexGuard<'_, Contents> {
        let mut contents = self.lock();
        if !contents.with_archive {
            contents.with_archive = true;
            // Its table was checked before anything was said over it.
            let extents = self
                .base
                .records()
                .map_or(&[][..], |records| records.extents);
            for extent in extents {
                contents.known.insert(content_key(extent), (0, *extent));
                contents.lengths.insert(extent.raw_len);
            }
        }
        while let Some(place) = contents.images.get(contents.indexed).cloned() {
            contents.indexed += 1;
            // One that cannot be read is no place to find anything in.
            let Ok(head) = self.read_head(&place) else {
                continue;
            };
            let number = contents.indexed;
            for extent in head.extents.iter().filter(|extent| !extent.is_elsewhere()) {
                // The newest counts: what was written again was damaged where it stood before.
                let content = content_key(extent);
                contents.known.insert(content, (number, *extent));
                contents.sound.remove(&content);
                contents.lengths.insert(extent.raw_len);
            }
        }
        contents
    }

    /// Where the content of an extent stands: in the archive, or in an image.
    pub(super) fn find(
        &self,
        content: ContentKey,
    ) -> Option<(usize, Option<ImagePlace>, ExtentRecord)> {
        let contents = self.indexed();
        let (number, record) = *contents.known.get(&content)?;
        let image = match number.checked_sub(1) {
            None => None,
            Some(image) => Some(contents.images.get(image)?.clone()),
        };
        Some((number, image, record))
    }

    fn read_head(&self, place: &ImagePlace) -> Result<ImageHead> {
        self.head_of(&*self.source(place)?, place)
    }

    /// Opens an image: reads and checks its head and records.
    pub(super) fn open(&self, place: &ImagePlace) -> Result<Store> {
        let own = self.source(place)?;
        let path = place.path();
        let mut head = self.head_of(&*own, place)?;
        let mut sources = Sources(vec![own]);
        let mut places = vec![(path.clone(), place.offset)];
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        for (number, extent) in head.extents.iter_mut().enumerate() {
            if !extent.is_elsewhere() {
                continue;
            }
            let found = self.find(content_key(extent));
            let (image, place_of_image, record) = found.ok_or_else(|| {
                let text = "its content stands neither in the journal nor in the archive";
                let problem = Problem::Structure(text.to_owned());
                let fault = Fault::new(Part::Extent(number as u32), place.offset, problem);
                damaged(&path, fault)
            })?;
            let source = match numbers.get(&image) {
                Some(source) => *source,
                None => {
                    let (source, place): (Arc<dyn ByteSource>, _) = match place_of_image {
                        None => (Arc::clone(&self.base.source), (self.base.origin.clone(), 0)),
                        Some(image) => (self.source(&image)?, (image.path(), image.offset)),
                    };
                    sources.0.push(source);
                    places.push(place);
                    numbers.insert(image, sources.0.len() - 1);
                    sources.0.len() - 1
                }
            };
            if source > MAX_SOURCES {
                let what = format!("a value whose arrays stand in {source} frames");
                return Err(EnvError::Unsupported { path, what });
            }
            let high = (source as u64) << OFFSET_BITS;
            *extent = record;
            extent.offset |= high;
            if extent.sums_len() > 0 {
                extent.sums_offset |= high;
            }
        }
        let source: Arc<dyn ByteSource> = match sources.0.len() {
            1 => sources.0.swap_remove(0),
            _ => Arc::new(sources),
        };
        let tables = Tables::Image(head);
        let store = Store::new(source, tables, path, self.check, self.limits);
        Ok(store.in_places(places).with_pool(self.base.pool.clone()))
    }

    /// Head and records of the image at `place`, whose bytes `source` has.
    fn head_of(&self, source: &dyn ByteSource, place: &ImagePlace) -> Result<ImageHead> {
        /// What goes wrong while a head is read: the bytes, or the reading.
        enum Trouble {
            Fault(Fault),
            Io(io::Error),
            TooLarge(u64),
        }
        impl From<Fault> for Trouble {
            fn from(fault: Fault) -> Trouble {
                Trouble::Fault(fault)
            }
        }
        let cap = self.limits.max_table_bytes;
        let first = |len: u64| {
            // It lies in the file, which may have any length without a block.
            if len > cap {
                return Err(Trouble::TooLarge(len));
            }
            let mut bytes = Vec::new();
            let size = usize::try_from(len).unwrap_or(usize::MAX);
            let room = bytes.try_reserve_exact(size);
            room.map_err(|_| Trouble::TooLarge(len))?;
            bytes.resize(size, 0);
            source.read_at(0, &mut bytes).map_err(Trouble::Io)?;
            Ok(bytes)
        };
        let path = place.path();
        ImageHead::read(source.len(), first).map_err(|trouble| match trouble {
            Trouble::Fault(fault) => {
                let offset = place.offset.saturating_add(fault.offset);
                damaged(&path, Fault { offset, ..fault })
            }
            Trouble::Io(e) => EnvError::io("read", path, e),
            Trouble::TooLarge(found) => EnvError::TooLarge {
                path,
                what: "the records of a value".to_owned(),
                found,
                cap,
            },
        })
    }
}

fn damaged(path: &Origin, fault: Fault) -> EnvError {
    EnvError::Damaged {
        path: path.clone(),
        fault,
    }
}

/// An image that is opened when it is first looked at.
#[derive(Clone, Debug)]
pub(crate) struct FrameImage {
    pub(crate) place: ImagePlace,
    context: Arc<ImageContext>,
    store: OnceLock<Arc<Store>>,
    /// Known to have no attributes, without looking.
    plain: bool,
}

impl FrameImage {
    pub(crate) fn new(place: ImagePlace, context: Arc<ImageContext>) -> FrameImage {
        FrameImage {
            place,
            context,
            store: OnceLock::new(),
            plain: false,
        }
    }

    /// An image that was written without attributes.
    pub(crate) fn plain(place: ImagePlace, context: Arc<ImageContext>) -> FrameImage {
        FrameImage {
            plain: true,
            ..FrameImage::new(place, context)
        }
    }

    /// Becomes the image at another place, of which nothing is known.
    pub(super) fn move_to(&mut self, place: Place<'_>) {
        if !self.place.segment.is(place.segment) {
            self.place.segment = place.segment.clone();
        }
        self.place.offset = place.offset;
        self.place.len = place.len;
        self.store = OnceLock::new();
        self.plain = false;
    }

    /// Whether it is known to have no attributes.
    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }

    pub(super) fn store(&self) -> Result<&Arc<Store>> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = Arc::new(self.context.open(&self.place)?);
        Ok(self.store.get_or_init(|| store))
    }

    /// Where its value is.
    pub(super) fn root(&self) -> Result<Root<'_>> {
        let store = self.store()?;
        match &store.tables {
            Tables::Image(head) => Ok(Root {
                store,
                slot: head.slot,
                attributes: head.attributes,
            }),
            // `ImageContext::open` makes stores over images only.
            Tables::Archive(_) | Tables::Lazy(_) => {
                unreachable!("the store of an image has a head")
            }
        }
    }

    /// Its value. Cells hold what they hold in the state of `overlay`.
    pub(crate) fn value(&self, overlay: &Overlay, name: &str) -> Result<Value> {
        super::cells::load_one(overlay, self.root()?, name)
    }

    /// Reads and checks everything that stands in it, and its value as a whole. Cells hold what they
    /// hold in the state of `overlay`.
    ///
    /// # Errors
    /// The first fault, with its offset in the segment; what reading answers.
    pub(crate) fn verify(&self, overlay: &Overlay) -> Result<()> {
        verify_image(self.root()?, overlay, &self.place)
    }

    /// Its store, if it was looked at.
    pub(super) fn met(&self) -> Option<&Arc<Store>> {
        self.store.get()
    }

    /// As [`FrameImage::shared_ids`], without reading: of an image that was not looked at none. One
    /// with cells was, when it became part of the state.
    pub(super) fn met_ids(&self) -> &[u64] {
        match self.store.get() {
            Some(_) => self.shared_ids().unwrap_or_default(),
            None => &[],
        }
    }

    /// The ids of its cells and scopes.
    pub(crate) fn shared_ids(&self) -> Result<&[u64]> {
        let store = self.store()?;
        match &store.tables {
            Tables::Image(head) => Ok(head.shared_ids.as_deref().unwrap_or_default()),
            Tables::Archive(_) | Tables::Lazy(_) => Ok(&[]),
        }
    }
}

fn verify_image(root: Root<'_>, overlay: &Overlay, place: &ImagePlace) -> Result<()> {
    let records = root.store.records()?;
    for number in 0..records.nodes.len() as u32 {
        let node = root.store.checked_node(number, true)?;
        check_indexes(View::of_checked(root.store, node.root(), number))?;
    }
    for (number, extent) in records.extents.iter().enumerate() {
        // One that stands elsewhere is checked there.
        if extent.offset == local_offset(extent.offset) {
            root.store.check_extent(number as u32)?;
            check_digest(root.store, number as u32, &mut |_| {})?;
        }
    }
    let attributes = root.attributes.map(Slot::Node);
    for slot in [Some(root.slot), attributes].into_iter().flatten() {
        let value = super::cells::load_one(overlay, Root { slot, ..root }, "")?;
        if let Some(problem) = problem_of(value)? {
            let problem = Problem::Structure(problem);
            let fault = Fault::new(Part::Frame, place.offset, problem);
            return Err(damaged(&place.path(), fault));
        }
    }
    Ok(())
}

/// A range of a file whose end may move: part of a committed frame, which nobody changes.
impl ByteSource for ImagePlace {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(out.len() as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        super::source::read_exact_at(&*self.segment.file()?, out, self.offset + offset)
    }

    fn lend(&self, _: u64, _: u64) -> Option<&[u8]> {
        None
    }
}

/// Several sources under one count of offsets.
#[derive(Debug)]
struct Sources(Vec<Arc<dyn ByteSource>>);

impl Sources {
    fn of(&self, offset: u64) -> Option<(&dyn ByteSource, u64)> {
        let source = self.0.get(source_of(offset))?;
        Some((&**source, local_offset(offset)))
    }
}

impl ByteSource for Sources {
    fn len(&self) -> u64 {
        self.0.first().map_or(0, |own| own.len())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match self.of(offset) {
            Some((source, offset)) => source.read_at(offset, out),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn lend(&self, offset: u64, len: u64) -> Option<&[u8]> {
        let (source, offset) = self.of(offset)?;
        source.lend(offset, len)
    }

    fn will_touch(&self, offset: u64, len: u64) {
        if let Some((source, offset)) = self.of(offset) {
            source.will_touch(offset, len);
        }
    }

    fn change(&self) -> Option<&'static str> {
        self.0.iter().find_map(|source| source.change())
    }
}
