//! eventsource-client, a reconnecting client over hyper.

use eventsource_client::{Client as _, ClientBuilder, Error, SSE};
use futures_util::Stream;
use launchdarkly_sdk_transport::HyperTransport;
use sse_bench_process::Result;

use crate::client::Client;
use crate::server::Http;

pub(super) struct Peer(HyperTransport);

impl Client for Peer {
    const NAME: &'static str = "eventsource-client";
    const HTTP2: bool = false;

    type Event = SSE;
    type Error = Error;

    fn new(_http: Http) -> Result<Self> {
        Ok(Self(HyperTransport::new()?))
    }

    async fn open(
        &self,
        url: &str,
    ) -> Result<impl Stream<Item = Result<Self::Event, Self::Error>>> {
        let client = ClientBuilder::for_url(url)
            .map_err(|error| format!("{error:?}"))?
            .build_with_transport(self.0.clone());
        Ok(client.stream())
    }

    fn data(event: &Self::Event) -> Option<&str> {
        match event {
            SSE::Event(event) => Some(&event.data),
            SSE::Connected(_) | SSE::Comment(_) => None,
        }
    }
}
