//! Tables in Markdown.

use std::fmt;

/// A table: a title, columns, rows, and notes below it.
#[derive(Clone, Debug)]
pub struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    /// Creates a table without rows.
    pub fn new<T: Into<String>>(
        title: impl Into<String>,
        columns: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            title: title.into(),
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a row. Missing cells are empty.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) -> &mut Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a note below the table.
    pub fn note(&mut self, text: impl Into<String>) -> &mut Self {
        self.notes.push(text.into());
        self
    }

    fn cell<'a>(&self, row: &'a [String], column: usize) -> &'a str {
        row.get(column).map_or("", String::as_str)
    }
}

impl fmt::Display for Table {
    /// Writes the table as Markdown, with aligned columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: &str| text.chars().count();
        let widths: Vec<_> = (0..self.columns.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| width(self.cell(row, column)));
                cells.fold(width(&self.columns[column]).max(2), usize::max)
            })
            .collect();
        writeln!(f, "### {}\n", self.title)?;
        for (row, is_head) in [(&self.columns, true)]
            .into_iter()
            .chain(self.rows.iter().map(|row| (row, false)))
        {
            for (column, width) in widths.iter().enumerate() {
                // The first column holds names, the others figures.
                let cell = self.cell(row, column);
                if column == 0 {
                    write!(f, "| {cell:<width$} ")?;
                } else {
                    write!(f, "| {cell:>width$} ")?;
                }
            }
            writeln!(f, "|")?;
            if is_head {
                for (column, width) in widths.iter().enumerate() {
                    let dashes = "-".repeat(width + 1);
                    let (left, right) = if column == 0 { (":", "") } else { ("", ":") };
                    write!(f, "|{left}{dashes}{right}")?;
                }
                writeln!(f, "|")?;
            }
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_markdown() {
        let mut table = Table::new("Title", ["who", "x"]);
        table.row(["peer", "1.00"]).row(["us"]).note("Note.");
        assert_eq!(
            table.to_string(),
            "### Title\n\n\
             | who  |    x |\n\
             |:-----|-----:|\n\
             | peer | 1.00 |\n\
             | us   |      |\n\
             \nNote.\n"
        );
    }
}
