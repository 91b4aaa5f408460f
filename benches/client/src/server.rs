//! The server of all clients: its streams, over HTTP/1.1 and HTTP/2 on one port.

use std::convert::Infallible;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{Request, Response};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use sse_bench_process::Result;
use tokio::net::TcpListener;
use tokio::runtime;

use crate::event;

/// The length of the chunks of a burst, and of its DATA frames.
const CHUNK: usize = 16 * 1024;

/// How long a tick may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The version of HTTP. Without TLS, HTTP/2 is spoken by prior knowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    One,
    Two,
}

impl Http {
    pub(crate) const ALL: [Self; 2] = [Self::One, Self::Two];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::One => "HTTP/1.1",
            Self::Two => "HTTP/2",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|http| http.name() == name);
        found.ok_or_else(|| format!("there is no {name}").into())
    }
}

/// A stream, by its path: it sends events without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// In chunks of 16 KiB, in which events begin and end anywhere.
    Burst,
    /// A chunk for each event, as frameworks send them, many in a write.
    Chunks,
    /// One event, then one for each tick.
    Live,
    /// One event, then nothing.
    Idle,
}

impl Path {
    pub(crate) const ALL: [Self; 4] = [Self::Burst, Self::Chunks, Self::Live, Self::Idle];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Chunks => "chunks",
            Self::Live => "live",
            Self::Idle => "idle",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|path| path.name() == name);
        found.ok_or_else(|| format!("there is no {name}").into())
    }
}

/// Where the server is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// A datagram to it is a tick.
    pub(crate) ticks: SocketAddr,
}

impl Server {
    /// Starts the server on a thread of its own, which ends with the process.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let ticks = UdpSocket::bind("127.0.0.1:0")?;
        ticks.set_nonblocking(true)?;
        let server = Self::at(listener.local_addr()?, ticks.local_addr()?);
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::spawn(move || runtime.block_on(serve(listener, ticks)));
        Ok(server)
    }

    /// Returns a server that was started elsewhere.
    pub(crate) const fn at(address: SocketAddr, ticks: SocketAddr) -> Self {
        Self { address, ticks }
    }

    pub(crate) fn url(self, path: Path) -> String {
        format!("http://{}/{}", self.address, path.name())
    }

    /// Returns a socket that sends ticks.
    pub(crate) fn ticker(self) -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_write_timeout(Some(TIMEOUT))?;
        socket.connect(self.ticks)?;
        Ok(socket)
    }
}

struct Streams {
    events: Vec<Bytes>,
    all: Bytes,
    ticks: tokio::net::UdpSocket,
}

async fn serve(listener: std::net::TcpListener, ticks: UdpSocket) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let events = event::encoded();
    let streams = Arc::new(Streams {
        all: events.concat().into(),
        events,
        ticks: tokio::net::UdpSocket::from_std(ticks)?,
    });
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let streams = Arc::clone(&streams);
        let service = service_fn(move |request| {
            let response = respond(&streams, &request);
            async { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(async move {
            // A client ends its stream by closing the connection.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
    }
}

type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

fn respond(streams: &Arc<Streams>, request: &Request<Incoming>) -> Response<Body> {
    let path = Path::named(request.uri().path().trim_start_matches('/'));
    let body = streams.body(path.unwrap_or(Path::Idle));
    let mut response = Response::new(StreamBody::new(
        body.map(|data| Ok(Frame::data(data))).boxed(),
    ));
    let event_stream = http::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert("content-type", event_stream);
    response
}

impl Streams {
    fn body(self: &Arc<Self>, path: Path) -> BoxStream<'static, Bytes> {
        match path {
            Path::Burst => {
                let chunks = self.all.len().div_ceil(CHUNK);
                let chunk = |all: &Bytes, number| {
                    all.slice(number * CHUNK..all.len().min((number + 1) * CHUNK))
                };
                let all = self.all.clone();
                let chunks: Vec<_> = (0..chunks).map(|number| chunk(&all, number)).collect();
                stream::iter(chunks.into_iter().cycle()).boxed()
            }
            Path::Chunks => stream::iter(self.events.clone().into_iter().cycle()).boxed(),
            Path::Live => {
                let streams = Arc::clone(self);
                stream::unfold(0, move |index| {
                    let streams = Arc::clone(&streams);
                    async move {
                        if index > 0 {
                            streams.ticks.recv(&mut [0]).await.ok()?;
                        }
                        Some((streams.events[index % event::COUNT].clone(), index + 1))
                    }
                })
                .boxed()
            }
            Path::Idle => stream::iter([self.events[0].clone()])
                .chain(stream::pending())
                .boxed(),
        }
    }
}
