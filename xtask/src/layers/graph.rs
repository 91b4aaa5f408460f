//! Cycles in a graph of files.

use std::collections::{BTreeMap, BTreeSet};

use super::crate_tree::{Crate, FileId};

/// Which files use which, with the names that they use.
#[derive(Debug, Default)]
pub(super) struct Graph {
    arrows: BTreeMap<FileId, BTreeMap<FileId, BTreeSet<String>>>,
}

impl Graph {
    /// Returns the graph of a crate.
    pub(super) fn of(tree: &Crate) -> Self {
        let mut graph = Self::default();
        tree.arrows(|from, to, name| {
            let names = graph.arrows.entry(from).or_default().entry(to).or_default();
            names.insert(name.to_owned());
        });
        graph
    }

    /// Returns the number of arrows.
    pub(super) fn len(&self) -> usize {
        self.arrows.values().map(BTreeMap::len).sum()
    }

    /// Returns the names defined in `to` that `from` uses.
    pub(super) fn names(&self, from: FileId, to: FileId) -> impl Iterator<Item = &str> {
        let names = self.arrows.get(&from).and_then(|arrows| arrows.get(&to));
        names.into_iter().flatten().map(String::as_str)
    }

    fn next(&self, from: FileId) -> impl Iterator<Item = FileId> {
        self.arrows
            .get(&from)
            .into_iter()
            .flat_map(|to| to.keys().copied())
    }

    /// Returns the files that can be reached from `from` by at least one arrow.
    fn reachable(&self, from: FileId) -> BTreeSet<FileId> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<_> = self.next(from).collect();
        while let Some(file) = open.pop() {
            if reached.insert(file) {
                open.extend(self.next(file));
            }
        }
        reached
    }

    /// Returns the groups of files in which each can be reached from each other.
    pub(super) fn cycles(&self) -> Vec<BTreeSet<FileId>> {
        let reachable: BTreeMap<_, _> = self
            .arrows
            .keys()
            .map(|file| (*file, self.reachable(*file)))
            .collect();
        let leads = |from: &FileId, to: &FileId| {
            reachable
                .get(from)
                .is_some_and(|reached| reached.contains(to))
        };
        let groups: BTreeSet<BTreeSet<FileId>> = reachable
            .iter()
            .filter(|(file, reached)| reached.contains(file))
            .map(|(file, reached)| {
                let back = reached.iter().filter(|other| leads(other, file));
                back.copied().collect()
            })
            .collect();
        groups.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycles(arrows: &[(FileId, FileId)]) -> Vec<Vec<FileId>> {
        let mut graph = Graph::default();
        for (from, to) in arrows {
            graph
                .arrows
                .entry(*from)
                .or_default()
                .entry(*to)
                .or_default();
        }
        let cycles = graph.cycles().into_iter();
        cycles.map(|group| group.into_iter().collect()).collect()
    }

    #[test]
    fn files_that_lead_back_to_themselves_are_a_cycle() {
        assert_eq!(cycles(&[(0, 1), (1, 2), (0, 2)]), [[0; 0]; 0]);
        assert_eq!(cycles(&[(0, 1), (1, 2), (2, 1), (2, 3)]), [[1, 2]]);
        let two = [(0, 1), (1, 0), (1, 2), (2, 3), (3, 4), (4, 2)];
        assert_eq!(cycles(&two), [vec![0, 1], vec![2, 3, 4]]);
    }
}
