//! Standard output that may close early: `ach get x | head` is no error.

use std::io::{self, Write};

/// A writer that remembers whether the other end closed it.
#[derive(Debug)]
pub(crate) struct Output<W> {
    inner: W,
    closed: bool,
}

/// Buffered standard output.
pub(crate) fn stdout() -> Output<io::BufWriter<io::Stdout>> {
    Output::new(io::BufWriter::with_capacity(1 << 16, io::stdout()))
}

impl<W: Write> Output<W> {
    /// An output over `inner`.
    pub(crate) fn new(inner: W) -> Self {
        Output {
            inner,
            closed: false,
        }
    }

    /// Flushes, and gives the outcome of what was written: whatever went wrong because the reader
    /// left counts as success. The error stops the writing at once, so nothing goes on in vain.
    ///
    /// # Errors
    /// `result` itself, or what flushing answers.
    pub(crate) fn finish<E: From<io::Error>>(mut self, result: Result<(), E>) -> Result<(), E> {
        let result = match result {
            Ok(()) => self.flush().map_err(E::from),
            Err(error) => {
                // What came before the error is shown; the error itself is the news.
                let _ = self.flush();
                Err(error)
            }
        };
        if self.closed { Ok(()) } else { result }
    }

    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.closed |= error.kind() == io::ErrorKind::BrokenPipe;
        }
        result
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(bytes);
        self.noted(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
        self.noted(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_quiet_and_a_full_disk_is_not() {
        let mut output = Output::new(Failing(io::ErrorKind::BrokenPipe));
        let result = output.write_all(b"x");
        assert!(result.is_err());
        assert!(output.finish(result).is_ok());

        let mut output = Output::new(Failing(io::ErrorKind::StorageFull));
        let result = output.write_all(b"x");
        assert!(output.finish(result).is_err());
    }

    #[test]
    fn a_pipe_that_closes_on_the_last_flush_is_quiet() {
        let inner = io::BufWriter::new(Failing(io::ErrorKind::BrokenPipe));
        let mut output = Output::new(inner);
        let result = output.write_all(b"x");
        assert!(output.finish(result).is_ok());
    }
}
