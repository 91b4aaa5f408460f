//! Every combination of every published package's features compiles, without a warning.

use serde_json::Value;

use crate::process::{cargo, run};
use crate::result::Result;
use crate::workspace::Workspace;

/// Checks each published package with each set of its features.
pub(crate) fn check() -> Result {
    for (package, features) in published()? {
        // Each bit of `set` stands for one feature.
        for set in 0..1_usize << features.len() {
            let chosen: Vec<_> = (0..features.len())
                .filter(|bit| set & (1 << bit) != 0)
                .map(|bit| features[bit].as_str())
                .collect();
            run(cargo()
                .args(["clippy", "--quiet", "--lib", "--package", &package])
                .args(["--no-default-features", "--features", &chosen.join(",")])
                .args(["--", "--deny", "warnings"]))?;
        }
    }
    Ok(())
}

/// The packages that are published, each with its features.
fn published() -> Result<Vec<(String, Vec<String>)>> {
    let metadata = Workspace::Product.metadata()?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    packages
        .iter()
        // An empty list of registries is what `publish = false` means.
        .filter(|package| package["publish"] != Value::Array(Vec::new()))
        .map(|package| {
            let name = package["name"].as_str().ok_or("a package without a name")?;
            let features = package["features"]
                .as_object()
                .ok_or("a package without features")?
                .keys()
                .filter(|feature| *feature != "default");
            Ok((name.to_owned(), features.cloned().collect()))
        })
        .collect()
}
