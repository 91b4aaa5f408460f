//! How do I serve events straight from a TCP listener, without an HTTP framework?
//!
//! ```text
//! cargo run -p sse-examples --example tcp
//! curl -N http://127.0.0.1:3002/count
//! ```

use std::time::Duration;

use sse_tokio_tcp::{
    Event, Limits, Request, Response, Router, SendError, Server, Shutdown, Sse, with_sse,
};
use tokio::net::TcpListener;

async fn count(_request: Request, sse: Sse) -> Result<(), SendError> {
    for number in 1_u64.. {
        sse.send(Event::new().event("count").display(number))
            .await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

async fn index(_request: Request) -> Response {
    Response::new("The events are at /count.\n".into())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:3002").await?;
    let router = Router::new()
        .route("/", index)
        .route("/count", with_sse(count));
    Server::new()
        .limits(Limits::new().max_connections(1_000))
        .shutdown(Shutdown::when(tokio::signal::ctrl_c()))
        .serve(listener, router)
        .await;
    Ok(())
}
