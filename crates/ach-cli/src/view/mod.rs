//! A page in the browser that shows a file: a server on loopback, its answers, and the page itself.
//!
//! The page's own files are in `page/` and part of the program. Everything else it shows it asks for
//! as JSON or numbers, a screenful at a time: `answers` says what can be asked, and every answer is
//! bounded in bytes and in what it reads. The file is open for reading only.

mod address;
mod answers;
mod assets;
mod browser;
mod column;
mod guard;
mod history;
mod layout;
mod look;
mod names;
mod numbers;
mod overview;
mod parts;
mod query;
mod refusal;
mod sample;
mod server;
mod snapshot;
mod table;
mod text;
mod variable;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Result, note, shown};
use crate::journal::Reading;

/// What is served, and how.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    /// An archive.
    pub(crate) file: &'a Path,
    /// Whether its journal is read too.
    pub(crate) reading: Reading,
    /// The port on 127.0.0.1; 0 is any that is free.
    pub(crate) port: u16,
    /// Whether the browser is opened.
    pub(crate) opens_browser: bool,
}

/// Opens the file, tells the address on `out`, and serves until the process is told to stop.
///
/// # Errors
/// What opening the file answers; a port that cannot be had; when the output cannot be written.
pub(crate) fn serve(settings: &Settings<'_>, out: &mut dyn Write) -> Result<()> {
    let shelf = snapshot::Shelf::open(settings.file, settings.reading)?;
    let listener = server::Listener::bind(settings.port)?;
    let address = address::Address::new(listener.port())?;
    let count = super::cmd::counted(shelf.current().archive.len());
    writeln!(out, "{}: {count}, shown at", shown(settings.file))?;
    writeln!(out, "  {}", address.url())?;
    writeln!(out, "Ctrl-C ends it.")?;
    out.flush()?;
    let address = Arc::new(address);
    let of_page = Arc::clone(&address);
    // It lives as long as the server: it is where the browser finds the address.
    let page = || match settings.opens_browser {
        true => browser::open(&of_page).unwrap_or_else(|reason| {
            note(&format!("no browser was opened: {reason}"));
            None
        }),
        false => None,
    };
    listener.serve(Arc::new(shelf), address, page)
}
