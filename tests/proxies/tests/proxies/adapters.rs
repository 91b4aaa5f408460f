//! The adapters, each with a server of its own. `/events/ready` has no content.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::thread::JoinHandle;

use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use sse_session::SseOptions;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::upstream::{Opened, serve};

/// An adapter of this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    Hyper,
    Actix,
    Tcp,
}

impl Adapter {
    pub(crate) const ALL: [Self; 3] = [Self::Hyper, Self::Actix, Self::Tcp];
}

/// A server, which stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    running: Running,
}

#[derive(Debug)]
enum Running {
    Task(AbortHandle),
    Thread(actix_web::dev::ServerHandle, Option<JoinHandle<()>>),
}

impl Drop for Server {
    fn drop(&mut self) {
        match &mut self.running {
            Running::Task(task) => task.abort(),
            Running::Thread(handle, thread) => {
                // The call sends the command. The future would only wait for its effect.
                drop(handle.stop(false));
                if let Some(thread) = thread.take() {
                    let _ = thread.join();
                }
            }
        }
    }
}

pub(crate) async fn start(adapter: Adapter, options: SseOptions, opened: Opened) -> Server {
    match adapter {
        Adapter::Hyper => {
            let listener = listener().await;
            let address = listener.local_addr().expect("an address");
            let task = tokio::spawn(hyper(listener, options, opened));
            Server::of_task(address, task.abort_handle())
        }
        Adapter::Actix => actix(options, opened).await,
        Adapter::Tcp => tcp(options, opened).await,
    }
}

impl Server {
    fn of_task(address: SocketAddr, task: AbortHandle) -> Self {
        Self {
            address,
            running: Running::Task(task),
        }
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

/// Serves streams by hyper.
pub(crate) async fn hyper(listener: TcpListener, options: SseOptions, opened: Opened) {
    loop {
        let (io, _) = listener.accept().await.expect("a connection");
        io.set_nodelay(true).expect("a socket option");
        let (options, opened) = (options.clone(), opened.clone());
        let service = service_fn(move |request: sse_hyper::Request| {
            let (options, opened) = (options.clone(), opened.clone());
            async move {
                if request.uri().path() == "/events/ready" {
                    return Ok::<_, Infallible>(sse_hyper::no_content());
                }
                let handler = move |_, sse| serve(sse, opened.clone());
                let service = sse_hyper::with_sse(handler).options(options);
                service.call(request).await
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(io), service);
        tokio::spawn(connection);
    }
}

async fn tcp(options: SseOptions, opened: Opened) -> Server {
    use sse_tokio_tcp::{Request, Router, no_content, with_sse};

    let listener = listener().await;
    let address = listener.local_addr().expect("an address");
    let handler = move |_: Request, sse| serve(sse, opened.clone());
    let router = Router::new()
        .route("/events", with_sse(handler).options(options))
        .route("/events/ready", async |_: Request| no_content());
    let task = tokio::spawn(sse_tokio_tcp::serve(listener, router));
    Server::of_task(address, task.abort_handle())
}

async fn actix(options: SseOptions, opened: Opened) -> Server {
    use actix_web::{App, HttpServer, rt, web};

    let (started, start) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        rt::System::new().block_on(async {
            let server = HttpServer::new(move || {
                let opened = opened.clone();
                let handler = move |_: sse_actix::Request, sse| serve(sse, opened.clone());
                let handler = sse_actix::with_sse(handler).options(options.clone());
                App::new().route("/events", web::get().to(handler)).route(
                    "/events/ready",
                    web::get().to(async || sse_actix::no_content()),
                )
            });
            let server = server.workers(1).tcp_nodelay(true).disable_signals();
            let server = server.h1_allow_half_closed(false);
            let server = server.bind("127.0.0.1:0").expect("a port");
            let address = server.addrs()[0];
            let server = server.run();
            let handle = server.handle();
            started.send((address, handle)).expect("the test waits");
            server.await.expect("served");
        });
    });
    let (address, handle) = start.await.expect("it started");
    Server {
        address,
        running: Running::Thread(handle, Some(thread)),
    }
}
