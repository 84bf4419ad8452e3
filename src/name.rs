//! Binding names: what may be one, and how one is shown on a terminal without harm.

use std::fmt::Write;

use crate::error::{EnvError, Result};
use crate::limits::MAX_NAME_BYTES;

/// Checks that `name` may be a binding's name: any UTF-8 of 0 to 4096 bytes.
///
/// # Errors
/// [`EnvError::NameTooLong`].
pub fn check_name(name: &str) -> Result<()> {
    if name.len() > MAX_NAME_BYTES {
        return Err(EnvError::NameTooLong {
            name: name.to_owned(),
        });
    }
    Ok(())
}

/// `text` with everything that could move a cursor, colour a screen or reorder a line written as an
/// escape (`\n`, `\u{1b}`): control characters, bidirectional marks and invisible format characters.
/// A backslash stays as it is.
///
/// ```
/// assert_eq!(achronyme_env::escape_for_terminal("a\x1b[31mb"), "a\\u{1b}[31mb");
/// ```
pub fn escape_for_terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, and the Unicode format characters that hide or reorder text: soft hyphen,
/// zero-width and bidirectional marks, line and paragraph separators, interlinear marks, tags.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A name for a message: escaped, shortened beyond 80 characters, in single quotes.
pub(crate) fn quoted(name: &str) -> String {
    let escaped = escape_for_terminal(name);
    if escaped.chars().count() <= 80 {
        return format!("'{escaped}'");
    }
    let head: String = escaped.chars().take(60).collect();
    format!("'{head}...' ({} bytes)", name.len())
}

/// The one of `names` nearest to `name`, when it is near enough to have been meant.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    let lowered = name.to_lowercase();
    for candidate in names {
        if candidate.len().abs_diff(name.len()) > 3 + name.len() / 2 {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&lowered, &candidate.to_lowercase());
        if distance <= 1 + name.chars().count() / 3
            && best.is_none_or(|(least, _)| distance < least)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmful_characters_are_escaped_and_others_kept() {
        assert_eq!(escape_for_terminal("tab\tline\n"), "tab\\tline\\n");
        assert_eq!(escape_for_terminal("\u{202e}abc"), "\\u{202e}abc");
        assert_eq!(escape_for_terminal("Größe 日本 ok\\"), "Größe 日本 ok\\");
    }

    #[test]
    fn the_nearest_name_is_one_that_could_be_meant() {
        let names = ["weights", "bias", "score"];
        assert_eq!(
            nearest("wieghts", names.into_iter()).as_deref(),
            Some("weights")
        );
        assert_eq!(
            nearest("SCORE", names.into_iter()).as_deref(),
            Some("score")
        );
        assert_eq!(nearest("temperature", names.into_iter()), None);
    }

    #[test]
    fn names_may_be_empty_and_at_most_4096_bytes() {
        assert!(check_name("").is_ok());
        assert!(check_name(&"x".repeat(4096)).is_ok());
        assert!(check_name(&"x".repeat(4097)).is_err());
    }
}
