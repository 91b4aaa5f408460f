//! sse-tokio-tcp.

use std::io;

use sse_tokio_tcp::{Request, Response, not_found, serve, sse_response_with};
use tokio::net::TcpListener;

use super::ours;
use crate::ticks::Ticker;
use crate::workload::Workload;

pub(super) async fn run(listener: TcpListener, ticker: Ticker) -> io::Result<()> {
    serve(listener, move |request| {
        let response = respond(request, &ticker);
        async { response }
    })
    .await;
    Ok(())
}

fn respond(request: Request, ticker: &Ticker) -> Response {
    let Some(workload) = Workload::from_path(request.uri().path()) else {
        return not_found();
    };
    let ticks = ticker.subscribe();
    sse_response_with(&ours::options(workload), request, |_, sse| {
        ours::send(workload, ticks, sse)
    })
}
