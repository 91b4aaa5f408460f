//! actix-web, in threads of its own.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use actix_web::{App, HttpServer, rt, web};
use socket2::SockRef;
use sse_actix::{Request, Sse, with_sse};

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
        let options = site.options.clone();
        let site = site.clone();
        let handler =
            move |request: Request, sse: Sse| site.serve(Some(request.query_string()), sse);
        App::new().route("/", web::get().to(with_sse(handler).options(options)))
    };
    HttpServer::new(app)
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .disable_signals()
        .listen(listener)?
        .run()
        .await
}
