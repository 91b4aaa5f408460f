//! How do I serve events on a Unix socket, behind a proxy on the same machine?
//!
//! ```text
//! cargo run -p sse-examples --example unix_socket -- /tmp/events.sock
//! curl -N --unix-socket /tmp/events.sock http://localhost/
//! ```

use sse_tokio_tcp::{Request, SendError, Server, Shutdown, Sse, with_sse};
use tokio::net::UnixListener;

async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or("events.sock".into());
    let listener = UnixListener::bind(&path)?;
    Server::new()
        .shutdown(Shutdown::when(tokio::signal::ctrl_c()))
        .serve(listener, with_sse(hello))
        .await;
    std::fs::remove_file(path)
}
