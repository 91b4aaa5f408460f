//! The same hub on each adapter: the one line that serves a subscription, three times.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::thread;

use actix_web::{App, HttpRequest, HttpServer, web};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sse_hub::{Hub, Subscribe, Subscription};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Hyper,
    Actix,
    Tcp,
}

/// A running server; dropping it ends it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
    actix: Option<(actix_web::dev::ServerHandle, thread::JoinHandle<()>)>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.actix.take() {
            drop(handle.stop(false));
            // A panic there is one here.
            let joined = thread.join();
            assert!(thread::panicking() || joined.is_ok());
        }
    }
}

/// The topics are in the path: `/a,b` asks for two. All that is kept is replayed at first.
fn subscribe(hub: &Hub, path: &str) -> Subscribe {
    hub.subscribe(path.trim_start_matches('/').split(','))
        .from_start()
}

/// How a subscription becomes the stream of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By [`Subscribe::serve`] in a handler.
    Serve,
    /// By [`Subscribe::open`] before the response, and then by [`Subscribe::serve`].
    Open,
    /// By the `sse_stream` of the adapter.
    Stream,
}

async fn subscribed(hub: &Hub, path: &str) -> Subscription {
    subscribe(hub, path).await.expect("a subscription")
}

pub(crate) async fn serve(transport: Transport, hub: &Hub) -> Server {
    serve_by(Way::Serve, transport, hub).await
}

pub(crate) async fn serve_by(way: Way, transport: Transport, hub: &Hub) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let hub = hub.clone();
    let mut tasks = JoinSet::new();
    let mut actix = None;
    match transport {
        Transport::Hyper => {
            tasks.spawn(on_hyper(way, listener, hub));
        }
        Transport::Actix => actix = Some(on_actix(way, listener, hub).await),
        Transport::Tcp => {
            tasks.spawn(async move {
                let service = move |request: sse_tokio_tcp::Request| {
                    let hub = hub.clone();
                    async move {
                        if way == Way::Stream {
                            return sse_tokio_tcp::sse_stream(
                                subscribed(&hub, request.uri().path()).await,
                            );
                        }
                        if way == Way::Open {
                            let id = sse_session::last_event_id(&request);
                            let subscribe = subscribe(&hub, request.uri().path());
                            return match subscribe.resume(id.as_deref()).open().await {
                                Ok(open) => {
                                    sse_tokio_tcp::sse_response(request, |_, sse| open.serve(sse))
                                }
                                Err(error) => sse_tokio_tcp::refused(&error),
                            };
                        }
                        sse_tokio_tcp::sse_response(request, |request, sse| {
                            subscribe(&hub, request.uri().path()).serve(sse)
                        })
                    }
                };
                sse_tokio_tcp::serve(listener, service).await;
            });
        }
    }
    Server {
        address,
        _tasks: tasks,
        actix,
    }
}

async fn on_hyper(way: Way, listener: TcpListener, hub: Hub) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("accepted");
        let hub = hub.clone();
        connections.spawn(async move {
            let service = service_fn(move |request: sse_hyper::Request| {
                let hub = hub.clone();
                async move {
                    if way == Way::Stream {
                        let subscription = subscribed(&hub, request.uri().path()).await;
                        return Ok(sse_hyper::sse_stream(subscription));
                    }
                    if way == Way::Open {
                        let id = sse_hyper::last_event_id(&request);
                        let subscribe = subscribe(&hub, request.uri().path());
                        return Ok(match subscribe.resume(id.as_deref()).open().await {
                            Ok(open) => sse_hyper::sse_response(request, |_, sse| open.serve(sse)),
                            Err(error) => sse_hyper::refused(&error),
                        });
                    }
                    Ok::<_, Infallible>(sse_hyper::sse_response(request, |request, sse| {
                        subscribe(&hub, request.uri().path()).serve(sse)
                    }))
                }
            });
            // Clients vanish here all the time.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn on_actix(
    way: Way,
    listener: TcpListener,
    hub: Hub,
) -> (actix_web::dev::ServerHandle, thread::JoinHandle<()>) {
    let listener = listener.into_std().expect("a listener");
    let (send, receive) = tokio::sync::oneshot::channel();
    let thread = thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let hub = hub.clone();
                let stream = move |request: HttpRequest| {
                    let hub = hub.clone();
                    async move {
                        if way == Way::Stream {
                            return sse_actix::sse_stream(subscribed(&hub, request.path()).await);
                        }
                        if way == Way::Open {
                            let id = sse_actix::last_event_id(&request);
                            let subscribe = subscribe(&hub, request.path());
                            return match subscribe.resume(id.as_deref()).open().await {
                                Ok(open) => {
                                    sse_actix::sse_response(&request, |_, sse| open.serve(sse))
                                }
                                Err(error) => sse_actix::refused(&error),
                            };
                        }
                        sse_actix::sse_response(&request, |request, sse| {
                            subscribe(&hub, request.path()).serve(sse)
                        })
                    }
                };
                App::new().default_service(web::to(stream))
            })
            .workers(1)
            .h1_allow_half_closed(false)
            .disable_signals()
            .listen(listener)
            .expect("a server")
            .run();
            send.send(server.handle()).expect("the test is there");
            server.await.expect("served");
        });
    });
    (receive.await.expect("a handle"), thread)
}
