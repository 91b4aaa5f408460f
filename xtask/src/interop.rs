//! `cargo xtask interop`: real clients, in pinned versions, read the streams of all adapters, and
//! development servers and runtimes pass them on.

use std::process::Command;

use crate::debian;
use crate::npm::Node;
use crate::process::{cargo, run};
use crate::pypi;
use crate::result::Result;

/// The environment variable that skips the tests of clients, if it is `1`.
pub(crate) const SKIP: &str = "SSE_SKIP_INTEROP";

/// The tests that `cargo xtask test` leaves out: Chromium's own client has tests elsewhere, this one takes
/// as long as all others together, since it does not come back where others do, and development servers
/// and runtimes take long to install.
const LEFT_OUT: &[&str] = &["chromium", "npm_react_native_sse", RUNTIMES];

/// The module of the tests with development servers and runtimes, and the name of their packages.
const RUNTIMES: &str = "runtimes";

/// Many tests at the same time, as they mostly wait.
const THREADS: &str = "--test-threads=6";

/// `cargo xtask interop`: installs the clients and runs their tests, or those whose names contain one of
/// `names`.
pub(crate) fn command(names: &[String]) -> Result {
    install()?.install_packages(RUNTIMES, "tests/interop/runtimes")?;
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

fn install() -> Result<Node> {
    debian::install_for_interop()?;
    let node = Node::install()?;
    node.install_packages("interop", "tests/interop/node")?;
    pypi::install("interop", "tests/interop/python/requirements.txt")?;
    Ok(node)
}
