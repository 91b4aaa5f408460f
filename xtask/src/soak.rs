//! `cargo xtask soak`: thousands of clients on all transports, and attacks.

use std::path::Path;
use std::process::Command;

use crate::process::{cargo, run};
use crate::result::Result;
use crate::{debian, workspace::target_directory};

/// The file with the tables, in the project.
const REPORT: &str = "tests/soak/REPORT.md";

/// Builds the program with optimizations, and runs it with the arguments. It writes the tables.
pub(crate) fn command(arguments: &[String]) -> Result {
    debian::install_for_engines()?;
    run(cargo().args(["build", "--release", "--package", "sse-soak"]))?;
    let program = target_directory()?.join(Path::new("release/sse-soak"));
    run(Command::new(program)
        .args(arguments)
        .args(["--report", REPORT]))
}
