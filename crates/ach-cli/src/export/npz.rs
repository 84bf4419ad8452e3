//! `.npz`: a zip file with a `.npy` file for each variable, stored uncompressed so that NumPy (and
//! `mmap`) finds each at a multiple of 64 bytes.

use std::io::{self, Seek, SeekFrom, Write};

use achronyme_env::Value;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::ExportError;
use super::npy::Npy;

/// An `.npz` file being written. The same variables give the same bytes: members have no time.
pub(crate) struct NpzWriter<W: Write + Seek> {
    zip: ZipWriter<Gate<W>>,
}

impl<W: Write + Seek> NpzWriter<W> {
    /// A file that is written to `out`.
    pub(crate) fn new(out: W) -> Self {
        NpzWriter {
            zip: ZipWriter::new(Gate {
                inner: out,
                failed: false,
                position: 0,
                end: 0,
            }),
        }
    }

    /// Writes `value` as the member `NAME.npy`. What is refused leaves no trace in the file.
    ///
    /// # Errors
    /// As [`Npy::new`] and [`Npy::write`], and for a name that would lead out of the directory it is unpacked in.
    pub(crate) fn add(&mut self, name: &str, value: &Value) -> Result<(), ExportError> {
        check_member(name)?;
        let npy = Npy::new(name, value)?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(true)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .with_alignment(64);
        let started = self.zip.start_file(format!("{name}.npy"), options);
        started.map_err(|error| match error {
            ZipError::Io(error) => ExportError::Output(error),
            error => ExportError::Name {
                name: name.to_owned(),
                role: "a member of a .npz file",
                reason: error.to_string(),
            },
        })?;
        npy.write(&mut self.zip)
    }

    /// Writes the directory of the file.
    ///
    /// # Errors
    /// When writing fails.
    pub(crate) fn finish(self) -> Result<W, ExportError> {
        let gate = self.zip.finish().map_err(|error| match error {
            ZipError::Io(error) => ExportError::Output(error),
            error => ExportError::Output(error.into()),
        })?;
        if gate.failed {
            let error = io::Error::other("an earlier write failed");
            return Err(ExportError::Output(error));
        }
        Ok(gate.inner)
    }
}

/// Shuts after the first failure: a `ZipWriter` that is dropped tries to finish its file and tells
/// standard error when it cannot, and the failure was told already. Shut, it keeps account of where
/// the writer would be, which a `ZipWriter` relies on.
struct Gate<W> {
    inner: W,
    failed: bool,
    position: u64,
    end: u64,
}

impl<W> Gate<W> {
    fn moved(&mut self, position: u64) -> u64 {
        self.position = position;
        self.end = self.end.max(position);
        position
    }
}

impl<W: Write> Write for Gate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = match self.failed {
            true => Ok(bytes.len()),
            false => self.inner.write(bytes),
        };
        match &result {
            Ok(0) if !bytes.is_empty() => self.failed = true,
            Ok(written) => {
                self.moved(self.position + *written as u64);
            }
            Err(error) => self.failed = error.kind() != io::ErrorKind::Interrupted,
        }
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.failed {
            return Ok(());
        }
        let result = self.inner.flush();
        self.failed = result.is_err();
        result
    }
}

impl<W: Seek> Seek for Gate<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if self.failed {
            return Ok(self.moved(match to {
                SeekFrom::Start(position) => position,
                SeekFrom::Current(distance) => self.position.saturating_add_signed(distance),
                SeekFrom::End(distance) => self.end.saturating_add_signed(distance),
            }));
        }
        // A buffered file writes what it holds before it moves: that can fail.
        let result = self.inner.seek(to);
        match &result {
            Ok(position) => {
                self.moved(*position);
            }
            Err(_) => self.failed = true,
        }
        result
    }
}

/// Refuses names that a careless unpacker would write outside of its directory.
fn check_member(name: &str) -> Result<(), ExportError> {
    let reason = if name.contains(['\\', '\0']) {
        "it has a backslash or a NUL"
    } else if name.starts_with('/') || name.get(1..2) == Some(":") {
        "it is an absolute path"
    } else if name.split('/').any(|part| part == ".." || part == ".") {
        "it leads to another directory"
    } else {
        return Ok(());
    };
    Err(ExportError::Name {
        name: name.to_owned(),
        role: "a member of a .npz file",
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::{Record, Tensor};
    use std::io::Cursor;

    fn file() -> Vec<u8> {
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        let t = Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]).unwrap();
        npz.add("layer/weights", &t.into()).unwrap();
        npz.add("größe", &Value::from(7i64)).unwrap();
        npz.finish().unwrap().into_inner()
    }

    #[test]
    fn members_are_aligned_and_the_bytes_are_the_same_each_time() {
        let bytes = file();
        assert_eq!(bytes, file());
        let starts: Vec<usize> = bytes
            .windows(6)
            .enumerate()
            .filter(|(_, window)| window == b"\x93NUMPY")
            .map(|(start, _)| start)
            .collect();
        assert_eq!(starts.len(), 2);
        assert!(starts.iter().all(|start| start % 64 == 0), "{starts:?}");
    }

    #[test]
    fn a_failure_is_told_once_and_the_file_is_not_taken_for_whole() {
        let mut room = [0; 300];
        let t = Tensor::from_vec(vec![0u8; 1000], [1000]).unwrap();
        let mut npz = NpzWriter::new(Cursor::new(room.as_mut_slice()));
        let error = npz.add("x", &t.into()).unwrap_err();
        assert!(matches!(error, ExportError::Output(_)), "{error}");
        assert!(npz.finish().is_err());
    }

    #[test]
    fn what_is_refused_leaves_no_trace() {
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        npz.add("a", &Value::from(1i64)).unwrap();
        assert!(npz.add("r", &Record::new().into()).is_err());
        let refused = npz.finish().unwrap().into_inner();
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        npz.add("a", &Value::from(1i64)).unwrap();
        assert_eq!(refused, npz.finish().unwrap().into_inner());
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        for name in ["../x", "/etc/x", "a/../../b", "a\\b", "C:x", "."] {
            let error = npz.add(name, &Value::from(1i64)).unwrap_err();
            assert!(matches!(error, ExportError::Name { .. }), "{name}: {error}");
        }
        npz.add("a..b", &Value::from(1i64)).unwrap();
        assert!(npz.add("a..b", &Value::from(1i64)).is_err());
    }
}
