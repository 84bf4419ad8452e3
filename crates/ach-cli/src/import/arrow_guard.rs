//! A net under crates that may panic on a damaged file: their panic becomes an error.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is to be told as an error and not by the hook.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` and answers what it panicked with, if it did. Nothing is printed then.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                before(panic);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    // What a panic leaves half-made is dropped: the work owns what it changes.
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("its parts contradict each other").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer() {
        assert_eq!(guarded(|| 1), Ok(1));
        let nothing: [u8; 0] = [];
        let index = std::hint::black_box(3);
        let text = guarded(|| nothing[index]).unwrap_err();
        assert!(text.contains("out of bounds"), "{text}");
        assert_eq!(guarded::<()>(|| panic!("plain")), Err("plain".to_owned()));
    }
}
