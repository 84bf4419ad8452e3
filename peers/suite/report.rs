//! What the suite prints and writes.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::chart::Chart;
use crate::machine;
use crate::turns::{Ratio, Table};

const PAGE: &str = "benchmarks.md";
/// Between these lines of it stands what this program wrote.
const BEGIN: &str = "<!-- suite: begin -->";
const END: &str = "<!-- suite: end -->";

/// A row of the table of targets.
struct Target {
    operation: String,
    figure: String,
    target: String,
    met: bool,
}

/// Everything that was measured, as it will be written.
#[derive(Default)]
pub(crate) struct Report {
    targets: Vec<Target>,
    body: String,
    charts: Vec<Chart>,
}

impl Report {
    /// A heading, and what is measured under it.
    pub(crate) fn section(&mut self, title: &str, text: &str) {
        let _ = writeln!(self.body, "### {title}\n\n{text}\n");
    }

    pub(crate) fn table(&mut self, table: &Table) {
        self.text(&table.markdown());
    }

    /// Anything else, in Markdown.
    pub(crate) fn text(&mut self, text: &str) {
        let _ = writeln!(self.body, "{text}");
    }

    pub(crate) fn chart(&mut self, chart: Chart) {
        let (name, title) = (&chart.name, &chart.title);
        let _ = writeln!(self.body, "![{title}](images/bench-{name}.svg)\n");
        self.charts.push(chart);
    }

    /// A target of a ratio that should not be above `most`.
    pub(crate) fn at_most(&mut self, operation: &str, found: Ratio, most: f64, of: &str) {
        self.target(
            operation,
            format!("{found} of {of}"),
            format!("at most {most}"),
            found.median <= most,
        );
    }

    /// A target of a ratio that should not be below `least`.
    pub(crate) fn at_least(&mut self, operation: &str, found: Ratio, least: f64, of: &str) {
        self.target(
            operation,
            format!("{found} {of}"),
            format!("at least {least}"),
            found.median >= least,
        );
    }

    pub(crate) fn target(&mut self, operation: &str, figure: String, target: String, met: bool) {
        self.targets.push(Target {
            operation: operation.to_owned(),
            figure,
            target,
            met,
        });
    }

    /// The table of targets and all others.
    pub(crate) fn markdown(&self, minutes: f64) -> String {
        let mut text = machine::describe(minutes);
        if !self.targets.is_empty() {
            text.push_str(
                "\n### Targets\n\n| operation | figure | target | |\n|---|---|---|---|\n",
            );
        }
        for target in &self.targets {
            let Target {
                operation,
                figure,
                target,
                met,
            } = target;
            let met = if *met { "met" } else { "**missed**" };
            let _ = writeln!(text, "| {operation} | {figure} | {target} | {met} |");
        }
        format!("{text}\n{}", self.body)
    }
}

/// A page of documentation that has tables of this program in it, and charts beside it.
pub(crate) struct Page {
    docs: PathBuf,
    before: String,
    after: String,
}

impl Page {
    /// `benchmarks.md` below `docs`.
    pub(crate) fn open(docs: PathBuf) -> io::Result<Page> {
        let path = docs.join(PAGE);
        let text = fs::read_to_string(&path)?;
        let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
            let (_, after) = rest.split_once(END)?;
            Some((before.to_owned(), after.to_owned()))
        });
        match parts {
            Some((before, after)) => Ok(Page {
                docs,
                before,
                after,
            }),
            None => {
                let reason = format!("{} has no lines {BEGIN} and {END}", path.display());
                Err(io::Error::other(reason))
            }
        }
    }

    /// Puts the tables of a report between the markers, and its charts beside the images.
    pub(crate) fn write(&self, report: &Report, tables: &str) -> io::Result<()> {
        let Page {
            docs,
            before,
            after,
        } = self;
        let tables = tables.trim();
        let text = format!("{before}{BEGIN}\n{tables}\n{END}{after}");
        fs::write(docs.join(PAGE), text)?;
        let images = docs.join("images");
        fs::create_dir_all(&images)?;
        for chart in &report.charts {
            let name = format!("bench-{}.svg", chart.name);
            fs::write(images.join(name), chart.svg())?;
        }
        Ok(())
    }
}
