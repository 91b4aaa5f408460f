//! Which nodes are taken for gone.

use std::collections::HashMap;

use crate::topic::elsewhere::NodeId;

/// How many beats of this node in a row, without anything of another one between them, show that the other one
/// is gone; and, of a topic that others watch, that none does any longer.
pub(super) const MAX_UNHEARD: u32 = 4;

/// How many nodes are known at most. What others tell is still taken, but they do not become gone.
const MAX_NODES: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Leases {
    /// How often this node has beaten since it has heard of each other one.
    unheard: HashMap<NodeId, u32>,
    /// How often each other one has beaten since this node has.
    beats: HashMap<NodeId, u32>,
}

/// What a beat of this node shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// The nodes that are gone.
    pub(super) gone: Vec<NodeId>,
    /// Whether others may have taken this node for gone.
    pub(super) was_unheard: bool,
}

impl Leases {
    /// Notes that something of another node has come.
    pub(super) fn hear(&mut self, node: NodeId) {
        if self.unheard.len() < MAX_NODES || self.unheard.contains_key(&node) {
            self.unheard.insert(node, 0);
        }
    }

    /// Notes that another node has beaten.
    pub(super) fn hear_beat(&mut self, node: NodeId) {
        self.hear(node);
        if self.beats.len() < MAX_NODES || self.beats.contains_key(&node) {
            *self.beats.entry(node).or_default() += 1;
        }
    }

    /// Forgets a node that is gone.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.unheard.remove(&node);
        self.beats.remove(&node);
    }

    /// Notes that something is missing: other nodes may have beaten.
    pub(super) fn note_gap(&mut self) {
        for unheard in self.unheard.values_mut() {
            *unheard = 0;
        }
    }

    /// Notes that a beat of this node has come back.
    pub(super) fn note_own_beat(&mut self) -> Shown {
        let mut gone = Vec::new();
        self.unheard.retain(|node, unheard| {
            *unheard += 1;
            let is_gone = *unheard >= MAX_UNHEARD;
            if is_gone {
                gone.push(*node);
            }
            !is_gone
        });
        let was_unheard = self.beats.values().any(|beats| *beats >= MAX_UNHEARD);
        self.beats.clear();
        Shown { gone, was_unheard }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_gone_after_four_beats_without_a_word_of_it() {
        let mut leases = Leases::default();
        leases.hear(7);
        for _ in 0..3 {
            assert_eq!(leases.note_own_beat(), Shown::default());
        }
        leases.hear_beat(7);
        for _ in 0..3 {
            assert_eq!(leases.note_own_beat(), Shown::default());
        }
        assert_eq!(leases.note_own_beat().gone, [7]);
        assert_eq!(leases.note_own_beat(), Shown::default());
    }

    #[test]
    fn a_gap_may_have_had_something_of_every_node() {
        let mut leases = Leases::default();
        leases.hear(7);
        for _ in 0..3 {
            leases.note_own_beat();
        }
        leases.note_gap();
        for _ in 0..3 {
            assert_eq!(leases.note_own_beat(), Shown::default());
        }
        assert_eq!(leases.note_own_beat().gone, [7]);
    }

    #[test]
    fn a_node_sees_when_others_take_it_for_gone() {
        let (mut first, mut second) = (Leases::default(), Leases::default());
        second.hear(1);
        first.hear(2);
        for _ in 0..4 {
            first.hear_beat(2);
        }
        let gone = (0..4).flat_map(|_| second.note_own_beat().gone);
        assert!(gone.eq([1]));
        assert!(first.note_own_beat().was_unheard);
        assert_eq!(first.note_own_beat(), Shown::default());
    }
}
