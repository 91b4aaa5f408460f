//! How do I serve event streams in an axum router, with extractors and other routes?
//!
//! ```text
//! cargo run -p sse-examples --example axum
//! curl -N http://127.0.0.1:3000/rooms/lobby
//! ```

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Html;
use axum::routing::get;
use sse_hyper::{Event, SendError, Sse, SseBody, SseOptions, sse_response_with, with_sse};
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;

const PAGE: &str =
    "<script>new EventSource('/rooms/lobby').onmessage = e => document.write(e.data)</script>";

// A route with extractors returns `sse_response`.
async fn room(
    Path(room): Path<String>,
    State(options): State<SseOptions>,
    request: Request,
) -> http::Response<SseBody> {
    sse_response_with(&options, request, |_request, sse: Sse| async move {
        sse.send(format!("welcome to {room}")).await?;
        for number in 1_u64.. {
            tokio::time::sleep(Duration::from_secs(1)).await;
            sse.send(Event::new().id(number.to_string()).display(number))
                .await?;
        }
        Ok::<_, SendError>(())
    })
}

// A handler of the request alone becomes a service by `with_sse`.
async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let stop = CancellationToken::new();
    let options = SseOptions::new().shutdown(stop.clone());
    let app = Router::new()
        .route("/", get(Html(PAGE)))
        .route("/rooms/{room}", get(room))
        .route_service("/hello", with_sse(hello))
        .with_state(options);

    // The same signal stops the server and ends the open streams, for which it waits.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = tokio::signal::ctrl_c().await;
            stop.cancel();
        })
        .await
}
