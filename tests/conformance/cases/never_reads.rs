//! Clients that never read: how much they make a server take from the handlers, and what ends them.
//!
//! The documentation of `sse-hyper` and the sizing page of `sse-hub` have these figures and limits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sse_hyper::{SseBody, SseOptions, WriteTimeout, sse_response};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::client::Connection;
use crate::handlers::{Handlers, Progress, endless};
use crate::transports::{Actix, ActixHttp2, Hyper, HyperHttp2, RequestInfo, Site, Transport};

/// The limit that the documentation sets for hyper's buffers.
const BUFFER: usize = 64 * 1024;

/// The size of an event.
const EVENT: usize = 1024;

/// The time limit that the documentation sets for a write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// How many streams or connections a client opens of which each takes the same.
const STREAMS: usize = 20;

/// The largest window of HTTP/2.
const OPEN: u32 = (1 << 31) - 1;

/// Handlers that send as many events as are taken from them.
#[derive(Clone)]
struct Source {
    handlers: Handlers,
    progress: Progress,
    site: Site,
}

impl Source {
    fn new() -> Self {
        let (handlers, progress) = (Handlers::new(), Progress::new());
        let site = endless(&handlers, &progress, EVENT);
        Self {
            handlers,
            progress,
            site,
        }
    }

    /// Returns a listener, which serves its connections with `serve`, and its address.
    fn serve<S, F>(&self, serve: S) -> SocketAddr
    where
        S: Fn(TcpStream, Site) -> F + Send + 'static,
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let listener = self.site.listener();
        let address = listener.local_addr().expect("an address");
        let site = self.site.clone();
        tokio::spawn(async move {
            loop {
                let (io, _) = listener.accept().await.expect("a connection");
                tokio::spawn(serve(io, site.clone()));
            }
        });
        address
    }

    /// Waits until all of [`STREAMS`] handlers wait. Each must have sent at most `most` bytes.
    async fn assert_taken(&self, most: usize) {
        let taken = self.progress.stops().await * EVENT / STREAMS;
        println!("{taken} bytes of each handler, of at most {most}");
        assert_eq!(self.handlers.running(), STREAMS);
        assert!(taken <= most, "{taken} bytes of at most {most}");
    }
}

/// Answers with the events of a site.
async fn answer(site: Site, request: Request<Incoming>) -> Result<Response<SseBody>, Infallible> {
    let info = RequestInfo {
        target: request.uri().to_string(),
        headers: request.headers().clone(),
    };
    Ok(sse_response(request, |_request, sse| site.run(info, sse)))
}

/// Serves a connection with HTTP/1.1.
async fn serve_http_1<I>(builder: http1::Builder, io: I, site: Site) -> hyper::Result<()>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |request| answer(site.clone(), request));
    builder.serve_connection(TokioIo::new(io), service).await
}

/// Serves a connection with HTTP/2.
async fn serve_http_2<I>(
    builder: http2::Builder<StreamExecutor>,
    io: I,
    site: Site,
) -> hyper::Result<()>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |request| answer(site.clone(), request));
    builder.serve_connection(TokioIo::new(io), service).await
}

/// Spawns the streams of HTTP/2, and drops them at an age.
#[derive(Clone)]
struct StreamExecutor {
    max_age: Duration,
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(timeout(self.max_age, stream));
    }
}

/// The age of the streams of tests that are not about it.
const NEVER: Duration = Duration::from_secs(1 << 30);

/// Opens a connection with a small buffer in the kernel.
async fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 * 1024).expect("an option");
    socket.connect(address).await.expect("a connection")
}

