//! hyper's client, over one connection for each request.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::script::SCRIPT;

/// How long anything may take that must not fail.
const LIMIT: Duration = Duration::from_secs(20);

/// Waits for `future`, which must complete.
pub(crate) async fn within_limit<F: Future>(future: F) -> F::Output {
    timeout(LIMIT, future).await.expect("within the limit")
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With the last chunk.
    Complete,
    /// Without the last chunk.
    Cut,
}

/// A response and its connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) response: Response<Incoming>,
    connection: JoinHandle<()>,
}

impl Client {
    /// Asks for the events of a script.
    pub(crate) async fn get(address: SocketAddr, script: &str) -> Self {
        let io = TokioIo::new(TcpStream::connect(address).await.expect("a connection"));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
            .await
            .expect("a connection");
        // A connection that fails is seen in the body.
        let connection = tokio::spawn(async move { drop(connection.await) });
        let request = Request::get("/events")
            .header("host", "test")
            .header(SCRIPT, script)
            .body(Empty::<Bytes>::new())
            .expect("a request");
        let response = within_limit(sender.send_request(request)).await;
        Self {
            response: response.expect("a response"),
            connection,
        }
    }

    /// Reads as many bytes as `text` has, which must be those.
    pub(crate) async fn read(&mut self, text: &str) {
        let mut read = Vec::new();
        while read.len() < text.len() {
            let frame = within_limit(self.response.frame()).await;
            let frame = frame.expect("no end").expect("no cut");
            read.extend(frame.into_data().expect("no trailers"));
        }
        assert_eq!(String::from_utf8_lossy(&read), text);
    }

    /// Reads the end, before which nothing may arrive.
    pub(crate) async fn read_end(&mut self) -> End {
        match within_limit(self.response.frame()).await {
            None => End::Complete,
            Some(Err(_)) => End::Cut,
            Some(Ok(frame)) => panic!("{frame:?} instead of the end"),
        }
    }

    /// Closes the connection.
    pub(crate) async fn leave(self) {
        self.connection.abort();
        drop(self.connection.await);
    }
}
