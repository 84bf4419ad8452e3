//! `ach man`: the manual pages.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::CommandFactory;
use clap_mangen::Man;

use super::Status;
use crate::error::{Failure, Result, shown};
use crate::output_file::OutputFile;

/// Write the manual pages of `ach` and of each of its commands into a directory.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ach man ~/.local/share/man/man1                 then `man ach`, `man ach-pack`")]
pub(crate) struct Args {
    /// The directory; it is made where there is none
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Replace pages that exist
    #[arg(long)]
    force: bool,
}

/// Writes.
///
/// # Errors
/// What making the files answers.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    let directory = &args.directory;
    fs::create_dir_all(directory).map_err(|source| Failure::Write {
        action: "make",
        path: directory.clone(),
        source,
    })?;
    let mut command = crate::Cli::command().disable_help_subcommand(true);
    command.build();
    let mut waiting = vec![command];
    let mut count = 0;
    while let Some(command) = waiting.pop() {
        waiting.extend(
            command
                .get_subcommands()
                .filter(|c| !c.is_hide_set())
                .cloned(),
        );
        let page = Page {
            after: command.get_after_help().map(ToString::to_string),
            has_commands: command.has_subcommands(),
            man: Man::new(command),
        };
        let path = directory.join(page.man.get_filename());
        let mut file = OutputFile::create(&path, args.force)?;
        let written = page.write(&mut file);
        OutputFile::named(&path, written.map_err(Failure::Output))?;
        file.commit()?;
        count += 1;
    }
    writeln!(out, "{}: {count} pages", shown(directory))?;
    Ok(Status::Fine)
}

/// A page of the manual.
struct Page {
    man: Man,
    /// What follows the help.
    after: Option<String>,
    has_commands: bool,
}

impl Page {
    /// The sections. What follows the help keeps its lines: they are examples.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.man.render_title(out)?;
        self.man.render_name_section(out)?;
        self.man.render_synopsis_section(out)?;
        self.man.render_description_section(out)?;
        self.man.render_options_section(out)?;
        if self.has_commands {
            self.man.render_subcommands_section(out)?;
        }
        let Some(text) = &self.after else {
            return Ok(());
        };
        let (title, text) = match text.strip_prefix("Examples:\n") {
            Some(text) => ("EXAMPLES", text),
            None => ("NOTES", text.as_str()),
        };
        writeln!(out, ".SH {title}\n.nf")?;
        for line in text.lines() {
            writeln!(out, "{}", escaped(line))?;
        }
        writeln!(out, ".fi")
    }
}

/// A line that roff takes as it is.
fn escaped(line: &str) -> String {
    let line = line
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq");
    match line.starts_with('.') {
        true => format!("\\&{line}"),
        false => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roff_sees_no_commands_in_a_text() {
        assert_eq!(escaped(".x 'a' -b \\n"), "\\&.x \\(aqa\\(aq \\-b \\en");
    }
}
