//! The table of tested versions in the hub's documentation.

use super::versions::{VERSIONS, Version};
use crate::result::Result;

/// The file, in the project.
pub(super) const PATH: &str = "sse-hub/src/tested.md";

const HEAD: [&str; 2] = [
    "| engine | version | program | `logs` | `faults` | not tested |",
    "|---|---|---|---|---|---|",
];

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row(String);

impl Row {
    /// `passed` is how many tests of each suite have passed.
    pub(super) fn new(version: &Version, passed: impl IntoIterator<Item = usize>) -> Result<Self> {
        let passed: String = passed
            .into_iter()
            .map(|count| format!(" {count} |"))
            .collect();
        let lacks: Vec<_> = version.lacks.iter().map(|lack| lack.documented()).collect();
        let start = start(version);
        let (origin, lacks) = (version.origin()?, lacks.join(", "));
        let line = format!("{start} {origin} |{passed} {lacks} |");
        // An empty cell has one space.
        Ok(Self(line.replace("|  |", "| |")))
    }

    fn is_of(&self, version: &Version) -> bool {
        self.0.starts_with(&start(version))
    }
}

/// Returns the cells by which the line of a version is known.
fn start(version: &Version) -> String {
    format!("| {} | {} |", version.product.documented(), version.number)
}

/// Returns the text with these rows in the place of those of the same versions. Rows of versions that
/// are no longer tested are removed.
pub(super) fn updated(text: &str, rows: &[Row]) -> Result<String> {
    let (before, old, after) = parts(text)?;
    let row = |version| {
        let mut all = rows.iter().chain(&old);
        all.find(|row| row.is_of(version))
    };
    let rows = VERSIONS.iter().filter_map(row);
    let lines = HEAD.into_iter().chain(rows.map(|row| &*row.0));
    let table: String = lines.flat_map(|line| [line, "\n"]).collect();
    Ok(format!("{before}{table}{after}"))
}

/// Returns what precedes the table, its rows, and what follows it.
fn parts(text: &str) -> Result<(&str, Vec<Row>, &str)> {
    let head = HEAD.join("\n") + "\n";
    let (before, table) = text.split_once(&head).ok_or("no table of versions")?;
    let rows = table
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('|'));
    let (rows, after) = table.split_at(rows.map(str::len).sum());
    let rows = rows.lines().map(|line| Row(line.to_owned())).collect();
    Ok((before, rows, after))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::process::root;

    #[test]
    fn the_documentation_has_all_versions_and_no_others() {
        let text = fs::read_to_string(root().join(PATH)).expect("the file");
        let (_, rows, _) = parts(&text).expect("a table");
        let mut expected = Vec::new();
        for version in VERSIONS {
            let row = rows.iter().find(|row| row.is_of(version));
            let row = row.unwrap_or_else(|| panic!("no row for {}", version.name()));
            let counts: Vec<_> = row.0.split(" | ").skip(3).take(2).collect();
            let counts: Vec<_> = counts
                .iter()
                .map(|count| count.parse().expect("a number of tests"))
                .collect();
            assert!(counts.iter().all(|count: &usize| *count > 0), "{row:?}");
            expected.push(Row::new(version, counts).expect("a row"));
        }
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_row_replaces_that_of_the_same_version_and_all_others_stay() {
        let [first, second] = [&VERSIONS[0], &VERSIONS[1]];
        let row = |version, passed: [usize; 2]| Row::new(version, passed).expect("a row");
        let with = |rows: &[Row]| {
            let rows: String = rows.iter().map(|row| format!("{}\n", row.0)).collect();
            format!("# Title\n\n{}\n{}\n{rows}\nEnd.\n", HEAD[0], HEAD[1])
        };
        let old = with(&[
            row(second, [1, 2]),
            row(first, [3, 4]),
            Row("| Redis | 1.0 | elsewhere | 1 | 1 | |".to_owned()),
        ]);
        let new = updated(&old, &[row(second, [5, 6])]).expect("a table");
        assert_eq!(new, with(&[row(first, [3, 4]), row(second, [5, 6])]));
        let first_ever = updated(&with(&[]), &[row(first, [3, 4])]).expect("a table");
        assert_eq!(first_ever, with(&[row(first, [3, 4])]));
    }
}
