//! actix-web-lab's `sse`, with a channel, the way its documentation shows it.

use std::io;
use std::net::{TcpListener, UdpSocket};

use actix_web::{HttpRequest, HttpResponse, Responder as _, web};
use actix_web_lab::sse;
use tokio::sync::mpsc::{self, Sender};

use super::on_actix;
use crate::ticks::{Ticker, Ticks};
use crate::workload::{Burst, GREETING, Workload, live_text};

pub(super) fn run(listener: TcpListener, datagrams: UdpSocket) -> io::Result<()> {
    on_actix::run(listener, datagrams, || web::get().to(respond))
}

async fn respond(request: HttpRequest, ticker: web::Data<Ticker>) -> HttpResponse {
    let Some(workload) = Workload::from_path(request.path()) else {
        return HttpResponse::NotFound().finish();
    };
    let (sender, receiver) = mpsc::channel(10);
    actix_rt::spawn(send(workload, ticker.subscribe(), sender));
    sse::Sse::from_infallible_receiver(receiver)
        .with_keep_alive(workload.keep_alive())
        .respond_to(&request)
        .map_into_boxed_body()
}

/// Returns when all is sent or the client is gone.
async fn send(workload: Workload, mut ticks: Ticks, sender: Sender<sse::Event>) {
    let event = |text: &str| sse::Data::new(text).into();
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
        Workload::Idle { .. } => sender.closed().await,
        Workload::One => {
            let _ = sender.send(event(GREETING)).await;
            sender.closed().await;
        }
        Workload::Brief => {
            let _ = sender.send(event(GREETING)).await;
        }
    }
}
