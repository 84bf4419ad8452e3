//! The bytes of nodes while they are made: what rkyv would write of the trees of `schema`, written
//! straight from values, so that a record of three numbers costs no memory of its own.
//!
//! What a tree points to is written first, at the end of `out`; the tree itself, 24 bytes, waits as a
//! [`Root`] until its place is known: in a vector, in a record, or at the end of a node. All
//! pointers are relative, so what lies at the end of `out` can be cut off as a node.

use std::cell::RefCell;

use super::schema::{IndexEntry, IndexPartTree, PartTree};
use crate::limits::MAX_NODE_BYTES;

/// A tree whose targets are written and which has no place yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root {
    /// Tag, and what stands before the first multiple of 8.
    head: u64,
    words: [u64; 2],
    target: Target,
}

/// Which word of a tree, or of a string, is a pointer; it holds an offset in `out` until then.
// A whole word: a tree with padding in it would be copied in overlapping pieces, which stalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
enum Target {
    None,
    First,
    Second,
}

/// A string whose text is written where it is too long to stand in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    words: [u64; 2],
    target: Target,
}

/// Elements that have their place.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    target: usize,
    len: usize,
}

/// A field of an object that a box points to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Root(Root),
    List(List),
    Word(u64),
}

/// A place in `out`, and how many trees waited then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    at: usize,
    elements: usize,
    fields: usize,
}

/// What is written of the nodes under way.
#[derive(Debug, Default)]
pub(super) struct NodeBytes {
    out: Vec<u8>,
    /// Elements of vectors that wait for their place, those of the innermost vector last.
    elements: Vec<Root>,
    /// Fields of records, likewise.
    fields: Vec<(Text, Root)>,
    /// A part that waits for the node before it to end.
    aside: Vec<u8>,
}

/// Tags of trees, in the order of `schema::Tree`.
pub(super) mod tag {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const BOOLEAN: u8 = 1;
    pub(crate) const INTEGER: u8 = 2;
    pub(crate) const NUMBER: u8 = 3;
    pub(crate) const COMPLEX: u8 = 4;
    pub(crate) const STRING: u8 = 5;
    pub(crate) const BYTES: u8 = 6;
    pub(crate) const LONG_STRING: u8 = 7;
    pub(crate) const LONG_BYTES: u8 = 8;
    pub(crate) const VECTOR: u8 = 9;
    pub(crate) const VECTOR_PARTS: u8 = 10;
    pub(crate) const RECORD: u8 = 11;
    pub(crate) const INDEXED_RECORD: u8 = 12;
    pub(crate) const RECORD_PARTS: u8 = 13;
    pub(crate) const INDEX: u8 = 14;
    pub(crate) const NODE: u8 = 15;
    pub(crate) const TENSOR: u8 = 16;
    pub(crate) const STRING_ARRAY: u8 = 17;
    pub(crate) const EDGE: u8 = 18;
    pub(crate) const BUILTIN: u8 = 19;
    pub(crate) const FUNCTION: u8 = 20;
    pub(crate) const CELL: u8 = 21;
    pub(crate) const ERROR: u8 = 22;
    pub(crate) const EXTENSION: u8 = 23;
    pub(crate) const TYPED: u8 = 24;
}

/// Bytes of text that stand in a string itself.
const SHORT_TEXT: usize = 16;

impl Root {
    const fn plain(tag: u8, words: [u64; 2]) -> Root {
        Root {
            head: tag as u64,
            words,
            target: Target::None,
        }
    }

    pub(super) const NULL: Root = Root::plain(tag::NULL, [0, 0]);

    pub(super) fn boolean(boolean: bool) -> Root {
        Root {
            head: u64::from(tag::BOOLEAN) | u64::from(boolean) << 8,
            ..Root::NULL
        }
    }

    pub(super) fn integer(integer: i64) -> Root {
        Root::plain(tag::INTEGER, [integer.cast_unsigned(), 0])
    }

    pub(super) fn number(number: f64) -> Root {
        Root::plain(tag::NUMBER, [number.to_bits(), 0])
    }

    pub(super) fn complex(re: f64, im: f64) -> Root {
        Root::plain(tag::COMPLEX, [re.to_bits(), im.to_bits()])
    }

    /// A tree that names an extent, a node or a cell.
    pub(super) fn numbered(tag: u8, number: u32) -> Root {
        Root {
            head: u64::from(tag) | u64::from(number) << 32,
            ..Root::NULL
        }
    }

    /// A string, or the name of a builtin function.
    pub(super) fn text(tag: u8, text: Text) -> Root {
        Root {
            target: text.target,
            ..Root::plain(tag, text.words)
        }
    }

