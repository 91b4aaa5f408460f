//! The adapters of this project as servers: over HTTP/1.1, HTTP/2, TLS and Unix sockets.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use hyper::server::conn::{http1, http2};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_eventsource::{Error, ErrorKind, EventSource, HttpClient, RequestBody, Update};
use sse_eventsource_testing::Identity;
use sse_hyper::{Event, SendError, Sse};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::rustls;

use crate::stack::no_wait;

/// Sends three events after the last event ID, and ends.
async fn three<R>(_request: R, sse: Sse) -> Result<(), SendError> {
    let last: u64 = sse
        .last_event_id()
        .map_or(0, |id| id.parse().expect("an id"));
    for number in last + 1..=last + 3 {
        let event = Event::new().id(number.to_string());
        sse.send(event.data(number.to_string())).await?;
    }
    Ok(())
}

/// Reads thirty events in order, over ten streams.
async fn read_thirty(client: HttpClient, url: &str) {
    let source = EventSource::get(url).backoff(no_wait()).build_with(client);
    read_thirty_of(source.expect("valid")).await;
}

async fn read_thirty_of(source: EventSource) {
    let mut updates = source.into_updates();
    let (mut expected, mut opened) = (1, 0);
    while expected <= 30 {
        match updates
            .next()
            .await
            .expect("endless")
            .expect("no final error")
        {
            Update::Open(_) => opened += 1,
            Update::Event(event) => {
                assert_eq!(event.data(), expected.to_string());
                expected += 1;
            }
            Update::Disconnected { error, .. } => assert!(error.is_none(), "{error:?}"),
            _ => {}
        }
    }
    assert_eq!(opened, 10);
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    (listener, url)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    let (io, _) = listener.accept().await.expect("a connection");
    io.set_nodelay(true).expect("a socket option");
    io
}

async fn serve_http1(io: impl AsyncRead + AsyncWrite + Unpin + 'static) {
    let service = sse_hyper::with_sse(three);
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(io), service)
        .await;
}

async fn serve_http2(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = sse_hyper::with_sse(three);
    let _ = http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(io), service)
        .await;
}

#[tokio::test]
async fn streams_of_hyper_are_resumed() {
    let (listener, url) = listener().await;
    let server = async {
        loop {
            tokio::spawn(serve_http1(accept(&listener).await));
        }
    };
    tokio::select! {
        () = server => {}
        () = read_thirty(HttpClient::new(), &url) => {}
    }
}

#[tokio::test]
async fn another_client_can_be_the_http_stack() {
    let (listener, url) = listener().await;
    let server = async {
        loop {
            tokio::spawn(serve_http1(accept(&listener).await));
        }
    };
    let client = Client::builder(TokioExecutor::new()).build_http::<RequestBody>();
    let source = EventSource::get(url)
        .backoff(no_wait())
        .build_with(client)
        .expect("valid");
    tokio::select! {
        () = server => {}
        () = read_thirty_of(source) => {}
    }
}

#[tokio::test]
async fn streams_of_hyper_are_resumed_over_http2() {
    let (listener, url) = listener().await;
    let server = async {
        loop {
            tokio::spawn(serve_http2(accept(&listener).await));
        }
    };
    tokio::select! {
        () = server => {}
        () = read_thirty(HttpClient::new().http2_prior_knowledge(), &url) => {}
    }
}

#[tokio::test]
async fn streams_of_raw_tcp_are_resumed() {
    let (listener, url) = listener().await;
    tokio::select! {
        () = sse_tokio_tcp::serve(listener, sse_tokio_tcp::with_sse(three)) => {}
        () = read_thirty(HttpClient::new(), &url) => {}
    }
}

#[cfg(unix)]
#[tokio::test]
async fn streams_of_a_unix_socket_are_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.sock");
    let listener = tokio::net::UnixListener::bind(&path).expect("a socket");
    tokio::select! {
        () = sse_tokio_tcp::serve(listener, sse_tokio_tcp::with_sse(three)) => {}
        () = read_thirty(HttpClient::new().unix_socket(&path), "http://localhost/") => {}
    }
}

