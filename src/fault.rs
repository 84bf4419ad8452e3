//! A fault in a file: which part, at which offset, what was expected and what was found.

use std::fmt;

/// A part of an archive, of a journal, or of a value image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// One block of an extent.
    Block {
        /// Number of the extent.
        extent: u32,
        /// Number of the block in it.
        block: u64,
    },
    /// The record of a binding.
    Entry(u32),
    /// The record or the bytes of an extent.
    Extent(u32),
    /// The end of the file.
    FileLength,
    /// A frame of a journal.
    Frame,
    /// The 64-byte header.
    Header,
    /// The names of the bindings.
    Names,
    /// The record or the bytes of a node.
    Node(u32),
    /// Bytes between parts, which must be zero.
    Padding,
    /// The list of dimensions.
    Shapes,
    /// The list of block sums of an extent.
    SumList(u32),
    /// The table of contents.
    Table,
    /// The root digest in the last 32 bytes.
    Trailer,
    /// The body of a version 1 file, as stored.
    Version1Body,
    /// The body of a version 1 file, unpacked: the offset counts from its first byte.
    Version1Unpacked,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Block { extent, block } => write!(f, "block {block} of extent {extent}"),
            Part::Entry(n) => write!(f, "entry {n}"),
            Part::Extent(n) => write!(f, "extent {n}"),
            Part::FileLength => f.write_str("file length"),
            Part::Frame => f.write_str("frame"),
            Part::Header => f.write_str("header"),
            Part::Names => f.write_str("names"),
            Part::Node(n) => write!(f, "node {n}"),
            Part::Padding => f.write_str("padding"),
            Part::Shapes => f.write_str("shapes"),
            Part::SumList(n) => write!(f, "block sums of extent {n}"),
            Part::Table => f.write_str("table of contents"),
            Part::Trailer => f.write_str("trailer"),
            Part::Version1Body => f.write_str("version 1 body"),
            Part::Version1Unpacked => f.write_str("unpacked version 1 body"),
        }
    }
}

/// What is wrong with a part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A checksum does not match the bytes.
    Checksum {
        /// The sum recorded in the file.
        expected: u32,
        /// The sum of the bytes found.
        found: u32,
    },
    /// A digest does not match the content.
    Digest,
    /// The file has another length than it records: it was cut short, or bytes were appended.
    Length {
        /// The length the file records, in bytes.
        expected: u64,
        /// The length it has, in bytes.
        found: u64,
    },
    /// A field holds what it may not.
    Field {
        /// The field.
        field: &'static str,
        /// What was found.
        found: u64,
    },
    /// Bytes that must be zero are not.
    NotZero,
    /// A range lies outside the part it must lie in.
    OutOfBounds {
        /// First byte of the range.
        start: u64,
        /// Length of the range in bytes.
        length: u64,
    },
    /// Two ranges share bytes.
    Overlap,
    /// Names are not strictly rising, or other order does not hold.
    Unsorted,
    /// Bytes are not UTF-8.
    NotUtf8,
    /// The structure does not hold together; the text says how.
    Structure(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Checksum { expected, found } => {
                write!(f, "checksum is {found:08x}, recorded as {expected:08x}")
            }
            Problem::Digest => f.write_str("content does not match its digest"),
            Problem::Length { expected, found } if found < expected => {
                write!(f, "cut short: {found} of {expected} bytes are there")
            }
            Problem::Length { expected, found } => {
                let extra = found - expected;
                write!(f, "{extra} bytes stand after its end at byte {expected}")
            }
            Problem::Field { field, found } => write!(f, "{field} is {found}"),
            Problem::NotZero => f.write_str("bytes that must be zero are not"),
            Problem::OutOfBounds { start, length } => {
                write!(
                    f,
                    "{length} bytes from byte {start} lie outside their bounds"
                )
            }
            Problem::Overlap => f.write_str("overlaps another part"),
            Problem::Unsorted => f.write_str("not in rising order"),
            Problem::NotUtf8 => f.write_str("not UTF-8"),
            Problem::Structure(text) => f.write_str(text),
        }
    }
}

/// One fault: the part, its offset in the file, and the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The part that is wrong.
    pub part: Part,
    /// Offset of its first byte from the beginning of the file, except where [`Part`] says another.
    pub offset: u64,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Fault {
    pub(crate) fn new(part: Part, offset: u64, problem: Problem) -> Fault {
        Fault {
            part,
            offset,
            problem,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.part, self.offset, self.problem)
    }
}
