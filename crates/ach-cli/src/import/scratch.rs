//! Room for bytes that are made while a file is read (decompressed, or turned into text and
//! columns): little in memory, the rest in a file without a name.

use std::path::PathBuf;
use std::sync::Arc;

use achronyme_env::{Buffer, DType, EnvError, Order, Storage, Tensor};

use super::error::{Result, Site};
use super::file_range::{Conversion, FileRange};
use super::source::SourceFile;

/// Rooms up to this many bytes stay in memory, as long as there is [`MEMORY_BUDGET`] for them.
const SMALL: u64 = 1 << 20;

/// Most bytes of all rooms in memory together.
const MEMORY_BUDGET: u64 = 8 << 20;

/// Alignment of rooms in the file, so that numbers do not straddle pages.
const ALIGNMENT: u64 = 64;

/// Where rooms are given out, on behalf of one foreign file.
#[derive(Debug)]
pub(crate) struct Scratch {
    site: Site,
    directory: Option<PathBuf>,
    file: Option<Arc<SourceFile>>,
    /// End of the last room in the file.
    end: u64,
    /// Bytes given out in memory.
    in_memory: u64,
}

/// Room for a number of bytes that is known, or at least bounded, beforehand.
#[derive(Debug)]
pub(crate) struct Room {
    site: Site,
    place: RoomPlace,
    capacity: u64,
    filled: u64,
}

#[derive(Debug)]
enum RoomPlace {
    File {
        file: Arc<SourceFile>,
        start: u64,
        /// Bytes not yet written, at most as many as the buffer may hold.
        pending: Vec<u8>,
        buffer: usize,
    },
    Memory(Vec<u8>),
}

impl Scratch {
    /// Scratch room for the file of `site`: in `directory`, or where the system keeps such files.
    pub(crate) fn new(site: Site, directory: Option<PathBuf>) -> Scratch {
        Scratch {
            site,
            directory,
            file: None,
            end: 0,
            in_memory: 0,
        }
    }

    /// Room for at most `capacity` bytes, written through a buffer of `buffer` bytes.
    ///
    /// # Errors
    /// When the file without a name cannot be made.
    pub(crate) fn room(&mut self, capacity: u64, buffer: usize) -> Result<Room> {
        let place = if capacity <= SMALL && self.in_memory + capacity <= MEMORY_BUDGET {
            self.in_memory += capacity;
            RoomPlace::Memory(Vec::new())
        } else {
            let start = self.end.next_multiple_of(ALIGNMENT);
            let too_far = || {
                self.site
                    .unsupported("its content needs more than 2^63 bytes", "split the file")
            };
            let end = start.checked_add(capacity).ok_or_else(too_far)?;
            if end > i64::MAX as u64 {
                return Err(too_far());
            }
            let file = self.file()?;
            self.end = end;
            RoomPlace::File {
                file,
                start,
                pending: Vec::new(),
                buffer,
            }
        };
        Ok(Room {
            site: self.site.clone(),
            place,
            capacity,
            filled: 0,
        })
    }

    fn file(&mut self) -> Result<Arc<SourceFile>> {
        if let Some(file) = &self.file {
            return Ok(Arc::clone(file));
        }
        let made = match &self.directory {
            Some(directory) => tempfile::tempfile_in(directory),
            None => tempfile::tempfile(),
        };
        let made = made.map_err(|e| self.site.io("make a temporary file for", e))?;
        let file = Arc::new(SourceFile::anonymous(made, self.site.path()));
        self.file = Some(Arc::clone(&file));
        Ok(file)
    }
}

