//! What a server does besides streaming, over real sockets.

use std::io;
use std::time::Duration;

use sse_tokio_tcp::{
    CancellationToken, Limits, Listener, PeerAddr, Request, Response, Router, SendError, Server,
    Service, Sse, no_content, not_found, serve, with_sse,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

async fn hello(_: Request, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await
}

/// Returns the response to a request, without the header `date`.
async fn answer(listener: TcpListener, router: Router, request: &str) -> String {
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(serve(listener, router));
    let mut client = TcpStream::connect(address).await.expect("a connection");
    client.write_all(request.as_bytes()).await.expect("sent");
    let mut response = String::new();
    client.read_to_string(&mut response).await.expect("an end");
    server.abort();
    let lines = response.split_inclusive("\r\n");
    lines.filter(|line| !line.starts_with("date: ")).collect()
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

#[tokio::test]
async fn a_preflight_is_answered_by_its_service_at_every_path() {
    async fn preflight(request: Request) -> Response {
        let mut response = no_content();
        let asked = request.headers()["access-control-request-headers"].clone();
        let headers = response.headers_mut();
        headers.insert("access-control-allow-headers", asked);
        response
    }
    let router = || Router::new().route("/", with_sse(hello));
    for path in ["/", "/nowhere", "*"] {
        let request = format!(
            "OPTIONS {path} HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\
             Access-Control-Request-Method: GET\r\n\
             Access-Control-Request-Headers: authorization,last-event-id\r\n\r\n"
        );
        let answered = answer(listener().await, router().preflight(preflight), &request).await;
        assert_eq!(
            answered,
            "HTTP/1.1 204 No Content\r\n\
             cache-control: no-cache\r\n\
             access-control-allow-headers: authorization,last-event-id\r\n\
             connection: close\r\n\r\n"
        );
        let refused = answer(listener().await, router(), &request).await;
        assert!(refused.starts_with("HTTP/1.1 405 "), "{refused}");
    }
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let served = answer(listener().await, router().preflight(preflight), request).await;
    assert!(served.ends_with("data: hello\n\n\r\n0\r\n\r\n"), "{served}");
}

/// A service that answers preflights itself.
struct Shared;

impl Service for Shared {
    async fn call(&self, _: Request) -> Response {
        Response::new("shared".into())
    }

    async fn preflight(&self, _: Request) -> Response {
        no_content()
    }
}

#[tokio::test]
async fn a_router_without_a_preflight_leaves_it_to_the_service_at_the_path() {
    async fn gone(_: Request) -> Response {
        not_found()
    }
    let router = || {
        let inner = Router::new().route("/inner", Shared);
        Router::new()
            .route("/", with_sse(hello))
            .route("/shared", Shared)
            .route("/inner", inner)
    };
    for (path, status) in [("/", 405), ("/shared", 204), ("/inner", 204), ("*", 405)] {
        let request = format!("OPTIONS {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answered = answer(listener().await, router(), &request).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answered.starts_with(&expected), "{path}: {answered}");
        let all = router().preflight(gone);
        let answered = answer(listener().await, all, &request).await;
        assert!(answered.starts_with("HTTP/1.1 404 "), "{path}: {answered}");
    }
}

/// A listener around another one, which accepts nothing.
struct Around(Option<oneshot::Sender<Duration>>);

impl Listener for Around {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        std::future::pending().await
    }

    fn set_write_timeout(&mut self, time: Duration) {
        let sender = self.0.take().expect("it is set once");
        sender.send(time).expect("the test waits");
    }
}

#[tokio::test]
async fn a_listener_is_given_the_write_timeout_before_it_accepts() {
    let (sender, given) = oneshot::channel();
    let time = Duration::from_secs(7);
    let limits = Limits::new().write_timeout(time);
    let serving = Server::new()
        .limits(limits)
        .serve(Around(Some(sender)), with_sse(hello));
    let server = tokio::spawn(serving);
    assert_eq!(given.await, Ok(time));
    server.abort();
}

#[tokio::test]
async fn a_service_sees_the_address_of_its_client_if_the_server_is_set_to_give_it() {
    async fn peer(request: Request) -> Response {
        let peer = request.extensions().get::<PeerAddr>();
        Response::new(format!("{peer:?}").into())
    }
    for is_set in [true, false] {
        let listener = listener().await;
        let address = listener.local_addr().expect("an address");
        let server = Server::new();
        let server = if is_set {
            server.with_peer_addr()
        } else {
            server
        };
        // The order of the settings makes no difference.
        let serving = server.limits(Limits::new()).serve(listener, peer);
        let server = tokio::spawn(serving);
        let mut client = TcpStream::connect(address).await.expect("a connection");
        let expected = is_set.then(|| PeerAddr(client.local_addr().expect("an address")));
        client
            .write_all(b"GET / HTTP/1.0\r\n\r\n")
            .await
            .expect("sent");
        let mut response = String::new();
        client
            .read_to_string(&mut response)
            .await
            .expect("a response");
        assert!(
            response.ends_with(&format!("\r\n\r\n{expected:?}")),
            "{response}"
        );
        server.abort();
    }
}

/// A listener whose connections are in memory, and which fails with these errors first.
struct Failing {
    errors: Box<dyn Iterator<Item = io::ErrorKind> + Send>,
    connections: mpsc::Receiver<DuplexStream>,
}

impl Listener for Failing {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
        if let Some(error) = self.errors.next() {
            return Err(error.into());
        }
        match self.connections.recv().await {
            Some(connection) => Ok(connection),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_goes_on_after_any_error_of_accept() {
    use io::ErrorKind::{ConnectionAborted, Other, TimedOut, UnexpectedEof};

    let errors = [ConnectionAborted, Other, UnexpectedEof, TimedOut];
    let (connect, connections) = mpsc::channel(1);
    let listener = Failing {
        errors: Box::new(errors.into_iter()),
        connections,
    };
    let begun = Instant::now();
    let server = tokio::spawn(serve(listener, with_sse(hello)));
    let (mut client, io) = tokio::io::duplex(1024);
    client
        .write_all(b"GET / HTTP/1.0\r\n\r\n")
        .await
        .expect("sent");
    client.shutdown().await.expect("half-closed");
    connect.send(io).await.expect("accepted");
    let mut response = String::new();
    client.read_to_string(&mut response).await.expect("an end");
    assert!(response.ends_with("data: hello\n\n"), "{response}");
    // After two of the errors, there is a pause.
    let pauses = Duration::from_millis(500)..Duration::from_millis(510);
    assert!(pauses.contains(&begun.elapsed()), "{:?}", begun.elapsed());
    server.abort();
}

/// Neither kind of error makes the server spin: others of its thread run.
#[tokio::test(start_paused = true)]
async fn a_listener_that_always_fails_takes_no_time_and_does_not_hold_up_a_shutdown() {
    for error in [io::ErrorKind::ConnectionReset, io::ErrorKind::Other] {
        let (count, counted) = std::sync::mpsc::channel();
        let (_connect, connections) = mpsc::channel(1);
        let listener = Failing {
            errors: Box::new(std::iter::repeat_with(move || {
                count.send(()).expect("the test counts");
                error
            })),
            connections,
        };
        let stop = CancellationToken::new();
        let server = Server::new().shutdown(stop.clone());
        let server = tokio::spawn(server.serve(listener, with_sse(hello)));
        tokio::time::sleep(Duration::from_millis(10_100)).await;
        let stopping = Instant::now();
        stop.cancel();
        server.await.expect("no panic");
        assert_eq!(stopping.elapsed(), Duration::ZERO);
        let attempts = counted.try_iter().count();
        assert!((41..=41 + 16).contains(&attempts), "{attempts} attempts");
    }
}
