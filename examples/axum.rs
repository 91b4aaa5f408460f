//! How do I serve event streams in an axum router, with extractors and other routes?
//!
//! `axum::serve` has no limit on the time for a request's head: this is for a server behind a proxy. One in
//! front of the Internet is in `sse_session::guide::internet`.
//!
//! ```text
//! cargo run -p sse-examples --example axum
//! curl -N http://127.0.0.1:3000/rooms/lobby
//! ```

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Path, Request};
use axum::response::Html;
use axum::routing::get;
use axum::serve::Listener;
use sse_hyper::{Event, SendError, Sse, SseOptions, WriteTimeout, with_sse};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;

/// A client that accepts nothing for as long as this is gone, or never reads.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a shutdown waits for open connections.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

const PAGE: &str =
    "<script>new EventSource('/rooms/lobby').onmessage = e => document.write(e.data)</script>";

// A handler has extractors before its stream.
async fn room(Path(room): Path<String>, sse: Sse) -> Result<(), SendError> {
    sse.send(format!("welcome to {room}")).await?;
    for number in 1_u64.. {
        tokio::time::sleep(Duration::from_secs(1)).await;
        sse.send(Event::new().id(number.to_string()).display(number))
            .await?;
    }
    Ok(())
}

async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let stop = CancellationToken::new();
    let options = SseOptions::new().shutdown(stop.clone());
    let app = Router::new()
        .route("/", get(Html(PAGE)))
        .route("/rooms/{room}", get(with_sse(room).options(options)))
        .route("/hello", get(with_sse(hello)));

    // The same signal stops the server and ends the open streams, for which it waits.
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let listener = WithWriteTimeout(listener);
    let server = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
    let grace_period = async {
        let _ = tokio::signal::ctrl_c().await;
        stop.cancel();
        tokio::time::sleep(GRACE_PERIOD).await;
    };
    // Not for ever: a client that accepts nothing keeps its stream from ending.
    tokio::select! {
        result = server.into_future() => result,
        () = grace_period => Ok(()),
    }
}

/// Has the connections end whose clients accept nothing.
struct WithWriteTimeout(TcpListener);

impl Listener for WithWriteTimeout {
    type Io = WriteTimeout<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // An event must not wait for the acknowledgement of the one before it.
        let _ = stream.set_nodelay(true);
        (WriteTimeout::new(stream, WRITE_TIMEOUT), address)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}
