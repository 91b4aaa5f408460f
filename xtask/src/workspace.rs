//! The project's workspaces: the product with its tests, the benchmarks, and the tests in web
//! frameworks.
//!
//! The last two have lock files of their own, so that peers and frameworks are not in the product's.
//! All build into the same folder. Cargo names its artifacts by version, features and profile, so a
//! dependency that is the same in several is built once.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::{cargo, output, root};
use crate::result::Result;

/// A workspace, by its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workspace {
    Product,
    Benches,
    Frameworks,
}

impl Workspace {
    pub(crate) const ALL: [Self; 3] = [Self::Product, Self::Benches, Self::Frameworks];

    /// Returns the folder of the workspace, within that of the product.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Product => "",
            Self::Benches => "benches",
            Self::Frameworks => "tests/frameworks",
        }
    }

    /// Returns the folder of the workspace.
    pub(crate) fn folder(self) -> PathBuf {
        root().join(self.name())
    }

    /// Returns `cargo subcommand` for this workspace.
    pub(crate) fn cargo(self, subcommand: &str) -> Command {
        let mut command = cargo();
        command.arg(subcommand);
        if self != Self::Product {
            let manifest = format!("{}/Cargo.toml", self.name());
            command.args(["--manifest-path", &manifest]);
        }
        command
    }

    /// Returns `cargo subcommand` for this workspace, for a subcommand that builds.
    pub(crate) fn cargo_build(self, subcommand: &str) -> Result<Command> {
        let mut command = self.cargo(subcommand);
        if self != Self::Product {
            command.arg("--target-dir").arg(target_directory()?);
        }
        Ok(command)
    }

    /// Returns the metadata of the packages of this workspace, without their dependencies.
    pub(crate) fn metadata(self) -> Result<Value> {
        metadata(self.cargo("metadata").arg("--no-deps"))
    }

    /// Returns the metadata with all dependencies, for all features and platforms.
    pub(crate) fn metadata_with_dependencies(self) -> Result<Value> {
        metadata(self.cargo("metadata").arg("--all-features"))
    }
}

/// Runs `cargo metadata`.
fn metadata(command: &mut Command) -> Result<Value> {
    let metadata = output(command.args(["--format-version", "1"]))?;
    Ok(serde_json::from_str(&metadata)?)
}

/// Returns the folder that cargo builds in.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let metadata = Workspace::Product.metadata()?;
    let directory = metadata["target_directory"].as_str();
    let directory = directory.ok_or("cargo names no target directory")?;
    Ok(Path::new(directory).to_owned())
}
