//! Work that all cores share: each thread takes the next piece until there is none.

/// How many threads write one file at most.
const MOST_THREADS: usize = 8;

/// How many threads share the work of a save.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_THREADS)
}

/// Runs `work` on this thread and on `threads - 1` others until all have ended; the first error
/// counts. A panic of another thread goes on in this one.
pub(super) fn on_cores<E: Send>(
    threads: usize,
    work: impl Fn() -> Result<(), E> + Sync,
) -> Result<(), E> {
    let work = &work;
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut result = work();
        for other in others {
            let other = other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(other);
        }
        result
    })
}
