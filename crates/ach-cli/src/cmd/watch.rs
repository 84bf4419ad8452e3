//! `ach watch`: commits as they are made.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use achronyme_env::{EventKind, SessionReader};
use serde_json::json;

use super::{Status, counted};
use crate::changes::changes;
use crate::error::{Result, aside, report, shown};
use crate::events;
use crate::journal::Beside;
use crate::term::date::utc;
use crate::term::{Paint, Screen, escape, json as json_text};

/// Follow the commits of a session as they are made, a line for each thing that was done.
///
/// Takes no lock: the writer goes on. Ctrl-C ends it. A commit that was folded into the archive
/// before it could be read is told by what differs then.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive, with a journal or without
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// End after the first commit that comes
    #[arg(long)]
    once: bool,
    /// End after that many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    duration: Option<Duration>,
    /// As JSON, an object on a line for each thing that was done
    #[arg(long)]
    json: bool,
    /// Do not tell on standard error what is followed
    #[arg(short, long)]
    quiet: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok();
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "write a number of seconds, such as 2.5".to_owned())
}

/// How long nothing may come before the clock is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Follows.
///
/// # Errors
/// [`crate::error::Failure`].
pub(crate) fn run(args: &Args, screen: &Screen, out: &mut dyn Write) -> Result<Status> {
    let mut reader = SessionReader::open(&args.file)?;
    let started = Instant::now();
    if !args.json {
        Beside::of(&reader)?.tell(&args.file, true);
        if !args.quiet {
            let (file, sequence) = (shown(&args.file), reader.sequence());
            let count = counted(reader.archive().len());
            aside(&format!("{file} is at commit {sequence}, {count}"));
        }
    }
    loop {
        let left = args
            .duration
            .map(|all| all.saturating_sub(started.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Status::Fine);
        }
        let (before, sequence) = (reader.archive().clone(), reader.sequence());
        if !reader.wait(left.unwrap_or(LOOK).min(LOOK))? {
            continue;
        }
        let mut lines = Lines { args, screen, out };
        if reader.journal()?.folded_sequence > sequence {
            // It follows what cannot be compared, too: the next commit is told again.
            match changes(&before, reader.archive()) {
                Ok(changes) => {
                    for kind in changes {
                        lines.write(SystemTime::now(), reader.sequence(), &kind, true)?;
                    }
                }
                Err(error) => report(&error),
            }
        } else {
            for event in reader.events(sequence) {
                let event = event?;
                lines.write(event.time, event.sequence, &event.kind, false)?;
            }
        }
        out.flush()?;
        if args.once {
            return Ok(Status::Fine);
        }
    }
}

/// Where the lines go.
struct Lines<'a> {
    args: &'a Args,
    screen: &'a Screen,
    out: &'a mut dyn Write,
}

impl Lines<'_> {
    fn write(
        &mut self,
        time: SystemTime,
        sequence: u64,
        kind: &EventKind,
        folded: bool,
    ) -> Result<()> {
        if self.args.json {
            let mut event = events::json(kind);
            if let Some(fields) = event.as_object_mut() {
                fields.insert("sequence".to_owned(), json!(sequence));
                fields.insert("time".to_owned(), json!(format!("{}Z", utc(time, 9))));
                fields.insert("folded".to_owned(), json!(folded));
            }
            json_text::write_plain(&event, self.out)?;
            return Ok(writeln!(self.out)?);
        }
        let time = utc(time, 3);
        let clock = time.split_once('T').map_or(&*time, |(_, clock)| clock);
        let clock = self.screen.paint(Paint::Dim, clock);
        let what = escape::escape(&events::text(kind));
        let folded = if folded { " (folded)" } else { "" };
        Ok(writeln!(
            self.out,
            "{clock}  {sequence:>6}  {what}{folded}"
        )?)
    }
}
