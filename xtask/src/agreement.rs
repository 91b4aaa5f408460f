//! What the two workspaces must have in common.
//!
//! A workspace cannot inherit from another, so lints, profiles and the compiler are written twice,
//! and the versions of common dependencies are in two lock files. Where those agree, the product is
//! measured with the dependencies that it is tested with, and each of them is built once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::result::{Result, no_complaints};
use crate::version::Version;
use crate::workspace::Workspace;

/// Checks that the workspaces agree.
pub(crate) fn check() -> Result {
    let read = |file: &str| {
        Workspace::ALL
            .into_iter()
            .map(|workspace| fs::read_to_string(workspace.folder().join(file)))
            .collect::<std::io::Result<Vec<_>>>()
    };
    let manifests = read("Cargo.toml")?;
    let locks = read("Cargo.lock")?;
    let mut complaints = differing_settings(&manifests[0], &manifests[1]);
    complaints.extend(differing_versions(&locks[0], &locks[1]));
    no_complaints(&complaints)
}

/// Returns a complaint about each setting that only one manifest has.
fn differing_settings(product: &str, benches: &str) -> Vec<String> {
    let [product, benches] = [product, benches].map(settings);
    let all: BTreeSet<_> = product.iter().chain(&benches).collect();
    let is_in_both =
        |setting: &&&(&str, &str)| product.contains(*setting) && benches.contains(*setting);
    let differing = all.iter().filter(|setting| !is_in_both(setting));
    differing
        .map(|(table, line)| format!("only one workspace has `{line}` in [{table}]"))
        .collect()
}

/// Returns the lines that both manifests must have, each with its table.
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

/// Returns a complaint about each package that the benchmarks have in another, compatible version.
fn differing_versions(product: &str, benches: &str) -> Vec<String> {
    let product = versions(product);
    let mut complaints = Vec::new();
    for (package, versions) in versions(benches) {
        let of_product = product.get(package).into_iter().flatten();
        for version in &versions {
            let mut compatible = of_product
                .clone()
                .filter(|one| one.is_compatible_with(version))
                .peekable();
            let other = compatible.peek().copied();
            if let Some(other) = other
                && compatible.all(|one| one != version)
            {
                complaints.push(format!(
                    "benches/Cargo.lock has {package} {version}, and Cargo.lock {other}: \
                     cargo update --manifest-path benches/Cargo.toml {package} --precise {other}"
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
        assert_eq!(differing_settings(product, product), [""; 0]);

        let benches = "[workspace]\nmembers = [\"x\"]\n[workspace.package]\nrust-version = \"1.90\"\n\
                       [workspace.lints.rust]\na = \"warn\"\n[profile.dev]\ndebug = 1\n";
        assert_eq!(
            differing_settings(product, benches),
            [
                "only one workspace has `b = \"warn\"` in [workspace.lints.rust]",
                "only one workspace has `rust-version = \"1.89\"` in [workspace.package]",
                "only one workspace has `rust-version = \"1.90\"` in [workspace.package]",
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
        assert_eq!(differing_versions(&product, &same), [""; 0]);

        let differing = differing_versions(&product, &package("a", "1.3.0"));
        let start = "benches/Cargo.lock has a 1.3.0, and Cargo.lock 1.2.0: cargo update";
        assert!(differing[0].starts_with(start), "{differing:?}");
    }
}