    /// A vector of any kind.
    pub(super) fn list(tag: u8, list: List) -> Root {
        Root {
            target: Target::First,
            ..Root::plain(tag, [list.target as u64, list.len as u64])
        }
    }

    /// A box.
    pub(super) fn boxed(tag: u8, target: usize) -> Root {
        Root {
            target: Target::First,
            ..Root::plain(tag, [target as u64, 0])
        }
    }

    /// The tree at offset `at` of `out`. Pointers are relative to offset 8 of it: to a vector's or
    /// box's own place, and to the beginning of a string.
    fn placed(&self, at: usize) -> [u64; 3] {
        let relative = |word: u64| word.wrapping_sub(at as u64 + 8);
        let [first, second] = self.words;
        match self.target {
            Target::None => [self.head, first, second],
            Target::First => [self.head, relative(first), second],
            Target::Second => [self.head, first, relative(second)],
        }
    }

    /// What it points to has moved by so many bytes towards the beginning.
    pub(super) fn move_back(&mut self, by: usize) {
        match self.target {
            Target::None => {}
            Target::First => self.words[0] -= by as u64,
            Target::Second => self.words[1] -= by as u64,
        }
    }
}

impl Text {
    /// As [`Root::move_back`].
    pub(super) fn move_back(&mut self, by: usize) {
        if self.target == Target::Second {
            self.words[1] -= by as u64;
        }
    }

    fn placed(&self, at: usize) -> [u64; 2] {
        let [first, second] = self.words;
        match self.target {
            Target::Second => [first, second.wrapping_sub(at as u64)],
            _ => [first, second],
        }
    }
}

impl Part {
    /// Two numbers of 32 bits.
    pub(super) fn pair(first: u32, second: u32) -> Part {
        Part::Word(u64::from(first) | u64::from(second) << 32)
    }
}

thread_local! {
    /// The memory of the value that was written last on this thread: without it a small value would
    /// spend as long on growing three lists as on being written.
    static SPARE: RefCell<NodeBytes> = RefCell::default();
}

/// More than some nodes take is not kept.
const SPARE_BYTES: usize = 8 * MAX_NODE_BYTES;

impl NodeBytes {
    /// With the memory of the value that was written last on this thread.
    pub(super) fn recycled() -> NodeBytes {
        let spare = SPARE.try_with(RefCell::take);
        spare.unwrap_or_default()
    }

    /// Forgets what a value left that could not be written to its end.
    pub(super) fn clear(&mut self) {
        self.out.clear();
        self.elements.clear();
        self.fields.clear();
    }

