//! The packages of a workspace, as `cargo metadata` lists them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::result::Result;
use crate::workspace::Workspace;

/// A package of the project.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Whether it is published in the registry.
    pub(crate) is_published: bool,
    /// Its features, without `default`.
    pub(crate) features: Vec<Feature>,
    pub(crate) readme: Option<PathBuf>,
    /// The root files of its library and of its programs.
    pub(crate) roots: Vec<PathBuf>,
}

/// A feature of a package.
#[derive(Debug)]
pub(crate) struct Feature {
    pub(crate) name: String,
    /// What it enables: other features of the package, and those of dependencies.
    pub(crate) enables: Vec<String>,
}

/// Returns the packages of `workspace`.
pub(crate) fn packages(workspace: Workspace) -> Result<Vec<Package>> {
    let metadata = workspace.metadata()?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    packages.iter().map(read).collect()
}

/// Returns the packages that are published.
pub(crate) fn published() -> Result<Vec<Package>> {
    let mut packages = packages(Workspace::Product)?;
    packages.retain(|package| package.is_published);
    Ok(packages)
}

fn read(package: &Value) -> Result<Package> {
    let name = package["name"].as_str().ok_or("a package without a name")?;
    let features = package["features"].as_object();
    let features = features.ok_or("a package without features")?.iter();
    let targets = package["targets"].as_array();
    let targets = targets.ok_or("a package without targets")?.iter();
    Ok(Package {
        name: name.to_owned(),
        // An empty list of registries is what `publish = false` means.
        is_published: package["publish"] != Value::Array(Vec::new()),
        features: features
            .filter(|(feature, _)| *feature != "default")
            .map(|(feature, enables)| Feature {
                name: feature.clone(),
                enables: strings(enables),
            })
            .collect(),
        readme: package["manifest_path"]
            .as_str()
            .zip(package["readme"].as_str())
            .map(|(manifest, readme)| Path::new(manifest).with_file_name(readme)),
        roots: targets
            .filter(|target| is_kind(target, &["lib", "bin"]))
            .filter_map(|target| target["src_path"].as_str())
            .map(PathBuf::from)
            .collect(),
    })
}

fn strings(array: &Value) -> Vec<String> {
    let values = array.as_array().into_iter().flatten();
    values.filter_map(Value::as_str).map(Into::into).collect()
}

fn is_kind(target: &Value, kinds: &[&str]) -> bool {
    let of_target = target["kind"].as_array();
    of_target.is_some_and(|of_target| {
        of_target
            .iter()
            .any(|kind| kinds.iter().any(|one| kind == one))
    })
}
