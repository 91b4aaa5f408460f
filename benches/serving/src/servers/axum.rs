//! axum's `Sse`: a stream of its events, with its keep-alive.

use std::convert::Infallible;
use std::io;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use http::{StatusCode, Uri};
use tokio::net::TcpListener;

use super::on_axum;
use crate::ticks::{Ticker, Ticks};
use crate::workload::{Burst, GREETING, Workload, live_text};

pub(super) async fn run(listener: TcpListener, ticker: Ticker) -> io::Result<()> {
    on_axum::run(listener, ticker, get(respond)).await
}

async fn respond(uri: Uri, State(ticker): State<Ticker>) -> Response {
    let Some(workload) = Workload::from_path(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let keep_alive = KeepAlive::new().interval(workload.keep_alive());
    let ticks = ticker.subscribe();
    // A match instead of one boxed stream: axum boxes the body anyway, and once is enough.
    match workload {
        Workload::Burst { size, count } => Sse::new(burst(size, count, ticks))
            .keep_alive(keep_alive)
            .into_response(),
        other => Sse::new(others(other, ticks))
            .keep_alive(keep_alive)
            .into_response(),
    }
}

fn burst(
    size: usize,
    count: u64,
    mut ticks: Ticks,
) -> impl stream::Stream<Item = Result<Event, Infallible>> {
    async move {
        ticks.next().await;
        stream::iter(Burst::new(size, count).map(|text| Ok(Event::default().data(text))))
    }
    .flatten_stream()
}

fn others(workload: Workload, ticks: Ticks) -> BoxStream<'static, Result<Event, Infallible>> {
    let greeting = || stream::iter([Ok(Event::default().data(GREETING))]);
    match workload {
        Workload::Live => stream::unfold(ticks, |mut ticks| async {
            let tick = ticks.next().await;
            Some((Ok(Event::default().data(live_text(tick))), ticks))
        })
        .boxed(),
        Workload::One => greeting().chain(stream::pending()).boxed(),
        Workload::Brief => greeting().boxed(),
        Workload::Burst { .. } | Workload::Idle { .. } => stream::pending().boxed(),
    }
}
