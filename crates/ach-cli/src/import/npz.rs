//! Several arrays in NumPy's .npz format: a zip archive of .npy files.
//!
//! Stored members are read where they are. Compressed ones are decompressed once, into a temporary
//! file. Either way the CRC-32 of every member is checked here, before anything is saved.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use achronyme_env::{Record, check_name};
use zip::ZipArchive;
use zip::read::{ZipFile, ZipReadOptions};
use zip::result::ZipError;

use super::error::{ImportError, Place, Result, Site};
use super::npy::{check_length, value};
use super::npy_header::NpyHeader;
use super::scratch::{Room, Scratch};
use super::source::SourceFile;
use super::{ImportOptions, Imported, Imports};

/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

/// Reads an .npz file.
///
/// # Errors
/// When the archive is damaged, or a member is no array that a value stands for.
pub(super) fn import(path: &Path, options: &ImportOptions) -> Result<Imports> {
    let site = Site::whole(path);
    let source = Arc::new(SourceFile::open(path)?);
    if source.len() == 0 {
        return Err(site.damaged("the file is empty", "save it again"));
    }
    let file = source.handle().map_err(|e| site.value(e))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| broken(&site, e))?;
    if archive.has_duplicate_names() {
        return Err(site.damaged(
            "two members have the same name",
            "save each array under a name of its own",
        ));
    }
    if archive
        .has_overlapping_entries()
        .map_err(|e| broken(&site, e))?
    {
        return Err(site.damaged(
            "members overlap in the file, as they do in files made to harm",
            "save it again with numpy.savez",
        ));
    }
    let mut scratch = Scratch::new(site.clone(), options.scratch_directory.clone());
    let mut values: Vec<Imported> = Vec::new();
    let mut names = HashSet::new();
    for index in 0..archive.len() {
        let options = Members {
            max_bytes: options.max_member_bytes,
            source: &source,
        };
        let Some(imported) = options.member(&mut archive, index, &mut scratch, &site)? else {
            continue;
        };
        if !names.insert(imported.name.clone()) {
            return Err(site.at(Place::Member(imported.name)).damaged(
                "the name is given twice",
                "save each array under a name of its own",
            ));
        }
        values.push(imported);
    }
    Ok(Imports::members(values))
}

/// What reading every member needs.
struct Members<'a> {
    max_bytes: u64,
    source: &'a Arc<SourceFile>,
}

impl Members<'_> {
    /// Reads and checks member `index`; nothing for a directory.
    fn member(
        &self,
        archive: &mut ZipArchive<BufReader<File>>,
        index: usize,
        scratch: &mut Scratch,
        site: &Site,
    ) -> Result<Option<Imported>> {
        let name = match archive.name_for_index(index) {
            Some(Ok(name)) => name.into_owned(),
            Some(Err(e)) => return Err(broken(site, e)),
            None => return Ok(None),
        };
        let site = site.at(Place::Member(name.clone()));
        // The sum is computed here, to say both sums when they differ.
        let options = ZipReadOptions::new().ignore_crc32(true);
        let mut member = archive
            .by_index_with_options(index, options)
            .map_err(|e| broken(&site, e))?;
        if member.is_dir() {
            return Ok(None);
        }
        let Some(stem) = name.strip_suffix(".npy") else {
            return Err(site.unsupported(
                "it is not an array (.npy)",
                "take it out, or extract it and pack it by itself",
            ));
        };
        check_name(stem).map_err(|e| site.value(e))?;
        let (size, recorded) = (member.size(), member.crc32());
        if size > self.max_bytes {
            return Err(site.unsupported(
                format!(
                    "it declares {size} bytes uncompressed, above the cap of {}",
                    self.max_bytes
                ),
                "if the file is to be trusted, extract it and pack the .npy files",
            ));
        }
        let stored = member.compression() == zip::CompressionMethod::Stored;
        let mut content = Summed::new(&mut member, size, &site);
        let header = NpyHeader::read(&mut content, size, &site)?;
        check_length(&header, size, &site)?;
        let (source, start) = if stored {
            content.copy(None)?;
            content.check(recorded)?;
            let start = member
                .data_start()
                .ok_or_else(|| site.damaged("its place is not known", "save the file again"))?;
            (Arc::clone(self.source), start)
        } else {
            let mut room = scratch.room(size, PIECE)?;
            content.copy(Some(&mut room))?;
            content.check(recorded)?;
            room.into_source()?
        };
        let (value, note) = value(&header, &source, start, scratch, &site)?;
        Ok(Some(Imported {
            name: stem.to_owned(),
            value,
            attributes: Record::new(),
            note,
        }))
    }
}

