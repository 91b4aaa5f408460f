//! The modules of one crate, and which file a path leads to.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};

use super::source::Source;
use crate::result::Result;

/// The number of a module in [`Crate::modules`].
type ModuleId = usize;

/// The number of a file in [`Crate::files`].
pub(super) type FileId = usize;

/// All modules of a crate.
#[derive(Debug, Default)]
pub(super) struct Crate {
    /// The files, by their paths below the folder of the crate's root.
    pub(super) files: Vec<PathBuf>,
    modules: Vec<Module>,
}

#[derive(Debug)]
struct Module {
    file: FileId,
    parent: Option<ModuleId>,
    children: BTreeMap<String, ModuleId>,
    source: Source,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target<'a> {
    Module(ModuleId),
    /// Something that this file defines, by this name.
    Item(FileId, &'a str),
}

/// Returns the text of a file; the tests have no files on disk.
pub(super) type Read<'a> = &'a dyn Fn(&FilePath) -> Option<String>;

impl Crate {
    /// Loads the crate with the root file `root`.
    pub(super) fn load(root: &FilePath, read: Read<'_>) -> Result<Self> {
        let mut tree = Self::default();
        let folder = root.parent().unwrap_or(root);
        let text = read(root).ok_or_else(|| format!("cannot read {}", root.display()))?;
        let file = root.strip_prefix(folder)?;
        tree.load_file(None, FilePath::new(""), file, &text, &|file| {
            read(&folder.join(file))
        })?;
        Ok(tree)
    }

    /// Returns a file's path below the folder of the crate's root.
    pub(super) fn name(&self, file: FileId) -> String {
        self.files[file].display().to_string()
    }

    /// Returns whether the crate has all of these files.
    pub(super) fn has(&self, files: &[&str]) -> bool {
        let is_there = |file: &&str| self.files.iter().any(|path| path == FilePath::new(file));
        files.iter().all(is_there)
    }

    /// Adds a file's module, and those below it, which are in `folder`.
    fn load_file(
        &mut self,
        parent: Option<ModuleId>,
        folder: &FilePath,
        file: &FilePath,
        text: &str,
        read: Read<'_>,
    ) -> Result<ModuleId> {
        let source = Source::parse(text).map_err(|error| format!("{}: {error}", file.display()))?;
        self.files.push(file.to_owned());
        self.add(parent, self.files.len() - 1, folder, source, read)
    }

    fn add(
        &mut self,
        parent: Option<ModuleId>,
        file: FileId,
        folder: &FilePath,
        mut source: Source,
        read: Read<'_>,
    ) -> Result<ModuleId> {
        let id = self.modules.len();
        let blocks = std::mem::take(&mut source.blocks);
        let files = source.files.clone();
        self.modules.push(Module {
            file,
            parent,
            children: BTreeMap::new(),
            source,
        });
        for (name, block) in blocks {
            let child = self.add(Some(id), file, &folder.join(&name), block, read)?;
            self.modules[id].children.insert(name, child);
        }
        for name in files {
            let below = folder.join(&name);
            let candidates = [folder.join(format!("{name}.rs")), below.join("mod.rs")];
            let found = candidates
                .iter()
                .find_map(|file| Some((file, read(file)?)))
                .ok_or_else(|| format!("there is no file for the module {}", below.display()))?;
            let child = self.load_file(Some(id), &below, found.0, &found.1, read)?;
            self.modules[id].children.insert(name, child);
        }
        Ok(id)
    }

    /// Calls `arrow` with each file that uses another, the file that it uses, and the name of what
    /// is defined there.
    pub(super) fn arrows(&self, mut arrow: impl FnMut(FileId, FileId, &str)) {
        for (id, module) in self.modules.iter().enumerate() {
            for path in &module.source.paths {
                if let Some(Target::Item(file, name)) = self.resolve(id, path, MAX_RE_EXPORTS)
                    && file != module.file
                {
                    arrow(module.file, file, name);
                }
            }
        }
    }

