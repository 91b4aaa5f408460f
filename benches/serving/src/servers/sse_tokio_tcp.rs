//! sse-tokio-tcp; with "frames", the events of a burst are encoded before they are needed, as those
//! of the floor are, and sent by `send_all`.

use std::io;

use sse_tokio_tcp::{
    Frame, Request, Response, SendError, Sse, not_found, serve, sse_response_with,
};
use tokio::net::TcpListener;

use super::ours::{self, Bursts};
use crate::ticks::{Ticker, Ticks};
use crate::workload::{Burst, Workload};

pub(super) async fn run(
    listener: TcpListener,
    ticker: Ticker,
    bursts: Bursts,
    frames: bool,
) -> io::Result<()> {
    serve(listener, move |request| {
        let response = respond(request, &ticker, bursts, frames);
        async { response }
    })
    .await;
    Ok(())
}

fn respond(request: Request, ticker: &Ticker, bursts: Bursts, frames: bool) -> Response {
    let Some(workload) = Workload::from_path(request.uri().path()) else {
        return not_found();
    };
    let ticks = ticker.subscribe();
    let options = ours::options(workload);
    match workload {
        Workload::Burst { size, count } if frames => {
            sse_response_with(&options, request, |_, sse| {
                send_frames(size, count, ticks, sse)
            })
        }
        _ => sse_response_with(&options, request, |_, sse| {
            ours::send(workload, bursts, ticks, sse)
        }),
    }
}

async fn send_frames(size: usize, count: u64, mut ticks: Ticks, sse: Sse) -> Result<(), SendError> {
    let [event, last] = [2, 1].map(|left| {
        let text = Burst::new(size, left).next().unwrap_or_default();
        Frame::new(text)
    });
    let (event, last) = (event?, last?);
    ticks.next().await;
    let frames = (1..=count).map(|number| if number == count { &last } else { &event });
    Ok(sse.send_all(frames).await?)
}
