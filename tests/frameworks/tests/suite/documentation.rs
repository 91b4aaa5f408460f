//! The table of the documentation says what the routes do.

use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("../../../../sse-hyper/src/frameworks/table.md");
const README: &str = include_str!("../../../../sse-hyper/README.md");

/// Frameworks whose table row has no expression: they take the response, or need a type of their own.
const WITHOUT_EXPRESSION: [&str; 4] = ["axum", "tower", "tonic", "rocket"];

fn routes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sse-hyper/src/frameworks")
}

#[test]
fn the_readme_has_the_table() {
    assert!(README.contains(TABLE));
}

#[test]
fn each_framework_has_a_row_with_an_expression_from_its_route() {
    for entry in fs::read_dir(routes()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_str().expect("UTF-8");
        if name == "mod" || name == "table" {
            continue;
        }
        let named = name.replace('_', "-");
        let mut rows = TABLE.lines();
        let row = rows.find(|row| {
            let names = row.split(" | ").next().unwrap_or_default();
            names.split([' ', '|']).any(|word| word == named)
        });
        let row = row.unwrap_or_else(|| panic!("the table has no {named}"));
        if WITHOUT_EXPRESSION.contains(&name) {
            continue;
        }
        let expression = row.split('`').nth(1).expect("an expression");
        let expression = without_space(&expression.replace("\\|", "|"));
        let route = fs::read_to_string(&path).expect("a route");
        let route = without_space(&route);
        assert!(route.contains(&expression), "{name} has no {expression}");
    }
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}
