//! Bar charts as SVG.

use plotters::element::{Rectangle, Text};
use plotters::prelude::{
    ChartBuilder, DrawingArea, IntoDrawingArea as _, IntoLogRange as _, RGBColor, SVGBackend,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, IntoFont as _, TextStyle, WHITE};

use crate::ratios::rounded;

/// The colours of the bars in the order of the series. The first, which is ours, is the strongest.
const COLOURS: [RGBColor; 14] = [
    RGBColor(200, 40, 40),
    RGBColor(230, 140, 60),
    RGBColor(70, 110, 170),
    RGBColor(120, 170, 210),
    RGBColor(90, 150, 90),
    RGBColor(160, 200, 130),
    RGBColor(130, 100, 170),
    RGBColor(190, 165, 215),
    RGBColor(120, 90, 70),
    RGBColor(190, 160, 130),
    RGBColor(110, 110, 110),
    RGBColor(180, 180, 180),
    RGBColor(40, 40, 40),
    RGBColor(60, 170, 170),
];

/// A chart of bars in groups, one bar for each series, on a logarithmic scale, on which equal ratios
/// are equal distances.
#[derive(Clone, Debug)]
pub struct Chart {
    title: String,
    unit: String,
    groups: Vec<String>,
    series: Vec<(String, Vec<Option<f64>>)>,
}

impl Chart {
    /// Creates a chart without bars. `unit` describes the values.
    pub fn new<T: Into<String>>(
        title: impl Into<String>,
        unit: impl Into<String>,
        groups: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            title: title.into(),
            unit: unit.into(),
            groups: groups.into_iter().map(Into::into).collect(),
            series: Vec::new(),
        }
    }

    /// Adds a series with its value in each group, if it has one. Only positive values are drawn.
    pub fn series(
        &mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<f64>>,
    ) -> &mut Self {
        self.series
            .push((name.into(), values.into_iter().collect()));
        self
    }

    /// Returns the title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Draws the chart.
    ///
    /// # Errors
    ///
    /// When it cannot be drawn, for example because it has no bars.
    pub fn to_svg(&self) -> Result<String, String> {
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, (1200, 520)).into_drawing_area();
        self.draw(&area).map_err(|error| error.to_string())?;
        drop(area);
        Ok(svg)
    }

    fn draw(
        &self,
        area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let values = || self.series.iter().flat_map(|(_, values)| values).flatten();
        let low = values()
            .copied()
            .filter(|it| *it > 0.0)
            .fold(f64::MAX, f64::min);
        let high = values().copied().fold(f64::MIN, f64::max);
        if low > high {
            return Err("a chart without bars".into());
        }
        let (bottom, top) = (low / 1.5, high * 1.6);
        #[allow(clippy::cast_precision_loss, reason = "a handful of groups and series")]
        let count = |len: usize| len as f64;

        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(64)
            .margin_right(190)
            .build_cartesian_2d(0.0..count(self.groups.len()), (bottom..top).log_scale())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .y_desc(&self.unit)
            .y_label_formatter(&|value| rounded(*value))
            .light_line_style(WHITE)
            .draw()?;

        let width = 0.86 / count(self.series.len());
        for (index, (_, values)) in self.series.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let bars = values.iter().enumerate().filter_map(|(group, value)| {
                let value = value.filter(|value| *value > 0.0)?;
                let left = count(group) + 0.07 + width * count(index);
                let corners = [(left, bottom), (left + width * 0.92, value)];
                Some(Rectangle::new(corners, colour.filled()))
            });
            chart.draw_series(bars)?;
        }

        let below =
            TextStyle::from(("sans-serif", 14).into_font()).pos(Pos::new(HPos::Center, VPos::Top));
        for (group, name) in self.groups.iter().enumerate() {
            let middle = chart.backend_coord(&(count(group) + 0.5, bottom));
            area.draw(&Text::new(
                name.clone(),
                (middle.0, middle.1 + 8),
                below.clone(),
            ))?;
        }
        let (right, _) = chart.backend_coord(&(count(self.groups.len()), top));
        let legend = TextStyle::from(("sans-serif", 13).into_font());
        for (index, ((name, _), y)) in self.series.iter().zip((60_i32..).step_by(20)).enumerate() {
            let swatch = [(right + 12, y), (right + 24, y + 10)];
            let colour = COLOURS[index % COLOURS.len()];
            area.draw(&Rectangle::new(swatch, colour.filled()))?;
            area.draw(&Text::new(
                name.clone(),
                (right + 30, y - 2),
                legend.clone(),
            ))?;
        }
        area.present()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_names_its_groups_and_series() {
        let mut chart = Chart::new("Title", "times memcpy", ["tiny", "large"]);
        chart
            .series("ours", [Some(1.0), Some(20.0)])
            .series("theirs", [None, Some(0.5)]);
        let svg = chart.to_svg().unwrap();
        for text in ["Title", "times memcpy", "tiny", "large", "ours", "theirs"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn a_chart_without_bars_is_an_error() {
        assert!(Chart::new("Title", "unit", ["group"]).to_svg().is_err());
    }
}
