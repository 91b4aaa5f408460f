//! What the runs have in common: on which engines they are, and how large.

use crate::engine::{Engine, Program};

pub(crate) struct Extent {
    /// Whether to check only that everything works.
    pub(crate) is_quick: bool,
    /// The servers' programs.
    pub(crate) programs: Vec<Program>,
}

impl Extent {
    /// Returns the size of a sample: the second if it is only to be checked that everything works.
    pub(crate) const fn size(&self, whole: usize, quick: usize) -> usize {
        if self.is_quick { quick } else { whole }
    }

    /// Returns the cases of a run: only the first one if it is only to be checked that everything works.
    pub(crate) fn cases<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        if self.is_quick { &all[..1] } else { all }
    }

    /// Returns the engines that have a server.
    pub(crate) fn engines(&self) -> impl Iterator<Item = Engine> {
        self.programs.iter().cloned().map(Engine::Program)
    }
}
