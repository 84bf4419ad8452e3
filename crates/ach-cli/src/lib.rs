//! The command `ach`: a match on what was asked for, and the exit codes.
//!
//! A library only so that what reads foreign files and what reaches a terminal can be tried from outside
//! without a process for each try ([`fuzzing`]). No interface of it is promised.

mod arrivals;
mod attribute;
mod carry;
mod changes;
mod cmd;
mod diff_json;
mod diff_text;
mod edit;
mod error;
mod events;
mod export;
pub mod fuzzing;
mod gather;
mod import;
mod journal;
mod listing;
mod listing_table;
mod moment;
mod opened;
mod output_file;
mod overview;
mod overview_delta;
mod overview_version1;
#[cfg(feature = "plot")]
mod plot;
mod progress;
mod term;
mod tour;
#[cfg(feature = "view")]
mod view;

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
`ach repair` or `ach upgrade --strict` something lost, 2 an error.
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
    Stat(cmd::stat::Args),
    #[cfg(feature = "plot")]
    Plot(cmd::plot::Args),
    Extract(cmd::extract::Args),
    Verify(cmd::verify::Args),
    #[cfg(feature = "view")]
    View(cmd::view::Args),
    Repair(cmd::repair::Args),
    Diff(cmd::diff::Args),
    Hash(cmd::hash::Args),
    Delta(cmd::delta::Args),
    Set(cmd::set::Args),
    Rm(cmd::rm::Args),
    Mv(cmd::mv::Args),
    Cp(cmd::cp::Args),
    Merge(cmd::merge::Args),
    Convert(cmd::convert::Args),
    Log(cmd::log::Args),
    Mark(cmd::mark::Args),
    Undo(cmd::travel::UndoArgs),
    Redo(cmd::travel::RedoArgs),
    Restore(cmd::travel::RestoreArgs),
    Checkpoint(cmd::checkpoint::Args),
    Backup(cmd::backup::Args),
    Watch(cmd::watch::Args),
    Upgrade(cmd::upgrade::Args),
    Demo(cmd::demo::Args),
    Completions(cmd::completions::Args),
    Man(cmd::man::Args),
}

/// Runs the command with the arguments of this process, on its standard output and error.
pub fn main() -> ExitCode {
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
        Command::Stat(args) => cmd::stat::run(args, out),
        #[cfg(feature = "plot")]
        Command::Plot(args) => cmd::plot::run(args, out),
        Command::Extract(args) => cmd::extract::run(args, out),
        Command::Verify(args) => cmd::verify::run(args, screen, out),
        #[cfg(feature = "view")]
        Command::View(args) => cmd::view::run(args, out),
        Command::Repair(args) => cmd::repair::run(args, out),
        Command::Diff(args) => cmd::diff::run(args, screen, out),
        Command::Hash(args) => cmd::hash::run(args, out),
        Command::Delta(args) => cmd::delta::run(args, out),
        Command::Set(args) => cmd::set::run(args, screen, out),
        Command::Rm(args) => cmd::rm::run(args, out),
        Command::Mv(args) => cmd::mv::run(args, out),
        Command::Cp(args) => cmd::cp::run(args, out),
        Command::Merge(args) => cmd::merge::run(args, out),
        Command::Convert(args) => cmd::convert::run(args, out),
        Command::Log(args) => cmd::log::run(args, screen, out),
        Command::Mark(args) => cmd::mark::run(args, out),
        Command::Undo(args) => cmd::travel::undo(args, out),
        Command::Redo(args) => cmd::travel::redo(args, out),
        Command::Restore(args) => cmd::travel::restore(args, out),
        Command::Checkpoint(args) => cmd::checkpoint::run(args, out),
        Command::Backup(args) => cmd::backup::run(args, out),
        Command::Watch(args) => cmd::watch::run(args, screen, out),
        Command::Upgrade(args) => cmd::upgrade::run(args, out),
        Command::Demo(args) => cmd::demo::run(args, screen, out),
        Command::Completions(args) => cmd::completions::run(args, out),
        Command::Man(args) => cmd::man::run(args, out),
    }
}
