//! The actix server that both event streams for actix-web run on.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpServer, Route, web};

use crate::ticks::Ticker;

pub(super) fn run(
    listener: TcpListener,
    datagrams: UdpSocket,
    route: fn() -> Route,
) -> io::Result<()> {
    let ticker = Ticker::default();
    let datagrams = Arc::new(Mutex::new(Some(datagrams)));
    actix_rt::System::new().block_on(async move {
        HttpServer::new(move || {
            // On the one worker's thread, where the streams are.
            if let Some(datagrams) = datagrams.lock().ok().and_then(|mut it| it.take()) {
                actix_rt::spawn(ticker.clone().run(datagrams));
            }
            App::new()
                .app_data(web::Data::new(ticker.clone()))
                .default_service(route())
        })
        .workers(1)
        .disable_signals()
        .h1_allow_half_closed(false)
        .listen(listener)?
        .run()
        .await
    })
}
