//! A client that sees how a response arrives and how it ends.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::TIMEOUT;

/// How a response ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// In order, with the last chunk.
    Complete,
    /// Without the last chunk.
    Cut,
    /// It does not end, in the time that was given to it.
    Open,
}

/// A response that arrives. Dropping it closes the connection.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Incoming,
    /// What has arrived of the body.
    pub(super) received: Vec<u8>,
    _connection: JoinSet<()>,
}

/// Asks for an event stream as browsers do. They accept compression.
pub(super) async fn get(port: u16, path: &str) -> Response {
    try_get(port, path).await.expect("a head")
}

/// Does the same where there may be no response.
pub(super) async fn try_get(port: u16, path: &str) -> Result<Response, hyper::Error> {
    let io = TcpStream::connect(("127.0.0.1", port)).await;
    let io = TokioIo::new(io.expect("a connection"));
    let (mut sender, connection) = http1::handshake(io).await.expect("a connection");
    let mut task = JoinSet::new();
    task.spawn(async {
        // Its error is also that of the body.
        let _ = connection.await;
    });
    let request = Request::get(path)
        .header(HOST, format!("127.0.0.1:{port}"))
        .header(ACCEPT, "text/event-stream")
        .header(ACCEPT_ENCODING, "gzip, deflate, br, zstd")
        .body(Empty::<Bytes>::new());
    let response = sender.send_request(request.expect("valid")).await?;
    let (head, body) = response.into_parts();
    Ok(Response {
        status: head.status,
        headers: head.headers,
        body,
        received: Vec::new(),
        _connection: task,
    })
}

impl Response {
    /// Waits for an event with this data, which is not yet followed by another one.
    pub(super) async fn event(&mut self, data: &str) {
        let event = format!("data: {data}\n\n");
        let arrives = async {
            while !self.received.ends_with(event.as_bytes()) {
                assert!(self.piece().await.is_some_and(|piece| piece.is_ok()));
            }
        };
        let arrived = timeout(TIMEOUT, arrives).await;
        arrived.unwrap_or_else(|_| panic!("no {event:?} in {:?}", self.text()));
    }

    /// Waits for the end, and returns how it was.
    pub(super) async fn end(&mut self, within: Duration) -> End {
        let ends = async {
            loop {
                match self.piece().await {
                    Some(Ok(())) => {}
                    Some(Err(_)) => return End::Cut,
                    None => return End::Complete,
                }
            }
        };
        timeout(within, ends).await.unwrap_or(End::Open)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    async fn piece(&mut self) -> Option<Result<(), hyper::Error>> {
        let frame = self.body.frame().await?;
        Some(frame.map(|frame| {
            if let Ok(data) = frame.into_data() {
                self.received.extend_from_slice(&data);
            }
        }))
    }
}
