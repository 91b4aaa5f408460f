//! reqwest-eventsource, a reconnecting client over reqwest 0.12.

use futures_util::Stream;
use reqwest_0_12::Client as Reqwest;
use reqwest_eventsource::{Error, Event, RequestBuilderExt as _};
use sse_bench_process::Result;

use crate::client::Client;
use crate::server::Http;

pub(super) struct Peer(Reqwest);

impl Client for Peer {
    const NAME: &'static str = "reqwest-eventsource";

    type Event = Event;
    type Error = Error;

    fn new(http: Http) -> Result<Self> {
        let builder = Reqwest::builder();
        let builder = match http {
            Http::One => builder.http1_only(),
            Http::Two => builder.http2_prior_knowledge(),
        };
        Ok(Self(builder.build()?))
    }

    async fn open(
        &self,
        url: &str,
    ) -> Result<impl Stream<Item = Result<Self::Event, Self::Error>>> {
        Ok(self.0.get(url).eventsource()?)
    }

    fn data(event: &Self::Event) -> Option<&str> {
        match event {
            Event::Message(event) => Some(&event.data),
            Event::Open => None,
        }
    }
}
