//! The names of a topic's stream, channel and idempotency keys.

/// The names that an engine uses.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
    /// All databases of a server share its channels, so the number of the database tells them apart.
    channel_prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str, database: i64) -> Self {
        Self {
            prefix: prefix.to_owned(),
            channel_prefix: format!("{database}:{prefix}:{{"),
        }
    }

    /// Returns the name of the stream. The braces make the topic the hash tag of all its keys.
    pub(super) fn stream(&self, topic: &str) -> String {
        format!("{}:{{{topic}}}", self.prefix)
    }

    /// Returns the name of the key that remembers an idempotency key.
    pub(super) fn idempotency(&self, topic: &str, key: &str) -> String {
        format!("{}:{{{topic}}}:key:{key}", self.prefix)
    }

    /// Returns the channel: the database and the name of the stream, as in the script.
    pub(super) fn channel(&self, topic: &str) -> String {
        format!("{}{topic}}}", self.channel_prefix)
    }

    /// Returns the topic of a channel.
    pub(super) fn topic_of(&self, channel: Vec<u8>) -> Option<String> {
        let mut channel = String::from_utf8(channel).ok()?;
        if !channel.starts_with(&self.channel_prefix) || channel.pop() != Some('}') {
            return None;
        }
        channel.drain(..self.channel_prefix.len());
        Some(channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_of_a_channel_is_the_one_that_it_was_named_after() {
        let keys = Keys::new("app", 3);
        for topic in ["news", "{a}b}", "}", "a:b", "ø"] {
            let channel = keys.channel(topic);
            assert_eq!(channel, format!("3:{}", keys.stream(topic)));
            assert_eq!(keys.topic_of(channel.into()).as_deref(), Some(topic));
        }
        for other in ["", "3:app:{news", "4:app:{news}", "3:ap:{news}"] {
            assert_eq!(keys.topic_of(other.into()), None, "{other}");
        }
    }
}
