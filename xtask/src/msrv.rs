//! The minimum Rust version of the published packages.
//!
//! The step `clippy` checks with the lint `incompatible_msrv` that their own code needs nothing
//! newer. Here it is compared with the versions that their dependencies state.

use crate::dependencies::{Dependencies, Dependency};
use crate::packages::published;
use crate::result::{Result, no_complaints};

/// Checks that no dependency of a published package states a newer `rust-version` than the package
/// itself, with all features.
pub(crate) fn check() -> Result {
    let dependencies = Dependencies::load()?;
    let mut complaints = Vec::new();
    for package in published()? {
        let (package, needed) = dependencies.of(&package.name)?;
        complaints.extend(complaints_about(package, &needed));
    }
    no_complaints(&complaints)
}

fn complaints_about(package: &Dependency, needed: &[&Dependency]) -> Vec<String> {
    let name = &package.package;
    let Some(oldest) = &package.rust_version else {
        return vec![format!("{name} states no rust-version")];
    };
    let stated = needed.iter().filter_map(|needed| {
        let stated = needed.rust_version.as_ref()?;
        Some((&needed.package, &needed.version, stated))
    });
    stated
        .filter(|(_, _, stated)| *stated > oldest)
        .map(|(needed, version, stated)| {
            format!("{name}, for Rust {oldest}, needs {needed} {version}, for Rust {stated}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;

    fn package(name: &str, rust_version: &str) -> Dependency {
        Dependency::new(name, Version::ONE, Version::parse(rust_version))
    }

    #[test]
    fn only_newer_compilers_are_too_new() {
        let ours = package("ours", "1.89");
        let needed = [
            package("old", "1.60"),
            package("same", "1.89.0"),
            package("none", ""),
        ];
        assert_eq!(complaints_about(&ours, &needed.each_ref()), [""; 0]);

        let newer = package("newer", "1.90.0");
        let shown = "ours, for Rust 1.89.0, needs newer 1.0.0, for Rust 1.90.0";
        assert_eq!(complaints_about(&ours, &[&newer]), [shown]);
    }

    #[test]
    fn a_published_package_states_its_oldest_compiler() {
        let silent = complaints_about(&package("ours", ""), &[]);
        assert_eq!(silent, ["ours states no rust-version"]);
    }
}
