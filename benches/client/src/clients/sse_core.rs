//! reqwest with sse-core.

use futures_util::Stream;
use sse_bench_process::Result;
use sse_core::{SseEvent, SseStream, SseStreamError};

use super::over_reqwest::Reqwest;
use crate::client::Client;
use crate::server::Http;

pub(super) struct Peer(Reqwest);

impl Client for Peer {
    const NAME: &'static str = "reqwest + sse-core";

    type Event = SseEvent;
    type Error = SseStreamError<reqwest::Error>;

    fn new(http: Http) -> Result<Self> {
        Ok(Self(Reqwest::new(http)?))
    }

    async fn open(
        &self,
        url: &str,
    ) -> Result<impl Stream<Item = Result<Self::Event, Self::Error>>> {
        Ok(SseStream::new(self.0.bytes(url).await?))
    }

    fn data(event: &Self::Event) -> Option<&str> {
        match event {
            SseEvent::Message(event) => Some(&event.data),
            SseEvent::Retry(_) => None,
        }
    }
}
