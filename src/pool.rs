//! Memory that is used again: aligned buffers of a bounded pool.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{EnvError, Result};
use crate::value::Buffer;

/// The smallest buffer, in bytes: a page.
const SMALLEST: u64 = 4096;
/// Sizes are powers of two.
const SIZES: usize = 64;

/// A pool of buffers that are aligned to 64 bytes. What is given back is lent again, so that work that
/// is repeated, such as receiving messages, takes no fresh memory, which costs more than most of what is
/// done in it.
///
/// The pool holds a bounded number of bytes, lent and kept together. Clones are one pool; it may be used by
/// many threads.
///
/// ```
/// use std::io::Write;
///
/// let pool = achronyme_env::BufferPool::new(1 << 20);
/// for _ in 0..100 {
///     let mut buffer = pool.take(1000)?;
///     buffer.write_all(b"hello")?;
///     assert_eq!(buffer.as_bytes(), b"hello");
/// }
/// let counts = pool.counts();
/// assert_eq!((counts.taken, counts.made), (100, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BufferPool {
    shared: Arc<Shared>,
}

/// What a pool did, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolCounts {
    /// Buffers that were asked for and lent, from the beginning.
    pub taken: u64,
    /// Those of them for which memory was allocated.
    pub made: u64,
    /// Requests that were refused, since too much was lent.
    pub refused: u64,
    /// Buffers that are lent now.
    pub lent: u64,
    /// Their bytes.
    pub lent_bytes: u64,
    /// The most bytes that were lent at a time.
    pub most_lent_bytes: u64,
    /// Bytes that wait to be lent again.
    pub kept_bytes: u64,
}

struct Shared {
    capacity: u64,
    shelf: Mutex<Shelf>,
}

struct Shelf {
    /// Buffers that wait, by the power of two of their length.
    kept: [Vec<Buffer>; SIZES],
    counts: PoolCounts,
}

impl BufferPool {
    /// A pool that holds at most `capacity` bytes, lent and kept together.
    pub fn new(capacity: u64) -> BufferPool {
        let shelf = Shelf {
            kept: [const { Vec::new() }; SIZES],
            counts: PoolCounts::default(),
        };
        let shelf = Mutex::new(shelf);
        BufferPool {
            shared: Arc::new(Shared { capacity, shelf }),
        }
    }

    /// An empty buffer with room for `room` bytes at least; it grows when more is written. It goes
    /// back to the pool when it is dropped.
    ///
    /// # Errors
    /// [`EnvError::PoolExhausted`] when the room is more than what may still be lent;
    /// [`EnvError::InvalidValue`] when the memory cannot be had.
    pub fn take(&self, room: u64) -> Result<PooledBuffer> {
        Ok(PooledBuffer {
            memory: Some(self.shared.lend(room)?),
            len: 0,
            position: 0,
            shared: Arc::clone(&self.shared),
        })
    }

    /// The most bytes it may hold.
    pub fn capacity(&self) -> u64 {
        self.shared.capacity
    }

    /// What it did, and what it holds.
    pub fn counts(&self) -> PoolCounts {
        self.shared.lock().counts
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BufferPool");
        shown.field("capacity", &self.capacity());
        shown.field("counts", &self.counts()).finish()
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lend(&self, room: u64) -> Result<Buffer> {
        let mut guard = self.lock();
        let shelf = &mut *guard;
        let size = room.max(SMALLEST).checked_next_power_of_two();
        let lent = shelf.counts.lent_bytes;
        let fits = |size: &u64| lent.checked_add(*size).is_some_and(|n| n <= self.capacity);
        // What a power of two is too large for may still fit as it is.
        let size = size.filter(fits).or(Some(room).filter(fits));
        let Some(size) = size else {
            shelf.counts.refused += 1;
            return Err(EnvError::PoolExhausted {
                asked: room,
                lent,
                capacity: self.capacity,
            });
        };
        let waiting = class_of(size).and_then(|class| shelf.kept[class].pop());
        let buffer = match waiting {
            Some(buffer) => {
                shelf.counts.kept_bytes -= size;
                buffer
            }
            None => {
                shelf.make_room(self.capacity - lent - size);
                let buffer = Buffer::zeroed(size)?;
                shelf.counts.made += 1;
                buffer
            }
        };
        let counts = &mut shelf.counts;
        counts.taken += 1;
        counts.lent += 1;
        counts.lent_bytes += size;
        counts.most_lent_bytes = counts.most_lent_bytes.max(counts.lent_bytes);
        Ok(buffer)
    }

    fn give_back(&self, buffer: Buffer) {
        let size = buffer.as_bytes().len() as u64;
        let mut shelf = self.lock();
        shelf.counts.lent -= 1;
        shelf.counts.lent_bytes -= size;
        if let Some(class) = class_of(size) {
            shelf.counts.kept_bytes += size;
            shelf.kept[class].push(buffer);
        }
    }
}

impl Shelf {
    /// Lets go of buffers, the largest first, until at most `bytes` are kept.
    fn make_room(&mut self, bytes: u64) {
        let mut kept = self.kept.iter_mut().rev();
        while self.counts.kept_bytes > bytes {
            let Some(class) = kept.next() else { return };
            while self.counts.kept_bytes > bytes
                && let Some(buffer) = class.pop()
            {
                self.counts.kept_bytes -= buffer.as_bytes().len() as u64;
            }
        }
    }
}

/// Where buffers of a size wait: only powers of two do.
fn class_of(size: u64) -> Option<usize> {
    (size.is_power_of_two() && size >= SMALLEST).then(|| size.trailing_zeros() as usize)
}

/// A buffer of a [`BufferPool`]: bytes that are read, written and sought in like a file.
///
/// Bytes of whoever had it before are not in it: only what was written, and zeros, count.
pub struct PooledBuffer {
    /// `None` only while it grows.
    memory: Option<Buffer>,
    len: usize,
    position: u64,
    shared: Arc<Shared>,
}

impl PooledBuffer {
    /// What was written.
    pub fn as_bytes(&self) -> &[u8] {
        let memory = self.memory.as_ref();
        memory.map_or(&[], |memory| &memory.as_bytes()[..self.len])
    }

