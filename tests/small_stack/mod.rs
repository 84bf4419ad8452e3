//! Work on the smallest stack the library promises to do with.

/// A little less than 512 KiB. glibc hands a new thread the idle stack of an ended one when that is
/// at most four times as large: at 512 KiB the 2 MiB of any other test would do.
const SMALL: usize = 500 << 10;

/// Does `work` on a thread of its own with a small stack.
pub(crate) fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(SMALL);
    thread.spawn(work).unwrap().join().unwrap();
}
