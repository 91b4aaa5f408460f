//! The servers that the clients read from: one file for each adapter, and all take what they answer
//! from the same function.

mod actix;
mod hyper;
mod tcp;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Method;
use sse_session::{BoxError, Compression, Sse, SseOptions};
use tokio::net::TcpListener;

/// The adapter that serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    Hyper,
    Actix,
    /// It has no request bodies, and so no `POST`.
    Tcp,
}

/// The part of a request that an answer may depend on.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Whether it has the header `Last-Event-ID`.
    pub(crate) resumes: bool,
    /// Whether a response to it may be compressed with gzip.
    pub(crate) accepts_gzip: bool,
    pub(crate) body: Bytes,
}

/// How a request is answered.
pub(crate) enum Answer {
    Stream(SseOptions, Handler),
    /// 204, by the adapter's `no_content`.
    NoContent,
    /// Something other than a stream.
    Plain(http::Response<Bytes>),
}

/// A handler of one stream.
pub(crate) type Handler =
    Box<dyn FnOnce(Sse) -> BoxFuture<'static, Result<(), BoxError>> + Send + 'static>;

/// Answers every request.
type Answers = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// The header with which a client comes back.
const LAST_EVENT_ID: &str = "last-event-id";

/// The header with what a client can decode.
const ACCEPT_ENCODING: &str = "accept-encoding";

/// Whether gzip is among these values of `Accept-Encoding`.
fn accepts_gzip<'a, V>(values: impl IntoIterator<Item = &'a V>) -> bool
where
    V: AsRef<[u8]> + 'a,
{
    let options = SseOptions::new().compression(Compression::Gzip);
    options.uses_gzip(values.into_iter().map(AsRef::as_ref))
}

/// A running server, which stops when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _stop: Box<dyn Send>,
}

impl Server {
    /// Serves what `answers` returns, on a free port of this machine.
    pub(crate) async fn start(
        adapter: Adapter,
        answers: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let answers: Answers = Arc::new(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stop: Box<dyn Send> = match adapter {
            Adapter::Hyper => Box::new(hyper::start(listener, answers)),
            Adapter::Actix => Box::new(actix::start(listener, answers).await),
            Adapter::Tcp => Box::new(tcp::start(listener, answers)),
        };
        Self {
            address,
            _stop: stop,
        }
    }
}

/// Answers that there is nothing at this path.
pub(crate) fn not_found() -> Answer {
    status(http::StatusCode::NOT_FOUND)
}

/// Answers without a body.
pub(crate) fn status(status: http::StatusCode) -> Answer {
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = status;
    Answer::Plain(response)
}
