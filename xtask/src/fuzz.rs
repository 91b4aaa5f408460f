//! Running the fuzz targets, which libFuzzer drives.
//!
//! All targets are built at once, with the coverage instrumentation of the stable compiler. cargo-fuzz
//! would do the same, but has to be compiled first, and builds each target by itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lanes;
use crate::process::{cargo, output, root, run};
use crate::result::Result;
use crate::workspace::target_directory;

/// The length of the longest input in bytes. Longer ones are slower, and provoke nothing else.
const MAX_LEN: usize = 4096;

/// How long each target runs by default, in seconds.
const DEFAULT_SECONDS: u32 = 60;

/// The targets whose inputs are streams: the streams that the browser tests decode are seeds for them.
const OF_STREAMS: [&str; 3] = ["decoder", "encoder", "round_trip"];

/// What libFuzzer needs: counters of the edges that an input takes, and what it compares.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// `cargo xtask fuzz`.
pub(crate) fn command(arguments: &[String]) -> Result {
    let mut seconds = DEFAULT_SECONDS;
    let mut build = Build::Fast;
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match &**argument {
            "--seconds" => {
                let value = arguments.next().ok_or("--seconds takes a number")?;
                seconds = value
                    .parse()
                    .map_err(|_| format!("--seconds takes a number, not {value}"))?;
            }
            "--address" => build = Build::WithAddresses,
            _ => chosen.push(argument.clone()),
        }
    }
    let targets = targets()?;
    if let Some(unknown) = chosen.iter().find(|target| !targets.contains(target)) {
        let known = targets.join(", ");
        return Err(format!("there is no fuzz target {unknown}, only {known}").into());
    }
    let chosen = if chosen.is_empty() { &targets } else { &chosen };
    fuzz(chosen, seconds, build)
}

/// Runs every target for `seconds`, which are few.
pub(crate) fn all(seconds: u32) -> Result {
    fuzz(&targets()?, seconds, Build::Short)
}

/// How the targets are built.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Build {
    /// For a short run: compiling takes most of the time.
    Short,
    Fast,
    /// With the address sanitizer, for what is not safe in dependencies.
    WithAddresses,
}

fn fuzz(targets: &[String], seconds: u32, build: Build) -> Result {
    let folder = build.run(targets)?;
    let mut commands = Vec::new();
    for target in targets {
        let mut command = Command::new(folder.join(target));
        command.arg(corpus(target)?);
        let seeds = root().join("fuzz/seeds").join(target);
        if seeds.is_dir() {
            command.arg(seeds);
        }
        let artifacts = root().join("fuzz/artifacts").join(target);
        fs::create_dir_all(&artifacts)?;
        command
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={MAX_LEN}"))
            // An input that takes ten seconds counts as a failure.
            .args(["-timeout=10", "-print_final_stats=1"]);
        if build == Build::Short {
            command.arg("-verbosity=0");
        }
        commands.push((target, command));
    }
    if let [(_, command)] = &mut *commands {
        return run(command);
    }
    let steps = commands.into_iter().map(|(target, command)| lanes::Step {
        name: target.clone(),
        command,
    });
    let logs = target_directory()?.join("fuzz-logs");
    lanes::run(steps, &logs, &mut io::stdout().lock())
}

impl Build {
    /// Builds targets, and returns the folder of their programs.
    fn run(self, targets: &[String]) -> Result<PathBuf> {
        let host = output(Command::new("rustc").args(["--print", "host-tuple"]))?;
        let host = host.trim();
        let mut folder = target_directory()?;
        let mut flags = COVERAGE.to_owned();
        let mut build = cargo();
        // With a target, even that of the host, the flags are not those of build scripts and macros: the
        // other steps have built these.
        build.args(["build", "--package", "sse-fuzz", "--target", host]);
        let profile = match self {
            Self::Short => {
                build.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
                build.env("CARGO_INCREMENTAL", "0");
                "debug"
            }
            Self::Fast | Self::WithAddresses => {
                build.arg("--release");
                build.env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
                build.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
                build.env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
                "release"
            }
        };
        if self == Self::WithAddresses {
            // A flag of the unstable compiler, which the stable one takes so.
            flags.push_str(" -Zsanitizer=address");
            build.env("RUSTC_BOOTSTRAP", "1");
            folder.push("address");
        }
        build
            .env("RUSTFLAGS", flags)
            .arg("--target-dir")
            .arg(&folder);
        for target in targets {
            build.args(["--bin", target]);
        }
        run(&mut build)?;
        Ok(folder.join(host).join(profile))
    }
}

/// Returns the folder with the inputs that were found to be useful, which is not committed.
fn corpus(target: &str) -> Result<PathBuf> {
    let corpus = root().join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus)?;
    if OF_STREAMS.contains(&target) {
        write_streams(&corpus)?;
    }
    Ok(corpus)
}

/// Writes the streams that the browser tests decode into a corpus, as seeds.
fn write_streams(corpus: &Path) -> Result {
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
