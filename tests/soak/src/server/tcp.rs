//! The raw TCP server, with its default limits.

use sse_tokio_tcp::{Request, Sse, with_sse};
use tokio::net::TcpListener;

use super::Site;

/// Serves all connections.
pub(crate) async fn serve(listener: TcpListener, site: Site) {
    let options = site.options.clone();
    let handler = move |request: Request, sse: Sse| site.serve(request.uri().query(), sse);
    sse_tokio_tcp::serve(listener, with_sse(handler).options(options)).await;
}
