//! The command `ach`: a match on what was asked for, and the exit codes.

mod arrivals;
mod attribute;
mod cmd;
mod diff_json;
mod diff_text;
mod error;
mod export;
mod gather;
mod import;
mod listing;
mod listing_table;
mod opened;
mod output_file;
mod overview;
mod overview_delta;
mod overview_version1;
mod progress;
mod term;
mod tour;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use cmd::Status;
use error::Failure;
use term::{Screen, output};

/// Workspace archives: many named values in one .ach file, of which any can be read alone.
#[derive(Debug, Parser)]
#[command(
    name = "ach",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(after_help = "\
Exit codes: 0 all is well, 1 `ach verify` found something wrong, `ach diff` a difference, or
`ach upgrade --strict` something lost, 2 an error.
Start with `ach demo`, a short tour on real data.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What `ach` can be asked for.
#[derive(Debug, Subcommand)]
enum Command {
    Pack(cmd::pack::Args),
    Ls(cmd::ls::Args),
    Info(cmd::info::Args),
    Get(cmd::get::Args),
    Extract(cmd::extract::Args),
    Verify(cmd::verify::Args),
    Diff(cmd::diff::Args),
    Hash(cmd::hash::Args),
    Delta(cmd::delta::Args),
    Upgrade(cmd::upgrade::Args),
    Demo(cmd::demo::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return error::usage(&error),
    };
    let screen = Screen::detect();
    let mut out = output::stdout();
    let mut status = Status::Fine;
    let result = dispatch(&cli.command, &screen, &mut out);
    let result: Result<(), Failure> = out.finish(result.map(|reached| status = reached));
    match result {
        Ok(()) => status.into(),
        Err(failure) => {
            error::report(&failure);
            Status::Failed.into()
        }
    }
}

/// Does what was asked for.
fn dispatch(command: &Command, screen: &Screen, out: &mut dyn Write) -> error::Result<Status> {
    match command {
        Command::Pack(args) => cmd::pack::run(args, out),
        Command::Ls(args) => cmd::ls::run(args, screen, out),
        Command::Info(args) => cmd::info::run(args, screen, out),
        Command::Get(args) => cmd::get::run(args, screen, out),
        Command::Extract(args) => cmd::extract::run(args, out),
        Command::Verify(args) => cmd::verify::run(args, screen, out),
        Command::Diff(args) => cmd::diff::run(args, screen, out),
        Command::Hash(args) => cmd::hash::run(args, out),
        Command::Delta(args) => cmd::delta::run(args, out),
        Command::Upgrade(args) => cmd::upgrade::run(args, out),
        Command::Demo(args) => cmd::demo::run(args, screen, out),
    }
}