/// A member's content on its way out, counted and summed. What was read before [`Summed::copy`], the
/// header, is kept, so that a copy is the whole member.
struct Summed<'a, 'b> {
    from: &'a mut ZipFile<'b, BufReader<File>>,
    site: &'a Site,
    declared: u64,
    read: u64,
    sum: crc32fast::Hasher,
    head: Vec<u8>,
    copying: bool,
}

impl<'a, 'b> Summed<'a, 'b> {
    fn new(
        from: &'a mut ZipFile<'b, BufReader<File>>,
        declared: u64,
        site: &'a Site,
    ) -> Summed<'a, 'b> {
        Summed {
            from,
            site,
            declared,
            read: 0,
            sum: crc32fast::Hasher::new(),
            head: Vec::new(),
            copying: false,
        }
    }

    /// Reads to the end, and copies everything into `room` when there is one.
    fn copy(&mut self, mut room: Option<&mut Room>) -> Result<()> {
        self.copying = true;
        if let Some(room) = room.as_deref_mut() {
            room.append(&std::mem::take(&mut self.head))?;
        }
        let mut piece = vec![
            0;
            PIECE
                .min(usize::try_from(self.declared).unwrap_or(PIECE))
                .max(1)
        ];
        loop {
            let count = match self.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(content_error(self.site, e)),
            };
            if self.read > self.declared {
                return Err(self.site.damaged(
                    format!("it has more than the {} bytes it declares", self.declared),
                    "save the file again",
                ));
            }
            if let Some(room) = room.as_deref_mut() {
                room.append(&piece[..count])?;
            }
        }
    }

    /// Compares length and sum with what the archive records.
    fn check(self, recorded: u32) -> Result<()> {
        if self.read != self.declared {
            return Err(self.site.damaged(
                format!("it declares {} bytes, but has {}", self.declared, self.read),
                "the file was cut short or damaged; copy or save it again",
            ));
        }
        let found = self.sum.finalize();
        if found != recorded {
            return Err(self.site.damaged(
                format!(
                    "its CRC-32 is recorded as {recorded:08x}, but its bytes sum to {found:08x}"
                ),
                "the file is damaged; copy or save it again",
            ));
        }
        Ok(())
    }
}

impl Read for Summed<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.from.read(out)?;
        self.sum.update(&out[..count]);
        self.read += count as u64;
        if !self.copying {
            self.head.extend_from_slice(&out[..count]);
        }
        Ok(count)
    }
}

/// What a broken zip archive is told as.
fn broken(site: &Site, error: ZipError) -> ImportError {
    match error {
        ZipError::Io(e) => content_error(site, e),
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            site.unsupported("it is encrypted", "save it again without a password")
        }
        ZipError::CompressionMethodNotSupported(_) => site.unsupported(
            "it is compressed with a method that NumPy does not use",
            "save it again with numpy.savez or numpy.savez_compressed",
        ),
        ZipError::UnsupportedArchive(what) => {
            site.unsupported(what, "save it again with numpy.savez")
        }
        other => site.damaged(
            format!("it is no whole zip archive ({other})"),
            "the file was cut short or damaged; copy or save it again",
        ),
    }
}

/// What an error while decompressing is told as: broken bytes, or a disk that does not answer.
fn content_error(site: &Site, error: std::io::Error) -> ImportError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        InvalidData | InvalidInput | UnexpectedEof => site.damaged(
            format!("it cannot be decompressed ({error})"),
            "the file was cut short or damaged; copy or save it again",
        ),
        _ => site.io("read", error),
    }
}
