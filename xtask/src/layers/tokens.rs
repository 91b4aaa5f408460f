//! The tokens of a macro call. Only the macro knows their meaning, so what looks like a path counts
//! as one.

use std::mem;

use proc_macro2::{Spacing, TokenStream, TokenTree};

/// The segments of a path, such as `crate`, `log`, `Engine`.
pub(super) type Path = Vec<String>;

/// Returns everything that looks like a path.
pub(super) fn paths(tokens: TokenStream) -> Vec<Path> {
    let mut paths = Paths::default();
    paths.read(tokens);
    paths.found
}

#[derive(Default)]
struct Paths {
    found: Vec<Path>,
    /// The path that is read now.
    path: Path,
}

impl Paths {
    fn read(&mut self, tokens: TokenStream) {
        // The character before a name: a field, a method and a lifetime begin no path.
        let mut before = None;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons == 0 {
                        self.end();
                    }
                    let continues = colons == 2 && !self.path.is_empty();
                    let begins = colons == 0 && !matches!(before, Some('.' | '\''));
                    if continues || begins {
                        self.path.push(name.to_string());
                    }
                    before = None;
                    colons = 0;
                }
                TokenTree::Punct(punct)
                    if punct.as_char() == ':'
                        && (colons == 1 || punct.spacing() == Spacing::Joint) =>
                {
                    colons += 1;
                }
                other => {
                    self.end();
                    colons = 0;
                    before = None;
                    match other {
                        TokenTree::Punct(punct) => before = Some(punct.as_char()),
                        TokenTree::Group(group) => self.read(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.end();
    }

    fn end(&mut self) {
        if !self.path.is_empty() {
            self.found.push(mem::take(&mut self.path));
        }
    }
}

/// Returns the names of the items among the tokens, as in a call of `pin_project!`.
pub(super) fn definitions(tokens: TokenStream) -> Vec<String> {
    const KEYWORDS: [&str; 8] = [
        "struct", "enum", "union", "trait", "fn", "const", "static", "type",
    ];
    let mut definitions = Vec::new();
    let mut is_name = false;
    for token in tokens {
        let TokenTree::Ident(word) = token else {
            is_name = false;
            continue;
        };
        let word = word.to_string();
        let is_keyword = KEYWORDS.contains(&&*word);
        if is_name && !is_keyword {
            definitions.push(word);
        }
        is_name = is_keyword;
    }
    definitions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let paths = paths(text.parse().unwrap());
        paths.iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn paths_are_found_at_any_depth() {
        assert_eq!(
            found("a == B, [crate::c::D { e: f }]"),
            ["a", "B", "crate::c::D", "e", "f"]
        );
        assert_eq!(found("x: super::Y<Z::W>"), ["x", "super::Y", "Z::W"]);
    }

    #[test]
    fn fields_methods_lifetimes_and_other_crates_are_no_paths_of_ours() {
        assert_eq!(found("a.b.c(&'d e)"), ["a", "e"]);
        assert_eq!(found("f(::std::mem::take)"), ["f"]);
    }

    #[test]
    fn items_are_found_by_their_keywords() {
        let text = "#[project = P] pub struct S<T> { a: T } pub const fn f() {}";
        assert_eq!(definitions(text.parse().unwrap()), ["S", "f"]);
    }
}
