//! Charts as SVG, readable on light and on dark pages: bars of one colour each, and lines. Times stand on
//! an axis of powers of ten, since they differ by that much.

use std::fmt::Write;

use achronyme_env_peers::measure::time;

use crate::data::grouped;
use crate::turns::Table;

/// A chart, and the name of its file.
pub(crate) struct Chart {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    kind: Kind,
}

enum Kind {
    /// Seconds of each.
    Bars(Vec<(String, f64)>),
    /// Of each, seconds at each of the places on the axis below.
    Lines {
        below: &'static str,
        places: Vec<usize>,
        lines: Vec<(String, Vec<Option<f64>>)>,
    },
}

const WIDTH: f64 = 760.0;
/// Room for the names of bars, or beside lines.
const NAMES: f64 = 270.0;
/// Height of a bar, and of a name.
const STEP: f64 = 22.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 40.0;
const PLOT: f64 = WIDTH - NAMES - 70.0;

/// Colours that are told apart on white and on black, and most of them by those who confuse red with green
/// (Okabe and Ito, 2008). Whose label begins so has it in every chart; of a format with several, the
/// later ones are dashed.
const COLOURS: [(&str, &str, bool); 17] = [
    ("ach, mapped, lazy", "#e7298a", false),
    ("ach, read, lazy", "#e7298a", true),
    ("ach, mapped, ", "#0072b2", true),
    ("ach, read", "#56b4e9", false),
    ("ach, ", "#0072b2", false),
    ("ach", "#0072b2", false),
    ("safetensors", "#009e73", false),
    ("LMDB", "#d55e00", false),
    ("redb", "#e69f00", false),
    ("rkyv, mapped, unchecked", "#cc79a7", true),
    ("rkyv", "#cc79a7", false),
    ("npz", "#8c6bb1", true),
    ("npy", "#8c6bb1", false),
    ("Arrow", "#a6761d", false),
    ("MessagePack", "#66a61e", false),
    ("floor: `pread`", "#808080", true),
    ("floor", "#808080", false),
];

/// The colour of a line or a bar, and whether the line is dashed.
fn colour(label: &str) -> (&'static str, bool) {
    let known = COLOURS.iter().find(|(start, ..)| label.starts_with(start));
    known.map_or(("#808080", false), |(_, colour, dashed)| (colour, *dashed))
}

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:15px}\
.grid{stroke:#d0d7de;stroke-width:1}.small{font-size:11px;fill:#57606a}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#3d444d}.small{fill:#9198a1}}";

impl Chart {
    /// The medians of a table as bars.
    pub(crate) fn bars(name: &'static str, table: &Table) -> Chart {
        let rows = table.rows.iter();
        Chart {
            name,
            title: table.title.clone(),
            kind: Kind::Bars(rows.map(|row| (row.label.clone(), row.median())).collect()),
        }
    }

    /// The medians of tables as lines, a table at each place of the axis below.
    pub(crate) fn lines(
        name: &'static str,
        title: &str,
        below: &'static str,
        tables: &[(usize, Table)],
    ) -> Chart {
        let labels = tables.iter().flat_map(|(_, table)| &table.rows);
        let mut lines: Vec<(String, Vec<Option<f64>>)> = Vec::new();
        for row in labels {
            if !lines.iter().any(|(label, _)| *label == row.label) {
                lines.push((row.label.clone(), Vec::new()));
            }
        }
        for (label, times) in &mut lines {
            times.extend(tables.iter().map(|(_, table)| {
                let row = table.rows.iter().find(|row| row.label == *label);
                row.map(|row| row.median())
            }));
        }
        Chart {
            name,
            title: title.to_owned(),
            kind: Kind::Lines {
                below,
                places: tables.iter().map(|(place, _)| *place).collect(),
                lines,
            },
        }
    }

    pub(crate) fn svg(&self) -> String {
        let body = match &self.kind {
            Kind::Bars(bars) => draw_bars(bars),
            Kind::Lines {
                below,
                places,
                lines,
            } => draw_lines(below, places, lines),
        };
        let (height, body) = body;
        let title = escaped(&self.title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n<style>{STYLE}</style>\n\
             <text class=\"title\" x=\"10\" y=\"24\">{title}</text>\n{body}</svg>\n"
        )
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('`', "");
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

/// Powers of ten that hold all of these.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Axis {
        let low = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
        let high = values.fold(0.0, f64::max).log10().ceil();
        Axis {
            low,
            high: high.max(low + 1.0),
        }
    }

    /// Where a value stands, 0 to 1.
    fn place(&self, value: f64) -> f64 {
        (value.log10() - self.low) / (self.high - self.low)
    }

    fn powers(&self) -> impl Iterator<Item = f64> + use<> {
        (self.low as i32..=self.high as i32).map(|power| 10f64.powi(power))
    }
}

fn power(seconds: f64) -> String {
    let text = time(seconds * 1.000_001);
    text.replace(".00", "").replace(".0", "")
}

fn draw_bars(bars: &[(String, f64)]) -> (f64, String) {
    let axis = Axis::of(bars.iter().map(|(_, seconds)| *seconds));
    let height = TOP + bars.len() as f64 * STEP + BOTTOM;
    let mut text = String::new();
    for seconds in axis.powers() {
        let x = NAMES + axis.place(seconds) * PLOT;
        let end = height - BOTTOM + 4.0;
        let _ = writeln!(
            text,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{end}\"/>\
             <text class=\"small\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            end + 14.0,
            power(seconds)
        );
    }
    for (n, (label, seconds)) in bars.iter().enumerate() {
        let y = TOP + n as f64 * STEP;
        let width = (axis.place(*seconds) * PLOT).max(1.0);
        let (colour, _) = colour(label);
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{NAMES}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\" rx=\"2\" fill=\"{colour}\"/>\
             <text class=\"small\" x=\"{:.1}\" y=\"{}\">{}</text>",
            NAMES - 8.0,
            y + 15.0,
            escaped(label),
            y + 3.0,
            STEP - 6.0,
            NAMES + width + 5.0,
            y + 15.0,
            time(*seconds)
        );
    }
    (height, text)
}

