use std::io;
use std::net::{IpAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, web};
use sse_actix::{
    BoundedHttp, Limiter, Request, Sse, SseBody, SseOptions, refused, sse_response_with,
};

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
        Err(error) => refused(&error),
    }
}

pub(crate) fn serve(listener: TcpListener, streams: Limiter<Option<IpAddr>>) -> io::Result<Server> {
    // Inherited by the connections: the write timeout for a client whose link is cut.
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&listener).set_tcp_user_timeout(Some(Duration::from_secs(60)))?;
    let streams = web::Data::new(streams);
    let app = move || {
        App::new()
            .app_data(streams.clone())
            .route("/", web::get().to(answer))
    };
    // Its defaults are a time for heads and the rest of bodies, one for writes, and 200 requests of one connection of
    // HTTP/2.
    let server = Server::build()
        .max_concurrent_connections(2_500) // of each worker
        .listen("events", listener, move || BoundedHttp::new().tcp(app()))?;
    Ok(server.run())
}