#[tokio::test]
async fn streams_of_actix_are_resumed() {
    use actix_web::{App, HttpServer, rt, web};

    let (send, receive) = tokio::sync::oneshot::channel();
    let thread = std::thread::spawn(move || {
        rt::System::new().block_on(async {
            let server = HttpServer::new(|| {
                App::new().route(
                    "/",
                    web::get().to(sse_actix::with_sse(three::<sse_actix::Request>)),
                )
            });
            let server = server.workers(1).disable_signals();
            let server = server.bind("127.0.0.1:0").expect("a port");
            let address = server.addrs()[0];
            let server = server.run();
            send.send((address, server.handle()))
                .expect("the test waits");
            server.await.expect("served");
        });
    });
    let (address, handle) = receive.await.expect("it started");
    read_thirty(HttpClient::new(), &format!("http://{address}/")).await;
    handle.stop(false).await;
    thread.join().expect("no panic");
}

#[tokio::test]
async fn tls_negotiates_the_protocol() {
    for protocols in [&["h2", "http/1.1"][..], &["http/1.1"], &[]] {
        let (listener, url) = listener().await;
        let url = url.replace("http://127.0.0.1", "https://localhost");
        let identity = Identity::new();
        let (acceptor, config) = (identity.acceptor(protocols), identity.trust());
        let server = async {
            loop {
                let io = accept(&listener).await;
                let io = acceptor.accept(io).await.expect("TLS");
                let negotiated = io.get_ref().1.alpn_protocol();
                assert_eq!(negotiated, protocols.first().map(|name| name.as_bytes()));
                if negotiated == Some(b"h2") {
                    tokio::spawn(serve_http2(io));
                } else {
                    tokio::spawn(serve_http1(io));
                }
            }
        };
        let client = HttpClient::new().tls_config(config);
        let clients = async {
            read_thirty(client.clone(), &url).await;
            // Prior knowledge is about hosts without TLS.
            read_thirty(client.http2_prior_knowledge(), &url).await;
        };
        tokio::select! {
            () = server => {}
            () = clients => {}
        }
    }
}

#[tokio::test]
async fn an_untrusted_certificate_is_refused() {
    let (listener, url) = listener().await;
    let acceptor = Identity::new().acceptor(&[]);
    let config = Identity::new().trust();
    let server = async {
        loop {
            assert!(acceptor.accept(accept(&listener).await).await.is_err());
        }
    };
    let url = url.replace("http://127.0.0.1", "https://localhost");
    let client = HttpClient::new().tls_config(config);
    let source = EventSource::get(url).max_attempts(1).build_with(client);
    let mut source = source.expect("valid");
    let error = tokio::select! {
        () = server => panic!("the server never ends"),
        error = source.next() => error.expect("an error").expect_err("an error"),
    };
    let ErrorKind::Request(error) = error.into_kind() else {
        panic!("another error");
    };
    let io = error
        .downcast::<io::Error>()
        .expect("an error of the connection");
    let tls = io.get_ref().and_then(|error| error.downcast_ref());
    assert!(
        matches!(tls, Some(rustls::Error::InvalidCertificate(_))),
        "{io:?}"
    );
}

/// Sends an event, and fails once it is notified.
async fn failing(sse: Sse, fail: Arc<Notify>) -> Result<(), io::Error> {
    let event = Event::new().id("7").data("a");
    sse.send(event).await.map_err(io::Error::other)?;
    fail.notified().await;
    Err(io::Error::other("broken"))
}

