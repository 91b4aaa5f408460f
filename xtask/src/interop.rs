//! `cargo xtask interop`: real clients, in pinned versions, read the streams of all adapters.

use std::process::Command;

use crate::debian;
use crate::npm::Node;
use crate::process::{cargo, run};
use crate::pypi;
use crate::result::Result;

/// The environment variable that skips the tests of clients, if it is `1`.
pub(crate) const SKIP: &str = "SSE_SKIP_INTEROP";

/// The tests that `cargo xtask test` leaves out: Chromium's own client has tests elsewhere, and this one
/// takes as long as all others together, since it does not come back where others do.
const LEFT_OUT: &[&str] = &["chromium", "npm_react_native_sse"];

/// Many tests at the same time, as they mostly wait.
const THREADS: &str = "--test-threads=6";

/// `cargo xtask interop`: installs the clients and runs their tests, or those whose names contain one of
/// `names`.
pub(crate) fn command(names: &[String]) -> Result {
    install()?;
    run(cargo()
        .args(["test", "--package", "sse-interop", "--", THREADS])
        .args(names))
}

/// Installs the clients and runs the tests of most of them. `test` is a command that has built them, as
/// it also builds all others.
pub(crate) fn check(test: &mut Command) -> Result {
    install()?;
    let skipped = LEFT_OUT.iter().flat_map(|name| ["--skip", *name]);
    run(test
        .args(["--test", "interop", "--", THREADS])
        .args(skipped))
}

fn install() -> Result {
    debian::install_for_interop()?;
    Node::install()?.install_packages("interop", "tests/interop/node")?;
    pypi::install("interop", "tests/interop/python/requirements.txt")?;
    Ok(())
}
