//! The contents of one file: the names that it defines and imports, and the paths that it uses.

use std::collections::{BTreeMap, BTreeSet};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemUse, Macro, Meta, Token, UseTree, Visibility};

use super::tokens::{self, Path};
use crate::result::Result;

/// A module: a file, or a block in one. Code for tests alone is left out.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The names of the items.
    pub(super) definitions: BTreeSet<String>,
    /// The imported names, each with its path.
    pub(super) imports: BTreeMap<String, Path>,
    /// The paths in the code. A private import is one of them. A re-export is none: it only gives a
    /// name to an item, and the files that use the name depend on the item's definition.
    pub(super) paths: BTreeSet<Path>,
    /// The modules in files of their own.
    pub(super) files: BTreeSet<String>,
    /// The modules in blocks of this file.
    pub(super) blocks: Vec<(String, Source)>,
    /// The paths of what is imported by `*`.
    pub(super) globs: Vec<Path>,
}

impl Source {
    /// Parses the text of a file.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut source = Self::default();
        source.visit_file(&syn::parse_file(text)?);
        Ok(source)
    }

    fn import(&mut self, item: &ItemUse) {
        let is_private = matches!(item.vis, Visibility::Inherited);
        if item.leading_colon.is_none() {
            self.import_tree(&item.tree, &Path::new(), is_private);
        }
    }

    fn import_tree(&mut self, tree: &UseTree, parent: &Path, is_private: bool) {
        let below = |name: &syn::Ident| {
            let mut path = parent.clone();
            // `use parent::{self}` imports the parent.
            if parent.is_empty() || name != "self" {
                path.push(name.to_string());
            }
            path
        };
        let (path, name) = match tree {
            UseTree::Path(tree) => {
                return self.import_tree(&tree.tree, &below(&tree.ident), is_private);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import_tree(tree, parent, is_private);
                }
                return;
            }
            UseTree::Glob(_) => {
                if is_private {
                    // The variants of an enum, perhaps.
                    self.paths.insert(parent.clone());
                }
                self.globs.push(parent.clone());
                return;
            }
            UseTree::Name(name) => {
                let path = below(&name.ident);
                let name = path.last().cloned().unwrap_or_default();
                (path, name)
            }
            UseTree::Rename(rename) => (below(&rename.ident), rename.rename.to_string()),
        };
        if is_private {
            self.paths.insert(path.clone());
        }
        // `use Trait as _` gives no name.
        if name != "_" {
            self.imports.insert(name, path);
        }
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        let Some((attributes, name)) = attributes_and_name(item) else {
            return visit::visit_item(self, item);
        };
        if is_test_only(attributes) {
            return;
        }
        match item {
            Item::Use(item) => self.import(item),
            Item::Mod(module) => {
                let name = module.ident.to_string();
                if let Some((_, items)) = &module.content {
                    let mut block = Self::default();
                    for item in items {
                        block.visit_item(item);
                    }
                    self.blocks.push((name, block));
                } else {
                    self.files.insert(name);
                }
            }
            Item::Macro(item) => {
                self.definitions.extend(name);
                let tokens = item.mac.tokens.clone();
                self.definitions.extend(tokens::definitions(tokens));
                self.visit_macro(&item.mac);
            }
            _ => {
                self.definitions.extend(name);
                visit::visit_item(self, item);
            }
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Fn(item) => &*item.attrs,
            ImplItem::Const(item) => &*item.attrs,
            _ => &[],
        };
        if !is_test_only(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter();
            let segments = segments.map(|segment| segment.ident.to_string());
            self.paths.insert(segments.collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.paths.extend(tokens::paths(call.tokens.clone()));
    }

    // `pub(in path)` is no use of the path.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// Returns the attributes of an item and the name that it defines.
fn attributes_and_name(item: &Item) -> Option<(&[Attribute], Option<String>)> {
    let (attributes, name) = match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::TraitAlias(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => return None,
    };
    Some((attributes, name.map(ToString::to_string)))
}

/// Returns whether an item is compiled for tests alone.
fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .filter_map(|attribute| attribute.parse_args().ok())
        .any(|predicate| needs_test(&predicate))
}

fn needs_test(predicate: &Meta) -> bool {
    let Meta::List(list) = predicate else {
        return predicate.path().is_ident("test");
    };
    let among = Punctuated::<Meta, Token![,]>::parse_terminated;
    let Ok(among) = list.parse_args_with(among) else {
        return false;
    };
    if list.path.is_ident("all") {
        among.iter().any(needs_test)
    } else {
        list.path.is_ident("any") && among.iter().all(needs_test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let source = Source::parse(text).unwrap();
        source.paths.iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn nested_imports_are_read_name_by_name() {
        let text = "use crate::log::{self, Engine, local::{LocalLog as Log, Span}};";
        let source = Source::parse(text).unwrap();
        let imports: Vec<_> = source
            .imports
            .iter()
            .map(|(name, path)| format!("{name} = {}", path.join("::")))
            .collect();
        assert_eq!(
            imports,
            [
                "Engine = crate::log::Engine",
                "Log = crate::log::local::LocalLog",
                "Span = crate::log::local::Span",
                "log = crate::log",
            ]
        );
    }

    #[test]
    fn a_re_export_is_no_use_until_the_code_names_it() {
        assert_eq!(paths("pub(crate) use log::Engine;"), [""; 0]);
        assert_eq!(
            paths("pub use log::Engine; const E: Option<Engine> = None;"),
            ["Engine", "None", "Option"]
        );
    }

    #[test]
    fn paths_in_types_expressions_patterns_and_bounds_are_found() {
        let text = "fn f<T: a::Bound>(x: b::Type<c::Inner>) { if let d::Some(e) = g::h() {} }";
        let found = paths(text);
        for path in ["a::Bound", "b::Type", "c::Inner", "d::Some", "g::h"] {
            assert!(found.iter().any(|one| one == path), "{path} in {found:?}");
        }
    }

    #[test]
    fn code_for_tests_alone_is_left_out() {
        let text = "#[cfg(test)] mod tests { use crate::a::B; }
                    #[cfg(all(test, feature = \"x\"))] use crate::c::D;
                    impl E { #[cfg(test)] fn f() { crate::g::h() } }
                    #[cfg(any(test, not(feature = \"x\")))] use crate::i::J;
                    #[cfg(not(test))] use crate::k::L;";
        assert_eq!(paths(text), ["E", "crate::i::J", "crate::k::L"]);
    }
}
