//! Where in a topic's log something stands.

use std::fmt;

use crate::id;

/// A position in a topic's log: that of an event, or of a moment between two.
///
/// Within one log, positions grow: an event that was published later has a greater one. What the
/// two numbers mean is the [`Log`](crate::Log)'s own business; the embedded one counts its events
/// in the second and tells the hub's runs apart by the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    major: u64,
    minor: u64,
}

impl Position {
    /// The position of these two numbers; the first one counts more.
    #[must_use]
    pub const fn new(major: u64, minor: u64) -> Self {
        Self { major, minor }
    }

    /// The first number.
    #[must_use]
    pub const fn major(self) -> u64 {
        self.major
    }

    /// The second number.
    #[must_use]
    pub const fn minor(self) -> u64 {
        self.minor
    }

    /// The id that an event at this position of `topic` has, for a subscriber to this one topic.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let position = hub.publish("news", "first").await?;
    /// hub.publish("news", "second").await?;
    ///
    /// let id = position.to_id("news");
    /// let mut news = hub.subscribe(["news"]).resume(Some(&id)).await?;
    /// let opening = news.next().await.expect("a block")?;
    /// assert_eq!(opening, format!("id: {id}\n\n"));
    /// let missed = news.next().await.expect("an event")?;
    /// assert!(missed.ends_with(b"data: second\n\n"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn to_id(self, topic: &str) -> String {
        let mut text = Vec::new();
        id::put(&mut text, &mut Vec::new(), [(id::tag(topic), self)]);
        // The id's alphabet is ASCII.
        String::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({:x}.{})", self.major, self.minor)
    }
}
