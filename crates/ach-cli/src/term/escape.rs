//! Text made harmless for a terminal: the only way text of a file gets to the screen.

pub(crate) use achronyme_env::escape_for_terminal as escape;

/// `text` in quotes as Python writes it, with harmful characters escaped, cut after `most`
/// characters.
pub(crate) fn quoted(text: &str, most: usize) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut shown = String::new();
    let mut characters = text.chars();
    for c in characters.by_ref().take(most) {
        if c == quote || c == '\\' {
            shown.push('\\');
        }
        shown.push(c);
    }
    let left = characters.count();
    let shown = escape(&shown);
    if left == 0 {
        format!("{quote}{shown}{quote}")
    } else {
        format!("{quote}{shown}{quote}... {left} more")
    }
}

/// A name for a message: in quotes, cut after 80 characters.
pub(crate) fn name(name: &str) -> String {
    quoted(name, 80)
}

/// A label of a tree or a table: escaped, and quoted when it would not be seen otherwise.
pub(crate) fn label(text: &str) -> String {
    let bare = !text.is_empty() && text.trim() == text && text.chars().count() <= 80;
    if bare { escape(text) } else { name(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_chosen_as_python_does() {
        assert_eq!(quoted("a", 9), "'a'");
        assert_eq!(quoted("it's", 9), "\"it's\"");
        assert_eq!(quoted("\"", 9), "'\"'");
        assert_eq!(quoted("'\"", 9), "'\\'\"'");
        assert_eq!(quoted("\n\u{1b}\\\u{202e}", 9), "'\\n\\u{1b}\\\\\\u{202e}'");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(quoted("abcdef", 4), "'abcd'... 2 more");
    }

    #[test]
    fn labels_nobody_would_see_are_quoted() {
        assert_eq!(label("a b"), "a b");
        assert_eq!(label(""), "''");
        assert_eq!(label(" a"), "' a'");
        assert_eq!(label("a\nb"), "a\\nb");
    }
}
