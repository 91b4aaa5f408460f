use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::{Executor, Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use sse_hyper::{CancellationToken, Limiter, WriteTimeout};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::Site;
use crate::network;

/// A connection has made its first request within this time, and each further head arrives in it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a request, and what waits for a client of HTTP/1.1 besides one piece.
const BUFFER: usize = 8 * 1024;

/// What waits for each stream of HTTP/2, likewise.
const STREAM_BUFFER: usize = 64 * 1024;

/// A client that accepts nothing for as long as this is gone, or never reads.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// A client of HTTP/2 answers a PING within 20 seconds.
const PING_INTERVAL: Duration = Duration::from_secs(20);

const STREAMS_OF_A_CONNECTION: u32 = 50;

/// The age at which a stream of HTTP/2 is reset whose client grants it no window.
const RESET_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// Connections in total and of one network.
const TOTAL: usize = 10_000;
const OF_A_NETWORK: usize = 100;

pub(crate) struct Connections {
    http: auto::Builder<StreamExecutor>,
    limiter: Limiter<IpAddr>,
    site: Site,
}

impl Connections {
    pub(crate) fn new(site: Site) -> Self {
        let mut http = auto::Builder::new(StreamExecutor);
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(BUFFER);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_OF_A_CONNECTION)
            .max_send_buf_size(STREAM_BUFFER)
            .keep_alive_interval(PING_INTERVAL);
        Self {
            http,
            limiter: Limiter::new(TOTAL, OF_A_NETWORK),
            site,
        }
    }

    pub(crate) async fn serve_one<I>(self: Arc<Self>, io: I, network: IpAddr)
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let first_request = CancellationToken::new();
        let service = service_fn(|request| {
            first_request.cancel();
            let this = Arc::clone(&self);
            async move { Ok::<_, Infallible>(this.site.answer(network, request).await) }
        });
        let io = WriteTimeout::new(io, WRITE_TIMEOUT);
        let mut connection = pin!(self.http.serve_connection(io, service));
        // hyper-util has no time limit before it knows which HTTP this is.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = first_request.cancelled() => {}
            () = sleep(HEAD_TIMEOUT) => return,
        }
        let _ = connection.await;
    }

    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((stream, address)) = listener.accept().await else {
                // For want of file descriptors, mostly: it must not end the server.
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            let network = network(address.ip());
            // A connection beyond a limit is closed.
            let Ok(permit) = self.limiter.try_acquire(network) else {
                continue;
            };
            let _ = stream.set_nodelay(true);
            let this = Arc::clone(&self);
            tokio::spawn(async move {
                this.serve_one(TokioIo::new(stream), network).await;
                drop(permit);
            });
        }
    }
}

/// Spawns the streams of HTTP/2, each for a limited time.
#[derive(Clone)]
struct StreamExecutor;

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(timeout(RESET_AGE, stream));
    }
}

pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    // Inherited by the connections: the write timeout for a client whose link is cut.
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&listener).set_tcp_user_timeout(Some(WRITE_TIMEOUT))?;
    TcpListener::from_std(listener)
}
