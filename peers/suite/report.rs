//! What the suite prints and writes.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use crate::chart::Chart;
use crate::machine;
use crate::turns::{Ratio, Table};

/// Between these lines of `docs/benchmarks.md` stands what this program wrote.
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

    /// Puts the tables between the markers of `benchmarks.md` below `docs`, and the charts beside its
    /// images.
    pub(crate) fn write(&self, docs: &Path, minutes: f64) -> io::Result<()> {
        let page = docs.join("benchmarks.md");
        let old = fs::read_to_string(&page)?;
        let parts = old.split_once(BEGIN).and_then(|(before, rest)| {
            let (_, after) = rest.split_once(END)?;
            Some((before, after))
        });
        let Some((before, after)) = parts else {
            let reason = format!("{} has no lines {BEGIN} and {END}", page.display());
            return Err(io::Error::other(reason));
        };
        let tables = self.markdown(minutes);
        fs::write(
            page,
            format!("{before}{BEGIN}\n{}\n{END}{after}", tables.trim()),
        )?;
        let images = docs.join("images");
        fs::create_dir_all(&images)?;
        for chart in &self.charts {
            fs::write(
                images.join(format!("bench-{}.svg", chart.name)),
                chart.svg(),
            )?;
        }
        Ok(())
    }
}
