//! The READMEs of the published packages, which are also their pages in the registry: there a link
//! to a file of the repository leads nowhere.

use std::fs;
use std::path::Path;

use crate::packages::published;
use crate::result::{Result, no_complaints};

/// Checks that all links of the READMEs work outside the repository.
pub(crate) fn check() -> Result {
    let mut complaints = Vec::new();
    for package in published()? {
        let name = &package.name;
        let readme = package
            .readme
            .ok_or_else(|| format!("{name} has no README"))?;
        complaints.extend(complaints_about(name, &readme)?);
    }
    no_complaints(&complaints)
}

fn complaints_about(package: &str, readme: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(readme)
        .map_err(|error| format!("cannot read {}: {error}", readme.display()))?;
    let relative = links(&text).filter(|link| !link.starts_with('#') && !link.contains("://"));
    let complaint = |link| format!("the README of {package} links to {link}, a file");
    Ok(relative.map(complaint).collect())
}

/// Returns the targets of the links in a text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let inline = text.split("](").skip(1);
    let inline = inline.filter_map(|link| link.split([')', ' ']).next());
    let defined = text.lines().filter(|line| line.starts_with('['));
    let defined = defined.filter_map(|line| line.split_once("]: "));
    inline.chain(defined.map(|(_, link)| link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_text_and_in_definitions() {
        let text = "See [a](https://a.example/) and [b](../b.md \"B\").\n\n[c]: #c\n- [d]: no link";
        let found: Vec<_> = links(text).collect();
        assert_eq!(found, ["https://a.example/", "../b.md", "#c"]);
    }
}
