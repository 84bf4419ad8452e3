//! What is drawn, and where it stands on the page. Lengths are pixels.

use super::axis::Axis;
use super::cells::Raster;
use super::colours::Colour;
use super::trace::Point;

/// A picture that is not drawn yet. Its texts are harmless already.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) size: (u32, u32),
    pub(crate) title: String,
    /// What stands below the title, smaller.
    pub(crate) subtitle: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) marks: Vec<Marks>,
    /// Names of what has that colour, if there are several.
    pub(crate) legend: Vec<(String, Colour)>,
    /// What fills the plot.
    pub(crate) raster: Option<Raster>,
    /// The scale of the colours.
    pub(crate) scale: Option<Axis>,
    /// Width of the plot by its height, where that is not free.
    pub(crate) aspect: Option<f64>,
}

/// What is drawn of one name.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    pub(crate) colour: Colour,
    pub(crate) form: Form,
}

/// How.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// Lines, cut where elements are missing.
    Line(Vec<Vec<Point>>),
    /// A dot for each point.
    Dots(Vec<Point>),
    /// Bars of equal width between two numbers: how many are in each.
    Bars {
        from: f64,
        to: f64,
        counts: Vec<u64>,
    },
}

/// A part of the page: left, top, width, height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Where the parts of a figure stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) plot: Area,
    pub(crate) scale: Option<Area>,
    /// Top of the first row of the legend.
    pub(crate) legend: u32,
    /// The entries of each row of it.
    pub(crate) rows: Vec<Vec<usize>>,
}

/// Height of the title, of the line below it, of the other texts.
pub(crate) const TITLE: u32 = 17;
pub(crate) const SUBTITLE: u32 = 12;
pub(crate) const TEXT: u32 = 13;

/// Height of a row of the legend, and of a colour in it its length and what is around it.
pub(crate) const LEGEND_ROW: u32 = 19;
pub(crate) const SWATCH: u32 = 18;
pub(crate) const SWATCH_GAP: u32 = 6;
pub(crate) const ENTRY_GAP: u32 = 18;

/// From a tick to its number, and the length of a tick.
pub(crate) const TICK: u32 = 5;

/// Around everything.
pub(crate) const MARGIN: u32 = 14;

/// Between the plot and the scale of its colours, and how wide that is.
const SCALE_GAP: u32 = 18;
const SCALE_WIDTH: u32 = 16;

/// For the numbers beside that scale, which are known only when the plot has been read.
const SCALE_TEXT: u32 = 66;

impl Figure {
    /// A figure with nothing in it.
    pub(crate) fn new(size: (u32, u32), x: Axis, y: Axis) -> Figure {
        Figure {
            size,
            title: String::new(),
            subtitle: String::new(),
            x,
            y,
            marks: Vec::new(),
            legend: Vec::new(),
            raster: None,
            scale: None,
            aspect: None,
        }
    }

    /// Numbers that may stand beside an edge of that length.
    pub(crate) fn ticks_across(width: u32) -> usize {
        (width / 85).max(2) as usize
    }

    /// As [`Figure::ticks_across`], one over the other.
    pub(crate) fn ticks_up(height: u32) -> usize {
        (height / 48).max(2) as usize
    }

    /// Divides the page; `measure` tells how wide a text of a size is.
    pub(crate) fn layout(&self, measure: impl Fn(&str, u32) -> u32) -> Layout {
        let (width, height) = self.size;
        let widest = |axis: &Axis| {
            let ticks = axis.ticks(Figure::ticks_up(height));
            let widths = ticks.iter().map(|tick| measure(&tick.text, TEXT));
            widths.max().unwrap_or(0) + TICK + 4
        };
        let beside = |label: &str| if label.is_empty() { 0 } else { TEXT + 8 };
        let mut top = MARGIN;
        if !self.title.is_empty() {
            top += TITLE + 6;
        }
        if !self.subtitle.is_empty() {
            top += SUBTITLE + 6;
        }
        let rows = self.legend_rows(width.saturating_sub(2 * MARGIN), &measure);
        let legend = top;
        top += rows.len() as u32 * LEGEND_ROW + 4;
        let left = MARGIN + widest(&self.y) + beside(&self.y.label);
        let bottom = MARGIN + TICK + 4 + TEXT + beside(&self.x.label);
        // Half of the last number below stands beyond the plot.
        let mut right = MARGIN + 14;
        if let Some(scale) = &self.scale {
            right = MARGIN + SCALE_TEXT + beside(&scale.label) + SCALE_WIDTH + SCALE_GAP;
        }
        let mut plot = Area {
            left,
            top,
            width: width.saturating_sub(left + right).max(16),
            height: height.saturating_sub(top + bottom).max(16),
        };
        if let Some(aspect) = self.aspect {
            plot = plot.shaped(aspect);
        }
        let scale = self.scale.as_ref().map(|_| Area {
            left: plot.left + plot.width + SCALE_GAP,
            width: SCALE_WIDTH,
            ..plot
        });
        Layout {
            plot,
            scale,
            legend,
            rows,
        }
    }

    fn legend_rows(&self, width: u32, measure: impl Fn(&str, u32) -> u32) -> Vec<Vec<usize>> {
        let mut rows: Vec<Vec<usize>> = Vec::new();
        let mut taken = 0;
        for (number, (name, _)) in self.legend.iter().enumerate() {
            let entry = SWATCH + SWATCH_GAP + measure(name, TEXT) + ENTRY_GAP;
            match rows.last_mut() {
                Some(row) if taken + entry <= width => row.push(number),
                _ => {
                    rows.push(vec![number]);
                    taken = 0;
                }
            }
            taken += entry;
        }
        rows
    }
}

impl Area {
    /// The largest area of that shape in the middle of this one.
    fn shaped(self, aspect: f64) -> Area {
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        let (width, height) = match width > height * aspect {
            true => (height * aspect, height),
            false => (width, width / aspect),
        };
        let (width, height) = (width.max(1.0) as u32, height.max(1.0) as u32);
        Area {
            left: self.left + (self.width - width.min(self.width)) / 2,
            top: self.top + (self.height - height.min(self.height)) / 2,
            width,
            height,
        }
    }
}
