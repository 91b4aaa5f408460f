//! The combinations of the features of each published package.

use crate::packages::{Feature, published};
use crate::process::{cargo, run};
use crate::result::Result;

/// Checks that each published package compiles without a warning with each set of its features.
pub(crate) fn check() -> Result {
    for package in published()? {
        for set in sets(&package.features) {
            run(cargo()
                .args(["clippy", "--quiet", "--lib", "--package", &package.name])
                .args(["--no-default-features", "--features", &set.join(",")])
                .args(["--", "--deny", "warnings"]))?;
        }
    }
    Ok(())
}

/// Returns the sets of `features` that differ in what they enable: a set without a feature that
/// another one of it enables is the same as the set with it.
fn sets(features: &[Feature]) -> Vec<Vec<&str>> {
    // Each bit of `set` stands for one feature.
    let has = |set: usize, bit: usize| set & (1 << bit) != 0;
    let is_complete = |set: usize, bit: usize| {
        let mut others = features.iter().enumerate();
        others.all(|(other, feature)| {
            has(set, other) || !features[bit].enables.contains(&feature.name)
        })
    };
    let bits = 0..features.len();
    (0..1 << features.len())
        .map(|set| bits.clone().filter(move |bit| has(set, *bit)))
        .enumerate()
        .filter(|(set, chosen)| chosen.clone().all(|bit| is_complete(*set, bit)))
        .map(|(_, chosen)| chosen.map(|bit| features[bit].name.as_str()).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(name: &str, enables: &[&str]) -> Feature {
        Feature {
            name: name.to_owned(),
            enables: enables.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_set_has_all_that_its_features_enable() {
        let features = [
            feature("json", &["dep:serde_json"]),
            feature("redis", &["dep:redis"]),
            feature("tls", &["redis", "redis/tls"]),
        ];
        let expected: [&[&str]; 6] = [
            &[],
            &["json"],
            &["redis"],
            &["json", "redis"],
            &["redis", "tls"],
            &["json", "redis", "tls"],
        ];
        assert_eq!(sets(&features), expected);
    }
}
