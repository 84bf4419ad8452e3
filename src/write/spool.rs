//! A place for the bytes of nodes until their place in the file is known.

use std::io::{self, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

/// Bytes that gather before they are handed on: nodes are small, and there may be millions.
const GATHERED: usize = 64 << 10;

/// Memory, and a temporary file when there is much.
#[derive(Debug)]
pub(super) struct Spool {
    file: SpooledTempFile,
    gathered: Vec<u8>,
}

impl Spool {
    pub(super) fn new(file: SpooledTempFile) -> Spool {
        let gathered = Vec::new();
        Spool { file, gathered }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() + bytes.len() > GATHERED {
            self.flush()?;
        }
        if bytes.len() > GATHERED {
            return self.file.write(bytes);
        }
        self.gathered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }
}

impl Seek for Spool {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.flush()?;
        self.file.seek(to)
    }
}

impl Read for Spool {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.flush()?;
        self.file.read(out)
    }
}
