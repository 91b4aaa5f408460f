use std::io;
use std::net::{IpAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};
use sse_actix::{Limiter, Request, Sse, SseBody, SseOptions, limit_reached, sse_response_with};

use crate::network;

/// Stands for what the application sends. It has no request that it would hold for as long as it runs.
async fn events(sse: Sse) {
    let _ = sse.send("hello").await;
    sse.closed().await;
}

async fn answer(
    request: Request,
    streams: web::Data<Limiter<Option<IpAddr>>>,
) -> HttpResponse<SseBody> {
    let peer = request.peer_addr();
    match streams.try_acquire(peer.map(|peer| network(peer.ip()))) {
        Ok(permit) => {
            let options = SseOptions::new()
                .max_age(Duration::from_secs(60 * 60))
                .permit(permit);
            sse_response_with(&options, &request, |_request, sse| events(sse))
        }
        Err(error) => limit_reached(&error),
    }
}

pub(crate) fn serve(listener: TcpListener, streams: Limiter<Option<IpAddr>>) -> io::Result<Server> {
    // Inherited by the connections: a write timeout in the system.
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&listener).set_tcp_user_timeout(Some(Duration::from_secs(60)))?;
    let streams = web::Data::new(streams);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(streams.clone())
            .route("/", web::get().to(answer))
    })
    .h1_allow_half_closed(false)
    .client_request_timeout(Duration::from_secs(10))
    .max_connections(2_500) // of each worker
    .listen(listener)?;
    Ok(server.run())
}
