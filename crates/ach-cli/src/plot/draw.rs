//! A figure drawn with plotters, on whatever it draws on. Every length is multiplied by `unit`: the
//! pixels of the page are finer than those that are shown.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{Axis, Tick};
use super::colours::{Colour, GRID, INK};
use super::figure::{self, Area, Figure, Form, Layout, Marks};
use super::trace::Point;

/// The font in the program, under the names a viewer of the SVG may know it or another by.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// plotters counts the height of a line of text, which is higher than the letters' own.
const LINE_HEIGHT: f64 = 1.24;

type Drawn<T, DB> = Result<T, DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Makes the font known; once is enough, more do no harm.
pub(crate) fn register_font() -> bool {
    plotters::style::register_font(FONT, FontStyle::Normal, dejavu::sans::regular()).is_ok()
}

/// How wide a text is in pixels.
pub(crate) fn measure(text: &str, height: u32) -> u32 {
    // Larger, for more exact: plotters gives whole pixels.
    const FINE: f64 = 16.0;
    let font = (FONT, f64::from(height) * LINE_HEIGHT * FINE).into_font();
    let width = font
        .layout_box(text)
        .map_or(0, |(low, high)| high.0 - low.0);
    (f64::from(width.max(0)) / FINE).ceil() as u32
}

/// As much of a text as fits, with dots if that is not all.
pub(crate) fn fitting(text: &str, height: u32, width: u32) -> String {
    if measure(text, height) <= width {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().take(width as usize).collect();
    loop {
        let cut: String = kept.iter().chain(['.', '.', '.'].iter()).collect();
        if kept.pop().is_none() || measure(&cut, height) <= width {
            return cut;
        }
    }
}

/// Draws all of the figure but its raster and its background. Lines that are not `joined` are drawn
/// segment by segment: where plotters makes pixels of a thick line, a sharp corner goes far beyond its
/// point.
///
/// # Errors
/// What the drawing answers.
pub(crate) fn draw<DB: DrawingBackend>(
    figure: &Figure,
    layout: &Layout,
    page: &DrawingArea<DB, Shift>,
    unit: u32,
    joined: bool,
) -> Drawn<(), DB> {
    let pen = Pen { page, unit, joined };
    pen.titles(figure)?;
    pen.legend(figure, layout)?;
    let plain = figure.raster.is_none();
    pen.plot(figure, layout.plot, plain)?;
    if let (Some(area), Some(scale)) = (layout.scale, &figure.scale) {
        pen.scale(scale, area)?;
    }
    Ok(())
}

struct Pen<'a, DB: DrawingBackend> {
    page: &'a DrawingArea<DB, Shift>,
    unit: u32,
    joined: bool,
}