    /// Returns what `path` in the source of a module leads to, if that is in this crate.
    fn resolve<'a>(
        &'a self,
        from: ModuleId,
        path: &'a [String],
        depth: usize,
    ) -> Option<Target<'a>> {
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => 0,
            "self" => from,
            "super" => self.modules[from].parent?,
            _ => return self.walk(from, path, depth, Unknown::Elsewhere),
        };
        let supers = rest.iter().take_while(|name| *name == "super").count();
        let mut module = start;
        for _ in 0..supers {
            module = self.modules[module].parent?;
        }
        self.walk(module, &rest[supers..], depth, Unknown::Here)
    }

    /// Follows `path` from a module, name by name.
    fn walk<'a>(
        &'a self,
        mut module: ModuleId,
        mut path: &'a [String],
        depth: usize,
        mut unknown: Unknown,
    ) -> Option<Target<'a>> {
        while let Some((name, rest)) = path.split_first() {
            let Module {
                file,
                children,
                source,
                ..
            } = &self.modules[module];
            let child = children.get(name);
            // A module and an item may share a name. A path goes on only from the module.
            let is_module = child.is_some() && !rest.is_empty();
            if !is_module && source.definitions.contains(name) {
                return Some(Target::Item(*file, name));
            }
            if let Some(child) = child {
                module = *child;
            } else if let Some(import) = source.imports.get(name) {
                let depth = depth.checked_sub(1)?;
                match self.resolve(module, import, depth)? {
                    Target::Module(imported) => module = imported,
                    item => return Some(item),
                }
            } else {
                return self.walk_globs(module, path, depth).or(match unknown {
                    Unknown::Here => Some(Target::Item(*file, name)),
                    Unknown::Elsewhere => None,
                });
            }
            unknown = Unknown::Here;
            path = rest;
        }
        Some(Target::Module(module))
    }

    /// Follows `path` from the modules of this crate that a module imports by `*`.
    fn walk_globs<'a>(
        &'a self,
        module: ModuleId,
        path: &'a [String],
        depth: usize,
    ) -> Option<Target<'a>> {
        let depth = depth.checked_sub(1)?;
        let globs = self.modules[module].source.globs.iter();
        globs
            .filter_map(|glob| match self.resolve(module, glob, depth)? {
                Target::Module(imported) => self.walk(imported, path, depth, Unknown::Elsewhere),
                Target::Item(..) => None,
            })
            .next()
    }
}

/// What a name means that a module neither defines nor imports.
#[derive(Clone, Copy)]
enum Unknown {
    /// An item of the module that is not visible in the source, such as one of a macro.
    Here,
    /// An item of another crate, or a local variable.
    Elsewhere,
}

/// How many re-exports are followed in a row. An import of itself would never end.
const MAX_RE_EXPORTS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// The arrows of a crate of these files, as `from -> to`.
    fn arrows(files: &[(&str, &str)]) -> Vec<String> {
        let read = |path: &FilePath| {
            let found = files.iter().find(|(name, _)| FilePath::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        let tree = Crate::load(FilePath::new(files[0].0), &read).unwrap();
        let mut found = Vec::new();
        tree.arrows(|from, to, _| {
            let [from, to] = [from, to].map(|file| tree.files[file].display());
            found.push(format!("{from} -> {to}"));
        });
        found.sort();
        found.dedup();
        found
    }

    #[test]
    fn an_import_counts_to_the_file_that_defines_the_name() {
        let found = arrows(&[
            ("src/lib.rs", "mod a; mod log; pub use log::Engine;"),
            ("src/a.rs", "use crate::log::Engine; use crate::Span;"),
            (
                "src/log/mod.rs",
                "mod engine; pub use self::engine::Engine;",
            ),
            ("src/log/engine.rs", "pub trait Engine {}"),
        ]);
        // The root neither defines nor re-exports `Span`: it counts to the root.
        assert_eq!(found, ["a.rs -> lib.rs", "a.rs -> log/engine.rs"]);
    }

    #[test]
    fn a_path_through_an_imported_module_is_followed() {
        let found = arrows(&[
            ("main.rs", "mod a; mod b;"),
            (
                "a.rs",
                "use crate::b; fn f() { b::c::g(); std::mem::take(x) }",
            ),
            ("b/mod.rs", "pub mod c;"),
            (
                "b/c.rs",
                "use super::super::a::f; pub fn g() { self::h(); super::i() }",
            ),
        ]);
        assert_eq!(
            found,
            ["a.rs -> b/c.rs", "b/c.rs -> a.rs", "b/c.rs -> b/mod.rs"]
        );
    }

    #[test]
    fn a_child_that_uses_what_its_parent_defines_and_is_used_by_it_makes_two_arrows() {
        let found = arrows(&[
            ("lib.rs", "mod a; struct S; fn f() { a::g() }"),
            ("a.rs", "use super::S; pub fn g() {}"),
        ]);
        assert_eq!(found, ["a.rs -> lib.rs", "lib.rs -> a.rs"]);
    }

    #[test]
    fn a_re_export_and_a_declaration_are_no_arrows() {
        let found = arrows(&[
            ("lib.rs", "mod a; pub use a::A; pub struct S;"),
            ("a.rs", "use crate::S; pub struct A(S);"),
        ]);
        assert_eq!(found, ["a.rs -> lib.rs"]);
    }

    #[test]
    fn names_that_are_imported_by_a_star_are_followed() {
        let found = arrows(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            (
                "a.rs",
                "pub use self::block::*; use std::io::*; mod block { pub struct A; }",
            ),
            (
                "b.rs",
                "use crate::a::*; use crate::c::Choice::*; struct B(A, Read, One);",
            ),
            ("c.rs", "use crate::a::A; pub enum Choice { One }"),
        ]);
        assert_eq!(found, ["b.rs -> a.rs", "b.rs -> c.rs", "c.rs -> a.rs"]);
    }

    #[test]
    fn an_import_of_itself_ends() {
        let stars = [("lib.rs", "pub use self::*; fn f() { g::h() }")];
        assert_eq!(arrows(&stars), [""; 0]);
        let files = [
            ("lib.rs", "mod a;"),
            ("a.rs", "use self::b; fn f() { b::c() }"),
        ];
        assert_eq!(arrows(&files), [""; 0]);
    }
}
