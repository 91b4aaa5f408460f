//! Running the fuzz targets with cargo-fuzz.
//!
//! Coverage instrumentation and the address sanitizer need unstable flags of the compiler: a nightly
//! toolchain takes them, and the stable one does with `RUSTC_BOOTSTRAP=1`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{cargo, find, root, run};
use crate::result::Result;
use crate::workspace::target_directory;

/// The version of cargo-fuzz to install where there is none.
const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// The length of the longest input in bytes. Longer ones are slower, and provoke nothing else.
const MAX_LEN: usize = 4096;

/// How long each target runs by default, in seconds.
const DEFAULT_SECONDS: u32 = 60;

/// `cargo xtask fuzz`.
pub(crate) fn command(arguments: &[String]) -> Result {
    let mut seconds = DEFAULT_SECONDS;
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            let value = arguments.next().ok_or("--seconds takes a number")?;
            seconds = value
                .parse()
                .map_err(|_| format!("--seconds takes a number, not {value}"))?;
        } else {
            chosen.push(argument.clone());
        }
    }
    let targets = targets()?;
    if let Some(unknown) = chosen.iter().find(|target| !targets.contains(target)) {
        let known = targets.join(", ");
        return Err(format!("there is no fuzz target {unknown}, only {known}").into());
    }
    fuzz(if chosen.is_empty() { &targets } else { &chosen }, seconds)
}

/// Runs every target for `seconds`.
pub(crate) fn all(seconds: u32) -> Result {
    fuzz(&targets()?, seconds)
}

fn fuzz(targets: &[String], seconds: u32) -> Result {
    let cargo_fuzz = cargo_fuzz()?;
    let toolchain = toolchain();
    for target in targets {
        let corpus = root().join("fuzz/corpus").join(target);
        write_seeds(&corpus)?;
        let mut command = Command::new(&cargo_fuzz);
        command.args(["fuzz", "run", target]).arg(&corpus);
        command.arg("--").args([
            format!("-max_total_time={seconds}"),
            format!("-max_len={MAX_LEN}"),
        ]);
        // An input that takes ten seconds counts as a failure.
        command.args(["-timeout=10", "-print_final_stats=1"]);
        // cargo-fuzz runs the cargo named here; without it, that of the toolchain chosen below.
        command.env_remove("CARGO");
        match toolchain {
            Toolchain::Nightly => command.env("RUSTUP_TOOLCHAIN", "nightly"),
            Toolchain::Stable => command.env("RUSTC_BOOTSTRAP", "1"),
        };
        run(&mut command)?;
    }
    Ok(())
}

/// Writes the streams that the browser tests decode into a target's corpus, as seeds. What the
/// fuzzer finds is added to it; the folder is not committed.
fn write_seeds(corpus: &Path) -> Result {
    fs::create_dir_all(corpus)?;
    for (number, case) in sse_corpus::corpus().into_iter().enumerate() {
        let stream = case.pieces.concat();
        if stream.len() <= MAX_LEN {
            fs::write(corpus.join(format!("seed-{number:03}")), stream)?;
        }
    }
    Ok(())
}

/// Returns the names of the targets, which are the files in their folder.
fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(root().join("fuzz/fuzz_targets"))? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "rs")
            && let Some(name) = file.file_stem()
        {
            targets.push(name.display().to_string());
        }
    }
    targets.sort();
    Ok(targets)
}

#[derive(Clone, Copy)]
enum Toolchain {
    Nightly,
    Stable,
}

fn toolchain() -> Toolchain {
    let nightly = Command::new("rustc")
        .env("RUSTUP_TOOLCHAIN", "nightly")
        // Only what is installed already.
        .env("RUSTUP_AUTO_INSTALL", "0")
        .arg("--version")
        .stderr(Stdio::null())
        .output();
    match nightly {
        Ok(output) if output.status.success() && output.stdout.windows(7).any(is_nightly) => {
            Toolchain::Nightly
        }
        _ => Toolchain::Stable,
    }
}

fn is_nightly(word: &[u8]) -> bool {
    word == b"nightly"
}

/// Returns the path of cargo-fuzz, and installs it below the target folder where there is none.
fn cargo_fuzz() -> Result<PathBuf> {
    if let Some(installed) = find("cargo-fuzz") {
        return Ok(installed);
    }
    let folder = target_directory()?.join("tools");
    let program = folder.join("bin/cargo-fuzz");
    if !program.is_file() {
        eprintln!("cargo-fuzz is not installed; installing it below the target folder");
        run(cargo()
            // It only runs other programs: optimizing it would take longer than all that it does.
            .args(["install", "cargo-fuzz", "--locked", "--quiet", "--debug"])
            .args(["--version", CARGO_FUZZ_VERSION, "--root"])
            .arg(&folder))?;
    }
    Ok(program)
}
