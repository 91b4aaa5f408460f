//! How do I serve events with hyper, over HTTP/1.1 and HTTP/2, and shut down gracefully? What ends
//! clients that never read?
//!
//! A server in front of the Internet needs more limits: `sse_session::guide::internet` has them.
//!
//! ```text
//! cargo run -p sse-examples --example hyper
//! curl -N http://127.0.0.1:3000/
//! ```

use std::time::Duration;

use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use sse_hyper::{Event, Request, SendError, Sse, SseOptions, WriteTimeout, with_sse};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The longest head of a request over HTTP/1.1, and what hyper holds for a client that is slow: by default,
/// it is 408 KiB.
const BUFFER: usize = 8 * 1024;

/// What hyper holds for each stream of HTTP/2: by default, it is 400 KiB.
const STREAM_BUFFER: usize = 64 * 1024;

/// A client that does not answer a PING of HTTP/2 within 20 seconds is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// A client that accepts nothing for as long as this is gone, or never reads.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// A client can answer PINGs and yet grant a stream no window. Nothing else ends that.
const MAX_STREAM_AGE: Duration = Duration::from_secs(4 * 60 * 60);

/// Spawns the streams of HTTP/2, each for a limited time. A stream that is dropped is reset.
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

async fn count(request: Request, sse: Sse) -> Result<(), SendError> {
    let path = request.uri().path().to_owned();
    // It would stay for as long as the stream.
    drop(request);
    sse.send(format!("you asked for {path}")).await?;
    for number in 1_u64.. {
        sse.send(Event::new().event("count").display(number))
            .await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let stop = CancellationToken::new();
    let options = SseOptions::new().shutdown(stop.clone());
    let service = with_sse(count).options(options);

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let mut server = auto::Builder::new(StreamExecutor);
    server.http1().timer(TokioTimer::new()).max_buf_size(BUFFER);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_send_buf_size(STREAM_BUFFER)
        .keep_alive_interval(PING_INTERVAL);
    let connections = GracefulShutdown::new();
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    // For want of file descriptors, mostly: it must not end the server.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            _ = tokio::signal::ctrl_c() => break,
        };
        let io = WriteTimeout::new(TokioIo::new(stream), WRITE_TIMEOUT);
        let connection = server.serve_connection(io, service.clone());
        let connection = connections.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("connection ended early: {error}");
            }
        });
    }

    // Ends the open streams. The time limit is for clients that accept nothing.
    stop.cancel();
    let _ = timeout(Duration::from_secs(5), connections.shutdown()).await;
    Ok(())
}