    /// Where what is written next stands.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            at: self.out.len(),
            elements: self.elements.len(),
            fields: self.fields.len(),
        }
    }

    fn align(&mut self, to: usize) {
        let end = self.out.len().next_multiple_of(to);
        self.out.resize(end, 0);
    }

    fn words(&mut self, words: &[u64]) {
        for word in words {
            self.out.extend_from_slice(&word.to_le_bytes());
        }
    }

    /// A text, in the string or before it.
    pub(super) fn text(&mut self, text: &str) -> Text {
        let bytes = text.as_bytes();
        if bytes.len() <= SHORT_TEXT {
            let (first, second) = bytes.split_at(bytes.len().min(8));
            return Text {
                words: [filled(first), filled(second)],
                target: Target::None,
            };
        }
        let at = self.out.len();
        self.out.extend_from_slice(bytes);
        let len = bytes.len() as u64;
        Text {
            words: [(len & 0x3f) | 0x80 | ((len & !0x3f) << 2), at as u64],
            target: Target::Second,
        }
    }

    /// Bytes.
    pub(super) fn octets(&mut self, bytes: &[u8]) -> List {
        let target = self.out.len();
        self.out.extend_from_slice(bytes);
        List {
            target,
            len: bytes.len(),
        }
    }

    pub(super) fn shape(&mut self, shape: &[u64]) -> List {
        self.align(8);
        let target = self.out.len();
        self.words(shape);
        List {
            target,
            len: shape.len(),
        }
    }

    pub(super) fn parts(&mut self, parts: &[PartTree]) -> List {
        self.align(8);
        let target = self.out.len();
        for part in parts {
            self.words(&[part.end, part.node]);
        }
        List {
            target,
            len: parts.len(),
        }
    }

    pub(super) fn index(&mut self, index: &[IndexEntry]) -> List {
        let pairs = index.iter().map(|entry| [entry.hash, entry.ordinal]);
        self.pairs(pairs)
    }

    pub(super) fn index_parts(&mut self, parts: &[IndexPartTree]) -> List {
        self.pairs(parts.iter().map(|part| [part.first, part.node]))
    }

    fn pairs(&mut self, pairs: impl ExactSizeIterator<Item = [u32; 2]>) -> List {
        self.align(4);
        let (target, len) = (self.out.len(), pairs.len());
        for number in pairs.flatten() {
            self.out.extend_from_slice(&number.to_le_bytes());
        }
        List { target, len }
    }

    /// What a box points to.
    pub(super) fn object(&mut self, parts: &[Part]) -> usize {
        self.align(8);
        let target = self.out.len();
        for part in parts {
            let at = self.out.len();
            match part {
                Part::Root(root) => self.words(&root.placed(at)),
                Part::List(list) => {
                    let pointer = (list.target as u64).wrapping_sub(at as u64);
                    self.words(&[pointer, list.len as u64]);
                }
                Part::Word(word) => self.words(&[*word]),
            }
        }
        target
    }

    /// Lets an element of the innermost vector wait.
    pub(super) fn push_element(&mut self, element: Root) {
        self.elements.push(element);
    }

    /// Lets a field of the innermost record wait.
    pub(super) fn push_field(&mut self, name: Text, value: Root) {
        self.fields.push((name, value));
    }

    /// Gives the elements that were pushed since `mark` their places.
    pub(super) fn elements(&mut self, mark: Mark) -> List {
        self.align(8);
        let (target, len) = (self.out.len(), self.elements.len() - mark.elements);
        self.out.reserve(len * 24);
        for element in self.elements.drain(mark.elements..) {
            let placed = element.placed(self.out.len());
            self.out
                .extend_from_slice(bytemuck::cast_slice(&placed.map(u64::to_le)));
        }
        List { target, len }
    }

    /// Gives the fields that were pushed since `mark` their places.
    pub(super) fn fields(&mut self, mark: Mark) -> List {
        self.align(8);
        let (target, len) = (self.out.len(), self.fields.len() - mark.fields);
        self.out.reserve(len * 40);
        for (name, value) in self.fields.drain(mark.fields..) {
            let at = self.out.len();
            let [n0, n1] = name.placed(at);
            let [v0, v1, v2] = value.placed(at + 16);
            let words = [n0, n1, v0, v1, v2].map(u64::to_le);
            self.out.extend_from_slice(bytemuck::cast_slice(&words));
        }
        List { target, len }
    }

    /// Ends a node: everything from `mark` on, and its root. The bytes before `mark` that share
    /// its first eight are `lead`, zeros in the node. [`NodeBytes::cut`] takes it out.
    pub(super) fn node(&mut self, mark: Mark, root: Root) -> (&'static [u8], &[u8]) {
        self.align(8);
        let root = root.placed(self.out.len());
        self.words(&root);
        (&[0; 8][..mark.at % 8], &self.out[mark.at..])
    }

    /// Takes out what was written from `mark` on.
    pub(super) fn cut(&mut self, mark: Mark) {
        self.out.truncate(mark.at);
    }

    /// Sets aside what was written from `from` on, of a part that is to stand in the next node.
    pub(super) fn set_aside(&mut self, from: Mark) {
        self.aside.clear();
        self.aside.extend_from_slice(&self.out[from.at..]);
        self.out.truncate(from.at);
    }

    /// Puts back what was set aside, which began at `from`; answers by how many bytes its trees have
    /// moved.
    pub(super) fn put_back(&mut self, from: Mark) -> usize {
        // The same place within eight bytes, so that everything in it stays aligned.
        while self.out.len() % 8 != from.at % 8 {
            self.out.push(0);
        }
        let moved = from.at - self.out.len();
        self.out.extend_from_slice(&self.aside);
        moved
    }
}

impl Drop for NodeBytes {
    fn drop(&mut self) {
        let bytes = self.out.capacity()
            + self.elements.capacity() * size_of::<Root>()
            + self.fields.capacity() * size_of::<(Text, Root)>();
        if bytes == 0 || bytes > SPARE_BYTES {
            return;
        }
        self.clear();
        let lists = (
            std::mem::take(&mut self.out),
            std::mem::take(&mut self.elements),
            std::mem::take(&mut self.fields),
        );
        // A thread that ends has no spare memory any more.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.out.capacity() <= lists.0.capacity() {
                (spare.out, spare.elements, spare.fields) = lists;
            }
        });
    }
}

/// Up to eight bytes as a word, filled up with 0xff. By values, and not through memory: a copy of
/// so few bytes that is read as a word at once stalls.
fn filled(bytes: &[u8]) -> u64 {
    let (len, last) = (bytes.len(), bytes.len().wrapping_sub(4));
    let word = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(end)) => {
            let (first, end) = (u32::from_le_bytes(*first), u32::from_le_bytes(*end));
            u64::from(first) | u64::from(end) << (8 * last)
        }
        _ => bytes
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    match len {
        0..8 => word | u64::MAX << (8 * len),
        _ => word,
    }
}

#[cfg(test)]
mod tests;
