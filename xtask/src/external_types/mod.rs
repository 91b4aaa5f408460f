//! The types of other crates in the public API. A breaking release of such a crate breaks this API
//! too, so each of them is listed.

mod allowed;
mod api;

use std::collections::BTreeMap;
use std::fs;

use allowed::{ALLOWED, Allowed};
use api::Api;

use crate::dependencies::{Dependencies, Dependency};
use crate::docs;
use crate::packages::published;
use crate::result::{Result, no_complaints};
use crate::version::Version;

/// The crates of the standard library.
const STANDARD: [&str; 3] = ["alloc", "core", "std"];

/// Checks that the public API of each published package names only types of crates that are
/// allowed, and that crates allowed without a reason have reached 1.0.
pub(crate) fn check() -> Result {
    let dependencies = Dependencies::load()?;
    let mut complaints = Vec::new();
    for (package, api) in apis()? {
        let (_, needed) = dependencies.of(&package)?;
        complaints.extend(complaints_about(&package, &api, &needed, ALLOWED));
    }
    no_complaints(&complaints)
}

/// `cargo xtask surface`: prints the number of public items of each published package.
pub(crate) fn surface() -> Result {
    for (package, api) in apis()? {
        let total: usize = api.items.values().sum();
        let kinds = api.items.iter();
        let kinds: Vec<_> = kinds
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        println!("{package:<16} {total:>4}: {}", kinds.join(", "));
    }
    Ok(())
}

/// Returns the published packages, each with its API.
fn apis() -> Result<Vec<(String, Api)>> {
    let folder = docs::json()?;
    let api = |package: String| {
        let file = folder.join(format!("{}.json", package.replace('-', "_")));
        let text = fs::read_to_string(&file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        Ok((package, Api::read(&text)?))
    };
    let packages = published()?.into_iter();
    packages.map(|package| api(package.name)).collect()
}

fn complaints_about(
    package: &str,
    api: &Api,
    needed: &[&Dependency],
    allowed: &[Allowed],
) -> Vec<String> {
    // Each crate, with the types of it and the items that name them.
    let mut libraries = BTreeMap::<_, Vec<_>>::new();
    for external in &api.external {
        let found = libraries.entry(&*external.library).or_default();
        found.push(format!("  {} in {}", external.path, external.used_by));
    }
    let is_ours = |library: &str| {
        let mut ours = needed.iter().filter(|needed| needed.is_ours);
        ours.any(|needed| needed.library.as_deref() == Some(library))
    };
    let of_package = |allowed: &&Allowed| allowed.packages.contains(&package);
    let mut complaints = Vec::new();
    for (library, uses) in &libraries {
        if STANDARD.contains(library) || is_ours(library) {
            continue;
        }
        let mut found = allowed.iter().filter(of_package);
        match found.find(|allowed| allowed.library == *library) {
            None => complaints.push(format!(
                "{package}: types of {library} are not allowed in the public API:\n{}",
                uses.join("\n")
            )),
            Some(Allowed { reason: None, .. }) if !is_stable(library, needed) => complaints.push(
                format!("{package}: {library} is allowed without a reason, but has no version 1.0"),
            ),
            Some(_) => {}
        }
    }
    let unused = allowed.iter().filter(of_package);
    let unused = unused.filter(|allowed| !libraries.contains_key(allowed.library));
    complaints.extend(unused.map(|allowed| {
        let library = allowed.library;
        format!("{package}: {library} is allowed, but no type of it is in the public API")
    }));
    complaints
}

fn is_stable(library: &str, needed: &[&Dependency]) -> bool {
    let of_library = |needed: &&&Dependency| needed.library.as_deref() == Some(library);
    let mut versions = needed.iter().filter(of_library).peekable();
    versions.peek().is_some() && versions.all(|needed| needed.version >= Version::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::external_types::api::External;

    const ALLOWED: &[Allowed] = &[
        Allowed {
            library: "http",
            packages: &["p"],
            reason: None,
        },
        Allowed {
            library: "tower_service",
            packages: &["q"],
            reason: Some("the test"),
        },
    ];

    /// What is said of a package with a type of `library` in a version.
    fn complaints(package: &str, library: &str, version: &str) -> Vec<String> {
        let external = External {
            library: library.to_owned(),
            path: format!("{library}::Type"),
            used_by: "p::f".to_owned(),
        };
        let api = Api {
            external: [external].into(),
            ..Api::default()
        };
        let needed = Dependency::new(library, Version::parse(version).unwrap(), None);
        complaints_about(package, &api, &[&needed], ALLOWED)
    }

    #[test]
    fn a_crate_is_allowed_for_the_packages_that_are_named() {
        assert_eq!(complaints("p", "http", "1.5.0"), [""; 0]);
        assert_eq!(complaints("q", "tower_service", "0.3.3"), [""; 0]);
        let shown = "r: types of http are not allowed in the public API:\n  http::Type in p::f";
        assert_eq!(complaints("r", "http", "1.5.0"), [shown]);
    }

    #[test]
    fn a_crate_before_1_0_needs_a_reason() {
        let shown = "p: http is allowed without a reason, but has no version 1.0";
        assert_eq!(complaints("p", "http", "0.2.12"), [shown]);
    }

    #[test]
    fn what_is_allowed_is_used() {
        let unused = complaints("p", "std", "1.0.0");
        let shown = "p: http is allowed, but no type of it is in the public API";
        assert_eq!(unused, [shown]);
    }
}