impl Room {
    /// Adds `bytes` at the end.
    ///
    /// # Errors
    /// When they do not fit (the file has changed since the room was measured) or cannot be written.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > self.capacity - self.filled {
            return Err(self.site.value(EnvError::ChangedInPlace {
                path: self.site.path().into(),
                what: "its content",
            }));
        }
        match &mut self.place {
            RoomPlace::Memory(held) => held.extend_from_slice(bytes),
            RoomPlace::File {
                file,
                start,
                pending,
                buffer,
            } => {
                if pending.len() + bytes.len() > *buffer {
                    let at = *start + self.filled - pending.len() as u64;
                    write(&self.site, file, at, pending)?;
                    pending.clear();
                }
                if bytes.len() >= *buffer {
                    write(&self.site, file, *start + self.filled, bytes)?;
                } else {
                    pending.extend_from_slice(bytes);
                }
            }
        }
        self.filled += bytes.len() as u64;
        Ok(())
    }

    /// Number of bytes added.
    pub(crate) fn filled(&self) -> u64 {
        self.filled
    }

    /// The bytes as a rank-1 tensor of `dtype`.
    ///
    /// # Errors
    /// When the rest cannot be written, or the bytes are not a whole number of elements.
    pub(crate) fn into_tensor(self, dtype: DType) -> Result<Tensor> {
        let site = self.site.clone();
        let count = self.filled / dtype.size() as u64;
        let storage: Arc<dyn Storage> = match self.place {
            RoomPlace::Memory(held) => Arc::new(Buffer::copied(&held).map_err(|e| site.value(e))?),
            RoomPlace::File {
                file,
                start,
                pending,
                ..
            } => {
                let at = start + self.filled - pending.len() as u64;
                write(&site, &file, at, &pending)?;
                Arc::new(FileRange::new(file, start, self.filled, Conversion::None))
            }
        };
        Tensor::from_storage(dtype, [count], Order::C, storage).map_err(|e| site.value(e))
    }

    /// The bytes as a file to read from, and where in it they begin.
    ///
    /// # Errors
    /// When the rest cannot be written.
    pub(crate) fn into_source(self) -> Result<(Arc<SourceFile>, u64)> {
        match self.place {
            RoomPlace::Memory(held) => {
                let source = SourceFile::in_memory(held, self.site.path());
                Ok((Arc::new(source), 0))
            }
            RoomPlace::File {
                file,
                start,
                pending,
                ..
            } => {
                let at = start + self.filled - pending.len() as u64;
                write(&self.site, &file, at, &pending)?;
                Ok((file, start))
            }
        }
    }
}

fn write(site: &Site, file: &SourceFile, at: u64, bytes: &[u8]) -> Result<()> {
    file.write_all_at(at, bytes)
        .map_err(|e| site.io("write the temporary file for", e))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn scratch() -> Scratch {
        Scratch::new(Site::whole(Path::new("a.csv")), None)
    }

    #[test]
    fn rooms_in_the_file_and_in_memory_hold_what_was_put_into_them() {
        let mut scratch = scratch();
        let mut rooms = [
            scratch.room(100, 16).unwrap(),
            scratch.room(SMALL + 1, 16).unwrap(),
            scratch.room(SMALL + 2, 16).unwrap(),
        ];
        // In pieces smaller and larger than the buffer, in turns.
        let pieces: [&[u8]; 4] = [b"abc", b"0123456789", b"wxyz", &[7; 40]];
        for piece in pieces {
            for room in &mut rooms {
                room.append(piece).unwrap();
            }
        }
        assert!(scratch.file.is_some());
        let whole = pieces.concat();
        for room in rooms {
            assert_eq!(room.filled(), whole.len() as u64);
            let tensor = room.into_tensor(DType::U8).unwrap();
            assert_eq!(tensor.as_bytes().unwrap(), whole);
        }
    }

    #[test]
    fn small_rooms_together_stay_within_the_budget() {
        let mut scratch = scratch();
        let rooms: Vec<Room> = (0..9).map(|_| scratch.room(SMALL, 16).unwrap()).collect();
        assert!(matches!(rooms[7].place, RoomPlace::Memory(_)));
        assert!(matches!(rooms[8].place, RoomPlace::File { .. }));
    }

    #[test]
    fn more_than_was_measured_is_a_changed_file() {
        let mut room = scratch().room(2, 16).unwrap();
        let text = room.append(b"abc").unwrap_err().to_string();
        assert!(text.contains("was changed in place"), "{text}");
    }

    #[test]
    fn a_room_can_be_read_as_a_file() {
        for capacity in [5, SMALL + 5] {
            let mut room = scratch().room(capacity, 2).unwrap();
            room.append(b"hello").unwrap();
            let (source, start) = room.into_source().unwrap();
            let mut out = [0; 3];
            source.read_exact_at(start + 2, &mut out).unwrap();
            assert_eq!(&out, b"llo");
        }
    }
}
