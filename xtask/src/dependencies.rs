//! The packages that a package of the project depends on, as `cargo metadata` resolves them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::result::Result;
use crate::version::Version;
use crate::workspace::Workspace;

/// A package of the dependency graph.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) package: String,
    pub(crate) version: Version,
    /// Its minimum Rust version.
    pub(crate) rust_version: Option<Version>,
    /// The name of its library in Rust code.
    pub(crate) library: Option<String>,
    /// Whether it is a package of the project.
    pub(crate) is_ours: bool,
    /// Its normal and build dependencies with all features, by number in [`Dependencies::all`].
    needs: Vec<usize>,
}

#[cfg(test)]
impl Dependency {
    /// A package for tests, which needs nothing.
    pub(crate) fn new(package: &str, version: Version, rust_version: Option<Version>) -> Self {
        Self {
            package: package.to_owned(),
            version,
            rust_version,
            library: Some(package.to_owned()),
            is_ours: false,
            needs: Vec::new(),
        }
    }
}

/// The dependency graph of the product.
#[derive(Debug)]
pub(crate) struct Dependencies {
    all: Vec<Dependency>,
}

impl Dependencies {
    /// Loads the graph from `cargo metadata`.
    pub(crate) fn load() -> Result<Self> {
        Self::read(&Workspace::Product.metadata_with_dependencies()?)
    }

    fn read(metadata: &Value) -> Result<Self> {
        let packages = metadata["packages"].as_array().ok_or("no packages")?;
        let numbers: BTreeMap<_, _> = packages
            .iter()
            .enumerate()
            .map(|(number, package)| (package["id"].as_str(), number))
            .collect();
        let nodes = metadata["resolve"]["nodes"].as_array();
        let nodes = nodes.ok_or("no dependency graph")?;
        let needs = |package: &Value| {
            let mut nodes = nodes.iter();
            let node = nodes.find(|node| node["id"] == package["id"]);
            let needed = node.and_then(|node| node["deps"].as_array());
            let needed = needed.into_iter().flatten().filter(|it| is_in_use(it));
            needed
                .filter_map(|it| numbers.get(&it["pkg"].as_str()).copied())
                .collect()
        };
        let all = packages.iter().map(|package| {
            let name = package["name"].as_str().ok_or("a package without a name")?;
            let version = package["version"].as_str().and_then(Version::parse);
            Ok(Dependency {
                package: name.to_owned(),
                version: version.ok_or_else(|| format!("{name} has no version"))?,
                rust_version: package["rust_version"].as_str().and_then(Version::parse),
                library: library(package),
                is_ours: package["source"].is_null(),
                needs: needs(package),
            })
        });
        Ok(Self {
            all: all.collect::<Result<_>>()?,
        })
    }

    /// Returns the package `name` of the project, and everything that it needs.
    pub(crate) fn of(&self, name: &str) -> Result<(&Dependency, Vec<&Dependency>)> {
        let is_it = |package: &Dependency| package.is_ours && package.package == name;
        let start = self.all.iter().position(is_it);
        let start = start.ok_or_else(|| format!("there is no package {name}"))?;
        let mut found = BTreeSet::new();
        let mut open = self.all[start].needs.clone();
        while let Some(number) = open.pop() {
            if found.insert(number) {
                open.extend(&self.all[number].needs);
            }
        }
        let needed = found.into_iter().map(|number| &self.all[number]);
        Ok((&self.all[start], needed.collect()))
    }
}

/// Returns whether a dependency is not only for tests.
fn is_in_use(dependency: &Value) -> bool {
    let kinds = dependency["dep_kinds"].as_array();
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"] != "dev"))
}

fn library(package: &Value) -> Option<String> {
    let targets = package["targets"].as_array()?;
    let is_library = |target: &&Value| {
        let kinds = target["kind"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "lib" || kind == "rlib"))
    };
    let name = targets.iter().find(is_library)?["name"].as_str()?;
    Some(name.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_tests_need_is_left_out() {
        let package = |name: &str, source: Value| {
            json!({
                "id": name, "name": name, "version": "1.2.3", "source": source,
                "rust_version": "1.70", "targets": [{ "kind": ["lib"], "name": name }],
            })
        };
        let needs =
            |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [
                package("ours", Value::Null), package("direct", json!("r")),
                package("in-direct", json!("r")), package("for-tests", json!("r")),
            ],
            "resolve": { "nodes": [
                { "id": "ours", "deps": [needs("direct", Value::Null), needs("for-tests", json!("dev"))] },
                { "id": "direct", "deps": [needs("in-direct", json!("build"))] },
                { "id": "in-direct", "deps": [] },
            ] },
        });
        let dependencies = Dependencies::read(&metadata).unwrap();
        let (ours, needed) = dependencies.of("ours").unwrap();
        assert_eq!(ours.rust_version, Version::parse("1.70"));
        let names: Vec<_> = needed.iter().map(|it| it.library.as_deref()).collect();
        assert_eq!(names, [Some("direct"), Some("in_direct")]);
        assert!(dependencies.of("direct").is_err());
    }
}
