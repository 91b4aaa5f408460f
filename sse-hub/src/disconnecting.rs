//! Subscriptions that the server ends by the name of their member.

use std::error::Error;
use std::fmt;

use sse_codec::EncodeError;

use crate::hub::Hub;
use crate::log::EngineError;
use crate::peers::disconnect_here;
use crate::subscription::into_member::IntoMember;

/// Why the subscriptions of a member may go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum DisconnectError {
    /// The member cannot be serialized.
    Member(EncodeError),
    /// The engine failed, so those on other nodes may go on. Those of this process have ended.
    Engine(EngineError),
}

impl fmt::Display for DisconnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Member(_) => "member cannot be serialized",
            Self::Engine(_) => "member may still be subscribed on other nodes",
        })
    }
}

impl Error for DisconnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Member(error) => Some(error),
            Self::Engine(error) => Some(error),
        }
    }
}

impl Hub {
    /// Ends the subscriptions to a topic that have this [name](crate::Subscribe::member), whatever they have not delivered
    /// yet: for instance when a user is banned. Returns how many of them were in this process.
    ///
    /// For a topic of a [group](crate::HubBuilder::group), these are the subscriptions that have it, alone or with others;
    /// for the whole group, those to any of its topics.
    ///
    /// The client gets nothing more, and its response ends as a complete one, after which an `EventSource` comes back
    /// (HTML § 9.2.3). So first take the user's rights away: the application then answers with another
    /// status than 200, and the client has everything up to where it was disconnected if it may come back later. A
    /// subscription that begins at the same moment may not be among those that end, so an application that must be sure
    /// checks the rights once more after [`open`](crate::Subscribe::open). To end a
    /// subscription with an event, see
    /// [`Subscribe::until_with`](crate::Subscribe::until_with).
    ///
    /// A client that takes nothing is not served by its task, which therefore does not end: that is the
    /// server's limit for writes. The subscription is counted until then.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let mut ada = hub.subscribe("room").member("Ada").await?;
    /// let _opening = ada.next().await;
    /// assert_eq!(hub.disconnect("room", "Ada").await?, 1);
    /// assert!(ada.next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Several nodes
    ///
    /// With an engine, the subscriptions of other nodes end too, about as fast as an event gets there. The message is an
    /// event of a topic of the hub's own, which is kept as others are: a node that is cut off ends them when it is
    /// back. If it is cut off for longer than the engine keeps what is appended meanwhile, it logs a warning, and they go on.
    ///
    /// # Errors
    ///
    /// [`DisconnectError`] if the member cannot be serialized, or if the engine failed. It is safe to call this again.
    ///
    /// # Cancel safety
    ///
    /// The subscriptions of this process end at the first poll. If the future is dropped after that, those of other
    /// nodes may or may not end.
    pub async fn disconnect(
        &self,
        topic: &str,
        member: impl IntoMember,
    ) -> Result<usize, DisconnectError> {
        let member = member.into_member().map_err(DisconnectError::Member)?;
        let ended = disconnect_here(self.core().registry(), topic, &member);
        if let Some((peers, engine)) = self.core().peers() {
            let told = peers.disconnect(&**engine, topic, &member);
            told.await.map_err(DisconnectError::Engine)?;
        }
        Ok(ended)
    }
}
