//! actix-web, in threads of its own.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, rt, web};
use socket2::SockRef;
use sse_actix::{Request, SseBody, refused, sse_response_with};

use super::Site;

/// A client that accepts nothing for as long as this is gone, or never reads.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

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
    // Connections inherit it.
    #[cfg(target_os = "linux")]
    SockRef::from(&listener).set_tcp_user_timeout(Some(WRITE_TIMEOUT))?;
    let app = move || {
        let site = web::Data::new(site.clone());
        App::new().app_data(site).route("/", web::get().to(answer))
    };
    HttpServer::new(app)
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .disable_signals()
        .listen(listener)?
        .run()
        .await
}

async fn answer(site: web::Data<Site>, request: Request) -> HttpResponse<SseBody> {
    match site.open(Some(request.query_string())).await {
        Ok(subscribe) => sse_response_with(&site.options, &request, |_request, sse| {
            site.serve(subscribe, sse)
        }),
        Err(error) => refused(error.to_response()),
    }
}
