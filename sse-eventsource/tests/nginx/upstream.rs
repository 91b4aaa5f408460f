//! The adapters of this project, each as an upstream of nginx, with the same stream: a log of
//! numbered events that is resumed by ID.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use sse_hyper::{Event, SendError, Sse, SseOptions};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

/// The number of events so far, and whether there are no more to come.
#[derive(Clone, Copy)]
pub(crate) struct Log {
    pub(crate) last: u64,
    pub(crate) ended: bool,
}

/// Sends the events after the last event ID, each as soon as it is published.
async fn stream(sse: Sse, mut log: watch::Receiver<Log>, last_sent: Sent) -> Result<(), SendError> {
    let id = sse.last_event_id();
    let mut sent: u64 = id.map_or(0, |id| id.parse().expect("an id"));
    loop {
        let Log { last, ended } = *log.borrow_and_update();
        while sent < last {
            sent += 1;
            let event = Event::new().id(sent.to_string());
            sse.send(event.data(sent.to_string())).await?;
            last_sent.send_replace(sent);
        }
        if ended || log.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// Publishes which event was sent last.
type Sent = watch::Sender<u64>;

/// A server, which stops when it is dropped.
pub(crate) struct Upstream {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    log: watch::Sender<Log>,
    sent: Sent,
    end: End,
}

enum End {
    Task(AbortHandle),
    Thread(actix_web::dev::ServerHandle, Option<JoinHandle<()>>),
}

/// Starts all three, with this keep-alive interval.
pub(crate) async fn all(keep_alive: Option<Duration>) -> [Upstream; 3] {
    all_with(match keep_alive {
        Some(interval) => SseOptions::new().keep_alive(interval),
        None => SseOptions::new().without_keep_alive(),
    })
    .await
}

/// Starts all three with these options.
pub(crate) async fn all_with(options: SseOptions) -> [Upstream; 3] {
    [
        hyper(options.clone()).await,
        tcp(options.clone()).await,
        actix(options).await,
    ]
}

impl Upstream {
    /// Publishes events up to this one.
    pub(crate) fn publish(&self, last: u64) {
        self.log.send_modify(|log| log.last = last);
    }

    /// Ends the streams, including those that are opened later.
    pub(crate) fn end(&self) {
        self.log.send_modify(|log| log.ended = true);
    }

    /// Waits until this event was sent.
    pub(crate) async fn has_sent(&self, last: u64) {
        let mut sent = self.sent.subscribe();
        let sent = sent.wait_for(|sent| *sent == last).await;
        sent.expect("the sender is here");
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        match &mut self.end {
            End::Task(task) => task.abort(),
            End::Thread(handle, thread) => {
                // The call sends the command. The future would only wait for its effect.
                drop(handle.stop(false));
                if let Some(thread) = thread.take() {
                    let _ = thread.join();
                }
            }
        }
    }
}

fn log() -> (watch::Sender<Log>, watch::Receiver<Log>) {
    watch::channel(Log {
        last: 0,
        ended: false,
    })
}

async fn hyper(options: SseOptions) -> Upstream {
    let (send, log) = log();
    let sent = Sent::default();
    let last_sent = sent.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let handler = move |_request, sse| stream(sse, log.clone(), last_sent.clone());
    let service = sse_hyper::with_sse(handler).options(options);
    let task = tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.expect("a connection");
            io.set_nodelay(true).expect("a socket option");
            let service = service.clone();
            let connection = http1::Builder::new().serve_connection(TokioIo::new(io), service);
            tokio::spawn(connection);
        }
    });
    Upstream {
        name: "hyper",
        address,
        log: send,
        sent,
        end: End::Task(task.abort_handle()),
    }
}

async fn tcp(options: SseOptions) -> Upstream {
    let (send, log) = log();
    let sent = Sent::default();
    let last_sent = sent.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let handler = move |_request, sse| stream(sse, log.clone(), last_sent.clone());
    let service = sse_tokio_tcp::with_sse(handler).options(options);
    let task = tokio::spawn(sse_tokio_tcp::serve(listener, service));
    Upstream {
        name: "tcp",
        address,
        log: send,
        sent,
        end: End::Task(task.abort_handle()),
    }
}

async fn actix(options: SseOptions) -> Upstream {
    use actix_web::{App, HttpServer, rt, web};

    let (send, log) = log();
    let sent = Sent::default();
    let last_sent = sent.clone();
    let (started, start) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        rt::System::new().block_on(async {
            let server = HttpServer::new(move || {
                let (log, last_sent) = (log.clone(), last_sent.clone());
                let handler = move |_request: sse_actix::Request, sse| {
                    stream(sse, log.clone(), last_sent.clone())
                };
                let handler = sse_actix::with_sse(handler).options(options.clone());
                App::new().default_service(web::to(handler))
            });
            let server = server.workers(1).disable_signals();
            let server = server.bind("127.0.0.1:0").expect("a port");
            let address = server.addrs()[0];
            let server = server.run();
            let handle = server.handle();
            started.send((address, handle)).expect("the test waits");
            server.await.expect("served");
        });
    });
    let (address, handle) = start.await.expect("it started");
    Upstream {
        name: "actix",
        address,
        log: send,
        sent,
        end: End::Thread(handle, Some(thread)),
    }
}
