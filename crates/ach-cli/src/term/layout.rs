//! The layout of a file as a small picture: one bar, and a legend under it.

use std::io::{self, Write};

use super::escape::label;
use super::size::Sizes;
use super::table::{Align, Table, TableCell};
use super::{Paint, Screen};

/// Most parts with a row of their own in the legend; the others are drawn together.
const MOST_PARTS: usize = 12;

/// What parts are drawn with. Without colours neighbours must differ by their shape.
const COLOURED: [char; 1] = ['\u{2588}'];
const SHADED: [char; 4] = ['\u{2588}', '\u{2592}', '\u{2593}', '\u{2591}'];
const ASCII: [char; 6] = ['#', '=', '+', '%', '*', '-'];

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// What it is.
    pub(crate) label: String,
    /// Its first byte.
    pub(crate) offset: u64,
    /// Its bytes.
    pub(crate) length: u64,
}

/// A run of the bar.
#[derive(Clone, Debug)]
struct Run {
    segment: Segment,
    /// Whether nothing is known to lie here.
    gap: bool,
}

/// Draws the `segments` of a file of `file_length` bytes. Every part that is not empty has a cell at
/// least; bytes that belong to no part are drawn as padding.
///
/// # Errors
/// What writing answers.
pub(crate) fn draw(
    segments: &[Segment],
    file_length: u64,
    sizes: Sizes,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let width = screen.width.clamp(20, 120);
    let runs = runs(segments, file_length, MOST_PARTS.min(width / 4));
    let lengths: Vec<u64> = runs.iter().map(|run| run.segment.length).collect();
    let mut bar = String::new();
    let mut legend = Table::new([
        ("", Align::Left),
        ("part", Align::Left),
        ("offset", Align::Right),
        ("size", Align::Right),
        ("share", Align::Right),
    ]);
    let mut drawn = 0;
    for (run, cells) in runs.iter().zip(cells(&lengths, width)) {
        let (paint, block) = if run.gap {
            let dot = if screen.unicode { '\u{b7}' } else { '.' };
            (Paint::Dim, dot)
        } else {
            drawn += 1;
            block(drawn - 1, screen)
        };
        let blocks: String = std::iter::repeat_n(block, cells).collect();
        bar.push_str(&screen.paint(paint, blocks).to_string());
        let Segment {
            label: name,
            offset,
            length,
        } = &run.segment;
        let text = if run.gap { Paint::Dim } else { Paint::Plain };
        legend.row(vec![
            TableCell::new(paint, &block.to_string()),
            TableCell::new(text, &label(name)),
            TableCell::new(Paint::Dim, &offset.to_string()),
            TableCell::new(text, &sizes.text(*length)),
            TableCell::new(text, &share(*length, file_length)),
        ]);
    }
    if !bar.is_empty() {
        writeln!(out, "{bar}")?;
    }
    legend.write(screen, out)
}

fn block(index: usize, screen: &Screen) -> (Paint, char) {
    let blocks: &[char] = match (screen.unicode, screen.colour) {
        (true, true) => &COLOURED,
        (true, false) => &SHADED,
        (false, _) => &ASCII,
    };
    (Paint::Block(index), blocks[index % blocks.len()])
}

/// The runs of the bar: the `most` largest parts by themselves, what lies between them together,
/// and the gaps.
fn runs(segments: &[Segment], file_length: u64, most: usize) -> Vec<Run> {
    let mut parts: Vec<&Segment> = segments.iter().filter(|part| part.length > 0).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.length));
    let least = match parts.get(most) {
        Some(part) => part.length + 1,
        None => 0,
    };
    parts.sort_by_key(|part| part.offset);

    let mut runs: Vec<Run> = Vec::new();
    let mut small: Vec<&Segment> = Vec::new();
    let mut padding = 0;
    let mut end = 0;
    for part in parts {
        let gap = part.offset.saturating_sub(end);
        if part.length < least {
            small.push(part);
        } else {
            runs.extend(together(&small));
            small.clear();
            // Padding no eye could see is no run of its own.
            if gap > file_length / 200 {
                runs.push(padding_run(end, gap));
            } else {
                padding += gap;
            }
            runs.push(Run {
                segment: part.clone(),
                gap: false,
            });
        }
        end = end.max(part.offset.saturating_add(part.length));
    }
    runs.extend(together(&small));
    let rest = file_length.saturating_sub(end);
    if rest > 0 && (rest > file_length / 200 || padding == 0) {
        runs.push(padding_run(end, rest));
    }
    runs
}

fn padding_run(offset: u64, length: u64) -> Run {
    Run {
        segment: Segment {
            label: "padding".to_owned(),
            offset,
            length,
        },
        gap: true,
    }
}

