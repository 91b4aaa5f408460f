//! The names of a topic's stream, channel and idempotency keys.
//!
//! A topic stands in braces, in which its own braces are escaped. So the first brace of a name ends
//! the prefix, the second one the topic, and no two of the names that an engine uses are the same.

use std::borrow::Cow;

use crate::percent;

/// Begins the idempotency keys of a topic, after its stream's name.
const KEY: &str = ":key:";

/// Ends the name of the key that remembers the newest mark of a loss.
const LOSS: &str = ":loss";

/// The names that an engine uses.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
    /// All databases of a server share its channels, so the number of the database tells them apart.
    channel_prefix: String,
}

impl Keys {
    /// Returns the names that begin with a prefix; `None` if it has braces.
    pub(super) fn new(prefix: &str, database: i64) -> Option<Self> {
        if prefix.contains(['{', '}']) {
            return None;
        }
        Some(Self {
            prefix: prefix.to_owned(),
            channel_prefix: format!("{database}:{prefix}:{{"),
        })
    }

    /// Returns the name of the stream. The braces make the topic the hash tag of all its keys.
    pub(super) fn stream(&self, topic: &str) -> String {
        format!("{}:{{{}}}", self.prefix, escape(topic))
    }

    /// Returns the name of the key that remembers an idempotency key.
    pub(super) fn idempotency(&self, topic: &str, key: &str) -> String {
        format!("{}:{{{}}}{KEY}{key}", self.prefix, escape(topic))
    }

    /// Returns the name of the key that notes which shard a server is. It has no braces, unlike those
    /// of topics.
    pub(super) fn shard(&self) -> String {
        format!("{}:shard", self.prefix)
    }

    /// Returns the name of the key that remembers the newest mark of a loss in a topic.
    pub(super) fn loss(&self, topic: &str) -> String {
        format!("{}:{{{}}}{LOSS}", self.prefix, escape(topic))
    }

    /// Returns the channel: the database and the name of the stream, as in the script.
    pub(super) fn channel(&self, topic: &str) -> String {
        format!("{}{}}}", self.channel_prefix, escape(topic))
    }

    /// Returns the topic of a channel.
    pub(super) fn topic_of(&self, channel: &[u8]) -> Option<String> {
        let channel = std::str::from_utf8(channel).ok()?;
        let escaped = channel.strip_prefix(&*self.channel_prefix)?;
        unescape(escaped.strip_suffix('}')?)
    }
}

/// Whether the character is escaped in names: line ends would also look bad in Redis' logs.
fn is_escaped(character: char) -> bool {
    matches!(character, '{' | '}' | '%') || character.is_ascii_control()
}

/// Escapes a topic as in URLs, with a percent sign and two digits.
fn escape(topic: &str) -> Cow<'_, str> {
    percent::escape(topic, is_escaped)
}

/// Returns the topic that was escaped so; `None` if there is none.
fn unescape(escaped: &str) -> Option<String> {
    percent::unescape(escaped).filter(|topic| escape(topic) == escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_topic_is_escaped_in_the_braces() {
        let keys = Keys::new("app", 3).expect("no braces");
        for (topic, stream) in [
            ("news", "app:{news}"),
            ("a:b ø", "app:{a:b ø}"),
            ("{a}", "app:{%7Ba%7D}"),
            ("100%", "app:{100%25}"),
            ("a\r\n\x7f", "app:{a%0D%0A%7F}"),
        ] {
            assert_eq!(keys.stream(topic), stream);
            assert_eq!(keys.channel(topic), format!("3:{stream}"));
            assert_eq!(keys.idempotency(topic, "k}"), format!("{stream}:key:k}}"));
        }
    }

    #[test]
    fn other_channels_have_no_topic() {
        let keys = Keys::new("app", 3).expect("no braces");
        for other in [
            "",
            "3:app:{news",
            "4:app:{news}",
            "3:ap:{news}",
            "3:app:{a}b}",
            "3:app:{%}",
            "3:app:{%7}",
            "3:app:{%7b}",
            "3:app:{%41}",
            "3:app:{%ø}",
            "3:app:{%+7}",
        ] {
            assert_eq!(keys.topic_of(other.as_bytes()), None, "{other}");
        }
        assert_eq!(keys.topic_of(b"3:app:{\xff}"), None);
    }

    #[test]
    fn a_prefix_has_no_braces() {
        for prefix in ["{", "}", "a{b}"] {
            assert!(Keys::new(prefix, 0).is_none(), "{prefix}");
        }
    }

    /// Strings with many of the characters that names are made of.
    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[a{}%:7BDkey\n]{0,12}", any::<String>()]
    }

    /// What a name is of, besides its topic.
    #[derive(Clone, Debug, PartialEq)]
    enum Kind {
        Stream,
        Idempotency(String),
        Loss,
    }

    fn kind() -> impl Strategy<Value = Kind> {
        let key = name().prop_map(Kind::Idempotency);
        prop_oneof![Just(Kind::Stream), key, Just(Kind::Loss)]
    }

    fn prefix() -> impl Strategy<Value = String> {
        "[a%:0key]{0,4}"
    }

    proptest! {
        #[test]
        fn the_topic_of_a_channel_is_the_one_that_it_was_named_after(
            prefix in prefix(),
            topic in name(),
        ) {
            let keys = Keys::new(&prefix, 3).expect("no braces");
            let channel = keys.channel(&topic);
            prop_assert_eq!(&channel, &format!("3:{}", keys.stream(&topic)));
            prop_assert_eq!(keys.topic_of(channel.as_bytes()), Some(topic));
        }

        #[test]
        fn no_two_names_are_the_same(
            prefixes in (prefix(), prefix()),
            topics in (name(), name()),
            kinds in (kind(), kind()),
        ) {
            let name = |prefix: &str, topic: &str, kind: &Kind| {
                let keys = Keys::new(prefix, 0).expect("no braces");
                match kind {
                    Kind::Stream => keys.stream(topic),
                    Kind::Idempotency(key) => keys.idempotency(topic, key),
                    Kind::Loss => keys.loss(topic),
                }
            };
            let first = name(&prefixes.0, &topics.0, &kinds.0);
            let second = name(&prefixes.1, &topics.1, &kinds.1);
            let are_equal = (&prefixes.0, &topics.0, &kinds.0) == (&prefixes.1, &topics.1, &kinds.1);
            prop_assert_eq!(first == second, are_equal);
            for prefix in [&prefixes.0, &prefixes.1] {
                prop_assert_ne!(&first, &Keys::new(prefix, 0).expect("no braces").shard());
            }
        }
    }
}
