//! The layers of each crate: which of its files imports which, and that there is no cycle.
//!
//! The imports of a file and the paths in its code are followed to the files that define the names.
//! Each such file is one arrow of the graph. A method that one file adds to a type of another has no
//! path and makes no arrow.

mod allowed;
mod crate_tree;
mod graph;
mod path_attributes;
mod source;
mod tokens;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use allowed::{ALLOWED, Allowed};
use crate_tree::{Crate, FileId};
use graph::Graph;

use crate::packages::{Package, packages};
use crate::result::{Result, no_complaints};
use crate::workspace::Workspace;

/// `cargo xtask layers`, and the step of `cargo xtask test`: prints the size of each crate's graph,
/// and fails on cycles that are not allowed.
pub(crate) fn check() -> Result {
    let mut complaints = path_attributes::complaints()?;
    for (package, root) in roots()? {
        let read = |file: &Path| fs::read_to_string(file).ok();
        let report = Report::of(&package, &Crate::load(&root, &read)?, ALLOWED);
        println!("{}", report.summary);
        complaints.extend(report.complaints);
    }
    no_complaints(&complaints)
}

/// Returns the root files of the libraries and programs that are checked, with their packages: the
/// published ones, the benchmarks and this one.
fn roots() -> Result<Vec<(String, PathBuf)>> {
    let mut product = packages(Workspace::Product)?;
    product.retain(|package| package.is_published || package.name == env!("CARGO_PKG_NAME"));
    let all = product.into_iter().chain(packages(Workspace::Benches)?);
    let roots = all.flat_map(|package| {
        let Package { name, roots, .. } = package;
        roots.into_iter().map(move |root| (name.clone(), root))
    });
    Ok(roots.collect())
}

/// The findings in one crate.
struct Report {
    summary: String,
    complaints: Vec<String>,
}

impl Report {
    fn of(package: &str, tree: &Crate, allowed: &[Allowed]) -> Self {
        let graph = Graph::of(tree);
        let cycles = graph.cycles();
        let root = tree.name(0);
        let summary = format!(
            "{:<30} {:>3} files {:>4} arrows {:>2} cycles",
            format!("{package} {root}"),
            tree.files.len(),
            graph.len(),
            cycles.len()
        );
        let mut complaints = Vec::new();
        let mut unused: Vec<_> = allowed
            .iter()
            .filter(|allowed| allowed.package == package && tree.has(allowed.files))
            .collect();
        for cycle in &cycles {
            let is_in = |allowed: &Allowed| {
                let mut names = cycle.iter().map(|file| tree.name(*file));
                names.all(|name| allowed.files.contains(&&*name))
            };
            if let Some(place) = unused.iter().position(|allowed| is_in(allowed)) {
                unused.remove(place);
            } else {
                complaints.push(cycle_shown(package, tree, &graph, cycle));
            }
        }
        complaints.extend(unused.iter().map(|allowed| {
            let files = allowed.files.join(" and ");
            format!("{package}: {files} are allowed as a cycle, but are none")
        }));
        Self {
            summary,
            complaints,
        }
    }
}

/// Returns a cycle with its arrows, each with the names that make it.
fn cycle_shown(package: &str, tree: &Crate, graph: &Graph, cycle: &BTreeSet<FileId>) -> String {
    let mut shown = format!("{package}: a cycle of {} files", cycle.len());
    for from in cycle {
        for to in cycle {
            let names: Vec<_> = graph.names(*from, *to).collect();
            if !names.is_empty() {
                let [from, to] = [from, to].map(|file| tree.name(*file));
                shown += &format!("\n  {from} -> {to}: {}", names.join(", "));
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: &[Allowed] = &[Allowed {
        package: "p",
        files: &["a.rs", "b.rs"],
        reason: "the test",
    }];

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        let read = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        let tree = Crate::load(Path::new("lib.rs"), &read).unwrap();
        Report::of("p", &tree, ALLOWED).complaints
    }

    #[test]
    fn a_cycle_is_shown_with_the_names_that_make_it() {
        let files = [
            ("lib.rs", "mod c; mod d;"),
            ("c.rs", "use crate::d::D; pub struct C;"),
            ("d.rs", "use crate::c; pub struct D(c::C);"),
        ];
        let shown = "p: a cycle of 2 files\n  c.rs -> d.rs: D\n  d.rs -> c.rs: C";
        assert_eq!(complaints(&files), [shown]);
    }

    #[test]
    fn an_allowed_cycle_passes_as_long_as_it_is_there_and_no_third_file_is_in_it() {
        let lib = ("lib.rs", "mod a; mod b;");
        let a = ("a.rs", "use crate::b::B; pub struct A;");
        let b = ("b.rs", "use crate::a::A; pub struct B;");
        assert_eq!(complaints(&[lib, a, b]), [""; 0]);

        let gone = complaints(&[lib, a, ("b.rs", "pub struct B;")]);
        assert_eq!(
            gone,
            ["p: a.rs and b.rs are allowed as a cycle, but are none"]
        );

        let through = ("b.rs", "use crate::c::C; pub struct B;");
        let third = ("c.rs", "use crate::a::A; pub struct C;");
        let larger = complaints(&[("lib.rs", "mod a; mod b; mod c;"), a, through, third]);
        assert!(larger[0].starts_with("p: a cycle of 3 files"), "{larger:?}");
    }
}
