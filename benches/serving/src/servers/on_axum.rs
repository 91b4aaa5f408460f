//! The axum server that two of the event streams run on.

use std::io;

use axum::Router;
use axum::routing::MethodRouter;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::ticks::Ticker;

pub(super) async fn run(
    listener: TcpListener,
    ticker: Ticker,
    route: MethodRouter<Ticker>,
) -> io::Result<()> {
    let app = Router::new()
        .route("/{*workload}", route)
        .with_state(ticker);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await
}
