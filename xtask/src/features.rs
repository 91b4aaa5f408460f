//! The combinations of the features of each published package.

use crate::packages::published;
use crate::process::{cargo, run};
use crate::result::Result;

/// Checks that each published package compiles without a warning with each set of its features.
pub(crate) fn check() -> Result {
    for package in published()? {
        let features = &package.features;
        // Each bit of `set` stands for one feature.
        for set in 0..1_usize << features.len() {
            let chosen: Vec<_> = (0..features.len())
                .filter(|bit| set & (1 << bit) != 0)
                .map(|bit| features[bit].as_str())
                .collect();
            run(cargo()
                .args(["clippy", "--quiet", "--lib", "--package", &package.name])
                .args(["--no-default-features", "--features", &chosen.join(",")])
                .args(["--", "--deny", "warnings"]))?;
        }
    }
    Ok(())
}
