//! How do I serve events with actix-web, with extractors and a graceful shutdown?
//!
//! ```text
//! cargo run -p sse-examples --example actix
//! curl -N http://127.0.0.1:3001/rooms/lobby
//! ```

use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, web};
use sse_actix::{
    BoundedHttp, CancellationToken, Event, Request, SendError, Sse, SseBody, SseOptions,
    sse_response_with, with_sse,
};

// A route with extractors returns `sse_response`.
async fn room(
    request: Request,
    room: web::Path<String>,
    options: web::Data<SseOptions>,
) -> HttpResponse<SseBody> {
    sse_response_with(&options, &request, |_request, sse: Sse| async move {
        sse.send(format!("welcome to {room}")).await?;
        for number in 1_u64.. {
            tokio::time::sleep(Duration::from_secs(1)).await;
            sse.send(Event::new().id(number.to_string()).display(number))
                .await?;
        }
        Ok::<_, SendError>(())
    })
}

// A handler of the request alone becomes a route by `with_sse`.
async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let stop = CancellationToken::new();
    let options = web::Data::new(SseOptions::new().shutdown(stop.clone()));
    let app = move || {
        App::new()
            .app_data(options.clone())
            .route("/rooms/{room}", web::get().to(room))
            .route("/hello", web::get().to(with_sse(hello)))
    };
    // In the place of actix-web's `HttpServer`, so that a client cannot make the server hold more than it is to.
    let idle = stop.clone();
    let http = move || BoundedHttp::new().shutdown(idle.clone()).tcp(app());
    let server = Server::build()
        .disable_signals()
        .bind("events", ("127.0.0.1", 3001), http)?
        .run();

    // Ends the open streams and the idle connections, for which actix waits.
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        let _ = actix_web::rt::signal::ctrl_c().await;
        stop.cancel();
        handle.stop(true).await;
    });
    server.await
}
