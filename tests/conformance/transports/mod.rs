//! The servers under test: one file per adapter, each of which serves the same [`Site`].

mod actix;
mod hyper;
mod tcp;

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{Stream, stream};
use http::HeaderMap;
use sse_session::{BoxError, Event, IntoHandlerResult, Sse, SseOptions};
use tokio::net::{TcpListener, TcpSocket};

pub(crate) use self::actix::{Actix, ActixHttp2, ActixWithoutHalfClose};
pub(crate) use self::hyper::{Hyper, HyperHttp2, HyperWithHalfClose};
pub(crate) use self::tcp::Tcp;
use crate::client::{Connection, Response};

/// An adapter and the server that it is for.
pub(crate) trait Transport: 'static {
    /// The name of the module that has its tests.
    const NAME: &'static str;

    /// When the handler of an idle stream is dropped whose client has closed the connection.
    const IDLE_DISCONNECT: Notice;

    /// The most bytes that the server itself holds for a client that takes nothing, beyond one
    /// piece of the body and what the kernel holds.
    const BUFFER: usize;

    /// Whether HTTP/1.0 clients, to which the end of the connection is the end of the body, are
    /// told of a failed handler by a reset.
    const RESETS_HTTP_10: bool;

    /// Starts a server on a free port.
    async fn start(site: Site) -> Server;
}

/// What makes a server notice that a client is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notice {
    /// Nothing: it is told, or asks by itself.
    Unprompted,
    /// Keep-alives that fail.
    KeepAlives,
}

/// What a server serves:
///
/// | path | is answered by |
/// |---|---|
/// | `/` | the handler, through `with_sse` |
/// | `/response` | the handler, through `sse_response_with` |
/// | `/stream` | [`plain_stream`], through `sse_stream_with` |
/// | `/gone` | `no_content` |
#[derive(Clone)]
pub(crate) struct Site {
    handler: Handler,
    options: SseOptions,
    send_buffer: Option<u32>,
}

type Handler =
    Arc<dyn Fn(Asked, Sse) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync + 'static>;

/// What a handler wants to know of its request, the same for all adapters.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
}

impl Site {
    pub(crate) fn new<H, F>(handler: H) -> Self
    where
        H: Fn(Asked, Sse) -> F + Send + Sync + 'static,
        F: Future + Send + 'static,
        F::Output: IntoHandlerResult,
    {
        Self {
            handler: Arc::new(move |asked, sse| {
                let handler = handler(asked, sse);
                Box::pin(async move { handler.await.into_result() })
            }),
            options: SseOptions::new(),
            send_buffer: None,
        }
    }

    pub(crate) fn options(mut self, options: SseOptions) -> Self {
        self.options = options;
        self
    }

    /// Has the server's kernel hold no more than about `bytes` that the client has not taken.
    pub(crate) fn send_buffer(mut self, bytes: u32) -> Self {
        self.send_buffer = Some(bytes);
        self
    }

    pub(crate) fn run(&self, asked: Asked, sse: Sse) -> BoxFuture<'static, Result<(), BoxError>> {
        (self.handler)(asked, sse)
    }

    /// A listener on a free port.
    fn listener(&self) -> TcpListener {
        let socket = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = self.send_buffer {
            // Accepted connections inherit it.
            socket.set_send_buffer_size(bytes).expect("a socket option");
        }
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(any_port).expect("a free port");
        socket.listen(2048).expect("a listener")
    }
}

/// What is served at `/stream`.
pub(crate) fn plain_stream() -> impl Stream<Item = Event<'static, &'static str>> + Send {
    stream::iter([
        Event::new().data("one"),
        Event::new().event("second").data("two"),
    ])
}

/// A running server. It is stopped when dropped, at the latest with the test's runtime.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    graceful_stop: Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>,
    /// Stops the server when dropped, where that needs doing.
    _abort: Option<Box<dyn Send>>,
}

impl Server {
    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    pub(crate) async fn get(&self, target: &str) -> Response {
        self.connect().await.get(target).await
    }

    /// Stops the server in the way that is its own, which lets open responses end; resolves when
    /// nothing of it is left.
    pub(crate) async fn stop(self) {
        (self.graceful_stop)().await;
    }
}