/// A client of HTTP/2 that has opened streams.
struct Client<I> {
    connection: h2::client::Connection<I, Bytes>,
    _requests: SendRequest<Bytes>,
    bodies: Vec<RecvStream>,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Client<I> {
    /// Opens streams with a window of `window` bytes each, and receives the heads of the responses.
    async fn open(io: I, window: u32, streams: usize) -> Self {
        let (mut requests, mut connection) = h2::client::Builder::new()
            .initial_window_size(window)
            .initial_connection_window_size(OPEN)
            .handshake(io)
            .await
            .expect("a handshake");
        let opening = async {
            let mut responses = Vec::new();
            for _ in 0..streams {
                requests = requests.ready().await.expect("an open connection");
                let request = Request::get("http://test/").body(()).expect("a request");
                let (response, _) = requests.send_request(request, true).expect("sent");
                responses.push(response);
            }
            let mut bodies = Vec::new();
            for response in responses {
                bodies.push(response.await.expect("a response").into_body());
            }
            (requests, bodies)
        };
        let (requests, bodies) = tokio::select! {
            ended = &mut connection => panic!("the connection ended: {ended:?}"),
            opened = opening => opened,
        };
        Self {
            connection,
            _requests: requests,
            bodies,
        }
    }
}

/// Opens `connections` connections of HTTP/1.1 that request a stream.
async fn open_http_1(address: SocketAddr, connections: usize) -> Vec<Connection> {
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut connection = Connection::over(connect(address).await);
        connection
            .send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            .await;
        open.push(connection);
    }
    open
}

/// The longest piece of a body: the session's buffer and an event that begins in it.
const PIECE: usize = SseOptions::DEFAULT_BUFFER_SIZE + EVENT;

/// What the kernel holds of a connection, more or less.
const KERNEL: usize = 128 * 1024;

/// Returns a builder whose connections have no limit but that of their buffers.
fn http_2() -> http2::Builder<StreamExecutor> {
    http2::Builder::new(StreamExecutor { max_age: NEVER })
}

/// Asserts that each stream of a client with HTTP/2 makes its handler send at most `most` bytes.
async fn assert_taken_over_http_2(
    window: u32,
    builder: http2::Builder<StreamExecutor>,
    most: usize,
) {
    let source = Source::new();
    let address = source.serve(move |io, site| serve_http_2(builder.clone(), io, site));
    let client = Client::open(connect(address).await, window, STREAMS).await;
    source.assert_taken(most).await;
    drop(client);
}

#[tokio::test]
async fn a_stream_of_http_2_takes_the_default_buffer_of_hyper_and_two_pieces() {
    // The window is open, but the client does not read from its socket.
    assert_taken_over_http_2(OPEN, http_2(), 400 * 1024 + 2 * PIECE).await;
}

#[tokio::test]
async fn a_stream_of_http_2_takes_a_smaller_buffer_of_hyper_and_two_pieces() {
    let mut builder = http_2();
    builder.max_send_buf_size(BUFFER);
    assert_taken_over_http_2(OPEN, builder, BUFFER + 2 * PIECE).await;
}

#[tokio::test]
async fn a_stream_of_http_2_without_a_window_takes_one_piece() {
    assert_taken_over_http_2(0, http_2(), PIECE).await;
}

/// Asserts that each connection of HTTP/1.1 makes its handler send at most `most` bytes.
async fn assert_taken_over_http_1(builder: http1::Builder, most: usize) {
    let source = Source::new();
    let address = source.serve(move |io, site| serve_http_1(builder.clone(), io, site));
    let clients = open_http_1(address, STREAMS).await;
    source.handlers.started(STREAMS).await;
    source.assert_taken(most).await;
    drop(clients);
}

#[tokio::test]
async fn a_connection_of_http_1_takes_the_default_buffer_of_hyper_and_a_piece() {
    let most = 408 * 1024 + PIECE + KERNEL;
    assert_taken_over_http_1(http1::Builder::new(), most).await;
}

#[tokio::test]
async fn a_connection_of_http_1_takes_a_smaller_buffer_of_hyper_and_a_piece() {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER);
    assert_taken_over_http_1(builder, BUFFER + PIECE + KERNEL).await;
}

/// Asserts that a write timeout ends connections over sockets.
#[tokio::test]
async fn a_write_timeout_ends_connections_that_are_never_read() {
    const TIME: Duration = Duration::from_millis(200);

    super::within_limit(async {
        let source = Source::new();
        let address = source.serve(|io, site| {
            serve_http_1(http1::Builder::new(), WriteTimeout::new(io, TIME), site)
        });
        let clients = open_http_1(address, 1).await;
        source.handlers.dropped(1).await;
        drop(clients);

        let source = Source::new();
        let address =
            source.serve(|io, site| serve_http_2(http_2(), WriteTimeout::new(io, TIME), site));
        let client = Client::open(connect(address).await, OPEN, 3).await;
        source.handlers.dropped(3).await;
        drop(client);
    })
    .await;
}