    /// What was written, for changing it.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        let len = self.len;
        let memory = self.memory.as_mut();
        memory.map_or(&mut [], |memory| &mut memory.as_bytes_mut()[..len])
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes there is room for before it grows.
    pub fn capacity(&self) -> usize {
        let memory = self.memory.as_ref();
        memory.map_or(0, |memory| memory.as_bytes().len())
    }

    /// Empties it; its memory stays.
    pub fn clear(&mut self) {
        (self.len, self.position) = (0, 0);
    }

    /// Cuts it off, or adds zeros, so that it has `len` bytes.
    ///
    /// # Errors
    /// As [`BufferPool::take`], when it has to grow: it is as it was then.
    pub fn resize(&mut self, len: usize) -> Result<()> {
        self.make_room(len)?;
        if let Some(memory) = &mut self.memory
            && len > self.len
        {
            memory.as_bytes_mut()[self.len..len].fill(0);
        }
        self.len = len;
        Ok(())
    }

    /// Has `write` write all of its first `len` bytes; it has none when that fails.
    ///
    /// # Errors
    /// What `write` answers; as [`BufferPool::take`], when it has to grow.
    pub(crate) fn overwrite(
        &mut self,
        len: usize,
        write: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<()> {
        self.clear();
        self.make_room(len)?;
        if let Some(memory) = &mut self.memory {
            write(&mut memory.as_bytes_mut()[..len])?;
        }
        self.len = len;
        Ok(())
    }

    /// Adds `len` bytes of `reader`, without moving the position. Returns how many came before its end.
    pub(crate) fn append_from(&mut self, reader: &mut impl Read, len: usize) -> io::Result<usize> {
        let start = self.len;
        let end = start.checked_add(len).ok_or(io::ErrorKind::OutOfMemory)?;
        self.make_room(end).map_err(io::Error::other)?;
        let Some(memory) = &mut self.memory else {
            return Ok(0);
        };
        let room = &mut memory.as_bytes_mut()[start..end];
        let mut filled = 0;
        while filled < len {
            match reader.read(&mut room[filled..]) {
                Ok(0) => break,
                // Whoever reads may say more than it did.
                Ok(count) => filled = filled.saturating_add(count).min(len),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.len = start + filled;
        Ok(filled)
    }

    fn make_room(&mut self, len: usize) -> Result<()> {
        if len <= self.capacity() {
            return Ok(());
        }
        let mut larger = self.shared.lend(len as u64)?;
        larger.as_bytes_mut()[..self.len].copy_from_slice(self.as_bytes());
        if let Some(smaller) = self.memory.replace(larger) {
            self.shared.give_back(smaller);
        }
        Ok(())
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            self.shared.give_back(memory);
        }
    }
}

impl fmt::Debug for PooledBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PooledBuffer({} bytes)", self.len)
    }
}

impl AsRef<[u8]> for PooledBuffer {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Read for PooledBuffer {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(self.position).unwrap_or(usize::MAX);
        let mut rest = self.as_bytes().get(start..).unwrap_or_default();
        let count = rest.read(out)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Write for PooledBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let start = usize::try_from(self.position).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let end = start
            .checked_add(bytes.len())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        if bytes.is_empty() {
            return Ok(0);
        }
        // Sizes are powers of two: many small writes do not copy again and again.
        self.make_room(end).map_err(io::Error::other)?;
        if start > self.len {
            self.resize(start).map_err(io::Error::other)?;
        }
        self.len = self.len.max(end);
        self.as_bytes_mut()[start..end].copy_from_slice(bytes);
        self.position = end as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for PooledBuffer {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => (self.len as u64).checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| {
            let text = "cannot seek before the beginning of a buffer";
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })?;
        Ok(self.position)
    }
}
