//! reqwest with eventsource-stream.

use eventsource_stream::{Event, EventStreamError, Eventsource as _};
use futures_util::Stream;
use sse_bench_process::Result;

use super::over_reqwest::Reqwest;
use crate::client::Client;
use crate::server::Http;

pub(super) struct Peer(Reqwest);

impl Client for Peer {
    const NAME: &'static str = "reqwest + eventsource-stream";

    type Event = Event;
    type Error = EventStreamError<reqwest::Error>;

    fn new(http: Http) -> Result<Self> {
        Ok(Self(Reqwest::new(http)?))
    }

    async fn open(
        &self,
        url: &str,
    ) -> Result<impl Stream<Item = Result<Self::Event, Self::Error>>> {
        Ok(self.0.bytes(url).await?.eventsource())
    }

    fn data(event: &Self::Event) -> Option<&str> {
        Some(&event.data)
    }
}
