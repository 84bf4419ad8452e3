//! Promise: no file takes more memory than four times its length, what it declares under the caps, and
//! 16 MiB, whatever number stands in whatever field of its header and table, on any road.

mod reseal;
mod samples;
mod small;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use achronyme_env::{Archive, Limits, OpenOptions, Value};
use reseal::Patch;

/// Counts the bytes that this process has allocated, on all threads, and their peak. There is one test
/// in this file.
struct Counting;

static NOW: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

fn count(bytes: isize) {
    let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

#[allow(unsafe_code)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The cap on what one extent unpacks to.
const CAP: u64 = 1 << 20;
const FREE: usize = 16 << 20;
const EDGES: [u64; 13] = [
    0,
    1,
    7,
    64,
    4096,
    0xffff,
    1 << 20,
    (1 << 31) - 1,
    0xffff_fffe,
    0xffff_ffff,
    1 << 40,
    1 << 63,
    u64::MAX,
];

/// Looks at everything in the archive; what it declares, and how much of it could be read.
fn look(archive: &Archive) -> (u64, usize) {
    let mut declared = 0;
    let mut read = 0;
    for binding in archive.bindings() {
        for extent in binding.extents().unwrap_or_default() {
            if extent.raw_len <= CAP {
                declared += extent.raw_len;
            }
        }
        let _ = (binding.sizes(), binding.attributes());
        let _ = binding.view().map(|view| view.as_str().map(str::len));
        if let Ok(value) = binding.value() {
            read += usize::from(match &value {
                Value::Tensor(tensor) => tensor.as_bytes().is_ok(),
                _ => true,
            });
        }
    }
    let _ = (archive.metadata(), archive.verify());
    (declared, read)
}

fn bounded(
    what: &str,
    bytes: &[u8],
    open: impl FnOnce() -> achronyme_env::Result<Archive>,
) -> usize {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let (declared, read) = open().map_or((0, 0), |archive| look(&archive));
    let peak = (PEAK.load(Ordering::Relaxed) - before).max(0) as usize;
    let most = 4 * bytes.len() + declared as usize + FREE;
    assert!(peak <= most, "{what}: {peak} bytes, {most} are allowed");
    read
}

#[test]
fn no_number_in_a_table_takes_memory_beyond_what_the_file_explains() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("edge.ach");
    let limits = Limits {
        max_extent_raw_bytes: CAP,
        max_table_bytes: 1 << 20,
        ..Limits::default()
    };
    let options = || OpenOptions::new().limits(limits);
    let (mut files, mut opened) = (0, 0);
    for file in small::archives() {
        if !["structured", "cold"].contains(&file.shape) {
            continue;
        }
        let sound = Patch::of(file.bytes);
        let table = sound.table_range();
        let header = (8..56).step_by(4);
        for at in header.chain((table.start..table.end - 4).step_by(4)) {
            for edge in EDGES {
                let mut patch = sound.clone();
                match edge > u64::from(u32::MAX) && at % 8 == 0 && at + 8 <= table.end {
                    true => patch.put_u64(at, edge),
                    false => patch.put_u32(at, edge as u32),
                };
                let bytes = patch.seal();
                let what = format!("{}, byte {at}: {edge}", file.shape);
                opened += bounded(&what, &bytes, || options().from_bytes(&bytes));
                files += 1;
                // The other roads read the same table; every eighth file shows that.
                if files % 8 == 0 {
                    std::fs::write(&path, &bytes).unwrap();
                    bounded(&what, &bytes, || options().open(&path));
                    #[allow(unsafe_code)]
                    // SAFETY: nobody writes to the file while the archive is open.
                    bounded(&what, &bytes, || unsafe { options().open_mmap(&path) });
                }
            }
        }
    }
    // Neither all of them are refused at once, nor none.
    assert!(
        files > 1500 && opened > files / 20,
        "{opened} values of {files} files"
    );
}
