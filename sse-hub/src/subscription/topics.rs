//! What `Hub::subscribe` accepts as topics.

use crate::subscription::builder::MAX_TOPICS;

/// One topic, or several: what [`Hub::subscribe`](crate::Hub::subscribe) accepts.
///
/// That is a name, or an array, a slice, a `Vec` or any other iterator of names; a name is anything
/// that is `AsRef<str>`. `M` distinguishes the two and is inferred.
///
/// ```
/// use sse_hub::Hub;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = Hub::new();
/// let room = 7;
/// hub.subscribe("news").await?;
/// hub.subscribe(format!("room:{room}")).await?;
/// hub.subscribe(["news", "weather"]).await?;
/// hub.subscribe(&vec!["news".to_owned()]).await?;
/// hub.subscribe("news,weather".split(',')).await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name topics to subscribe to",
    note = "one topic is a name: `hub.subscribe(\"news\")`",
    note = "several topics are an array or another iterator of names: `hub.subscribe([\"news\", \"weather\"])`",
    note = "a name is anything that is `AsRef<str>`"
)]
pub trait IntoTopics<M> {
    /// Returns the names of the topics, each once. Of more than a subscription may have, it returns one
    /// too many.
    fn into_topics(self) -> Vec<String>;
}

/// Marks what is the name of one topic, for [`IntoTopics`].
#[derive(Debug)]
pub enum OneTopic {}

/// Marks what is an iterator of names, for [`IntoTopics`].
#[derive(Debug)]
pub enum SeveralTopics {}

impl<T: AsRef<str>> IntoTopics<OneTopic> for T {
    fn into_topics(self) -> Vec<String> {
        vec![self.as_ref().to_owned()]
    }
}

impl<I> IntoTopics<SeveralTopics> for I
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    fn into_topics(self) -> Vec<String> {
        let mut distinct: Vec<String> = Vec::new();
        for name in self {
            let name = name.as_ref();
            if !distinct.iter().any(|other| other == name) {
                distinct.push(name.to_owned());
            }
            if distinct.len() > MAX_TOPICS {
                break;
            }
        }
        distinct
    }
}
