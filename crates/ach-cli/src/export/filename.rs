//! Names of variables as names of files, and back.
//!
//! Letters, digits, `_`, `-` and `.` stand for themselves; every other byte of the UTF-8 is `%` and
//! two hexadecimal digits. So are a dot at the start, at the end or after a dot, and the first letter
//! of what Windows keeps for devices (`CON`, `NUL`, `COM1`, ...). The empty name is `%empty`, which
//! is the encoding of no other name. [`name_of`] leads back from any of them.

use std::borrow::Cow;
use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::ExportError;

/// Bytes a file name may have on the usual file systems.
const MOST_BYTES: usize = 255;

/// What stands for the empty name.
const EMPTY: &str = "%empty";

/// What is percent-encoded. The dot is looked at by itself.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');

/// The name of the variable a file was written for; `None` when the file has no extension or
/// [`FileNames`] never makes such a name.
pub(crate) fn name_of(file_name: &str) -> Option<String> {
    let (stem, _) = file_name.rsplit_once('.')?;
    if stem == EMPTY {
        return Some(String::new());
    }
    let bytes = stem.as_bytes();
    let escapes_are_whole = bytes.iter().enumerate().all(|(index, byte)| {
        let hex = |at| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        *byte != b'%' || (hex(index + 1) && hex(index + 2))
    });
    if stem.is_empty() || !escapes_are_whole {
        return None;
    }
    percent_decode_str(stem)
        .decode_utf8()
        .ok()
        .map(Cow::into_owned)
}

/// The file names of one extraction. Names that differ only by the case of letters are one file on
/// some systems: the later one gets its capital letters percent-encoded, or else its small ones.
#[derive(Debug, Default)]
pub(crate) struct FileNames {
    /// What is taken, in lower case, and by which name.
    taken: HashMap<String, String>,
}

impl FileNames {
    /// The file name for `name`, different from all given before on every file system.
    ///
    /// # Errors
    /// [`ExportError::Name`] when it would be too long, or `name` was given before.
    pub(crate) fn assign(&mut self, name: &str, extension: &str) -> Result<String, ExportError> {
        let ways: [fn(char) -> bool; 3] = [
            |_| false,
            |c| c.is_ascii_uppercase(),
            |c| c.is_ascii_alphabetic(),
        ];
        for way in ways {
            let file = finished(name, encoded(name, way), extension)?;
            let folded = file.to_ascii_lowercase();
            match self.taken.get(&folded) {
                None => {
                    self.taken.insert(folded, name.to_owned());
                    return Ok(file);
                }
                Some(other) if other == name => break,
                Some(_) => {}
            }
        }
        Err(refused(name, "it is given twice".to_owned()))
    }
}

/// The name without an extension, with the letters that `also` asks for encoded as well.
fn encoded(name: &str, also: impl Fn(char) -> bool) -> String {
    if name.is_empty() {
        return EMPTY.to_owned();
    }
    let device = is_device(name);
    let last = name.len() - 1;
    let mut out = String::new();
    for (index, c) in name.char_indices() {
        let dot = c == '.' && (index == 0 || index == last || out.ends_with('.'));
        if dot || (device && index == 0) || also(c) {
            // All of these are ASCII.
            out.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            out.extend(utf8_percent_encode(c.encode_utf8(&mut [0; 4]), ENCODED));
        }
    }
    out
}

/// Whether Windows takes the name, whatever its extension, for a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" => true,
        other => {
            let port = other.strip_prefix("COM").or(other.strip_prefix("LPT"));
            port.is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
        }
    }
}

fn finished(name: &str, stem: String, extension: &str) -> Result<String, ExportError> {
    let file = format!("{stem}.{extension}");
    if file.len() > MOST_BYTES {
        return Err(refused(
            name,
            format!("{} bytes are needed, {MOST_BYTES} are allowed", file.len()),
        ));
    }
    Ok(file)
}

