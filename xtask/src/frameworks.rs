//! The responses in web frameworks.
//!
//! All of the frameworks take longer to compile than most steps of the tests, so `cargo xtask test`
//! has those that share nearly everything with the product, and a command has all.

use std::fs;
use std::path::PathBuf;

use crate::process::{cargo, root, run};
use crate::result::Result;
use crate::workspace::Workspace;

/// Enables every framework.
const ALL: [&str; 2] = ["--features", "all"];

/// `cargo xtask frameworks`: lints and tests the routes of all frameworks.
pub(crate) fn command(arguments: &[String]) -> Result {
    if !arguments.is_empty() {
        return Err("`frameworks` takes no arguments".into());
    }
    run(Workspace::Frameworks
        .cargo_build("clippy")?
        .arg("--all-targets")
        .args(ALL)
        .args(["--", "--deny", "warnings"]))?;
    run(Workspace::Frameworks.cargo_build("test")?.args(ALL))
}

/// Tests the routes of axum, tower and warp.
pub(crate) fn quick() -> Result {
    run(&mut Workspace::Frameworks.cargo_build("test")?)
}

/// Checks that the routes are formatted. They are included, so cargo does not find them.
pub(crate) fn are_formatted() -> Result {
    let mut routes = Vec::new();
    for entry in fs::read_dir(root().join("sse-hyper/src/frameworks"))? {
        routes.push(entry?.path());
    }
    routes.retain(|file: &PathBuf| file.extension().is_some_and(|extension| extension == "rs"));
    run(cargo()
        .args(["fmt", "--package", "sse-hyper", "--", "--check"])
        .args(routes))
}
