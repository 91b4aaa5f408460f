//! How do I send from other tasks, and detect there that the client has disconnected?
//!
//! ```text
//! cargo run -p sse-examples --example other_tasks
//! curl -N http://127.0.0.1:3002/
//! ```

use std::time::Duration;

use sse_tokio_tcp::{Event, Request, SendError, Sse, serve, with_sse};
use tokio::net::TcpListener;

// The handler may return at once. The stream stays open until the last handle is dropped.
async fn two_clocks(_request: Request, sse: Sse) {
    tokio::spawn(tick(sse.clone(), "fast", Duration::from_millis(300)));
    tokio::spawn(tick(sse, "slow", Duration::from_secs(1)));
}

async fn tick(sse: Sse, name: &'static str, period: Duration) {
    let sending = async {
        loop {
            sse.send(Event::new().event(name).data("tick")).await?;
            tokio::time::sleep(period).await;
        }
    };
    // A spawned task is not dropped with the stream, so it waits for its end.
    let ended: Result<(), SendError> = tokio::select! {
        () = sse.closed() => Err(SendError::Closed),
        result = sending => result,
    };
    if let Err(error) = ended {
        println!("{name}: {error}");
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:3002").await?;
    serve(listener, with_sse(two_clocks)).await;
    Ok(())
}
