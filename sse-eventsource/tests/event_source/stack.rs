//! An HTTP stack in memory: it answers from a script, and records the requests.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use sse_eventsource::{Backoff, Error, EventSource, RequestBody};
use tower_service::Service;

pub(crate) type Body = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

/// The reply to a request.
pub(crate) enum Reply {
    Response(Response<Body>),
    /// The request fails.
    Failure(&'static str),
    /// The request never completes.
    Silence,
}

/// Answers with each reply in turn, and then with 204.
#[derive(Clone, Default)]
pub(crate) struct Stack(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    requests: Vec<Request<Bytes>>,
}

impl Stack {
    pub(crate) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let stack = Self::default();
        stack.0.lock().expect("a lock").replies = replies.into_iter().collect();
        stack
    }

    /// Returns the requests so far.
    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.0.lock().expect("a lock").requests.clone()
    }

    /// Returns the value of a header in each request so far, empty if it has none.
    pub(crate) fn sent(&self, name: &str) -> Vec<String> {
        let requests = self.requests();
        let values = requests.iter().map(|request| request.headers().get(name));
        values
            .map(|value| {
                value.map_or(String::new(), |value| {
                    String::from_utf8(value.as_bytes().to_vec()).expect("UTF-8")
                })
            })
            .collect()
    }
}

impl Service<Request<RequestBody>> for Stack {
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Response<Body>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let request = request.map(|body| body.as_bytes().expect("bytes").clone());
        let mut state = self.0.lock().expect("a lock");
        state.requests.push(request);
        let reply = state.replies.pop_front();
        Box::pin(async move {
            match reply.unwrap_or_else(|| status(204)) {
                Reply::Response(response) => Ok(response),
                Reply::Failure(message) => Err(io::Error::other(message)),
                Reply::Silence => std::future::pending().await,
            }
        })
    }
}

/// An event stream of these chunks, which ends in order.
pub(crate) fn events<const N: usize>(pieces: [&'static str; N]) -> Reply {
    body(stream::iter(pieces.map(Ok)))
}

/// An event stream of one chunk, which is then cut.
pub(crate) fn cut(text: &'static str) -> Reply {
    body(stream::iter([
        Ok(text),
        Err(io::ErrorKind::ConnectionReset.into()),
    ]))
}

/// An event stream of one chunk, which stays open.
pub(crate) fn open(text: &'static str) -> Reply {
    body(stream::iter([Ok(text)]).chain(stream::pending()))
}

/// An event stream with this body.
pub(crate) fn body(
    pieces: impl stream::Stream<Item = io::Result<&'static str>> + Send + 'static,
) -> Reply {
    reply(200, &[("content-type", "text/event-stream")], pieces)
}

/// A response with this status and without a body.
pub(crate) fn status(status: u16) -> Reply {
    reply(status, &[], stream::empty())
}

pub(crate) fn reply(
    status: u16,
    headers: &[(&str, &str)],
    pieces: impl stream::Stream<Item = io::Result<&'static str>> + Send + 'static,
) -> Reply {
    let frames = pieces.map(|piece| Ok(Frame::data(Bytes::from_static(piece?.as_bytes()))));
    let builder = headers.iter().fold(
        Response::builder().status(status),
        |builder, (name, value)| builder.header(*name, *value),
    );
    Reply::Response(
        builder
            .body(StreamBody::new(frames.boxed()))
            .expect("a response"),
    )
}

/// The default backoff without its random part: the reconnection time alone.
pub(crate) fn no_jitter() -> Backoff {
    Backoff::new().jitter(|_| Duration::ZERO)
}

/// A backoff that does not wait at all.
pub(crate) fn no_wait() -> Backoff {
    let none = Duration::ZERO;
    let backoff = Backoff::new().reconnection_time(none);
    backoff.min_reconnection_time(none).initial(none)
}

/// Reads to the end. Returns the data of the events, and the error if there is one.
pub(crate) async fn read_all(mut events: EventSource) -> (Vec<String>, Option<Error>) {
    let mut data = Vec::new();
    loop {
        match events.next().await {
            Some(Ok(event)) => data.push(event.data().to_owned()),
            end => return (data, end.map(|end| end.expect_err("no event"))),
        }
    }
}

/// Polls once.
pub(crate) fn poll_once<S: stream::Stream + Unpin>(events: &mut S) -> Poll<Option<S::Item>> {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    Pin::new(events).poll_next(&mut cx)
}
