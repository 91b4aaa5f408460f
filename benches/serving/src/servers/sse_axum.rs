//! sse-hyper in axum: what differs from axum's own is then the event stream alone.

use std::io;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, Uri};
use sse_hyper::sse_response_with;
use tokio::net::TcpListener;

use super::on_axum;
use super::ours::{self, Bursts};
use crate::ticks::Ticker;
use crate::workload::Workload;

pub(super) async fn run(listener: TcpListener, ticker: Ticker) -> io::Result<()> {
    on_axum::run(listener, ticker, get(respond)).await
}

async fn respond(uri: Uri, State(ticker): State<Ticker>, headers: HeaderMap) -> Response {
    let Some(workload) = Workload::from_path(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let ticks = ticker.subscribe();
    sse_response_with(&ours::options(workload), headers, |_, sse| {
        ours::send(workload, Bursts::Send, ticks, sse)
    })
    .into_response()
}