fn draw_lines(
    below: &str,
    places: &[usize],
    lines: &[(String, Vec<Option<f64>>)],
) -> (f64, String) {
    const LEFT: f64 = 60.0;
    const RIGHT: f64 = WIDTH - NAMES;
    let plot = (lines.len() as f64 * STEP).max(300.0);
    let height = TOP + plot + BOTTOM + 12.0;
    let times = lines.iter().flat_map(|(_, times)| times).flatten().copied();
    let axis = Axis::of(times);
    let mut text = String::new();
    for seconds in axis.powers() {
        let y = TOP + (1.0 - axis.place(seconds)) * plot;
        let _ = writeln!(
            text,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>\
             <text class=\"small\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            power(seconds)
        );
    }
    let steps = places.len().saturating_sub(1).max(1) as f64;
    let x = |n: usize| LEFT + 10.0 + n as f64 / steps * (RIGHT - LEFT - 20.0);
    for (n, place) in places.iter().enumerate() {
        let _ = writeln!(
            text,
            "<text class=\"small\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x(n),
            TOP + plot + 18.0,
            grouped(*place)
        );
    }
    let _ = writeln!(
        text,
        "<text class=\"small\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{below}</text>",
        (LEFT + RIGHT) / 2.0,
        TOP + plot + 38.0
    );
    // Names stand beside the last points, as high as there is room.
    let mut ends: Vec<(f64, usize)> = lines
        .iter()
        .enumerate()
        .filter_map(|(n, (_, times))| {
            let last = times.iter().rev().flatten().next()?;
            Some((TOP + (1.0 - axis.place(*last)) * plot, n))
        })
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut y = TOP;
    for (rank, (at, n)) in ends.iter().enumerate() {
        let after = (ends.len() - rank) as f64 * 17.0;
        y = at.max(y).min(TOP + plot + 17.0 - after);
        let (label, times) = &lines[*n];
        let (colour, dashed) = colour(label);
        let dash = match dashed {
            false => "",
            true => " stroke-dasharray=\"5 4\"",
        };
        let points = times.iter().enumerate().filter_map(|(n, seconds)| {
            let y = TOP + (1.0 - axis.place((*seconds)?)) * plot;
            Some((x(n), y))
        });
        let points: Vec<(f64, f64)> = points.collect();
        let path: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = write!(
            text,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash} points=\"{}\"/>",
            path.join(" ")
        );
        for (x, y) in points {
            let _ = write!(
                text,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
        let _ = writeln!(
            text,
            "<line x1=\"{}\" y1=\"{y:.1}\" x2=\"{}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>\
             <text x=\"{}\" y=\"{:.1}\">{}</text>",
            RIGHT + 8.0,
            RIGHT + 30.0,
            RIGHT + 36.0,
            y + 4.5,
            escaped(label)
        );
        y += 17.0;
    }
    (height, text)
}