impl<DB: DrawingBackend> Pen<'_, DB> {
    fn px(&self, length: u32) -> i32 {
        (length * self.unit) as i32
    }

    fn text(&self, height: u32, colour: Colour, pos: Pos) -> TextStyle<'static> {
        let size = f64::from(height * self.unit) * LINE_HEIGHT;
        let mut style = TextStyle::from((FONT, size).into_font()).pos(pos);
        style.color = RGBColor(colour[0], colour[1], colour[2]).to_backend_color();
        style
    }

    fn stroke(&self, colour: Colour, tenths: u32) -> ShapeStyle {
        let width = (self.unit * tenths / 10).max(1);
        RGBColor(colour[0], colour[1], colour[2]).stroke_width(width)
    }

    fn titles(&self, figure: &Figure) -> Drawn<(), DB> {
        let middle = self.px(figure.size.0) / 2;
        let width = figure.size.0.saturating_sub(2 * figure::MARGIN);
        let centred = Pos::new(HPos::Center, VPos::Top);
        let mut top = figure::MARGIN - 4;
        for (text, height) in [
            (&figure.title, figure::TITLE),
            (&figure.subtitle, figure::SUBTITLE),
        ] {
            if !text.is_empty() {
                let style = self.text(height, INK, centred);
                let text = fitting(text, height, width);
                self.page.draw_text(&text, &style, (middle, self.px(top)))?;
                top += height + 6;
            }
        }
        Ok(())
    }

    fn legend(&self, figure: &Figure, layout: &Layout) -> Drawn<(), DB> {
        let style = self.text(figure::TEXT, INK, Pos::new(HPos::Left, VPos::Center));
        let width = figure.size.0.saturating_sub(2 * figure::MARGIN);
        for (row, entries) in layout.rows.iter().enumerate() {
            let entries: Vec<(&str, Colour)> = entries
                .iter()
                .filter_map(|number| figure.legend.get(*number))
                .map(|(name, colour)| (name.as_str(), *colour))
                .collect();
            let around = figure::SWATCH + figure::SWATCH_GAP + figure::ENTRY_GAP;
            let texts = entries.iter().map(|(name, _)| measure(name, figure::TEXT));
            let total: u32 = texts.map(|text| text + around).sum();
            let total = total.saturating_sub(figure::ENTRY_GAP);
            let mut left = figure::MARGIN + width.saturating_sub(total) / 2;
            let middle = layout.legend + row as u32 * figure::LEGEND_ROW + figure::LEGEND_ROW / 2;
            for (name, colour) in entries {
                let (from, to) = (self.px(left), self.px(left + figure::SWATCH));
                let line = vec![(from, self.px(middle)), (to, self.px(middle))];
                self.page
                    .draw(&PathElement::new(line, self.stroke(colour, 30)))?;
                left += figure::SWATCH + figure::SWATCH_GAP;
                let room = width.saturating_sub(left - figure::MARGIN);
                let name = fitting(name, figure::TEXT, room);
                self.page
                    .draw_text(&name, &style, (self.px(left), self.px(middle)))?;
                left += measure(&name, figure::TEXT) + figure::ENTRY_GAP;
            }
        }
        Ok(())
    }

    /// The axes, the lines behind the data, and the data.
    fn plot(&self, figure: &Figure, area: Area, grid: bool) -> Drawn<(), DB> {
        let across = figure.x.ticks(Figure::ticks_across(area.width));
        let up = figure.y.ticks(Figure::ticks_up(area.height));
        if grid {
            self.grid(&across, &up, area)?;
        }
        let mut chart = self
            .builder(figure.size, area)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        for Marks { colour, form } in &figure.marks {
            let colour = *colour;
            let filled = RGBColor(colour[0], colour[1], colour[2]).filled();
            let place = |(x, y): Point| (figure.x.place(x), figure.y.place(y));
            match form {
                Form::Line(pieces) => {
                    for piece in pieces {
                        let points: Vec<(f64, f64)> = piece.iter().copied().map(place).collect();
                        if let [alone] = points.as_slice() {
                            let dot = Circle::new(*alone, self.px(5) / 2, filled);
                            chart.plotting_area().draw(&dot)?;
                        }
                        let style = self.stroke(colour, 15);
                        let step = if self.joined { points.len() } else { 2 };
                        let parts = points.windows(step.max(1));
                        let parts = parts.map(|part| PathElement::new(part.to_vec(), style));
                        chart.draw_series(parts)?;
                    }
                }
                Form::Dots(points) => {
                    let dot = |point: &Point| Circle::new(place(*point), self.px(5) / 2, filled);
                    chart.draw_series(points.iter().map(dot))?;
                }
                Form::Bars { from, to, counts } => {
                    let bins = counts.len() as f64;
                    let edge = |n: usize| {
                        let share = n as f64 / bins;
                        from * (1.0 - share) + to * share
                    };
                    let floor = figure.y.place(0.0).max(0.0);
                    let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0);
                    let bars = bars.map(|(n, count)| {
                        let (low, _) = place((edge(n), 1.0));
                        let (high, top) = place((edge(n + 1), *count as f64));
                        let floor = if floor.is_finite() { floor } else { 0.0 };
                        Rectangle::new([(low, floor), (high, top)], filled)
                    });
                    chart.draw_series(bars)?;
                }
            }
        }
        drop(chart);
        self.frame(area)?;
        self.numbers_below(&figure.x, &across, area)?;
        self.numbers_left(&figure.y, &up, area)
    }

    fn builder(&self, size: (u32, u32), area: Area) -> ChartBuilder<'_, '_, DB> {
        let mut builder = ChartBuilder::on(self.page);
        builder
            .margin_left(self.px(area.left))
            .margin_top(self.px(area.top))
            .margin_right(self.px(size.0.saturating_sub(area.left + area.width)))
            .margin_bottom(self.px(size.1.saturating_sub(area.top + area.height)));
        builder
    }

    fn grid(&self, across: &[Tick], up: &[Tick], area: Area) -> Drawn<(), DB> {
        let (left, top) = (self.px(area.left), self.px(area.top));
        let (right, bottom) = (left + self.px(area.width), top + self.px(area.height));
        let upright = across.iter().map(|tick| {
            let x = self.tick_place(tick, area);
            vec![(x, top), (x, bottom)]
        });
        let level = up.iter().map(|tick| {
            let y = self.tick_height(tick, area);
            vec![(left, y), (right, y)]
        });
        for line in upright.chain(level) {
            let line = PathElement::new(line, self.stroke(GRID, 10));
            self.page.draw(&line)?;
        }
        Ok(())
    }

    fn frame(&self, area: Area) -> Drawn<(), DB> {
        let (left, top) = (self.px(area.left), self.px(area.top));
        let right = self.px(area.left + area.width);
        let bottom = self.px(area.top + area.height);
        let corners = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        for side in corners.windows(2) {
            let line = PathElement::new(side.to_vec(), self.stroke(INK, 10));
            self.page.draw(&line)?;
        }
        Ok(())
    }

    fn numbers_below(&self, axis: &Axis, ticks: &[Tick], area: Area) -> Drawn<(), DB> {
        let bottom = self.px(area.top + area.height);
        let end = bottom + self.px(figure::TICK);
        let style = self.text(figure::TEXT, INK, Pos::new(HPos::Center, VPos::Top));
        for tick in ticks {
            let x = self.tick_place(tick, area);
            let line = PathElement::new(vec![(x, bottom), (x, end)], self.stroke(INK, 10));
            self.page.draw(&line)?;
            self.page
                .draw_text(&tick.text, &style, (x, end + self.px(3)))?;
        }
        if !axis.label.is_empty() {
            let middle = self.px(area.left) + self.px(area.width) / 2;
            let text = fitting(&axis.label, figure::TEXT, area.width);
            let top = end + self.px(figure::TEXT + 8);
            self.page.draw_text(&text, &style, (middle, top))?;
        }
        Ok(())
    }

    fn numbers_left(&self, axis: &Axis, ticks: &[Tick], area: Area) -> Drawn<(), DB> {
        let left = self.px(area.left);
        let end = left - self.px(figure::TICK);
        let style = self.text(figure::TEXT, INK, Pos::new(HPos::Right, VPos::Center));
        for tick in ticks {
            let y = self.tick_height(tick, area);
            let line = PathElement::new(vec![(end, y), (left, y)], self.stroke(INK, 10));
            self.page.draw(&line)?;
            self.page
                .draw_text(&tick.text, &style, (end - self.px(3), y))?;
        }
        self.upright(&axis.label, figure::MARGIN, area)
    }

    fn scale(&self, axis: &Axis, area: Area) -> Drawn<(), DB> {
        self.frame(area)?;
        let right = self.px(area.left + area.width);
        let end = right + self.px(figure::TICK);
        let style = self.text(figure::TEXT, INK, Pos::new(HPos::Left, VPos::Center));
        let ticks = axis.ticks(Figure::ticks_up(area.height));
        for tick in &ticks {
            let y = self.tick_height(tick, area);
            let line = PathElement::new(vec![(right, y), (end, y)], self.stroke(INK, 10));
            self.page.draw(&line)?;
            self.page
                .draw_text(&tick.text, &style, (end + self.px(3), y))?;
        }
        let widths = ticks.iter().map(|tick| measure(&tick.text, figure::TEXT));
        let beside = area.left + area.width + figure::TICK + 12 + widths.max().unwrap_or(0);
        self.upright(&axis.label, beside, area)
    }

    fn tick_place(&self, tick: &Tick, area: Area) -> i32 {
        self.px(area.left) + (tick.at * f64::from(self.px(area.width))) as i32
    }

    fn tick_height(&self, tick: &Tick, area: Area) -> i32 {
        let bottom = self.px(area.top + area.height);
        bottom - (tick.at * f64::from(self.px(area.height))) as i32
    }

    /// A label that is read upwards, from `left` on.
    fn upright(&self, label: &str, left: u32, area: Area) -> Drawn<(), DB> {
        if label.is_empty() {
            return Ok(());
        }
        let style = self.text(figure::TEXT, INK, Pos::new(HPos::Center, VPos::Top));
        let style = style.transform(FontTransform::Rotate270);
        let middle = self.px(area.top) + self.px(area.height) / 2;
        let text = fitting(label, figure::TEXT, area.height);
        let left = left.saturating_sub(4);
        self.page.draw_text(&text, &style, (self.px(left), middle))
    }
}
