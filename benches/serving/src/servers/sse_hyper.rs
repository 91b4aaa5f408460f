//! sse-hyper on hyper's own HTTP/1 server.

use std::io;

use http::{Response, StatusCode};
use sse_hyper::{Request, SseBody, sse_response_with};
use tokio::net::TcpListener;

use super::on_hyper;
use super::ours::{self, Bursts};
use crate::ticks::Ticker;
use crate::workload::Workload;

pub(super) async fn run(listener: TcpListener, ticker: Ticker, bursts: Bursts) -> io::Result<()> {
    let respond = move |request, ticker: &_| respond(request, ticker, bursts);
    on_hyper::run(listener, ticker, respond).await
}

fn respond(request: Request, ticker: &Ticker, bursts: Bursts) -> http::Result<Response<SseBody>> {
    let Some(workload) = Workload::from_path(request.uri().path()) else {
        return Response::builder()
            .status(StatusCode::NOT_FOUND)
            .body(SseBody::empty());
    };
    let ticks = ticker.subscribe();
    let options = ours::options(workload);
    Ok(sse_response_with(&options, request, |_, sse| {
        ours::send(workload, bursts, ticks, sse)
    }))
}
