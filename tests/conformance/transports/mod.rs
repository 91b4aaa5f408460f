//! The servers under test. Each adapter has one file, and all serve the same [`Site`].

mod actix;
mod hyper;
mod tcp;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, stream};
use http::HeaderMap;
use sse_session::{BoxError, Event, IntoHandlerResult, LimitReached, Limiter, Sse, SseOptions};
use tokio::net::{TcpListener, TcpSocket};

pub(crate) use self::actix::{
    Actix, ActixBounded, ActixBoundedHttp2, ActixHttp2, ActixWithoutHalfClose,
};
pub(crate) use self::hyper::{Hyper, HyperHttp2, HyperWithHalfClose};
pub(crate) use self::tcp::Tcp;
use crate::client::{Connection, Response};

/// An adapter and its server.
pub(crate) trait Transport: 'static {
    /// The name of the module with its tests.
    const NAME: &'static str;

    /// How the server detects that the client of an idle stream has closed the connection.
    const IDLE_DISCONNECT: Detection;

    /// The most bytes that the server itself buffers for a client that reads nothing, in addition
    /// to one piece of the body and the kernel's buffers.
    const BUFFER: usize;

    /// Whether a failed handler resets the connection of an HTTP/1.0 client, for which the end of
    /// the connection is the end of the body.
    const RESETS_HTTP_10: bool;

    /// Starts a server on a free port.
    async fn start(site: Site) -> Server;
}

/// How a server detects that a client is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Detection {
    /// By reading from the connection.
    Reads,
    /// By keep-alives that fail.
    KeepAlives,
}

/// What a server under test serves:
///
/// | path | is answered by |
/// |---|---|
/// | `/` | the handler, through `with_sse` |
/// | `/response` | the handler, through `sse_response_with` |
/// | `/stream` | [`plain_stream`], through `sse_stream_with` |
/// | `/gone` | `no_content` |
/// | `/limited?key` | the handler, or `refused` |
/// | `/posted` | [`posted`], with the body of the request |
#[derive(Clone)]
pub(crate) struct Site {
    handler: Handler,
    options: SseOptions,
    limiter: Limiter<String>,
    send_buffer: Option<u32>,
    user_timeout: Option<Duration>,
}

type Handler = Arc<
    dyn Fn(RequestInfo, Sse) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync + 'static,
>;

/// The part of a request that handlers use, the same for all adapters.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    /// The path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
}

impl Site {
    pub(crate) fn new<H, F>(handler: H) -> Self
    where
        H: Fn(RequestInfo, Sse) -> F + Send + Sync + 'static,
        F: Future + Send + 'static,
        F::Output: IntoHandlerResult,
    {
        Self {
            handler: Arc::new(move |info, sse| {
                let handler = handler(info, sse);
                Box::pin(async move { handler.await.into_result() })
            }),
            options: SseOptions::new(),
            limiter: Limiter::new(usize::MAX, usize::MAX),
            send_buffer: None,
            user_timeout: None,
        }
    }

    pub(crate) fn options(mut self, options: SseOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the limiter of the streams at `/limited`.
    pub(crate) fn limiter(mut self, limiter: &Limiter<String>) -> Self {
        self.limiter = limiter.clone();
        self
    }

    /// Returns the options of a stream at `/limited`, with a permit for its key.
    pub(crate) fn admit(&self, key: Option<&str>) -> Result<SseOptions, LimitReached> {
        let permit = self
            .limiter
            .try_acquire(key.unwrap_or_default().to_owned())?;
        Ok(self.options.clone().permit(permit))
    }

    /// Limits the send buffer of the server's kernel to about `bytes`.
    pub(crate) fn send_buffer(mut self, bytes: u32) -> Self {
        self.send_buffer = Some(bytes);
        self
    }

    /// Sets `TCP_USER_TIMEOUT`, the time after which the server's kernel ends a connection that
    /// accepts nothing.
    #[cfg(target_os = "linux")]
    pub(crate) fn user_timeout(mut self, time: Duration) -> Self {
        self.user_timeout = Some(time);
        self
    }

    pub(crate) fn run(
        &self,
        info: RequestInfo,
        sse: Sse,
    ) -> BoxFuture<'static, Result<(), BoxError>> {
        (self.handler)(info, sse)
    }

    /// Returns a listener on a free port.
    pub(crate) fn listener(&self) -> TcpListener {
        let socket = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = self.send_buffer {
            // Accepted connections inherit the size.
            socket.set_send_buffer_size(bytes).expect("a socket option");
        }
        #[cfg(target_os = "linux")]
        if let Some(time) = self.user_timeout {
            // Accepted connections inherit this too.
            socket2::SockRef::from(&socket)
                .set_tcp_user_timeout(Some(time))
                .expect("a socket option");
        }
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(any_port).expect("a free port");
        socket.listen(2048).expect("a listener")
    }
}

/// Returns the stream that is served at `/stream`.
pub(crate) fn plain_stream() -> impl Stream<Item = Event<'static, &'static str>> + Send {
    stream::iter([
        Event::new().data("one"),
        Event::new().event("second").data("two"),
    ])
}

/// Serves `/posted`: sends the body of the request as an event.
pub(crate) async fn posted(body: Bytes, sse: Sse) -> Result<(), BoxError> {
    sse.send(str::from_utf8(&body)?).await?;
    Ok(())
}

/// A running server. It stops when it is dropped, or with the runtime of the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    graceful_stop: Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>,
    /// Stops the server when dropped, where it does not stop by itself.
    _abort: Option<Box<dyn Send>>,
}

impl Server {
    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    pub(crate) async fn get(&self, target: &str) -> Response {
        self.connect().await.get(target).await
    }

    /// Shuts the server down gracefully, which lets open responses end. Completes when nothing is
    /// left of the server.
    pub(crate) async fn stop(self) {
        (self.graceful_stop)().await;
    }
}
