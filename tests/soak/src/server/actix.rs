//! actix-web as the documentation has it, in threads of its own.

use std::net::TcpListener;
use std::thread;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, rt, web};
use sse_actix::{BoundedHttp, Request, SseBody, refused, sse_response_with};

use super::Site;

/// Serves all connections. A server that cannot be started ends the process.
pub(crate) fn serve(listener: TcpListener, site: Site) {
    thread::spawn(move || {
        if let Err(error) = rt::System::new().block_on(run(listener, site)) {
            eprintln!("actix-web has ended: {error}");
            std::process::exit(1);
        }
    });
}

async fn run(listener: TcpListener, site: Site) -> std::io::Result<()> {
    let app = move || {
        let site = web::Data::new(site.clone());
        App::new().app_data(site).route("/", web::get().to(answer))
    };
    Server::build()
        .disable_signals()
        .listen("soak", listener, move || BoundedHttp::new().tcp(app()))?
        .run()
        .await
}

async fn answer(site: web::Data<Site>, request: Request) -> HttpResponse<SseBody> {
    match site.open(Some(request.query_string())).await {
        Ok(subscribe) => sse_response_with(&site.options, &request, |_request, sse| {
            site.serve(subscribe, sse)
        }),
        Err(error) => refused(&error),
    }
}
