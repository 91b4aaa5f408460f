//! hyper with http-body-util's `StreamBody` and a channel: what one writes without any library
//! for event streams. The task that sends does the keep-alives too.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::{Instant, interval_at};
use tokio_stream::wrappers::ReceiverStream;

use super::on_hyper;
use crate::ticks::{Ticker, Ticks};
use crate::workload::{Burst, GREETING, Workload, live_text, on_the_wire};

type Body = BoxBody<Bytes, Infallible>;

pub(super) async fn run(listener: TcpListener, ticker: Ticker) -> io::Result<()> {
    on_hyper::run(listener, ticker, respond).await
}

fn respond(request: Request<Incoming>, ticker: &Ticker) -> http::Result<Response<Body>> {
    let Some(workload) = Workload::from_path(request.uri().path()) else {
        return Response::builder()
            .status(StatusCode::NOT_FOUND)
            .body(Empty::new().boxed());
    };
    let (sender, receiver) = mpsc::channel(64);
    tokio::spawn(send(workload, ticker.subscribe(), sender));
    let frames = ReceiverStream::new(receiver).map(|bytes| Ok(Frame::data(bytes)));
    Response::builder()
        .header(header::CONTENT_TYPE, "text/event-stream")
        .header(header::CACHE_CONTROL, "no-cache")
        .body(BodyExt::boxed(StreamBody::new(frames)))
}

/// Returns when all is sent or the client is gone.
async fn send(workload: Workload, mut ticks: Ticks, sender: Sender<Bytes>) {
    let event = |text: &str| Bytes::from(on_the_wire(text));
    match workload {
        Workload::Burst { size, count } => {
            ticks.next().await;
            for text in Burst::new(size, count) {
                if sender.send(event(text)).await.is_err() {
                    return;
                }
            }
        }
        Workload::Live => loop {
            let tick = tokio::select! {
                tick = ticks.next() => tick,
                () = sender.closed() => return,
            };
            if sender.send(event(&live_text(tick))).await.is_err() {
                return;
            }
        },
        Workload::Idle { keep_alive } => {
            let mut silence = interval_at(Instant::now() + keep_alive, keep_alive);
            loop {
                tokio::select! {
                    _ = silence.tick() => {}
                    () = sender.closed() => return,
                }
                if sender.send(Bytes::from_static(b":\n\n")).await.is_err() {
                    return;
                }
            }
        }
        Workload::One => {
            let _ = sender.send(event(GREETING)).await;
            sender.closed().await;
        }
        Workload::Brief => {
            let _ = sender.send(event(GREETING)).await;
        }
    }
}
