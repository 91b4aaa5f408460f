//! `cargo xtask interop`: real clients, in pinned versions, that read the streams of all adapters, and
//! development servers and runtimes in front of them.

use crate::debian;
use crate::npm::Node;
use crate::process::{cargo, run};
use crate::pypi;
use crate::result::Result;

/// `cargo xtask interop`: installs the clients and runs their tests, or those whose names contain one of
/// `names`.
pub(crate) fn command(names: &[String]) -> Result {
    debian::install_for_interop()?;
    let node = Node::install()?;
    node.install_packages("interop", "tests/interop/node")?;
    node.install_packages("runtimes", "tests/interop/runtimes")?;
    pypi::install("interop", "tests/interop/python/requirements.txt")?;
    run(cargo()
        .args(["test", "--package", "sse-interop", "--"])
        .args(names))
}
