//! reqwest with the decoder of this project.

use futures_util::Stream;
use sse_bench_process::Result;
use sse_codec::{EventStream, ReceivedEvent, StreamError};

use super::over_reqwest::Reqwest;
use crate::client::Client;
use crate::server::Http;

pub(super) struct Decoder(Reqwest);

impl Client for Decoder {
    const NAME: &'static str = "reqwest + sse-codec";

    type Event = ReceivedEvent;
    type Error = StreamError<reqwest::Error>;

    fn new(http: Http) -> Result<Self> {
        Ok(Self(Reqwest::new(http)?))
    }

    async fn open(
        &self,
        url: &str,
    ) -> Result<impl Stream<Item = Result<Self::Event, Self::Error>>> {
        Ok(EventStream::new(self.0.bytes(url).await?))
    }

    fn data(event: &Self::Event) -> Option<&str> {
        Some(event.data())
    }
}
