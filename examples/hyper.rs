//! How do I serve events with hyper, over HTTP/1.1 and HTTP/2, and shut down gracefully?
//!
//! ```text
//! cargo run -p sse-examples --example hyper
//! curl -N http://127.0.0.1:3000/
//! ```

use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use sse_hyper::{Event, Request, SendError, Sse, SseOptions, with_sse};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

async fn count(request: Request, sse: Sse) -> Result<(), SendError> {
    sse.send(format!("you asked for {}", request.uri().path()))
        .await?;
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
    let server = auto::Builder::new(TokioExecutor::new());
    let connections = GracefulShutdown::new();
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = tokio::signal::ctrl_c() => break,
        };
        let connection = server.serve_connection(TokioIo::new(stream), service.clone());
        let connection = connections.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("connection ended early: {error}");
            }
        });
    }

    // Ends the open streams. The time limit is for clients that accept nothing.
    stop.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(5), connections.shutdown()).await;
    Ok(())
}