fn refused(name: &str, reason: String) -> ExportError {
    ExportError::Name {
        name: name.to_owned(),
        role: "the name of a file",
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The file name for the variable `name`, with `extension` behind a dot.
    ///
    /// # Errors
    /// [`ExportError::Name`] when it would be longer than a file name may be.
    fn file_name(name: &str, extension: &str) -> Result<String, ExportError> {
        finished(name, encoded(name, |_| false), extension)
    }

    fn file(name: &str) -> String {
        file_name(name, "npy").unwrap()
    }

    #[test]
    fn plain_names_stay_and_others_are_safe() {
        for (name, expected) in [
            ("weights", "weights.npy"),
            ("layers.0.weight", "layers.0.weight.npy"),
            ("a b/c", "a%20b%2Fc.npy"),
            ("50%", "50%25.npy"),
            ("", "%empty.npy"),
            (".", "%2E.npy"),
            ("..", "%2E%2E.npy"),
            ("../../etc/passwd", "%2E.%2F.%2E%2Fetc%2Fpasswd.npy"),
            (".hidden", "%2Ehidden.npy"),
            ("end.", "end%2E.npy"),
            ("a...b", "a.%2E.b.npy"),
            ("nul", "%6Eul.npy"),
            ("COM1.x", "%43OM1.x.npy"),
            ("console", "console.npy"),
            ("größe", "gr%C3%B6%C3%9Fe.npy"),
        ] {
            let found = file(name);
            assert_eq!(found, expected);
            assert_eq!(name_of(&found).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_name_too_long_for_a_file_is_refused() {
        assert!(file_name(&"x".repeat(251), "npy").is_ok());
        let error = file_name(&"x".repeat(252), "npy").unwrap_err().to_string();
        assert!(
            error.contains("256 bytes are needed, 255 are allowed"),
            "{error}"
        );
    }

    #[test]
    fn names_that_differ_by_case_get_files_that_differ() {
        let mut names = FileNames::default();
        let assigned: Vec<String> = ["AB", "Ab", "aB", "ab", "weights", "Weights"]
            .into_iter()
            .map(|name| names.assign(name, "npy").unwrap())
            .collect();
        assert_eq!(
            assigned,
            [
                "AB.npy",
                "%41b.npy",
                "a%42.npy",
                "%61%62.npy",
                "weights.npy",
                "%57eights.npy"
            ]
        );
        assert!(names.assign("weights", "npy").is_err());
        assert!(names.assign("Weights", "npy").is_err());
        assert_eq!(name_of("%61%62.npy").as_deref(), Some("ab"));
    }

    #[test]
    fn what_was_never_made_here_has_no_name() {
        for file in ["noextension", "a%2.npy", "a%zz.npy", "%FF.npy", ".npy"] {
            assert_eq!(name_of(file), None, "{file}");
        }
    }

    proptest! {
        #[test]
        fn every_name_leads_back_and_is_safe(
            name in "(\\PC|[a-zA-Z.%/\\\\ ]|[\\x00-\\x1f]|(?i:con|nul|com1)){0,60}",
        ) {
            if let Ok(file) = file_name(&name, "npy") {
                prop_assert_eq!(name_of(&file), Some(name.clone()));
                prop_assert!(!file.contains(['/', '\\', '\0', ':', ' ']));
                prop_assert!(!file.contains("..") && !file.starts_with('.'));
                prop_assert!(file.is_ascii() && file.len() <= MOST_BYTES);
                prop_assert!(!is_device(&file));
            }
        }

        #[test]
        fn names_of_one_extraction_never_meet(names in proptest::collection::hash_set("[aAbB%.]{0,4}", 1..40)) {
            let mut files = FileNames::default();
            let mut seen = std::collections::HashSet::new();
            for name in names {
                let file = files.assign(&name, "npy").unwrap();
                prop_assert_eq!(name_of(&file), Some(name));
                prop_assert!(seen.insert(file.to_ascii_lowercase()));
            }
        }
    }
}
