//! The layout of a program's type as text, and its fingerprint.

use std::fmt::{self, Write};
use std::marker::PhantomData;

use rkyv::Archive;

/// What tells the layout of one archived type from that of another: the form of rkyv archives, size
/// and alignment of the archived type, and its fields as the program names them, with their places.
///
/// The fingerprint is the 64-bit XXH3 of that as text, so it is the same in every process and of
/// every compiler. It finds fields that were added, removed, moved, renamed, or written with another
/// type. It does not look into types that fields are made of: [`Layout::with`] adds theirs. And it
/// knows nothing of what values mean, so metres that become feet are for a new version.
///
/// [`layout!`](crate::layout) makes one of a struct with named fields and checks that none is left
/// out; [`Layout::of`] takes any description.
///
/// ```
/// use achronyme_env::layout;
/// use achronyme_env::rkyv::{Archive, Serialize};
///
/// #[derive(Archive, Serialize)]
/// #[rkyv(crate = achronyme_env::rkyv)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// let layout = layout!(Point { x: f64, y: f64 });
/// assert!(layout.text().ends_with("size 16, align 8\nx: f64 @0\ny: f64 @8\n"));
/// ```
pub struct Layout<T> {
    text: String,
    of: PhantomData<fn() -> T>,
}

/// What all archives of this build have in common. The crate's features fix it.
const FORM: &str = "rkyv 0.8, little-endian, aligned, 64-bit pointers\n";

impl<T: Archive> Layout<T> {
    /// The layout of `T` with a description of the caller's, such as the variants of an enum. Equal
    /// descriptions, sizes and alignments give equal fingerprints.
    pub fn of(description: &str) -> Layout<T> {
        let (size, align) = (size_of::<T::Archived>(), align_of::<T::Archived>());
        let mut text = format!("{FORM}size {size}, align {align}\n");
        if !description.is_empty() {
            let _ = writeln!(text, "{description}");
        }
        Layout {
            text,
            of: PhantomData,
        }
    }

    /// Adds a field: its name, its type as text, and its offset in the archived type, in bytes.
    /// White space in the type does not count, since compilers differ in it.
    pub fn field(mut self, name: &str, ty: &str, offset: usize) -> Layout<T> {
        let ty: String = ty.split_whitespace().collect();
        let _ = writeln!(self.text, "{name}: {ty} @{offset}");
        self
    }

    /// Adds the layout of a type that the fields are made of, so that a change of it is found too.
    pub fn with<U: Archive>(mut self, part: &Layout<U>) -> Layout<T> {
        let part = part.text.strip_prefix(FORM).unwrap_or(&part.text);
        let _ = write!(self.text, "with {part}");
        self
    }

    /// What the fingerprint is made of.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The fingerprint: XXH3, 64 bits, of the text.
    pub fn fingerprint(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(self.text.as_bytes())
    }
}

impl<T> fmt::Debug for Layout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layout({:?})", self.text)
    }
}

/// The [`Layout`](crate::Layout) of a struct with named fields, which are listed as they are
/// declared: `layout!(State { step: u64, time: f64 })`. A field that is left out, or of another
/// type than it is listed with, does not compile.
///
/// ```compile_fail
/// #[derive(rkyv::Archive, rkyv::Serialize)]
/// struct State { step: Box<u64> }
///
/// let _ = achronyme_env::layout!(State { step: u64 });
/// ```
#[macro_export]
macro_rules! layout {
    ($of:ident { $($field:ident : $ty:ty),* $(,)? }) => {{
        #[allow(dead_code)]
        fn every_field(whole: &$of) {
            // Two steps: a reference would become one to another type where it is given a type.
            fn type_of<T: ?Sized>(_: &T) -> ::core::marker::PhantomData<T> {
                ::core::marker::PhantomData
            }
            let $of { $($field),* } = whole;
            $(
                let found = type_of($field);
                let _: ::core::marker::PhantomData<$ty> = found;
            )*
        }
        $crate::Layout::<$of>::of("")
            $( .field(
                ::core::stringify!($field),
                ::core::stringify!($ty),
                ::core::mem::offset_of!(<$of as $crate::rkyv::Archive>::Archived, $field),
            ) )*
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Archive, rkyv::Serialize)]
    struct Point {
        x: f64,
        tags: Vec<String>,
    }

    #[test]
    fn a_fingerprint_is_what_its_text_says_and_never_changes() {
        let layout = crate::layout!(Point {
            x: f64,
            tags: Vec<String>,
        });
        assert_eq!(
            layout.text(),
            "rkyv 0.8, little-endian, aligned, 64-bit pointers\nsize 24, align 8\n\
             x: f64 @0\ntags: Vec<String> @8\n"
        );
        assert_eq!(layout.fingerprint(), 0x11e7_3769_d202_63e2);
    }

    #[test]
    fn white_space_in_types_does_not_count_and_everything_else_does() {
        let of = |name: &str, ty: &str, at| Layout::<Point>::of("").field(name, ty, at);
        let print = of("tags", "Vec<String>", 8).fingerprint();
        assert_eq!(of("tags", "Vec < String >", 8).fingerprint(), print);
        for other in [
            of("tag", "Vec<String>", 8),
            of("tags", "Vec<str>", 8),
            of("tags", "Vec<String>", 0),
            of("tags", "Vec<String>", 8).with(&Layout::<f64>::of("")),
        ] {
            assert_ne!(other.fingerprint(), print, "{other:?}");
        }
    }
}
