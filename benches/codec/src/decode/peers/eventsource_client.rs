//! eventsource-client: a client. Its parser is private, so it is driven through a transport.

use bytes::Bytes;
use eventsource_client::{Client as _, ClientBuilder, ReconnectOptions, SSE};
use futures_util::{future, stream};
use launchdarkly_sdk_transport::{ByteStream, HttpTransport, Request, Response, ResponseFuture};

use super::decode::{Decode, drain};
use crate::decode::input::Input;
use crate::outcome::Sink;

pub(super) struct Peer;

/// Answers every request with the chunks.
#[derive(Clone)]
struct Chunks(Input);

impl HttpTransport for Chunks {
    fn request(&self, _: Request<Option<Bytes>>) -> ResponseFuture {
        let chunks: ByteStream = Box::pin(stream::iter(self.0.shared_chunks().map(Ok)));
        Box::pin(future::ready(Ok(Response::new(chunks))))
    }
}

impl Decode for Peer {
    const NAME: &'static str = "eventsource-client";
    const EVENTS: &'static str = "`String`s";
    const REMARK: &'static str = "driven through a transport that serves the chunks";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let client = ClientBuilder::for_url("http://localhost/")
            .expect("a valid URL")
            .reconnect(ReconnectOptions::reconnect(false).build())
            .build_with_transport(Chunks(input.clone()));
        drain(client.stream(), |event| {
            if let SSE::Event(event) = event {
                let id = event.id.as_deref().unwrap_or_default();
                sink.event(&event.event_type, id, event.data.as_bytes());
            }
        });
    }
}
