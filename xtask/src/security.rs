//! The threat model in `SECURITY.md`, each line of which names its tests.

use std::fs;
use std::path::Path;

use crate::process::root;
use crate::result::{Result, no_complaints};

/// A test in the threat model: a link to a file of code.
#[derive(Debug, PartialEq, Eq)]
struct Test<'a> {
    name: &'a str,
    file: &'a str,
}

/// Checks that the tests which `SECURITY.md` names exist, and that each line of its tables of tests names
/// one.
pub(crate) fn check() -> Result {
    let file = root().join("SECURITY.md");
    let text = fs::read_to_string(&file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let mut complaints: Vec<_> = tests(&text)
        .filter(|test| !exists(test))
        .map(|test| {
            format!(
                "SECURITY.md names {}, which is not in {}",
                test.name, test.file
            )
        })
        .collect();
    complaints.extend(
        lines_without_test(&text).map(|line| format!("SECURITY.md names no test for: {line}")),
    );
    no_complaints(&complaints)
}

fn exists(test: &Test<'_>) -> bool {
    let path = root().join(test.file);
    // A fuzz target is a file.
    if path.file_stem().is_some_and(|stem| stem == test.name) {
        return path.is_file();
    }
    fs::read_to_string(path).is_ok_and(|code| defines(&code, test.name))
}

/// Whether there is a function of this name, a module that is a group of them, or an argument of a macro that becomes
/// one, outside of line comments. A call, an import, a string or an assertion is none.
fn defines(code: &str, name: &str) -> bool {
    let mut is_in_macro = false;
    code.lines().any(|line| {
        let line = line.split("//").next().unwrap_or_default().trim();
        let is_defined = line.match_indices(name).any(|(start, _)| {
            let (before, after) = (&line[..start], &line[start + name.len()..]);
            let is_function = before.strip_suffix("fn ").is_some_and(ends_no_word);
            let is_group = before.strip_suffix("mod ").is_some_and(ends_no_word) && after == " {";
            // The first argument, or the first word of a line of them.
            let is_argument = before.strip_suffix('(').is_some_and(ends_with_macro)
                || is_in_macro && before.is_empty() && after.starts_with([',', ':']);
            !after.starts_with(is_part_of_word) && (is_function || is_group || is_argument)
        });
        if let Some(before) = line.strip_suffix(['(', '{', '[']) {
            is_in_macro = ends_with_macro(before.trim_end());
        } else if line.starts_with([')', '}', ']']) {
            is_in_macro = false;
        }
        is_defined
    })
}

/// Whether this is the name of a macro that is called, at the end of a line so far. An assertion defines nothing.
fn ends_with_macro(line: &str) -> bool {
    line.strip_suffix('!').is_some_and(|line| {
        let name = line.rsplit(|c| !is_part_of_word(c)).next();
        name.is_some_and(|name| !name.is_empty() && !name.contains("assert"))
    })
}

fn ends_no_word(line: &str) -> bool {
    !line.ends_with(is_part_of_word)
}

fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns the links whose text is code and whose target is a file of code.
fn tests(text: &str) -> impl Iterator<Item = Test<'_>> {
    text.split("[`").skip(1).filter_map(|link| {
        let (name, rest) = link.split_once("`](")?;
        let (file, _) = rest.split_once(')')?;
        let is_code = Path::new(file).extension().is_some_and(|it| it == "rs");
        is_code.then_some(Test { name, file })
    })
}

/// Returns the rows that name no test, of the tables whose last column is headed `test`.
fn lines_without_test(text: &str) -> impl Iterator<Item = &str> {
    let mut is_of_tests = false;
    let mut is_body = false;
    text.lines().filter(move |line| {
        if !line.starts_with('|') {
            is_of_tests = false;
            is_body = false;
            return false;
        }
        let last = line.trim_end_matches('|').rsplit('|').next();
        if is_body {
            return is_of_tests && last.is_none_or(|cell| tests(cell).next().is_none());
        }
        is_of_tests |= last.is_some_and(|cell| cell.trim() == "test");
        is_body = line.starts_with("|-") || line.starts_with("|:-");
        false
    })
}

#[cfg(test)]
mod tests_of_links {
    use super::*;

    #[test]
    fn tests_are_links_to_code() {
        let text = "[`a`](x.rs), [b](y.rs) and [`c`](d.md), [`e`](f/g.rs)";
        let test = |name, file| Test { name, file };
        let found: Vec<_> = tests(text).collect();
        assert_eq!(found, [test("a", "x.rs"), test("e", "f/g.rs")]);
    }

    #[test]
    fn a_name_must_be_whole() {
        assert!(defines("fn it_holds() {", "it_holds"));
        assert!(defines("pub(crate) async fn it_holds<T>() {", "it_holds"));
        assert!(defines("mod it_holds {", "it_holds"));
        assert!(defines("case!(it_holds);", "it_holds"));
        assert!(defines(
            "case! {\n    other,\n    it_holds: 1,\n}",
            "it_holds"
        ));
        assert!(defines("case!(\n    it_holds,\n    1,\n);", "it_holds"));
        assert!(!defines("fn it_holds_too() {", "it_holds"));
        assert!(!defines("fn so_it_holds() {", "it_holds"));
        assert!(!defines("// fn it_holds", "it_holds"));
        assert!(!defines("turn it_holds", "it_holds"));
    }

    #[test]
    fn a_name_that_is_only_used_is_not_enough() {
        assert!(!defines("mod it_holds;", "it_holds"));
        assert!(!defines("    assert!(it_holds);", "it_holds"));
        assert!(!defines(
            "assert_ne!(\n    it_holds,\n    1,\n);",
            "it_holds"
        ));
        assert!(!defines("it_holds();", "it_holds"));
        assert!(!defines("let it_holds = 1;", "it_holds"));
        assert!(!defines("use a::{\n    it_holds,\n};", "it_holds"));
        assert!(!defines(
            "case! {\n    other,\n}\nf(\n    it_holds,\n)",
            "it_holds"
        ));
        assert!(!defines("println!(\"it_holds\");", "it_holds"));
        assert!(!defines("macro_rules! it_holds {", "it_holds"));
    }

    #[test]
    fn each_row_of_a_table_of_tests_names_one() {
        let text = "| what | test |\n|--|--|\n| a | [`t`](t.rs) |\n| b | none |\n\n\
                    | what | bound |\n|--|--|\n| c | d |\n";
        let found: Vec<_> = lines_without_test(text).collect();
        assert_eq!(found, ["| b | none |"]);
    }
}
