//! A part of the report, written by the benchmark that measured it.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use crate::chart::Chart;
use crate::machine::Machine;
use crate::table::Table;

/// A part of the report: a heading, the machine, then text, tables and charts in order.
#[derive(Clone, Debug)]
pub struct Part {
    name: String,
    markdown: String,
    /// The number of bytes that were printed.
    printed: usize,
    charts: Vec<(String, String)>,
}

impl Part {
    /// Creates a part with a heading. Its files are named after `name`.
    #[must_use]
    pub fn new(name: &str, title: &str, machine: &Machine) -> Self {
        Self {
            name: name.to_owned(),
            markdown: format!("## {title}\n\n{machine}"),
            printed: 0,
            charts: Vec::new(),
        }
    }

    /// Adds a paragraph, or other Markdown.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        let _ = write!(self.markdown, "\n{text}\n");
        self
    }

    /// Adds a table.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        let _ = write!(self.markdown, "\n{table}");
        self
    }

    /// Adds a chart; `name` distinguishes it from the part's other charts.
    ///
    /// # Errors
    ///
    /// When it cannot be drawn.
    pub fn chart(&mut self, name: &str, chart: &Chart) -> io::Result<&mut Self> {
        let file = format!("{}-{name}.svg", self.name);
        let svg = chart.to_svg().map_err(io::Error::other)?;
        let _ = write!(self.markdown, "\n![{}]({file})\n", chart.title());
        self.charts.push((file, svg));
        Ok(self)
    }

    /// Prints what was added since the last call, so that the results of a long benchmark are not lost
    /// if it fails.
    pub fn print_news(&mut self) {
        print!("{}", &self.markdown[self.printed..]);
        self.printed = self.markdown.len();
    }

    /// Returns the part as Markdown.
    #[must_use]
    pub fn markdown(&self) -> &str {
        &self.markdown
    }

    /// Writes the part as `NAME.md`, and each chart as `NAME-CHART.svg`, into a folder.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join(format!("{}.md", self.name)), &self.markdown)?;
        for (file, svg) in &self.charts {
            fs::write(folder.join(file), svg)?;
        }
        Ok(())
    }
}
