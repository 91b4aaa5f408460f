//! Runs the server of `mcp_server.rs`, which the tests drive with the official SDKs.

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, sse_examples::mcp_server::app()).await
}
