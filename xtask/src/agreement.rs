//! What the other workspaces must have in common with the product's.
//!
//! A workspace cannot inherit from another, so lints, profiles and the compiler are written in each,
//! and the versions of common dependencies are in several lock files. Where those agree, the product
//! is measured with the dependencies that it is tested with, and each of them is built once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::result::{Result, no_complaints};
use crate::version::Version;
use crate::workspace::Workspace;

/// Checks that the workspaces agree.
pub(crate) fn check() -> Result {
    let read = |workspace: Workspace, file: &str| fs::read_to_string(workspace.folder().join(file));
    let manifest = read(Workspace::Product, "Cargo.toml")?;
    let lock = read(Workspace::Product, "Cargo.lock")?;
    let mut complaints = Vec::new();
    for other in Workspace::ALL {
        if other != Workspace::Product {
            let name = other.name();
            complaints.extend(differing_settings(
                &manifest,
                name,
                &read(other, "Cargo.toml")?,
            ));
            complaints.extend(differing_versions(&lock, name, &read(other, "Cargo.lock")?));
        }
    }
    no_complaints(&complaints)
}

/// Returns a complaint about each setting that only one of the product's manifest and another's has.
fn differing_settings(product: &str, name: &str, other: &str) -> Vec<String> {
    let [product, other] = [product, other].map(settings);
    let differing = product.symmetric_difference(&other);
    differing
        .map(|(table, line)| {
            format!("only one of the product and {name} has `{line}` in [{table}]")
        })
        .collect()
}

/// Returns the lines that all manifests must have, each with its table.
fn settings(manifest: &str) -> BTreeSet<(&str, &str)> {
    let mut table = "";
    let mut settings = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            table = name;
            continue;
        }
        let is_shared = table.starts_with("workspace.lints.") || table.starts_with("profile.");
        let names = ["edition", "rust-version"];
        let is_package = table == "workspace.package"
            && names
                .iter()
                .any(|name| line.split([' ', '=']).next() == Some(name));
        // The names of `cfg`s belong to a workspace.
        let is_own = line.starts_with('#') || line.starts_with("unexpected_cfgs");
        if (is_shared || is_package) && !line.is_empty() && !is_own {
            settings.insert((table, line));
        }
    }
    settings
}

/// Returns a complaint about each package that another workspace has in another, compatible version.
fn differing_versions(product: &str, name: &str, other: &str) -> Vec<String> {
    let product = versions(product);
    let mut complaints = Vec::new();
    for (package, versions) in versions(other) {
        let of_product = product.get(package).into_iter().flatten();
        for version in &versions {
            let mut compatible = of_product
                .clone()
                .filter(|one| one.is_compatible_with(version))
                .peekable();
            let expected = compatible.peek().copied();
            if let Some(expected) = expected
                && compatible.all(|one| one != version)
            {
                complaints.push(format!(
                    "{name}/Cargo.lock has {package} {version}, and Cargo.lock {expected}: cargo \
                     update --manifest-path {name}/Cargo.toml {package} --precise {expected}"
                ));
            }
        }
    }
    complaints
}

/// Returns the packages of a lock file, with their versions.
fn versions(lock: &str) -> BTreeMap<&str, BTreeSet<Version>> {
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    let mut package = "";
    for line in lock.lines() {
        if let Some(name) = quoted(line, "name = ") {
            package = name;
        } else if let Some(version) = quoted(line, "version = ").and_then(Version::parse) {
            versions.entry(package).or_default().insert(version);
        }
    }
    versions
}

fn quoted<'a>(line: &'a str, before: &str) -> Option<&'a str> {
    let quoted = line.strip_prefix(before)?;
    quoted.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_profiles_and_the_compiler_must_be_the_same() {
        let product = "[workspace]\nmembers = []\n[workspace.package]\nrust-version = \"1.89\"\n\
                       [workspace.lints.rust]\na = \"warn\"\n# Why.\nb = \"warn\"\n\
                       unexpected_cfgs = { level = \"warn\", check-cfg = [\"cfg(a)\"] }\n\
                       [profile.dev]\ndebug = 1\n";
        assert_eq!(differing_settings(product, "benches", product), [""; 0]);

        let benches = "[workspace]\nmembers = [\"x\"]\n[workspace.package]\nrust-version = \"1.90\"\n\
                       [workspace.lints.rust]\na = \"warn\"\n[profile.dev]\ndebug = 1\n";
        assert_eq!(
            differing_settings(product, "benches", benches),
            [
                "only one of the product and benches has `b = \"warn\"` in [workspace.lints.rust]",
                "only one of the product and benches has `rust-version = \"1.89\"` in [workspace.package]",
                "only one of the product and benches has `rust-version = \"1.90\"` in [workspace.package]",
            ]
        );
    }

    #[test]
    fn versions_that_could_be_the_same_must_be() {
        let package = |name: &str, version: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\n")
        };
        let product = package("a", "1.2.0") + &package("b", "0.3.1");
        let peers = package("a", "0.9.0") + &package("b", "0.4.0") + &package("c", "1.0.0");
        let same = product.clone() + &peers;
        assert_eq!(differing_versions(&product, "benches", &same), [""; 0]);

        let differing = differing_versions(&product, "benches", &package("a", "1.3.0"));
        let start = "benches/Cargo.lock has a 1.3.0, and Cargo.lock 1.2.0: cargo update";
        assert!(differing[0].starts_with(start), "{differing:?}");
    }
}
