//! The members of a topic on other nodes, as these tell.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use crate::topic::change::Change;

/// Identifies a node for as long as it runs.
pub(crate) type NodeId = u64;

/// How many names of other nodes a topic has at most. Further ones are left out.
const MAX_NAMES: usize = 100_000;

/// How many nodes with subscribers a topic has at most. Further ones are left out.
const MAX_NODES: usize = 4_096;

/// What a node tells of its subscribers of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) node: NodeId,
    /// How many subscribers it has, with a name or without.
    pub(crate) subscribers: usize,
    /// Whether a list of all its members begins with this.
    pub(crate) begins: bool,
    /// Whether the list ends with this.
    pub(crate) ends: bool,
    /// How many subscribers have each of these names now.
    pub(crate) names: Vec<(Arc<str>, usize)>,
}

#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    nodes: HashMap<NodeId, Node>,
    /// How many subscribers all nodes have of each name.
    names: HashMap<Arc<str>, usize>,
    subscribers: usize,
    is_full: bool,
}

#[derive(Debug, Default)]
struct Node {
    subscribers: usize,
    names: HashMap<Arc<str>, usize>,
    /// The names that its list, which has begun, has not confirmed yet.
    unconfirmed: HashMap<Arc<str>, usize>,
}

impl Elsewhere {
    pub(crate) fn subscribers(&self) -> usize {
        self.subscribers
    }

    /// Returns how many subscribers have this name.
    pub(crate) fn times(&self, name: &str) -> usize {
        self.names.get(name).copied().unwrap_or(0)
    }

    /// Returns the names, each once.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.keys()
    }

    /// Applies what a node tells, and calls a function with each change. `here` returns how many subscribers of
    /// a name, or of all, this node has.
    pub(crate) fn apply(
        &mut self,
        told: Told,
        here: impl Fn(Option<&str>) -> usize,
        mut note: impl FnMut(Change),
    ) {
        if self.nodes.len() >= MAX_NODES && !self.nodes.contains_key(&told.node) {
            return;
        }
        let node = self.nodes.entry(told.node).or_default();
        let before = mem::replace(&mut node.subscribers, told.subscribers);
        self.subscribers = self.subscribers - before + told.subscribers;
        if told.begins {
            let names = mem::take(&mut node.names);
            node.unconfirmed.extend(names);
        }
        let mut changed = Vec::new();
        for (name, times) in told.names {
            let was_unconfirmed = node.unconfirmed.remove(&name);
            let before = was_unconfirmed.or_else(|| node.names.get(&name).copied());
            let before = before.unwrap_or(0);
            if before == 0 && times > 0 && self.names.len() >= MAX_NAMES {
                if !mem::replace(&mut self.is_full, true) {
                    tracing::warn!(limit = MAX_NAMES, "members of other nodes are left out");
                }
                continue;
            }
            if times > 0 {
                node.names.insert(Arc::clone(&name), times);
            } else {
                node.names.remove(&name);
            }
            changed.push((name, before, times));
        }
        if told.ends {
            let gone = mem::take(&mut node.unconfirmed).into_iter();
            changed.extend(gone.map(|(name, before)| (name, before, 0)));
        }
        if told.subscribers == 0 && node.names.is_empty() && node.unconfirmed.is_empty() {
            self.nodes.remove(&told.node);
        }
        let subscribers = here(None) + self.subscribers;
        let mut is_named = false;
        for (name, before, now) in changed {
            if before == now {
                continue;
            }
            is_named = true;
            let times = here(Some(&name)) + self.count(&name, before, now);
            note(change(Some(name), times, subscribers, now > before));
        }
        if !is_named && before != told.subscribers {
            note(change(None, 0, subscribers, told.subscribers > before));
        }
    }

    /// Removes a node: its members have left.
    pub(crate) fn remove(
        &mut self,
        node: NodeId,
        here: impl Fn(Option<&str>) -> usize,
        note: impl FnMut(Change),
    ) {
        if self.nodes.contains_key(&node) {
            let told = Told {
                node,
                subscribers: 0,
                begins: true,
                ends: true,
                names: Vec::new(),
            };
            self.apply(told, here, note);
        }
    }

    /// Counts a name that a node has a different number of. Returns how many all of them have now.
    fn count(&mut self, name: &Arc<str>, before: usize, now: usize) -> usize {
        let times = self.names.entry(Arc::clone(name)).or_default();
        *times = *times - before + now;
        let times = *times;
        if times == 0 {
            self.names.remove(name);
        }
        times
    }
}

