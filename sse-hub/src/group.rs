//! Groups of topics: topics that share one log, so that one id resumes any of them.
//!
//! The log of the group `orders/` is a topic for the registry and for an engine, with the name `orders/*`. Each of its
//! entries begins with a comment that says the name of the topic it was published to, which the hub
//! adds. So neither a log nor an engine knows of groups. A subscriber of one topic reads the log of the group through a
//! [selection](Selection), as a filter.

use memchr::{memchr, memchr2};

use crate::topic_name::{TopicError, check_name};

/// The groups of a hub, by the names of their logs: the longest first.
#[derive(Debug, Default)]
pub(crate) struct Groups(Vec<Box<str>>);

/// A topic, as a hub with groups knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// It is in no group.
    Alone,
    /// It is in the group that has this log.
    InGroup { log: &'a str, prefix_len: usize },
    /// It is all topics of a group.
    Whole,
}

impl Groups {
    /// Adds the group of the topics whose names begin with this.
    pub(crate) fn add(&mut self, prefix: &str) {
        let log = format!("{prefix}*").into_boxed_str();
        let at = self.0.partition_point(|other| other.len() > log.len());
        if !self.0.contains(&log) {
            self.0.insert(at, log);
        }
    }

    /// Returns where a topic is.
    #[inline]
    pub(crate) fn place(&self, topic: &str) -> Place<'_> {
        if self.0.is_empty() {
            Place::Alone
        } else {
            self.place_among_some(topic)
        }
    }

    fn place_among_some(&self, topic: &str) -> Place<'_> {
        for log in &self.0 {
            if **log == *topic {
                return Place::Whole;
            }
            let prefix_len = log.len() - 1;
            if prefix_len == topic.len() && self.0.iter().any(|other| **other == *topic) {
                // The prefix of one group may be the wildcard of another one, which it must not hide.
                return Place::Whole;
            }
            if topic.starts_with(&log[..prefix_len]) {
                return Place::InGroup { log, prefix_len };
            }
        }
        Place::Alone
    }

    /// Whether this is the log of a group.
    pub(crate) fn is_log(&self, name: &str) -> bool {
        self.place(name) == Place::Whole
    }

    /// Returns the name of the log that a topic is in.
    pub(crate) fn log_of<'a>(&'a self, topic: &'a str) -> &'a str {
        match self.place(topic) {
            Place::InGroup { log, .. } => log,
            Place::Alone | Place::Whole => topic,
        }
    }

    /// Returns the logs of some topics, each once, and what is read of them; nothing if all of it is.
    pub(crate) fn select(
        &self,
        topics: Vec<String>,
    ) -> Result<Vec<(String, Option<Selection>)>, TopicError> {
        let mut logs: Vec<(String, Option<Selection>)> = Vec::with_capacity(topics.len());
        for topic in topics {
            let (log, selection) = match self.place(&topic) {
                Place::Alone => (topic, None),
                Place::Whole => (topic, Some(Selection::Whole)),
                Place::InGroup { log, .. } => {
                    check_member(&topic)?;
                    (log.to_owned(), Some(Selection::Topics(vec![topic.into()])))
                }
            };
            match logs.iter_mut().find(|(other, _)| *other == log) {
                Some((_, selected)) => Selection::add(selected, selection),
                None => logs.push((log, selection)),
            }
        }
        Ok(logs)
    }
}

/// Checks the name of a topic of a group.
pub(crate) fn check_member(topic: &str) -> Result<(), TopicError> {
    check_name(topic)?;
    if memchr2(b'\n', b'\r', topic.as_bytes()).is_some() {
        return Err(TopicError::LineBreak);
    }
    Ok(())
}

/// Returns an event of a topic as an entry of the group's log.
pub(crate) fn entry(topic: &str, event: &[u8]) -> Vec<u8> {
    [b": ", topic.as_bytes(), b"\n", event].concat()
}

/// Returns the topic of an entry and the lines of its event; `None` if something else than a hub with the group has
/// written it.
#[inline]
pub(crate) fn split(entry: &[u8]) -> Option<(&str, &[u8])> {
    let rest = entry.strip_prefix(b": ")?;
    let end = memchr(b'\n', rest)?;
    let topic = std::str::from_utf8(&rest[..end]).ok()?;
    Some((topic, &rest[end + 1..]))
}

