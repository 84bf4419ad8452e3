//! Patterns over names: `*` (also across `.` and `/`), `?`, `[a-z]`, `{a,b}`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::{EnvError, Result};

/// A set of patterns; a name matches when one of them does. A pattern that is exactly a name
/// always matches that name, whatever its characters mean.
///
/// ```
/// use achronyme_env::Patterns;
///
/// let patterns = Patterns::new(["sim/*", "w[0]"])?;
/// assert!(patterns.matches("sim/a/b") && patterns.matches("w[0]") && patterns.matches("w0"));
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    texts: Vec<String>,
    set: GlobSet,
}

/// How a name is matched by a set of patterns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Matched {
    /// It is one of them, letter by letter.
    pub(crate) exact: bool,
    /// One of them matches it.
    pub(crate) pattern: bool,
}

impl Patterns {
    /// Reads patterns.
    ///
    /// # Errors
    /// [`EnvError::Syntax`] for text that is neither a pattern nor could be a name alone.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Patterns> {
        let mut builder = GlobSetBuilder::new();
        let mut texts = Vec::new();
        for pattern in patterns {
            let text = pattern.as_ref();
            let glob = GlobBuilder::new(text)
                .literal_separator(false)
                .backslash_escape(true)
                .build();
            let glob = glob.map_err(|e| EnvError::Syntax {
                text: text.to_owned(),
                expected: "a pattern",
                reason: e.kind().to_string(),
            })?;
            builder.add(glob);
            texts.push(text.to_owned());
        }
        let set = builder.build().map_err(|e| EnvError::Syntax {
            text: texts.join(", "),
            expected: "patterns",
            reason: e.kind().to_string(),
        })?;
        Ok(Patterns { texts, set })
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Whether `name` is one of the patterns, or is matched by one.
    pub fn matches(&self, name: &str) -> bool {
        self.texts.iter().any(|text| text == name) || self.set.is_match(name)
    }

    /// How `name` is matched; notes in `met`, one place a pattern, which of them did.
    pub(crate) fn mark(&self, name: &str, met: &mut [bool]) -> Matched {
        let mut matched = Matched::default();
        if self.is_empty() {
            return matched;
        }
        for (text, met) in self.texts.iter().zip(met.iter_mut()) {
            if text == name {
                *met = true;
                matched.exact = true;
            }
        }
        for index in self.set.matches(name) {
            if let Some(met) = met.get_mut(index) {
                *met = true;
            }
            matched.pattern = true;
        }
        matched
    }

    /// The patterns as they were given.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// What every name that the only pattern matches begins with.
    pub(crate) fn literal_prefix(&self) -> &str {
        match self.texts.as_slice() {
            [text] => {
                let end = text.find(['*', '?', '[', '{', '\\']).unwrap_or(text.len());
                text.get(..end).unwrap_or_default()
            }
            _ => "",
        }
    }
}

/// The pattern that matches `name` and nothing else.
///
/// ```
/// use achronyme_env::{Patterns, escape_pattern};
///
/// let patterns = Patterns::new([escape_pattern("w[0]*")])?;
/// assert!(patterns.matches("w[0]*") && !patterns.matches("w0"));
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
pub fn escape_pattern(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!' | ',') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_crosses_separators_and_an_exact_name_beats_a_pattern() {
        let one = |text: &str| Patterns::new([text]).unwrap();
        assert!(one("a*z").matches("a/b.c/z"));
        assert!(one("*").matches(""));
        assert!(!one("a?").matches("abc"));
        assert!(one("w[0]").matches("w[0]"));
        assert_eq!(one("sim/x*").literal_prefix(), "sim/x");
        assert!(Patterns::new(["a[b"]).is_err());
    }

    #[test]
    fn an_escaped_pattern_matches_only_its_name() {
        for name in ["a*", "w[0]", "{a,b}", "x\\y", "a?b", "plain", "[!a]"] {
            let patterns = Patterns::new([escape_pattern(name)]).unwrap();
            assert!(patterns.matches(name), "{name}");
            for other in ["ab", "w0", "a", "b", "xy", "axb"] {
                assert!(!patterns.matches(other), "{name} matches {other}");
            }
        }
    }
}
