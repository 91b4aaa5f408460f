//! Our servers behind the programs under test: a stream for each path, which the test directs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Response};
use sse_session::{BoxError, Sse, SseOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::TIMEOUT;
use crate::server::{Adapter, Answer, Request, Server, not_found};

/// The body of an answer at `gzip`: `data: 1`, compressed.
pub(super) const GZIP: &[u8] = b"\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03\x4B\x49\x2C\x49\xB4\x52\x30\xE4\xE2\x02\x00\xCE\xCD\x78\x54\x09\x00\x00\x00";

/// A server whose streams are directed by the test.
pub(super) struct Upstream {
    server: Server,
    streams: Arc<Streams>,
}

/// The streams that have not been asked for, by the last segment of their path.
type Streams = Mutex<HashMap<String, Stream>>;

/// A stream that has not been asked for.
struct Stream {
    options: SseOptions,
    steps: mpsc::UnboundedReceiver<Step>,
    left: oneshot::Sender<()>,
}

/// What a handler does next.
enum Step {
    Send(String),
    End,
    Fail,
}

impl Upstream {
    pub(super) async fn start(adapter: Adapter) -> Self {
        let streams = Arc::<Streams>::default();
        let served = Arc::clone(&streams);
        let server = Server::start(adapter, move |request| answer(&served, request)).await;
        Self { server, streams }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Serves a stream at any path that ends in `name`, once.
    pub(super) fn stream(&self, name: &str, options: SseOptions) -> Director {
        let (send, steps) = mpsc::unbounded_channel();
        let (leave, left) = oneshot::channel();
        let stream = Stream {
            options,
            steps,
            left: leave,
        };
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.insert(name.to_owned(), stream);
        Director { steps: send, left }
    }
}

fn answer(streams: &Streams, request: &Request) -> Answer {
    let name = request.path.rsplit('/').next().unwrap_or_default();
    let stream = streams
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(name);
    match stream {
        Some(stream) => Answer::Stream(
            stream.options,
            Box::new(|sse| Box::pin(follow(sse, stream.steps, stream.left))),
        ),
        None if name == "gzip" => Answer::Plain(compressed()),
        None => not_found(),
    }
}

/// Returns a response as a layer between the server and its handlers compresses it.
fn compressed() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(GZIP));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

/// Directs a handler.
pub(super) struct Director {
    steps: mpsc::UnboundedSender<Step>,
    left: oneshot::Receiver<()>,
}

impl Director {
    pub(super) fn send(&self, data: &str) {
        self.step(Step::Send(data.to_owned()));
    }

    /// Ends the stream in order.
    pub(super) fn end(&self) {
        self.step(Step::End);
    }

    /// Lets the handler fail, so that the server cuts the stream.
    pub(super) fn fail(&self) {
        self.step(Step::Fail);
    }

    fn step(&self, step: Step) {
        // The handler may have been dropped, which the test notices otherwise.
        let _ = self.steps.send(step);
    }

    /// Waits until the handler is dropped, as its client has left.
    pub(super) async fn left(&mut self) {
        assert!(self.has_left_within(TIMEOUT).await, "the client has left");
    }

    /// Returns whether the handler is dropped within this time.
    pub(super) async fn has_left_within(&mut self, time: Duration) -> bool {
        timeout(time, &mut self.left).await.is_ok()
    }
}

async fn follow(
    sse: Sse,
    mut steps: mpsc::UnboundedReceiver<Step>,
    left: oneshot::Sender<()>,
) -> Result<(), BoxError> {
    // Dropped with the handler, which the receiver notices.
    let _left = left;
    loop {
        match steps.recv().await {
            Some(Step::Send(data)) => sse.send(data).await?,
            Some(Step::Fail) => return Err("as the test directs".into()),
            Some(Step::End) | None => return Ok(()),
        }
    }
}
