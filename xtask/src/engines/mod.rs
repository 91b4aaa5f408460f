//! `cargo xtask engines`: the tests of the hub on each version of Redis, Valkey and NATS that the
//! documentation names. `cargo xtask test` has Debian's, and the newest ones here.

mod table;
mod versions;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use self::table::Row;
use self::versions::{VERSIONS, Version};
use crate::debian;
use crate::process::{cargo, root, run};
use crate::result::{Result, no_complaints};

/// The tests of the hub that use servers, in the order of the table's columns.
const SUITES: [&str; 2] = ["logs", "faults"];

/// The modules of those tests among them that use none.
const WITHOUT_SERVER: [&str; 2] = ["embedded::", "check::"];

/// What some tests run as processes of their own; as a test, it does nothing.
const PROCESSES: [&str; 2] = ["::node", "::node_that_is_stopped"];

/// The number of tests at once. They mostly wait.
const THREADS: &str = "--test-threads=4";

/// How a suite ended.
struct Outcome {
    version: &'static Version,
    suite: &'static str,
    passed: usize,
    has_failed: bool,
    /// As the test program says.
    seconds: String,
}

/// `cargo xtask engines`: tests all versions, or those whose names begin with one of `names`, and writes
/// the table of the documentation if all pass.
pub(crate) fn command(names: &[String]) -> Result {
    let versions = named(names)?;
    debian::install_for_engines()?;
    let mut outcomes = Vec::new();
    let mut rows = Vec::new();
    for version in versions {
        let program = version.install()?;
        let begun = outcomes.len();
        for suite in SUITES {
            outcomes.push(tested(version, &program, suite)?);
        }
        let passed = outcomes[begun..].iter().map(|outcome| outcome.passed);
        rows.push(Row::new(version, passed)?);
    }
    println!(
        "\n{:<14} {:<34} {:<8} passed  seconds",
        "engine", "program", "suite"
    );
    for outcome in &outcomes {
        println!(
            "{:<14} {:<34} {:<8} {:>6} {:>8}{}",
            outcome.version.name(),
            outcome.version.origin()?,
            outcome.suite,
            outcome.passed,
            outcome.seconds,
            if outcome.has_failed { "  FAILED" } else { "" },
        );
    }
    let failed = outcomes.iter().filter(|outcome| outcome.has_failed);
    let complaint = |it: &Outcome| format!("{} does not pass {}", it.version.name(), it.suite);
    no_complaints(&failed.map(complaint).collect::<Vec<_>>())?;
    let path = root().join(table::PATH);
    let text = fs::read_to_string(&path)?;
    Ok(fs::write(path, table::updated(&text, &rows)?)?)
}

/// Runs a suite on a version. What the tests write is shown if it fails.
fn tested(version: &'static Version, program: &Path, suite: &'static str) -> Result<Outcome> {
    eprintln!("\n== {suite} on {}", version.name());
    let output = cargo()
        .args(["test", "--package", "sse-hub"])
        .args(["--no-default-features", "--features"])
        .arg(version.product.features())
        .args(["--test", suite, "--", THREADS])
        .args(skipped(version.lacks))
        .env(version.product.variable(), program)
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let passed = passed_in(&said);
    let has_failed = !output.status.success() || passed == 0;
    if has_failed {
        eprintln!("{said}");
    }
    Ok(Outcome {
        version,
        suite,
        passed,
        has_failed,
        seconds: seconds_in(&said).unwrap_or_default().to_owned(),
    })
}

/// Returns how many tests have passed, from what a test program writes.
fn passed_in(said: &str) -> usize {
    let passed = |line: &str| {
        let name = line.strip_prefix("test ")?.strip_suffix(" ... ok")?;
        let is_test = !PROCESSES.iter().any(|process| name.ends_with(process));
        is_test.then_some(())
    };
    said.lines().filter_map(passed).count()
}

/// Returns how many seconds the tests took, likewise.
fn seconds_in(said: &str) -> Option<&str> {
    let (_, seconds) = said.rsplit_once("; finished in ")?;
    let (seconds, _) = seconds.split_once('s')?;
    Some(seconds)
}

/// Tests the newest versions, together. `test` is a command that has built the tests, as it also builds all
/// others.
pub(crate) fn check(test: &mut Command) -> Result {
    debian::install_for_engines()?;
    for version in newest() {
        test.env(version.product.variable(), version.install()?);
    }
    let lacks = newest().flat_map(|version| version.lacks);
    run(test
        .args(SUITES.iter().flat_map(|suite| ["--test", *suite]))
        .args(["--", THREADS])
        .args(skipped(lacks)))
}

/// Installs the newest versions, and returns their programs.
///
/// # Errors
///
/// When one cannot be installed.
pub(crate) fn install_newest() -> Result<Vec<PathBuf>> {
    newest().map(Version::install).collect()
}

fn newest() -> impl Iterator<Item = &'static Version> {
    VERSIONS.iter().filter(|version| version.is_newest)
}

/// Returns the versions whose names begin with one of `names`, or all if there are none.
fn named(names: &[String]) -> Result<Vec<&'static Version>> {
    let is_named = |name: &String, version: &&Version| version.name().starts_with(&**name);
    if let Some(unknown) = names
        .iter()
        .find(|name| !VERSIONS.iter().any(|version| is_named(name, &version)))
    {
        let all: Vec<_> = VERSIONS.iter().map(Version::name).collect();
        return Err(format!("there is no engine {unknown}; there are {}", all.join(", ")).into());
    }
    let asked =
        |version: &&Version| names.is_empty() || names.iter().any(|name| is_named(name, version));
    Ok(VERSIONS.iter().filter(asked).collect())
}

/// Returns the arguments of a test program that leave out what needs no server or cannot be tested.
fn skipped<'a>(lacks: impl IntoIterator<Item = &'a versions::Lack>) -> Vec<&'static str> {
    let lacks = lacks.into_iter().map(|lack| lack.in_names());
    WITHOUT_SERVER
        .into_iter()
        .chain(lacks)
        .flat_map(|name| ["--skip", name])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_beginnings() {
        let names = |beginning: &str| -> Result<Vec<_>> {
            let versions = named(&[beginning.to_owned()])?;
            Ok(versions.into_iter().map(Version::name).collect())
        };
        assert_eq!(names("redis-6.2").expect("one"), ["redis-6.2.5"]);
        assert_eq!(names("valkey").expect("some").len(), 3);
        let unknown = names("keydb").expect_err("none");
        assert!(
            unknown
                .to_string()
                .starts_with("there is no engine keydb; ")
        );
        assert_eq!(named(&[]).expect("all").len(), VERSIONS.len());
    }

    #[test]
    fn the_result_is_found_in_what_a_test_program_writes() {
        let said = "\nrunning 4 tests\ntest redis::node ... ok\ntest redis::a ... FAILED\n\
                    test redis::b_node ... ok\ntest redis::node_that_is_stopped ... ok\n\n\
                    failures:\n    redis::a\n\n\
                    test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; \
                    finished in 100.20s\n\n";
        assert_eq!(passed_in(said), 1);
        assert_eq!(seconds_in(said), Some("100.20"));
        assert_eq!(passed_in("error: could not compile"), 0);
        assert_eq!(seconds_in("error: could not compile"), None);
    }
}
