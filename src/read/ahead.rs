//! Arrays before they are looked at: asked of the system as a hint, or read on several threads.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::archive::Archive;
use super::cancel;
use crate::error::Result;
use crate::stack::with_room;
use crate::value::walk::{Trail, Walk};
use crate::value::{Tensor, Value};

/// Threads that read arrays at once.
const MOST_THREADS: usize = 8;

impl Archive {
    /// Tells the system that the array data of these variables will be looked at soon, so that it
    /// reads ahead while something else is done. A hint, and nothing more: names that are not there,
    /// arrays in a journal and systems without such a call are passed over, and what is damaged is
    /// found when it is read.
    ///
    /// Returns for how many bytes of the file the system took the hint.
    ///
    /// ```no_run
    /// let archive = achronyme_env::Archive::open("run.ach")?;
    /// archive.prefetch(&["weights", "biases"]);
    /// // ... and while they come:
    /// let settings = archive.get("settings")?;
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    pub fn prefetch<S: AsRef<str>>(&self, names: &[S]) -> u64 {
        let bindings = names.iter().filter_map(|name| self.binding(name.as_ref()));
        let extents = bindings
            .filter(|binding| !binding.is_in_journal())
            .flat_map(|binding| binding.extents().unwrap_or_default());
        let source = &self.store().source;
        extents
            .filter(|extent| source.will_need(extent.offset, extent.stored_len))
            .fold(0, |sum, extent| sum.saturating_add(extent.stored_len))
    }

    /// The values of several variables, in the order asked for, with their array data read and
    /// checked, on several threads (as many as there are processors, 8 at most). What was one cell or
    /// scope under two of the names is one again.
    ///
    /// The arrays of an archive that is read stay in memory as long as the values; those of one that
    /// is mapped are lent from the map, as [`Tensor::as_bytes`] lends them.
    ///
    /// # Errors
    /// As [`Archive::get`], the first that is found, about its variable.
    pub fn get_many<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<Value>> {
        self.get_many_with(names, |_, _| {})
    }

    /// As [`Archive::get_many`]; `progress` is told how many bytes of array data are there, and of
    /// how many, from whichever thread read them. [`read_cancellable`](crate::read_cancellable) gives
    /// it up.
    ///
    /// # Errors
    /// As [`Archive::get_many`].
    pub fn get_many_with<S: AsRef<str>>(
        &self,
        names: &[S],
        progress: impl Fn(u64, u64) + Sync,
    ) -> Result<Vec<Value>> {
        let values = self.load_vars(names)?;
        let tensors = tensors(&values)?;
        let len = |sum: u64, tensor: &Tensor| sum.saturating_add(tensor.byte_len());
        let total = tensors.iter().fold(0, len);
        let done = AtomicU64::new(0);
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || -> Result<()> {
            while let Some(tensor) = tensors.get(next.fetch_add(1, Relaxed)) {
                if failed.load(Relaxed) {
                    return Ok(());
                }
                let read = cancel::check(self.origin()).and_then(|()| tensor.as_bytes());
                if let Err(error) = read {
                    failed.store(true, Relaxed);
                    return Err(error);
                }
                let len = tensor.byte_len();
                progress(done.fetch_add(len, Relaxed).saturating_add(len), total);
            }
            Ok(())
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let helpers = 1..threads.min(MOST_THREADS).min(tensors.len());
        let flag = cancel::current();
        let work = &work;
        std::thread::scope(|scope| {
            let helpers: Vec<_> = helpers
                .map(|_| {
                    let flag = flag.clone();
                    scope.spawn(move || cancel::within(flag, work))
                })
                .collect();
            let mut result = work();
            for helper in helpers {
                let helped = helper
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                result = result.and(helped);
            }
            result
        })?;
        Ok(values)
    }
}

/// The tensors in values, and in what their cells and scopes hold.
fn tensors(values: &[Value]) -> Result<Vec<Tensor>> {
    let mut found = Vec::new();
    let mut note = |part: &Value, _: &Trail<'_>| {
        match part {
            Value::Tensor(tensor) => found.push(tensor.clone()),
            Value::StringArray(strings) => {
                found.extend([strings.offsets().clone(), strings.bytes().clone()]);
            }
            Value::Typed(typed) => found.push(typed.bytes.clone()),
            _ => {}
        }
        Ok(())
    };
    with_room(|| {
        let mut walk = Walk::default();
        for value in values {
            walk.value(value, "", &mut note)?;
        }
        walk.shared(&mut |_, _| {}, &mut note)
    })?;
    Ok(found)
}