/// Opens streams over a connection in memory that is served by `serve`.
async fn open_in_memory<F>(
    source: &Source,
    window: u32,
    streams: usize,
    serve: impl FnOnce(DuplexStream, Site) -> F,
) -> Client<DuplexStream>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (client, server) = duplex(16 * 1024);
    tokio::spawn(serve(server, source.site.clone()));
    Client::open(client, window, streams).await
}

/// Asserts that all handlers are dropped `time` after `start`.
async fn assert_ended_after(time: Duration, source: &Source, handlers: usize, start: Instant) {
    source.handlers.dropped(handlers).await;
    assert_eq!(start.elapsed().as_secs(), time.as_secs());
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_write_timeout_begins_with_the_first_byte_that_is_not_accepted() {
    let (source, start) = (Source::new(), Instant::now());
    let client = open_in_memory(&source, OPEN, 3, |io, site| {
        serve_http_2(http_2(), WriteTimeout::new(io, WRITE_TIMEOUT), site)
    });
    let client = client.await;
    assert_ended_after(WRITE_TIMEOUT, &source, 3, start).await;
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn pings_end_a_connection_of_http_2_that_is_never_read() {
    for window in [OPEN, 0] {
        let (source, start) = (Source::new(), Instant::now());
        let client = open_in_memory(&source, window, 3, |io, site| {
            serve_http_2(with_pings(http_2()), io, site)
        });
        let client = client.await;
        assert_ended_after(PING_INTERVAL + PING_TIMEOUT, &source, 3, start).await;
        drop(client);
    }
}

/// The interval between PINGs that the documentation sets.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// The time that hyper waits for an answer by default.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

fn with_pings(mut builder: http2::Builder<StreamExecutor>) -> http2::Builder<StreamExecutor> {
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL);
    builder
}

/// Neither PINGs nor a write timeout end it, since the client reads from its socket. Nothing in the
/// body of the response can either: hyper does not poll it without a window.
#[tokio::test(start_paused = true)]
async fn only_an_age_limit_ends_streams_of_a_client_that_answers_pings_and_grants_no_window() {
    let max_age = Duration::from_secs(3600);
    let (source, start) = (Source::new(), Instant::now());
    let client = open_in_memory(&source, 0, 3, |io, site| {
        let builder = with_pings(http2::Builder::new(StreamExecutor { max_age }));
        serve_http_2(builder, WriteTimeout::new(io, WRITE_TIMEOUT), site)
    });
    let client = client.await;
    let connection = tokio::spawn(client.connection);
    for mut body in client.bodies {
        let error = body.data().await.expect("a reset").expect_err("a reset");
        assert_eq!(error.reason(), Some(Reason::CANCEL));
    }
    assert_ended_after(max_age, &source, 3, start).await;
    // The connection has not ended with them.
    assert!(!connection.is_finished());
}

/// `TCP_USER_TIMEOUT` of the listener, which every server can be given.
#[cfg(target_os = "linux")]
mod user_timeout {
    use super::*;

    async fn ends_a_connection_of_http_1<T: Transport>() {
        let source = Source::new();
        let site = source.site.clone().user_timeout(Duration::from_millis(500));
        let server = T::start(site).await;
        let clients = open_http_1(server.address, 1).await;
        source.handlers.dropped(1).await;
        drop(clients);
    }

    async fn ends_a_connection_of_http_2<T: Transport>() {
        let source = Source::new();
        let site = source.site.clone().user_timeout(Duration::from_millis(500));
        let server = T::start(site).await;
        let client = Client::open(connect(server.address).await, OPEN, 3).await;
        source.handlers.dropped(3).await;
        drop(client);
    }

    #[tokio::test]
    async fn ends_connections_that_are_never_read() {
        crate::cases::within_limit(async {
            tokio::join!(
                ends_a_connection_of_http_1::<Hyper>(),
                ends_a_connection_of_http_1::<Actix>(),
                ends_a_connection_of_http_2::<HyperHttp2>(),
                ends_a_connection_of_http_2::<ActixHttp2>(),
            );
        })
        .await;
    }
}
