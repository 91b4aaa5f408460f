//! Subscriptions that the server ends by the name of their member.

use std::sync::Arc;

use crate::group::Place;
use crate::hub::Hub;
use crate::topic::member::Member;

impl Hub {
    /// Ends the subscriptions to a topic that have this [name](crate::Subscribe::member), whatever they have not delivered
    /// yet: for instance when a user is banned. Returns how many these are.
    ///
    /// For a topic of a [group](crate::HubBuilder::group), these are the subscriptions that have it, alone or with others;
    /// for the whole group, those to any of its topics.
    ///
    /// The client gets nothing more, and its response ends as a complete one, after which an `EventSource` comes back
    /// (HTML § 9.2.3). So first take the user's rights away: the application then answers with another
    /// status than 200, and the client has everything up to where it was disconnected if it may come back later. To end a
    /// subscription with an event, see
    /// [`Subscribe::until_with`](crate::Subscribe::until_with).
    ///
    /// A client that takes nothing is not served by its task, which therefore does not end: that is the
    /// server's limit for writes. The subscription is counted until then.
    ///
    /// # Several nodes
    ///
    /// These are the subscriptions of this process. With an engine, a topic of the application's own says it to all
    /// nodes, also to one that was cut off meanwhile:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    /// use sse_hub::Hub;
    /// use sse_session::BoxError;
    ///
    /// // Each node runs this. A gap means that it may have missed some.
    /// async fn disconnect_banned(hub: Hub) -> Result<(), BoxError> {
    ///     let local = hub.clone();
    ///     let banned = hub.subscribe("banned").filter(move |event| {
    ///         let user = event.data().unwrap_or_default();
    ///         local.disconnect("room", &user);
    ///         false
    ///     });
    ///     let mut banned = banned.await?;
    ///     while let Some(piece) = banned.next().await {
    ///         piece?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let hub = Hub::new();
    /// let mut ada = hub.subscribe("room").member("Ada").await?;
    /// let _opening = ada.next().await;
    /// tokio::spawn(disconnect_banned(hub.clone()));
    /// tokio::task::yield_now().await;
    ///
    /// hub.publish("banned", "Ada").await?;
    /// assert!(ada.next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn disconnect(&self, topic: &str, member: &str) -> usize {
        let place = self.core().registry().groups().place(topic);
        let Some(open) = self.in_use(topic) else {
            return 0;
        };
        let members = open.members_named(member);
        let is_of_topic = |member: &&Arc<Member>| match place {
            Place::Alone | Place::Whole => true,
            Place::InGroup { log, .. } => member.has_in_group(topic, log),
        };
        let members = members.iter().filter(is_of_topic);
        members.filter(|member| member.disconnect()).count()
    }
}