/// Neighbouring small parts as one run.
fn together(small: &[&Segment]) -> Option<Run> {
    let (first, last) = (small.first()?, small.last()?);
    let label = match small.len() {
        1 => first.label.clone(),
        count => format!("{count} smaller parts"),
    };
    let end = last.offset.saturating_add(last.length);
    Some(Run {
        segment: Segment {
            label,
            offset: first.offset,
            length: end.saturating_sub(first.offset),
        },
        gap: false,
    })
}

/// Cells of each run: in proportion, at least one, `width` together when there are not more runs.
fn cells(lengths: &[u64], width: usize) -> Vec<usize> {
    let total: u128 = lengths.iter().map(|n| u128::from(*n)).sum();
    let total = total.max(1);
    let share = |length: u64| u128::from(length) * width as u128;
    let mut cells: Vec<usize> = lengths
        .iter()
        .map(|length| ((share(*length) / total) as usize).max(1))
        .collect();
    // What rounding down left over goes to the largest remainders, what the minimum of one took
    // comes from the largest runs.
    let mut by_remainder: Vec<usize> = (0..lengths.len()).collect();
    by_remainder.sort_by_key(|run| std::cmp::Reverse(share(lengths[*run]) % total));
    let used: usize = cells.iter().sum();
    for run in by_remainder.iter().take(width.saturating_sub(used)) {
        cells[*run] += 1;
    }
    for _ in 0..used.saturating_sub(width) {
        if let Some(most) = cells.iter_mut().max().filter(|most| **most > 1) {
            *most -= 1;
        }
    }
    cells
}

/// A share of the file: `12.5 %`, `<0.1 %`.
fn share(length: u64, total: u64) -> String {
    let tenths = u128::from(length) * 1000 / u128::from(total.max(1));
    match (tenths, length) {
        (0, 0) => "0.0 %".to_owned(),
        (0, _) => "<0.1 %".to_owned(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(label: &str, offset: u64, length: u64) -> Segment {
        Segment {
            label: label.to_owned(),
            offset,
            length,
        }
    }

    fn picture(segments: &[Segment], file_length: u64, screen: Screen) -> String {
        let mut out = Vec::new();
        draw(segments, file_length, Sizes::Short, &screen, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_file_is_a_bar_and_a_legend() {
        let segments = [
            segment("header", 0, 64),
            segment("x\n", 4096, 8192),
            segment("table", 12288, 4000),
        ];
        assert_eq!(
            picture(&segments, 16384, Screen::plain(40)),
            "#.........====================+++++++++.\n\
             \x20  part     offset     size   share\n\
             #  header        0     64 B   0.3 %\n\
             .  padding      64  3.9 KiB  24.6 %\n\
             =  'x\\n'      4096  8.0 KiB  50.0 %\n\
             +  table     12288  3.9 KiB  24.4 %\n\
             .  padding   16288     96 B   0.5 %\n"
        );
    }

    #[test]
    fn many_parts_are_drawn_together() {
        let mut segments: Vec<Segment> = (0..1000)
            .map(|n| segment(&format!("v{n}"), n * 10, 10))
            .collect();
        segments.push(segment("large", 10_000, 1 << 20));
        let text = picture(&segments, 10_000 + (1 << 20), Screen::plain(80));
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains("1000 smaller parts"), "{text}");
        assert!(
            text.starts_with(&format!("#{}\n", "=".repeat(79))),
            "{text}"
        );
    }

    #[test]
    fn the_bar_is_as_wide_as_the_screen() {
        for lengths in [
            vec![1, 1, 1],
            vec![1, 1 << 60, 1],
            vec![u64::MAX, u64::MAX],
            vec![5; 30],
        ] {
            let cells = cells(&lengths, 40);
            assert_eq!(cells.iter().sum::<usize>(), 40, "{lengths:?}");
            assert!(cells.iter().all(|cells| *cells > 0));
        }
        assert!(cells(&[], 40).is_empty());
    }

    #[test]
    fn nonsense_is_drawn_without_a_panic() {
        let segments = [
            segment("a", u64::MAX, u64::MAX),
            segment("b", 0, u64::MAX),
            segment("c", 5, 0),
        ];
        picture(&segments, 10, Screen::plain(1));
        picture(&[], 0, Screen::plain(80));
    }

    #[test]
    fn shares_are_never_shown_as_nothing() {
        assert_eq!(share(1, 1 << 40), "<0.1 %");
        assert_eq!(share(1, 8), "12.5 %");
        assert_eq!(share(0, 0), "0.0 %");
        assert_eq!(share(7, 7), "100.0 %");
    }
}