fn change(member: Option<Arc<str>>, times: usize, subscribers: usize, has_joined: bool) -> Change {
    if has_joined {
        Change::Joined {
            member,
            times,
            subscribers,
        }
    } else {
        Change::Left {
            member,
            times,
            subscribers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(node: NodeId, flags: &str, names: &[(&str, usize)]) -> Told {
        Told {
            node,
            subscribers: names.iter().map(|(_, times)| times).sum(),
            begins: flags.contains('b'),
            ends: flags.contains('e'),
            names: names
                .iter()
                .map(|(name, it)| ((*name).into(), *it))
                .collect(),
        }
    }

    /// Applies it with one Ada here, and returns the changes: the name, how often it is there, and all
    /// subscribers.
    fn apply(elsewhere: &mut Elsewhere, told: Told) -> Vec<(char, String, usize, usize)> {
        let mut changes = Vec::new();
        let here = |name: Option<&str>| usize::from(name.is_none_or(|name| name == "Ada"));
        elsewhere.apply(told, here, |change| {
            changes.push(match change {
                Change::Joined {
                    member,
                    times,
                    subscribers,
                } => (
                    '+',
                    member.unwrap_or_default().to_string(),
                    times,
                    subscribers,
                ),
                Change::Left {
                    member,
                    times,
                    subscribers,
                } => (
                    '-',
                    member.unwrap_or_default().to_string(),
                    times,
                    subscribers,
                ),
                Change::Missed(_) => unreachable!("not of a node"),
            });
        });
        changes.sort();
        changes
    }

    fn of(
        sign: char,
        name: &str,
        times: usize,
        subscribers: usize,
    ) -> (char, String, usize, usize) {
        (sign, name.to_owned(), times, subscribers)
    }

    #[test]
    fn the_members_of_all_nodes_are_counted_together() {
        let mut elsewhere = Elsewhere::default();
        assert_eq!(
            apply(&mut elsewhere, told(1, "be", &[("Ada", 1), ("Bob", 2)])),
            [of('+', "Ada", 2, 4), of('+', "Bob", 2, 4)]
        );
        assert_eq!(
            apply(&mut elsewhere, told(2, "be", &[("Bob", 1)])),
            [of('+', "Bob", 3, 5)]
        );
        // The same again is no change.
        assert_eq!(apply(&mut elsewhere, told(2, "be", &[("Bob", 1)])), []);
        let mut less = told(1, "", &[("Bob", 0)]);
        less.subscribers = 1;
        assert_eq!(apply(&mut elsewhere, less), [of('-', "Bob", 1, 3)]);
        assert_eq!(elsewhere.times("Bob"), 1);
        assert_eq!(elsewhere.subscribers(), 2);

        let mut unnamed = told(2, "", &[]);
        unnamed.subscribers = 4;
        assert_eq!(apply(&mut elsewhere, unnamed), [of('+', "", 0, 6)]);
    }

    #[test]
    fn what_a_new_list_does_not_have_has_left_when_it_ends() {
        let mut elsewhere = Elsewhere::default();
        apply(
            &mut elsewhere,
            told(1, "be", &[("a", 1), ("b", 1), ("c", 1)]),
        );
        let mut first = told(1, "b", &[("b", 1)]);
        first.subscribers = 2;
        assert_eq!(apply(&mut elsewhere, first), [of('-', "", 0, 3)]);
        let mut last = told(1, "e", &[("d", 1)]);
        last.subscribers = 2;
        assert_eq!(
            apply(&mut elsewhere, last),
            [of('+', "d", 1, 3), of('-', "a", 0, 3), of('-', "c", 0, 3)]
        );
        let mut names: Vec<_> = elsewhere.names().map(|name| &**name).collect();
        names.sort_unstable();
        assert_eq!(names, ["b", "d"]);
    }

    #[test]
    fn a_list_that_begins_again_before_it_has_ended_loses_nothing() {
        let mut elsewhere = Elsewhere::default();
        apply(&mut elsewhere, told(1, "be", &[("a", 1), ("b", 1)]));
        let part = |flags, name| Told {
            subscribers: 2,
            ..told(1, flags, &[(name, 1)])
        };
        assert_eq!(apply(&mut elsewhere, part("b", "a")), []);
        assert_eq!(apply(&mut elsewhere, part("b", "b")), []);
        assert_eq!(apply(&mut elsewhere, part("e", "a")), []);
        assert_eq!((elsewhere.times("a"), elsewhere.times("b")), (1, 1));
    }

    #[test]
    fn the_members_of_a_node_that_is_gone_have_left() {
        let mut elsewhere = Elsewhere::default();
        apply(&mut elsewhere, told(1, "be", &[("a", 2)]));
        apply(&mut elsewhere, told(2, "b", &[("a", 1), ("b", 1)]));
        let mut changes = Vec::new();
        for node in [2, 2, 3] {
            elsewhere.remove(node, |_| 0, |change| changes.push(change));
        }
        changes.sort_by_key(|change| format!("{change:?}"));
        let left = |name: &str, times| Change::Left {
            member: Some(name.into()),
            times,
            subscribers: 2,
        };
        assert_eq!(changes, [left("a", 2), left("b", 0)]);
        assert_eq!(elsewhere.subscribers(), 2);
    }
}
