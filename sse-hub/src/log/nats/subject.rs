//! The subjects of a topic in NATS, whatever characters its name has.

use std::fmt::Write as _;

use crate::position::Position;

/// The subjects of an engine: where entries are appended, and where they are republished live.
#[derive(Clone, Debug)]
pub(super) struct Subjects {
    prefix: String,
}

impl Subjects {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// Returns where the entries of a topic are appended.
    pub(super) fn log(&self, topic: &str) -> String {
        format!("{}.log.{}", self.prefix, token(topic))
    }

    /// Returns where the entries of a topic are republished.
    pub(super) fn live(&self, topic: &str) -> String {
        format!("{}.live.{}", self.prefix, token(topic))
    }

    /// Returns the subjects of all topics, which the stream stores.
    pub(super) fn all_logs(&self) -> String {
        format!("{}.log.*", self.prefix)
    }

    /// Returns the pattern by which the stream republishes.
    pub(super) fn all_live(&self) -> String {
        format!("{}.live.{{{{wildcard(1)}}}}", self.prefix)
    }

    /// Returns the message id of an idempotency key. Ids belong to the stream, keys to the topic.
    pub(super) fn message_id(topic: &str, key: &str) -> String {
        format!("{}.{}", token(topic), token(key))
    }

    /// Returns the message id of the mark of a loss, which is that of no key.
    pub(super) fn mark_id(topic: &str, kept: Position, lost: Position) -> String {
        let [kept, lost] = [kept, lost].map(|it| format!("{:x}.{:x}", it.major(), it.minor()));
        format!("{}..{kept}.{lost}", token(topic))
    }
}

/// Whether subjects can begin with it: tokens with dots between them, without wildcards.
pub(super) fn is_prefix(prefix: &str) -> bool {
    prefix.len() <= 128
        && prefix.split('.').all(|token| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            !token.is_empty() && token.bytes().all(is_plain)
        })
}

/// Encodes a name as one token. Bytes that are special or invalid in a subject or not printable,
/// and `%` itself, are encoded as `%` and two digits, so that no two names have the same token. It
/// is at most three times as long as the name.
fn token(name: &str) -> String {
    let mut token = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_graphic() && !b".*>%$".contains(&byte) {
            token.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(token, "%{byte:02X}");
        }
    }
    token
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn simple_names_stay_readable_and_others_are_one_token() {
        for (name, expected) in [
            ("news", "news"),
            ("room:7/de-CH_x", "room:7/de-CH_x"),
            ("a.b", "a%2Eb"),
            ("*>", "%2A%3E"),
            ("$SYS 100%", "%24SYS%20100%25"),
            ("ø\r\n", "%C3%B8%0D%0A"),
        ] {
            assert_eq!(token(name), expected);
        }
        let subjects = Subjects::new("app.sse");
        assert_eq!(subjects.log("a.b"), "app.sse.log.a%2Eb");
        assert_eq!(subjects.live("a.b"), "app.sse.live.a%2Eb");
    }

    #[test]
    fn a_key_of_one_topic_is_never_that_of_another() {
        assert_ne!(
            Subjects::message_id("a", "b.c"),
            Subjects::message_id("a.b", "c")
        );
    }

    #[test]
    fn prefixes_are_tokens_without_wildcards() {
        for good in ["sse", "app.sse", "a-b_c.D9"] {
            assert!(is_prefix(good), "{good}");
        }
        for bad in ["", ".", "a.", ".a", "a..b", "a.*", "a.>", "a b", "$JS", "ø"] {
            assert!(!is_prefix(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_key_and_no_mark_is_that_of_another_topic_or_of_another_kind(
            topics in any::<[String; 2]>(),
            keys in any::<[String; 2]>(),
            marks in any::<[[(u64, u64); 2]; 2]>(),
        ) {
            let [one, other] = [0, 1].map(|at| Subjects::message_id(&topics[at], &keys[at]));
            let is_same_topic = topics[0] == topics[1];
            prop_assert_eq!(one == other, is_same_topic && keys[0] == keys[1]);
            let [mark, other] = [0, 1].map(|at| {
                let [kept, lost] = marks[at].map(|(major, minor)| Position::new(major, minor));
                Subjects::mark_id(&topics[at], kept, lost)
            });
            prop_assert_eq!(mark == other, is_same_topic && marks[0] == marks[1]);
            prop_assert_ne!(one, mark);
        }

        #[test]
        fn no_two_names_are_the_same_token(one in any::<String>(), other in any::<String>()) {
            prop_assert_eq!(token(&one) == token(&other), one == other);
            prop_assert!(token(&one).len() <= 3 * one.len());
            prop_assert!(token(&one).bytes().all(|b| b.is_ascii_graphic() && !b".*>".contains(&b)));
        }
    }
}
