//! How things look on a terminal. The only place that draws, and the only place that lets text of
//! a file reach a screen: all of it goes through [`escape`].

pub(crate) mod array;
pub(crate) mod date;
pub(crate) mod escape;
pub(crate) mod float;
pub(crate) mod json;
pub(crate) mod layout;
pub(crate) mod output;
pub(crate) mod size;
pub(crate) mod spread;
pub(crate) mod statistics;
pub(crate) mod table;
pub(crate) mod text;
mod tree;
mod window;

#[cfg(test)]
mod lazy_tests;
#[cfg(test)]
mod numpy_layout_tests;
#[cfg(test)]
mod numpy_tests;
#[cfg(test)]
mod tree_tests;

use std::fmt;
use std::io::{self, IsTerminal};

use achronyme_env::EnvError;
use anstyle::{AnsiColor, Style};

/// Columns when nobody knows better: not a terminal, or one that does not say.
const DEFAULT_WIDTH: usize = 80;

/// What may go wrong while something is shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TermError {
    /// The value could not be read.
    #[error(transparent)]
    Value(#[from] EnvError),
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

/// What standard output is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// Columns of a line.
    pub(crate) width: usize,
    /// Whether somebody looks at it: what is too wide is cut only then.
    pub(crate) terminal: bool,
    /// Whether to colour.
    pub(crate) colour: bool,
    /// Whether it can show more than ASCII.
    pub(crate) unicode: bool,
}

impl Screen {
    /// What standard output is now. Heeds `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE` and `TERM`.
    pub(crate) fn detect() -> Screen {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let size = terminal_size::terminal_size_of(&stdout);
        let colour = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        Screen {
            width: size.map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0).max(20)),
            terminal,
            colour,
            unicode: terminal && speaks_unicode(|name| std::env::var(name).ok()),
        }
    }

    /// A plain page of `width` columns: no colour, ASCII, nothing cut.
    pub(crate) fn plain(width: usize) -> Screen {
        Screen {
            width,
            terminal: false,
            colour: false,
            unicode: false,
        }
    }

    /// `text` in a colour, when there are colours. The text must be escaped already.
    pub(crate) fn paint<T: fmt::Display>(&self, paint: Paint, text: T) -> Painted<T> {
        let style = if self.colour {
            paint.style()
        } else {
            Style::new()
        };
        Painted { style, text }
    }
}

/// Whether the locale is one of UTF-8. Windows has no locale variables, and its terminals can.
fn speaks_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty());
    match locale {
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        }
        None => cfg!(windows),
    }
}

/// The few roles that have a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// As the rest.
    Plain,
    /// The head of a table or a value.
    Heading,
    /// A name somebody gave.
    Name,
    /// What is there for orientation only.
    Dim,
    /// What needs attention.
    Warning,
    /// One of the colours of a picture, counted around.
    Block(usize),
}

impl Paint {
    fn style(self) -> Style {
        const BLOCKS: [AnsiColor; 6] = [
            AnsiColor::Blue,
            AnsiColor::Green,
            AnsiColor::Yellow,
            AnsiColor::Magenta,
            AnsiColor::Cyan,
            AnsiColor::Red,
        ];
        match self {
            Paint::Plain => Style::new(),
            Paint::Heading => Style::new().bold(),
            Paint::Name => AnsiColor::Cyan.on_default(),
            Paint::Dim => Style::new().dimmed(),
            Paint::Warning => AnsiColor::Yellow.on_default().bold(),
            Paint::Block(n) => BLOCKS[n % BLOCKS.len()].on_default(),
        }
    }
}

/// Text in a colour.
#[derive(Debug)]
pub(crate) struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:#}", self.style, self.text, self.style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        let locale = |all: &'static str, lang: &'static str| {
            speaks_unicode(move |name| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LANG" => Some(lang.to_owned()),
                _ => None,
            })
        };
        assert!(locale("", "de_DE.UTF-8"));
        assert!(locale("C.utf8", "C"));
        assert!(!locale("C", "en_US.UTF-8"));
    }

    #[test]
    fn without_colour_there_is_no_escape() {
        let plain = Screen::plain(80).paint(Paint::Name, "x").to_string();
        assert_eq!(plain, "x");
        let coloured = Screen {
            colour: true,
            ..Screen::plain(80)
        };
        let text = coloured.paint(Paint::Name, "x").to_string();
        assert_eq!(text, "\u{1b}[36mx\u{1b}[0m");
    }
}
