//! `ach completions`: what a shell needs to complete command lines.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::Status;
use crate::error::Result;

/// Print what a shell needs to complete the commands and options of `ach`.
///
/// Where it goes depends on the shell and the system; dist/README.md has the usual places.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ach completions bash > ~/.local/share/bash-completion/completions/ach
  ach completions zsh > ~/.zfunc/_ach              with ~/.zfunc in fpath
  ach completions fish > ~/.config/fish/completions/ach.fish
  ach completions powershell >> $PROFILE")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    // Into memory first: the generator panics when it cannot write.
    let mut script = Vec::new();
    generate(args.shell, &mut crate::Cli::command(), "ach", &mut script);
    out.write_all(&script)?;
    Ok(Status::Fine)
}
