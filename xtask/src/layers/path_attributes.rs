//! The attribute `#[path]`, by which one file becomes several modules. Code that several programs
//! share is a package instead.

use std::fs;
use std::path::Path;

use crate::process::root;
use crate::result::Result;

/// Returns a complaint about each attribute in the files of the project.
pub(super) fn complaints() -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    visit(root(), &mut complaints)?;
    complaints.sort();
    Ok(complaints)
}

fn visit(folder: &Path, complaints: &mut Vec<String>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let is_ours = name != "target" && !name.as_encoded_bytes().starts_with(b".");
        if path.is_dir() && is_ours {
            visit(&path, complaints)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let lines = attributes(&fs::read_to_string(&path)?);
            complaints.extend(lines.iter().map(|line| {
                let file = path.strip_prefix(root()).unwrap_or(&path).display();
                format!("{file}:{line}: #[path] makes one file two modules")
            }));
        }
    }
    Ok(())
}

/// Returns the numbers of the lines with the attribute.
fn attributes(text: &str) -> Vec<usize> {
    let lines = text.lines().map(str::trim_start).enumerate();
    lines
        .filter(|(_, line)| line.starts_with("#[path ") || line.starts_with("#[path="))
        .map(|(index, _)| index + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_attribute_is_found() {
        let text = "mod a;\n  #[path = \"../b.rs\"]\nmod b;\n// #[path = \"c.rs\"]\n#[pathless]\n";
        assert_eq!(attributes(text), [2]);
    }
}