/// The topics of a group that a subscription has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    Whole,
    /// In their order.
    Topics(Vec<Box<str>>),
}

impl Selection {
    fn add(selected: &mut Option<Self>, other: Option<Self>) {
        match (selected, other) {
            (Some(Self::Topics(topics)), Some(Self::Topics(more))) => {
                topics.extend(more);
                topics.sort_unstable();
                topics.dedup();
            }
            (Some(selected), Some(Self::Whole)) => *selected = Self::Whole,
            _ => {}
        }
    }

    /// Whether an event of this topic is read.
    #[inline]
    pub(crate) fn has(&self, topic: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Topics(topics) => match &topics[..] {
                [only] => **only == *topic,
                _ => topics.binary_search_by(|it| (**it).cmp(topic)).is_ok(),
            },
        }
    }

    /// Returns the names of the topics, if they are not all of the group.
    pub(crate) fn names(&self) -> Option<&[Box<str>]> {
        match self {
            Self::Whole => None,
            Self::Topics(topics) => Some(topics),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(prefixes: &[&str]) -> Groups {
        let mut groups = Groups::default();
        for prefix in prefixes {
            groups.add(prefix);
        }
        groups
    }

    #[test]
    fn a_topic_is_in_the_group_with_the_longest_prefix() {
        let groups = groups(&["a/", "a/b/", "c", "a/"]);
        for (topic, log) in [
            ("a/", "a/*"),
            ("a/1", "a/*"),
            ("a/b", "a/*"),
            ("a/b/", "a/b/*"),
            ("a/b/1", "a/b/*"),
            ("cde", "c*"),
            ("c", "c*"),
        ] {
            let prefix_len = log.len() - 1;
            assert_eq!(groups.place(topic), Place::InGroup { log, prefix_len });
            assert_eq!(groups.log_of(topic), log);
        }
        for topic in ["a", "b", "", "*"] {
            assert_eq!(groups.place(topic), Place::Alone);
        }
        for log in ["a/*", "a/b/*", "c*"] {
            assert!(groups.is_log(log));
        }
        assert_eq!(Groups::default().place("a/1"), Place::Alone);
    }

    #[test]
    fn a_prefix_that_is_the_wildcard_of_another_group_does_not_hide_it() {
        for prefixes in [["a/", "a/*"], ["a/*", "a/"]] {
            let groups = groups(&prefixes);
            assert!(groups.is_log("a/*") && groups.is_log("a/**"));
            assert_eq!(groups.log_of("a/1"), "a/*");
            assert_eq!(groups.log_of("a/*1"), "a/**");
        }
    }

    #[test]
    fn the_topics_of_a_group_are_read_from_one_log() {
        let groups = groups(&["a/", "b/"]);
        let select = |topics: &[&str]| {
            let topics = topics.iter().map(|topic| (*topic).to_owned());
            groups.select(topics.collect()).expect("selected")
        };
        let of = |topics: &[&str]| {
            let topics = topics.iter().map(|topic| (*topic).into());
            Some(Selection::Topics(topics.collect()))
        };
        assert_eq!(
            select(&["a/2", "x", "a/1", "b/1", "a/2"]),
            [
                ("a/*".to_owned(), of(&["a/1", "a/2"])),
                ("x".to_owned(), None),
                ("b/*".to_owned(), of(&["b/1"])),
            ]
        );
        for topics in [["a/1", "a/*"], ["a/*", "a/1"]] {
            let whole = ("a/*".to_owned(), Some(Selection::Whole));
            assert_eq!(select(&topics), [whole]);
        }
        for name in ["a/1\n", "a/\r"] {
            let refused = groups.select(vec![name.to_owned()]);
            assert_eq!(refused, Err(TopicError::LineBreak));
        }
    }

    #[test]
    fn an_entry_says_its_topic_whatever_its_event_says() {
        for event in ["data: x\n\n", ": a/2\ndata: x\n\n"] {
            let entry = entry("a/1", event.as_bytes());
            assert_eq!(split(&entry), Some(("a/1", event.as_bytes())));
        }
        for foreign in ["data: x\n\n", ":a/1\ndata: x\n\n", ": a/1", ""] {
            assert_eq!(split(foreign.as_bytes()), None);
        }
    }
}
