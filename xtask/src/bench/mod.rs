//! The benchmarks. What is measured is up to the packages in `benches`; here they are built, run,
//! and made into a report.

mod report;

use std::path::Path;
use std::process::Command;

use crate::process::run;
use crate::result::Result;
use crate::workspace::{Workspace, target_directory};
use crate::{debian, engines};

/// A package of benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bench {
    /// Its name on the command line; the names that follow are those of its runs.
    name: &'static str,
    package: &'static str,
}

/// Names that no other name precedes are those of its runs, so that `decode` and `encode` stand for
/// themselves.
const CODEC: Bench = Bench {
    name: "codec",
    package: "sse-bench-codec",
};

const SERVING: Bench = Bench {
    name: "serving",
    package: "sse-bench-serving",
};

const FANOUT: Bench = Bench {
    name: "fanout",
    package: "sse-bench-fanout",
};

const CLIENT: Bench = Bench {
    name: "client",
    package: "sse-bench-client",
};

const HUB: Bench = Bench {
    name: "hub",
    package: "sse-bench-hub",
};

const ENGINES: Bench = Bench {
    name: "engines",
    package: "sse-bench-engines",
};

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
    let folder = report::create_folder()?;
    for (bench, runs) in asked {
        // Single runs are for the terminal. The codec's benchmark knows which of its names are
        // parts of the report.
        let is_part = runs.is_empty() || bench == CODEC;
        measure(&bench, runs, is_part.then_some(&*folder))?;
    }
    report::update(&folder)
}

/// Checks that everything runs and that all peers agree; measures nothing and writes nothing.
pub(crate) fn check() -> Result {
    quick(&asked_for(&[]))?;
    // The only one of the programs with unit tests, built with the features of all.
    run(little_optimized("test")?.args(["--workspace", "--bin", FANOUT.package]))
}

/// The benchmarks that `names` ask for, and the runs of each; all if there are no names.
fn asked_for(names: &[String]) -> Vec<(Bench, &[String])> {
    let named = [SERVING, FANOUT, CLIENT, HUB, ENGINES];
    let bench = |name: &String| named.iter().find(|bench| bench.name == name);
    let first = names.iter().position(|name| bench(name).is_some());
    let (of_codec, mut rest) = names.split_at(first.unwrap_or(names.len()));
    let mut asked = Vec::new();
    if names.is_empty() || !of_codec.is_empty() {
        asked.push((CODEC, of_codec));
    }
    while let Some((name, following)) = rest.split_first() {
        let next = following.iter().position(|name| bench(name).is_some());
        let (runs, others) = following.split_at(next.unwrap_or(following.len()));
        asked.extend(bench(name).map(|bench| (*bench, runs)));
        rest = others;
    }
    if names.is_empty() {
        asked.extend(named.map(|bench| (bench, names)));
    }
    asked
}

/// Runs benchmarks for their results alone.
///
/// They are built together, so that a dependency that several of them have is built once, with the
/// features of all. For measuring, each is built alone: one must not change what another measures.
fn quick(asked: &[(Bench, &[String])]) -> Result {
    if let Err(error) = debian::install_for_benches() {
        // The benchmarks report what they leave out.
        eprintln!("{error}");
    }
    let packages = asked
        .iter()
        .flat_map(|(bench, _)| ["--package", bench.package]);
    run(Workspace::Benches.cargo_build("build")?.args(packages))?;
    let programs = target_directory()?.join("debug");
    for (bench, runs) in asked {
        run(Command::new(programs.join(bench.package))
            .arg("--quick")
            .args(*runs))?;
    }
    Ok(())
}

/// Returns `cargo subcommand` for programs of which only the results count: full optimization would take longer
/// than it saves, and without any, some peers take minutes.
fn little_optimized(subcommand: &str) -> Result<Command> {
    let mut command = Workspace::Benches.cargo_build(subcommand)?;
    command
        .arg("--release")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    Ok(command)
}

/// Builds and runs one of the packages, which writes its part of the report to `output`.
fn measure(bench: &Bench, runs: &[String], output: Option<&Path>) -> Result {
    let mut command = Workspace::Benches.cargo_build("run")?;
    command.args(["--release", "--package", bench.package, "--"]);
    if let Some(folder) = output {
        command.arg("--output").arg(folder);
    }
    if *bench == ENGINES {
        // Debian's, and the newest ones.
        command.args(["--engine", "redis-server", "--engine", "nats-server"]);
        for program in engines::install_newest()? {
            command.arg("--engine").arg(program);
        }
    }
    run(command.args(runs))
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
        let client = names("client live");
        assert_eq!(asked_for(&client), [(CLIENT, &client[1..])]);
        assert_eq!(asked_for(&[]).len(), 6);
    }
}
