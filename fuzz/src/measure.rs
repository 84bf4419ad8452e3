//! The bounds of a try: its memory and its time.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What a try may take beside what its input explains.
const FREE_BYTES: usize = 16 << 20;
/// The most processor time of a try. Not time on the clock: the machine may be busy with other things.
const MOST_TIME: Duration = Duration::from_secs(1);

/// Counts the bytes that this process has allocated, and their peak.
struct Counting;

static NOW: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

fn count(bytes: isize) {
    let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
    if bytes > 0 {
        PEAK.fetch_max(now, Ordering::Relaxed);
    }
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

/// Does `work` and holds it to its bounds: `declared` is what the input says, under the caps, that it
/// unpacks to.
///
/// # Panics
/// When more memory or time was taken: that is a finding.
pub fn bounded<T>(input: usize, declared: u64, work: impl FnOnce() -> T) -> T {
    let declared = usize::try_from(declared).expect("declared sizes are capped");
    let most = 4 * input + declared + FREE_BYTES;
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let start = processor_time();
    let done = work();
    let taken = processor_time().saturating_sub(start);
    let peak = (PEAK.load(Ordering::Relaxed) - before).max(0) as usize;
    assert!(
        peak <= most,
        "{peak} bytes of memory for {input} bytes of input that declare {declared}: {most} are allowed"
    );
    assert!(
        taken <= MOST_TIME,
        "{taken:?} of processor time for {input} bytes"
    );
    done
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
