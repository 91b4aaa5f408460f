//! How do I serve a `futures::Stream` that I already have?
//!
//! ```text
//! cargo run -p sse-examples --example stream
//! curl -N http://127.0.0.1:3000/
//! ```

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use sse_hyper::{Event, SseBody, sse_stream};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::IntervalStream;

async fn clock() -> http::Response<SseBody> {
    let second = tokio::time::interval(Duration::from_secs(1));
    sse_stream(
        IntervalStream::new(second)
            .map(|_| Event::new().event("tick").json(SystemTime::now()))
            .take(60),
    )
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, Router::new().route("/", get(clock))).await
}
