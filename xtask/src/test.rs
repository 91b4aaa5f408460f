//! `cargo xtask test`: all checks of a change, as steps. A new one is a new entry in [`STEPS`].

use std::env;
use std::io::{self, IsTerminal as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::process::{cargo, run};
use crate::result::Result;
use crate::workspace::{Workspace, target_directory};
use crate::{
    agreement, bench, debian, deny, docs, engines, external_types, features, frameworks, fuzz,
    interop, lanes, layers, model, msrv, proxies, readme, security,
};

/// How long each fuzz target runs here, in seconds. It is enough for the seeds and inputs close to
/// them; `cargo xtask fuzz` runs longer.
const FUZZ_SECONDS: u32 = 10;

/// The name of the step that installs what others need.
const PACKAGES: &str = "packages";

struct Step {
    name: &'static str,
    purpose: &'static str,
    run: fn() -> Result,
}

/// All steps, in the order in which they begin: the quick ones first, and those that mostly wait between
/// those that compute.
const STEPS: &[Step] = &[
    Step {
        name: PACKAGES,
        purpose: "install the Debian packages that the steps need",
        run: || debian::install_for_steps(proxies::QUICK),
    },
    Step {
        name: "fmt",
        purpose: "the code is formatted",
        run: || {
            for_all(|workspace| run(workspace.cargo("fmt").args(["--all", "--check"])))?;
            frameworks::are_formatted()
        },
    },
    Step {
        name: "workspaces",
        purpose: "all workspaces have the lints, profiles and versions of the product",
        run: agreement::check,
    },
    Step {
        name: "layers",
        purpose: "no files of a crate import each other in a cycle",
        run: layers::check,
    },
    Step {
        name: "msrv",
        purpose: "no dependency states a newer minimum Rust version",
        run: msrv::check,
    },
    Step {
        name: "deny",
        purpose: "dependencies have known licences, come from the registry, and are there once",
        run: deny::check,
    },
    Step {
        name: "readme",
        purpose: "the links of the packages' READMEs work in the registry",
        run: readme::check,
    },
    Step {
        name: "security",
        purpose: "the threat model names tests that exist",
        run: security::check,
    },
    Step {
        name: "clippy",
        purpose: "no lint warns, in all targets of all packages",
        run: || {
            for_all(|workspace| {
                let mut clippy = workspace.cargo_build("clippy")?;
                // `cargo xtask frameworks` lints those that take long to compile.
                if workspace != Workspace::Frameworks {
                    clippy.arg("--all-features");
                }
                run(clippy
                    .args(["--workspace", "--all-targets"])
                    .args(["--", "--deny", "warnings"]))
            })
        },
    },
    Step {
        name: "test",
        purpose: "unit, integration, browser and documentation tests; all examples compile",
        run: || {
            // The steps `interop` and `proxies` install what these tests need.
            run(test_all().env(interop::SKIP, "1").env(proxies::SKIP, "1"))?;
            // The libraries of the benchmarks; the step `bench` tests and runs the programs.
            run(Workspace::Benches
                .cargo_build("test")?
                .args(["--package", "sse-bench-process"])
                .args(["--package", "sse-bench-report"]))
        },
    },
    Step {
        name: "docs",
        purpose: "the documentation builds as on docs.rs, without a warning",
        run: docs::check,
    },
    Step {
        name: "external-types",
        purpose: "the public API names only types of crates that are listed",
        run: external_types::check,
    },
    Step {
        name: "model",
        purpose: "all interleavings around a stream and around a hub's topic, by loom",
        run: model::check,
    },
    Step {
        name: "no-std",
        purpose: "sse-codec without default features passes its tests",
        run: || run(cargo().args(["test", "--package", "sse-codec", "--no-default-features"])),
    },
    Step {
        name: "features",
        purpose: "every combination of features compiles",
        run: features::check,
    },
    Step {
        name: "interop",
        purpose: "real clients from npm and PyPI read the streams of all adapters",
        run: || interop::check(&mut test_all()),
    },
    Step {
        name: "engines",
        purpose: "the hub on the newest Valkey and NATS, as the step `test` has it on Debian's engines",
        run: || engines::check(&mut test_all()),
    },
    Step {
        name: "proxies",
        purpose: "the adapters behind those reverse proxies that are quick to install and to test",
        run: || proxies::check(&mut test_all()),
    },
    Step {
        name: "frameworks",
        purpose: "the responses work in axum, tower and warp",
        run: frameworks::quick,
    },
    Step {
        name: "bench",
        purpose: "the benchmarks run, and all peers agree on the events",
        run: bench::check,
    },
    Step {
        name: "fuzz",
        purpose: "a short run of every fuzz target",
        run: || fuzz::all(FUZZ_SECONDS),
    },
];

/// Returns the command that tests all packages but the fuzz targets and the models.
fn test_all() -> Command {
    let mut test = cargo();
    test.args(["test", "--workspace", "--all-features"])
        .args(["--exclude", "sse-fuzz"])
        .args(["--exclude", "sse-model", "--exclude", "sse-hub-model"]);
    test
}

/// Calls `run` for each workspace.
fn for_all(run: impl Fn(Workspace) -> Result) -> Result {
    Workspace::ALL.into_iter().try_for_each(run)
}

/// Returns the steps, one per line.
pub(crate) fn steps() -> String {
    STEPS
        .iter()
        .map(|step| format!("  {:<14} {}\n", step.name, step.purpose))
        .collect()
}

/// `cargo xtask test`: runs all steps, or those that are named.
pub(crate) fn command(names: &[String]) -> Result {
    let is_known = |name: &&String| STEPS.iter().any(|step| step.name == **name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        return Err(format!("there is no step {unknown}; the steps are:\n{}", steps()).into());
    }
    let is_chosen = |step: &&Step| names.is_empty() || names.iter().any(|name| name == step.name);
    let chosen: Vec<_> = STEPS.iter().filter(is_chosen).collect();
    match *chosen {
        [step] => alone(step),
        _ => side_by_side(&chosen),
    }
}

/// Runs one step in this process. Its output is shown at once.
fn alone(step: &Step) -> Result {
    let begun = Instant::now();
    eprintln!("\n== {}: {}", step.name, step.purpose);
    (step.run)().map_err(|error| format!("\n{} failed: {error}", step.name))?;
    eprintln!("== {} passed in {} s", step.name, begun.elapsed().as_secs());
    Ok(())
}

/// Runs several steps, each in a process of its own.
fn side_by_side(steps: &[&Step]) -> Result {
    let begun = Instant::now();
    let mut steps = steps;
    // All others need what it installs. It is first, and in the foreground, as it may ask for a password.
    if let Some((first, others)) = steps.split_first()
        && first.name == PACKAGES
    {
        alone(first)?;
        steps = others;
    }
    let program = env::current_exe()?;
    let with_colors = io::stdout().is_terminal();
    let steps = steps.iter().map(|step| {
        let mut command = Command::new(&program);
        // Without input: a process group in the background gets none from a terminal.
        command.args(["test", step.name]).stdin(Stdio::null());
        if with_colors {
            command.env("CARGO_TERM_COLOR", "always");
        }
        lanes::Step {
            name: step.name.to_owned(),
            command,
        }
    });
    let logs = target_directory()?.join("steps");
    lanes::run(steps, &logs, &mut io::stdout().lock())?;
    println!("\nall passed in {} s", begun.elapsed().as_secs());
    Ok(())
}
