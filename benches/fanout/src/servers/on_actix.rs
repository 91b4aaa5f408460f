//! The actix server that both servers on actix-web run on.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpServer, Route, web};

use crate::orders::Orders;

/// Runs a server with `state`, whose `publish` follows the orders on the one worker's thread.
pub(super) fn run<S, F>(
    listener: TcpListener,
    datagrams: UdpSocket,
    state: &S,
    publish: fn(S, Orders) -> F,
    route: fn() -> Route,
) -> io::Result<()>
where
    S: Clone + Send + 'static,
    F: Future<Output = io::Result<()>> + 'static,
{
    let state = state.clone();
    let datagrams = Arc::new(Mutex::new(Some(datagrams)));
    actix_rt::System::new().block_on(async move {
        HttpServer::new(move || {
            let datagrams = datagrams.lock().ok().and_then(|mut it| it.take());
            if let Some(Ok(orders)) = datagrams.map(Orders::new) {
                actix_rt::spawn(publish(state.clone(), orders));
            }
            App::new()
                .app_data(web::Data::new(state.clone()))
                .route("/events", route())
        })
        .workers(1)
        .disable_signals()
        .h1_allow_half_closed(false)
        .listen(listener)?
        .run()
        .await
    })
}