/// Reads the event and makes the handler fail, which must not look like an end in order.
async fn is_cut(client: HttpClient, url: &str, fail: &Notify) {
    let source = EventSource::get(url).backoff(no_wait()).build_with(client);
    let mut updates = source.expect("valid").into_updates();
    loop {
        match updates
            .next()
            .await
            .expect("endless")
            .expect("no final error")
        {
            Update::Event(_) => fail.notify_one(),
            Update::Disconnected { error, .. } => {
                assert!(
                    matches!(error.as_ref().map(Error::kind), Some(ErrorKind::Body(_))),
                    "{error:?}"
                );
                assert_eq!(updates.event_source().last_event_id(), "7");
                return;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_handler_that_fails_is_a_lost_connection() {
    let fail = Arc::new(Notify::new());
    let failure = Arc::clone(&fail);
    let service = sse_hyper::with_sse(move |_request, sse| failing(sse, Arc::clone(&failure)));

    let (listener, url) = listener().await;
    let http1 = async {
        let io = TokioIo::new(accept(&listener).await);
        let _ = http1::Builder::new()
            .serve_connection(io, service.clone())
            .await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = http1 => {}
        () = is_cut(HttpClient::new(), &url, &fail) => {}
    }

    let http2 = async {
        let io = TokioIo::new(accept(&listener).await);
        let server = http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(io, service.clone()).await;
        std::future::pending::<()>().await;
    };
    let client = HttpClient::new().http2_prior_knowledge();
    tokio::select! {
        () = http2 => {}
        () = is_cut(client, &url, &fail) => {}
    }

    let failure = Arc::clone(&fail);
    let service = sse_tokio_tcp::with_sse(move |_request, sse| failing(sse, Arc::clone(&failure)));
    tokio::select! {
        () = sse_tokio_tcp::serve(listener, service) => {}
        () = is_cut(HttpClient::new(), &url, &fail) => {}
    }
}

/// Over HTTP/2, flow control stops the server.
#[tokio::test]
async fn a_stream_that_is_not_read_is_not_received_over_http2() {
    let (listener, url) = listener().await;
    let (sent, mut progress) = tokio::sync::watch::channel(0_usize);
    let server = async move {
        let service = sse_hyper::with_sse(move |_request, sse: Sse| {
            let sent = sent.clone();
            async move {
                let data = "x".repeat(10_000);
                while sse.send(&data).await.is_ok() {
                    sent.send_modify(|sent| *sent += data.len());
                }
                Ok::<_, SendError>(())
            }
        });
        let io = TokioIo::new(accept(&listener).await);
        let _ = http2::Builder::new(TokioExecutor::new())
            .serve_connection(io, service)
            .await;
    };
    let server = tokio::spawn(server);
    let client = HttpClient::new().http2_prior_knowledge();
    let mut source = EventSource::get(url).build_with(client).expect("valid");
    source.next().await.expect("endless").expect("no error");
    while tokio::time::timeout(Duration::from_millis(300), progress.changed())
        .await
        .is_ok()
    {}
    let total = *progress.borrow();
    // The window, and the buffers of the server.
    assert!(total < 1024 * 1024, "{total} bytes were sent");
    for _ in 0..1000 {
        source.next().await.expect("endless").expect("no error");
    }
    // The server notices that the connection is closed.
    drop(source);
    server.await.expect("no panic");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_no_response_over_http2() {
    let (listener, url) = listener().await;
    let server = async {
        loop {
            let io = TokioIo::new(accept(&listener).await);
            let service = hyper::service::service_fn(async |_request| {
                let response = http::Response::builder()
                    .header("content-type", "text/event-stream")
                    .header("x-long", "x".repeat(100_000));
                response.body("data: a\n\n".to_owned())
            });
            let server = http2::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(io, service).await;
        }
    };
    let client = HttpClient::new().http2_prior_knowledge();
    let builder = EventSource::get(url).backoff(no_wait()).max_attempts(2);
    let mut source = builder.build_with(client).expect("valid");
    tokio::select! {
        () = server => {}
        end = source.next() => {
            let error = end.expect("an error").expect_err("an error");
            assert!(matches!(error.kind(), ErrorKind::Request(_)), "{error:?}");
        }
    }
}
