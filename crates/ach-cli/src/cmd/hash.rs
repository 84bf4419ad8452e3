//! `ach hash`: what names the content of an archive, or of its variables.

use std::io::Write;
use std::path::PathBuf;

use achronyme_env::{content_hash, variable_hash};
use serde_json::json;

use super::{Document, Status};
use crate::error::{Failure, Result, shown};
use crate::journal::Reading;
use crate::listing::hex;
use crate::opened;
use crate::term::escape;

/// Name the content of an archive by a SHA-256, or that of some of its variables.
///
/// The same content has the same hash, whatever the file: when it was written and by what, in which
/// order, compressed or not, and what it says about itself change nothing. Names, values, attributes
/// and marks do; the hash of a variable does not depend on its name. Everything is read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The hashes of variables of these names, or whose names match: *, ?, [a-z], {a,b}
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
    /// Only the archive, without what its journal says
    #[arg(long)]
    archive_only: bool,
}

/// Hashes.
///
/// # Errors
/// When the file cannot be read or the output not be written; a refusal for a name it has not.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    let reading = Reading {
        archive_only: args.archive_only,
        quiet: args.json,
    };
    let archive = opened::open(&args.file, reading)?;
    let mut names: Vec<&str> = Vec::new();
    for pattern in &args.names {
        let matching = archive.matching(pattern)?;
        if matching.is_empty() {
            return Err(Failure::refused(format!(
                "{} has no variable that matches {}",
                shown(&args.file),
                escape::name(pattern)
            )));
        }
        for binding in matching {
            if !names.contains(&binding.name()) {
                names.push(binding.name());
            }
        }
    }
    if args.json {
        let path = args.file.to_string_lossy();
        let file = if names.is_empty() {
            json!({ "path": path, "hash": hex(&content_hash(&archive)?) })
        } else {
            let hashes = names.iter().map(|name| {
                let hash = hex(&variable_hash(&archive, name)?);
                Ok(json!({ "name": name, "hash": hash }))
            });
            json!({ "path": path, "variables": hashes.collect::<Result<Vec<_>>>()? })
        };
        Document::new(vec![file]).write(out)?;
        return Ok(Status::Fine);
    }
    if names.is_empty() {
        writeln!(
            out,
            "{}  {}",
            hex(&content_hash(&archive)?),
            shown(&args.file)
        )?;
    }
    for name in names {
        let hash = hex(&variable_hash(&archive, name)?);
        writeln!(out, "{hash}  {}", escape::label(name))?;
    }
    Ok(Status::Fine)
}
