//! What a topic's stream, channel and idempotency keys are called.

/// The names that a log uses.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
    /// Channels are common to all databases of a server, so they are told apart by its number.
    channel_prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str, database: i64) -> Self {
        Self {
            prefix: prefix.to_owned(),
            channel_prefix: format!("{database}:{prefix}:{{"),
        }
    }

    /// The stream. The braces make the topic the hash tag of all its keys.
    pub(super) fn stream(&self, topic: &str) -> String {
        format!("{}:{{{topic}}}", self.prefix)
    }

    /// What remembers an idempotency key.
    pub(super) fn idempotency(&self, topic: &str, key: &str) -> String {
        format!("{}:{{{topic}}}:key:{key}", self.prefix)
    }

    /// The channel: the database and the name of the stream, as the script has it.
    pub(super) fn channel(&self, topic: &str) -> String {
        format!("{}{topic}}}", self.channel_prefix)
    }

    /// The topic that a channel belongs to.
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
    fn the_topic_of_a_channel_is_the_one_that_it_was_made_for() {
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
