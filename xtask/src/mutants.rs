//! Mutants: the code with one change at a time, which some test must notice, by cargo-mutants.
//!
//! Each mutant is compiled and tested by itself, so a run takes hours. Each package is tested by what
//! covers it and is quick, without the examples of its documentation.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{cargo, find, run};
use crate::result::{Result, no_complaints};
use crate::workspace::target_directory;

/// The version of cargo-mutants to install where there is none.
const CARGO_MUTANTS_VERSION: &str = "27.1.0";

/// What is changed, and what tests it.
struct Part {
    package: &'static str,
    /// The files that are changed, all if there are none.
    files: &'static [&'static str],
    /// The packages whose tests are run, with all features.
    tested: &'static [&'static str],
    /// What is passed to `cargo test`.
    tests: &'static [&'static str],
}

const PARTS: &[Part] = &[
    Part {
        package: "sse-codec",
        files: &[],
        tested: &["sse-codec"],
        tests: &["--lib", "--tests"],
    },
    Part {
        package: "sse-session",
        files: &[],
        tested: &["sse-session"],
        tests: &["--lib", "--tests"],
    },
    Part {
        package: "sse-hub",
        files: &["sse-hub/src/topic/**"],
        tested: &["sse-hub"],
        // Without those that start servers.
        tests: &[
            "--lib",
            "--test=engine",
            "--test=hub",
            "--test=memory",
            "--test=model",
            "--test=threads",
        ],
    },
    Part {
        package: "sse-hyper",
        files: &[],
        tested: &["sse-hyper", "sse-tests"],
        tests: &["--lib", "--test=conformance", "--test=write_timeout"],
    },
    Part {
        package: "sse-tokio-tcp",
        files: &[],
        tested: &["sse-tokio-tcp", "sse-tests"],
        tests: &[
            "--lib",
            "--test=conformance",
            "--test=body",
            "--test=cors",
            "--test=failure",
            "--test=server",
        ],
    },
    Part {
        package: "sse-actix",
        files: &[],
        tested: &["sse-actix", "sse-tests"],
        tests: &[
            "--lib",
            "--test=body",
            "--test=bounded",
            "--test=conformance",
        ],
    },
];

/// `cargo xtask mutants`: tests the mutants of all parts, or of the named packages.
pub(crate) fn command(arguments: &[String]) -> Result {
    let mut shard = None;
    let mut parts = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--shard" {
            shard = Some(arguments.next().ok_or("--shard takes k/n")?);
            continue;
        }
        let part = PARTS.iter().find(|part| part.package == argument);
        let names: Vec<_> = PARTS.iter().map(|part| part.package).collect();
        let unknown = || format!("there is no {argument}, only {}", names.join(", "));
        parts.push(part.ok_or_else(unknown)?);
    }
    if parts.is_empty() {
        parts.extend(PARTS);
    }
    let program = cargo_mutants()?;
    let folder = target_directory()?.join("mutants");
    // The tree is copied there, without what git ignores.
    let copies = folder.join("copies");
    fs::create_dir_all(&copies)?;
    let mut survivors = Vec::new();
    for part in parts {
        let mut mutants = Command::new(&program);
        mutants
            .args([
                "mutants",
                "--no-shuffle",
                "--all-features",
                "--colors=never",
            ])
            .args(["--package", part.package])
            .args(part.files.iter().map(|file| format!("--file={file}")))
            .arg(format!("--test-package={}", part.tested.join(",")))
            .arg("--output")
            .arg(folder.join(part.package));
        if let Some(shard) = shard {
            mutants.args(["--shard", shard]);
        }
        mutants
            .arg("--")
            .args(part.tests)
            .env("TMPDIR", &copies)
            // All runs share what was built of the dependencies.
            .env("CARGO_TARGET_DIR", folder.join("target"))
            // Linking is most of the work.
            .env("CARGO_PROFILE_TEST_DEBUG", "none")
            .env("CARGO_PROFILE_DEV_DEBUG", "none");
        // It fails if a mutant survives. The other packages are tested all the same.
        if let Err(error) = run(&mut mutants) {
            survivors.push(format!("{}: {error}", part.package));
        }
    }
    no_complaints(&survivors)
}

/// Returns the path of cargo-mutants, and installs it below the target folder where there is none.
fn cargo_mutants() -> Result<PathBuf> {
    if let Some(installed) = find("cargo-mutants") {
        return Ok(installed);
    }
    let folder = target_directory()?.join("tools");
    let program = folder.join("bin/cargo-mutants");
    if !program.is_file() {
        eprintln!("cargo-mutants is not installed; installing it below the target folder");
        run(cargo()
            // It mostly runs other programs: optimizing it would take longer than it saves.
            .args(["install", "cargo-mutants", "--locked", "--quiet", "--debug"])
            .args(["--version", CARGO_MUTANTS_VERSION, "--root"])
            .arg(&folder))?;
    }
    Ok(program)
}
