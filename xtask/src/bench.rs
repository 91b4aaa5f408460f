//! The benchmarks: running them, and keeping the report that they come to.
//!
//! What is measured is the business of the packages in `benches`. Each part of the report
//! ("Decoding", "Encoding", …) is a section of `benches/REPORT.md` with charts beside it, and is
//! replaced whole when it was measured anew.

use std::fs;
use std::path::{Path, PathBuf};

use crate::debian;
use crate::process::{root, run};
use crate::result::Result;
use crate::workspace::{Workspace, target_directory};

/// A package of benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bench {
    /// The folder in `benches`; it may not be there yet.
    folder: &'static str,
    package: &'static str,
}

/// Those that have no name of their own on the command line: names that follow none of the others
/// are those of its runs.
const CODEC: Bench = Bench {
    folder: "codec",
    package: "sse-bench-codec",
};

/// Names that follow the folder's are those of its runs.
const SERVING: Bench = Bench {
    folder: "serving",
    package: "sse-bench-serving",
};

/// As with [`SERVING`].
const FANOUT: Bench = Bench {
    folder: "fanout",
    package: "sse-bench-fanout",
};

/// As with [`SERVING`].
const ENGINES: Bench = Bench {
    folder: "engines",
    package: "sse-bench-engines",
};

/// The parts of the report in their order, each by the heading that it begins with.
const PARTS: [&str; 5] = [
    "## Decoding",
    "## Encoding",
    "## Serving",
    "## Fan-out",
    "## Engines",
];

const PREAMBLE: &str = "\
# Measured side by side

Written by `cargo xtask bench`; do not edit. How to read it: a figure is a ratio of neighbouring \
runs, or a count. Every part names the machine, the compiler and the commit that it was measured \
with.
";

/// `cargo xtask bench`.
pub(crate) fn command(arguments: &[String]) -> Result {
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let is_name = |argument: &&String| *argument != "--quick";
    let names: Vec<_> = arguments.iter().filter(is_name).cloned().collect();
    let asked = asked_for(&names);

    if is_quick {
        return quick(&asked);
    }
    debian::install_for_benches()?;
    let fresh = fresh_folder()?;
    for (bench, runs) in asked {
        // Only some of it is to be looked at, not for the report; but for the codec's, which knows
        // itself what is a part.
        let is_part = runs.is_empty() || bench == CODEC;
        measure(&bench, runs, is_part.then_some(&*fresh))?;
    }
    update_report(&fresh, &root().join("benches"))
}

/// Checks that everything runs and that all agree; measures nothing and writes nothing.
pub(crate) fn check() -> Result {
    quick(&asked_for(&[]))
}

/// The benchmarks that `names` ask for, and the runs of each; all if there are no names.
fn asked_for(names: &[String]) -> Vec<(Bench, &[String])> {
    let named = [SERVING, FANOUT, ENGINES];
    let bench = |name: &String| named.iter().find(|it| it.folder == name);
    let first = names.iter().position(|name| bench(name).is_some());
    let (of_codec, mut rest) = names.split_at(first.unwrap_or(names.len()));
    let mut asked = Vec::new();
    if names.is_empty() || !of_codec.is_empty() {
        asked.push((CODEC, of_codec));
    }
    while let Some((name, behind)) = rest.split_first() {
        let next = behind.iter().position(|name| bench(name).is_some());
        let (runs, others) = behind.split_at(next.unwrap_or(behind.len()));
        asked.extend(bench(name).map(|bench| (*bench, runs)));
        rest = others;
    }
    if names.is_empty() {
        asked.extend(named.map(|bench| (bench, names)));
    }
    asked
}

fn quick(asked: &[(Bench, &[String])]) -> Result {
    if let Err(error) = debian::install_for_benches() {
        // They say themselves what they do without.
        eprintln!("{error}");
    }
    for (bench, runs) in asked {
        start(bench, runs, &["--quick"])?;
    }
    Ok(())
}

fn measure(bench: &Bench, names: &[String], output: Option<&Path>) -> Result {
    let output = output.map(|folder| folder.display().to_string());
    match &output {
        Some(folder) => start(bench, names, &["--output", folder]),
        None => start(bench, names, &[]),
    }
}

/// Builds and runs one of the packages, if it is there.
fn start(bench: &Bench, names: &[String], options: &[&str]) -> Result {
    if !root().join("benches").join(bench.folder).is_dir() {
        eprintln!("{}: not there, left out", bench.package);
        return Ok(());
    }
    run(Workspace::Benches
        .cargo_build("run")?
        .args(["--release", "--package", bench.package, "--"])
        .args(options)
        .args(names))
}

/// An empty folder for the parts that are measured now.
fn fresh_folder() -> Result<PathBuf> {
    let folder = target_directory()?.join("bench-report");
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Replaces the parts of the report that are new, and copies their charts.
fn update_report(fresh: &Path, benches: &Path) -> Result {
    let mut parts = Vec::new();
    for entry in fs::read_dir(fresh)? {
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
        eprintln!("only some of it was measured: the report stays as it is");
        return Ok(());
    }
    let file = benches.join("REPORT.md");
    let old = fs::read_to_string(&file).unwrap_or_default();
    fs::write(&file, merged(&old, &parts))?;
    eprintln!("the report is in {}", file.display());
    Ok(())
}

/// The report with `fresh` parts in place of the old ones.
fn merged(old: &str, fresh: &[String]) -> String {
    let mut report = PREAMBLE.to_owned();
    for heading in PARTS {
        let is_part = |part: &&str| part.lines().next() == Some(heading);
        let new = fresh.iter().map(String::as_str).find(is_part);
        if let Some(part) = new.or_else(|| section(old, heading)) {
            report.push('\n');
            report.push_str(part.trim_end());
            report.push('\n');
        }
    }
    report
}

/// The section of `report` that begins with the line `heading`, to the next of its kind.
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
    fn names_belong_to_the_benchmark_that_is_named_before_them() {
        let names = |names: &str| {
            names
                .split_whitespace()
                .map(Into::into)
                .collect::<Vec<String>>()
        };
        let all = names("decode serving burst live fanout");
        assert_eq!(
            asked_for(&all),
            [(CODEC, &all[..1]), (SERVING, &all[2..4]), (FANOUT, &[])]
        );
        assert_eq!(asked_for(&names("fanout")), [(FANOUT, &[][..])]);
        assert_eq!(asked_for(&[]).len(), 4);
    }

    #[test]
    fn a_new_part_replaces_the_old_one_and_the_others_stay() {
        let first = merged("", &["## Encoding\n\nold\n\n### Table\n".to_owned()]);
        let second = merged(&first, &["## Decoding\n\na\n".to_owned()]);
        let third = merged(&second, &["## Decoding\n\nb\n".to_owned()]);
        let parts = "\n## Decoding\n\nb\n\n## Encoding\n\nold\n\n### Table\n";
        assert_eq!(third, format!("{PREAMBLE}{parts}"));
    }
}
