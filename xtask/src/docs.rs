//! rustdoc as docs.rs runs it: with all features, and with the configuration `docsrs`, which turns on
//! unstable features.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{root, run};
use crate::result::Result;
use crate::workspace::{Workspace, target_directory};

/// Checks that the documentation of all packages builds without a warning.
pub(crate) fn check() -> Result {
    run(command(Workspace::Product)?.env("RUSTDOCFLAGS", "--cfg docsrs --deny warnings"))?;
    run(command(Workspace::Benches)?.env("RUSTDOCFLAGS", "--deny warnings"))
}

/// Builds the documentation as JSON and returns its folder, with a file `sse_codec.json` and so on.
pub(crate) fn json() -> Result<PathBuf> {
    run(command(Workspace::Product)?
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json"))?;
    Ok(target_directory()?.join("doc"))
}

fn command(workspace: Workspace) -> Result<Command> {
    let mut command = workspace.cargo_build("doc")?;
    command
        .env("RUSTDOC", root().join("xtask/rustdoc-unstable"))
        .args(["--workspace", "--all-features", "--no-deps"]);
    if workspace == Workspace::Product {
        command.args(["--exclude", "sse-fuzz"]);
    }
    Ok(command)
}
