//! The report: `benches/REPORT.md`, with its charts.
//!
//! Each part ("Decoding", "Encoding", …) is a section, and is replaced whole when it was measured
//! again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::root;
use crate::result::Result;
use crate::workspace::target_directory;

/// The parts of the report in their order, each by the heading that it begins with.
const PARTS: [&str; 7] = [
    "## Decoding",
    "## Encoding",
    "## Serving",
    "## Fan-out",
    "## Client",
    "## Hub",
    "## Engines",
];

const PREAMBLE: &str = "\
# Measured side by side

Written by `cargo xtask bench`; do not edit. How to read it: a figure is a ratio of neighbouring \
runs, or a count. Every part names the machine, the compiler and the commit that it was measured \
with.
";

/// Creates an empty folder for the parts that are measured.
pub(super) fn create_folder() -> Result<PathBuf> {
    let folder = target_directory()?.join("bench-report");
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Replaces the parts of the report that are in `measured`, and copies their charts.
pub(super) fn update(measured: &Path) -> Result {
    let benches = root().join("benches");
    let mut parts = Vec::new();
    for entry in fs::read_dir(measured)? {
        let file = entry?.path();
        let Some(name) = file.file_name() else {
            continue;
        };
        if file.extension().is_some_and(|extension| extension == "svg") {
            fs::copy(&file, benches.join(name))?;
        } else {
            parts.push(fs::read_to_string(&file)?);
        }
    }
    if parts.is_empty() {
        eprintln!("no part was measured whole: the report stays as it is");
        return Ok(());
    }
    let file = benches.join("REPORT.md");
    let old = fs::read_to_string(&file).unwrap_or_default();
    fs::write(&file, merged(&old, &parts))?;
    eprintln!("the report is in {}", file.display());
    Ok(())
}

/// Returns the report with `measured` parts in place of the old ones.
fn merged(old: &str, measured: &[String]) -> String {
    let mut report = PREAMBLE.to_owned();
    for heading in PARTS {
        let is_part = |part: &&str| part.lines().next() == Some(heading);
        let new = measured.iter().map(String::as_str).find(is_part);
        if let Some(part) = new.or_else(|| section(old, heading)) {
            report.push('\n');
            report.push_str(part.trim_end());
            report.push('\n');
        }
    }
    report
}

/// Returns the section of `report` from the line `heading` to the next heading of its level.
fn section<'a>(report: &'a str, heading: &str) -> Option<&'a str> {
    let start = report.find(&format!("\n{heading}\n"))? + 1;
    let rest = &report[start..];
    let end = rest.find("\n## ").map_or(rest.len(), |end| end + 1);
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_part_replaces_the_old_one_and_the_others_stay() {
        let first = merged("", &["## Encoding\n\nold\n\n### Table\n".to_owned()]);
        let second = merged(&first, &["## Decoding\n\na\n".to_owned()]);
        let third = merged(&second, &["## Decoding\n\nb\n".to_owned()]);
        let parts = "\n## Decoding\n\nb\n\n## Encoding\n\nold\n\n### Table\n";
        assert_eq!(third, format!("{PREAMBLE}{parts}"));
    }
}
