//! hyper as the documentation has it, for both versions of HTTP.

use std::convert::Infallible;
use std::time::Duration;

use hyper::Response;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use sse_hyper::{Request, SseBody, WriteTimeout, refused, sse_response_with};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::Site;

/// The longest head of a request over HTTP/1.1, and what hyper holds for a client that is slow.
const BUFFER: usize = 8 * 1024;

/// What hyper holds for each stream of HTTP/2.
const STREAM_BUFFER: usize = 64 * 1024;

/// A client that does not answer a PING of HTTP/2 within 20 seconds is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// A client that accepts nothing for as long as this is gone, or never reads.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// The age at which a stream of HTTP/2 is reset.
const MAX_STREAM_AGE: Duration = Duration::from_secs(4 * 60 * 60);

/// The pause after a failed accept.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Spawns the streams of HTTP/2, each for a limited time.
#[derive(Clone)]
struct StreamExecutor;

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(timeout(MAX_STREAM_AGE, stream));
    }
}

/// Serves all connections.
pub(crate) async fn serve(listener: TcpListener, site: Site) {
    let service = service_fn(move |request| answer(site.clone(), request));
    let mut server = auto::Builder::new(StreamExecutor);
    server.http1().timer(TokioTimer::new()).max_buf_size(BUFFER);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_send_buf_size(STREAM_BUFFER)
        .keep_alive_interval(PING_INTERVAL);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_RETRY_DELAY).await;
            continue;
        };
        // An event must not wait for the acknowledgement of the one before it.
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(WriteTimeout::new(stream, WRITE_TIMEOUT));
        let connection = server.serve_connection(io, service.clone());
        tokio::spawn(connection.into_owned());
    }
}

async fn answer(site: Site, request: Request) -> Result<Response<SseBody>, Infallible> {
    Ok(match site.open(request.uri().query()).await {
        Ok(subscribe) => sse_response_with(&site.options, request, |_request, sse| {
            site.serve(subscribe, sse)
        }),
        Err(error) => refused(&error),
    })
}
