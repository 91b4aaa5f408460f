//! What a subscription does when something is too slow or down.

/// What happens to a subscriber that is so slow that events are discarded before it got them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowConsumer {
    /// It gets a gap and continues with the oldest event that is still kept, or with a snapshot and
    /// the next event if the topic has one.
    #[default]
    Gap,
    /// Its stream ends. An `EventSource` reconnects by itself with its last event ID, and gets the
    /// gap then.
    Disconnect,
}

/// What happens to a subscription that begins while the hub's engine is known to be down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineDown {
    /// It gets what this process has, and continues when the engine is back. A topic that is not
    /// in use in this process cannot be subscribed to meanwhile.
    #[default]
    Serve,
    /// It does not begin: the error is [`SubscribeError::Engine`](crate::SubscribeError::Engine)
    /// with [`EngineError::Unavailable`](crate::EngineError::Unavailable).
    Refuse,
}
