//! The raw TCP server, with its default limits.

use sse_tokio_tcp::{Request, Response, refused, sse_response_with};
use tokio::net::TcpListener;

use super::Site;

/// Serves all connections.
pub(crate) async fn serve(listener: TcpListener, site: Site) {
    let service = move |request| answer(site.clone(), request);
    sse_tokio_tcp::serve(listener, service).await;
}

async fn answer(site: Site, request: Request) -> Response {
    match site.open(request.uri().query()).await {
        Ok(subscribe) => sse_response_with(&site.options, request, |_request, sse| {
            site.serve(subscribe, sse)
        }),
        Err(error) => refused(&error),
    }
}
