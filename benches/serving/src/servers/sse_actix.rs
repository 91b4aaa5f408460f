//! sse-actix.

use std::io;
use std::net::{TcpListener, UdpSocket};

use actix_web::{HttpRequest, HttpResponse, web};
use sse_actix::{SseBody, no_content, sse_response_with};

use super::on_actix;
use super::ours::{self, Bursts};
use crate::ticks::Ticker;
use crate::workload::Workload;

pub(super) fn run(listener: TcpListener, datagrams: UdpSocket) -> io::Result<()> {
    on_actix::run(listener, datagrams, || web::get().to(respond))
}

async fn respond(request: HttpRequest, ticker: web::Data<Ticker>) -> HttpResponse<SseBody> {
    let Some(workload) = Workload::from_path(request.path()) else {
        return no_content();
    };
    let ticks = ticker.subscribe();
    sse_response_with(&ours::options(workload), &request, |_, sse| {
        ours::send(workload, Bursts::Send, ticks, sse)
    })
}
