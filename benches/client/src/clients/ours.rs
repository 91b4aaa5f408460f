//! sse-eventsource over its own HTTP client.

use futures_util::Stream;
use sse_bench_process::Result;
use sse_eventsource::{Error, EventSource, HttpClient, ReceivedEvent};

use crate::client::Client;
use crate::server::Http;

pub(super) struct Ours(HttpClient);

impl Client for Ours {
    const NAME: &'static str = "sse-eventsource";

    type Event = ReceivedEvent;
    type Error = Error;

    fn new(http: Http) -> Result<Self> {
        Ok(Self(match http {
            Http::One => HttpClient::new(),
            Http::Two => HttpClient::new().http2_prior_knowledge(),
        }))
    }

    async fn open(&self, url: &str) -> Result<impl Stream<Item = Result<Self::Event, Error>>> {
        Ok(EventSource::get(url).build_with(self.0.clone())?)
    }

    fn data(event: &Self::Event) -> Option<&str> {
        Some(event.data())
    }
}
