//! A client over HTTP/1.1 and HTTP/2, which shows how a response ends and can leave in both ways.

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use flate2::write::GzDecoder;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_codec::{Decoder, ReceivedEvent};
use sse_eventsource_testing::Identity;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::expected::{End, Version};

/// Opens connections to a proxy.
#[derive(Debug)]
pub(crate) struct Connector {
    http1: SocketAddr,
    http2: SocketAddr,
    /// For HTTP/2.
    tls: Option<Arc<ClientConfig>>,
}

impl Connector {
    pub(crate) fn new(http1: SocketAddr, http2: SocketAddr, tls: Option<&Identity>) -> Self {
        let tls = tls.map(|identity| {
            let mut config = identity.trust();
            config.alpn_protocols = vec![b"h2".to_vec()];
            Arc::new(config)
        });
        Self { http1, http2, tls }
    }

    /// Sends a request on a connection of its own. Returns `None` if there is no response.
    pub(crate) async fn request(
        &self,
        version: Version,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Option<Response> {
        let address = match version {
            Version::Http1 => self.http1,
            Version::Http2 => self.http2,
        };
        let host = format!("localhost:{}", address.port());
        let request = Request::builder();
        let mut request = match version {
            Version::Http1 => request.uri(path).header("host", host),
            Version::Http2 if self.tls.is_some() => request.uri(format!("https://{host}{path}")),
            Version::Http2 => request.uri(format!("http://{host}{path}")),
        }
        .header("accept", "text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::new()).expect("a request");
        let io = TcpStream::connect(address).await.ok()?;
        io.set_nodelay(true).expect("a socket option");
        let io = io.into_std().expect("a socket");
        let connection = Connection(io.try_clone().expect("a socket"));
        let io = TcpStream::from_std(io).expect("a socket");
        match (version, &self.tls) {
            (Version::Http1, _) => send_http1(connection, io, request).await,
            (Version::Http2, None) => send_http2(connection, io, request).await,
            (Version::Http2, Some(tls)) => {
                let tls = TlsConnector::from(Arc::clone(tls));
                let name = ServerName::try_from("localhost").expect("a name");
                let io = tls.connect(name, io).await.ok()?;
                assert_eq!(io.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
                send_http2(connection, io, request).await
            }
        }
    }
}

async fn send_http1(
    connection: Connection,
    io: TcpStream,
    request: Request<Empty<Bytes>>,
) -> Option<Response> {
    let (mut sender, task) = http1::handshake(TokioIo::new(io)).await.ok()?;
    tokio::spawn(task);
    let response = sender.send_request(request).await.ok()?;
    Some(Response::new(response, connection))
}

async fn send_http2<I>(
    connection: Connection,
    io: I,
    request: Request<Empty<Bytes>>,
) -> Option<Response>
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let io = TokioIo::new(io);
    let handshake = http2::handshake(TokioExecutor::new(), io).await;
    let (mut sender, task) = handshake.ok()?;
    tokio::spawn(task);
    let response = sender.send_request(request).await.ok()?;
    let mut response = Response::new(response, connection);
    // The connection ends with its last handle.
    response.sender = Some(sender);
    Some(response)
}

/// The socket of a connection. Dropping it closes the connection, before hyper can reset a stream.
#[derive(Debug)]
struct Connection(std::net::TcpStream);

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// A response whose body is read on demand. Dropping it closes its connection.
#[derive(Debug)]
pub(crate) struct Response {
    // Dropped before the body, or the stream would be reset on a connection that is open.
    connection: Connection,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What has arrived of the body.
    body: Vec<u8>,
    /// How much of it the decoder has read.
    decoded: usize,
    decoder: Decoder,
    gzip: Option<GzDecoder<Vec<u8>>>,
    incoming: Incoming,
    sender: Option<http2::SendRequest<Empty<Bytes>>>,
}

impl Response {
    fn new(response: http::Response<Incoming>, connection: Connection) -> Self {
        let (head, incoming) = response.into_parts();
        let coding = head.headers.get("content-encoding");
        let is_compressed = coding.is_some_and(|coding| coding == "gzip");
        Self {
            status: head.status,
            headers: head.headers,
            body: Vec::new(),
            decoded: 0,
            decoder: Decoder::new(),
            gzip: is_compressed.then(|| GzDecoder::new(Vec::new())),
            incoming,
            connection,
            sender: None,
        }
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("an event stream is UTF-8")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().expect("ASCII"))
    }

    /// Reads the next piece of the body. Returns how the body ended if there is none.
    pub(crate) async fn more(&mut self) -> Result<(), End> {
        match self.incoming.frame().await {
            None => Err(End::Clean),
            Some(Err(_)) => Err(End::Cut),
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                if let Some(gzip) = &mut self.gzip {
                    gzip.write_all(&data).expect("gzip");
                    gzip.flush().expect("gzip");
                    self.body.append(gzip.get_mut());
                } else {
                    self.body.extend_from_slice(&data);
                }
                Ok(())
            }
        }
    }

    /// Reads the next event, whose data must be `data`.
    pub(crate) async fn receive(&mut self, data: &str) -> ReceivedEvent {
        loop {
            let mut events = self.decoder.feed(&self.body[self.decoded..]);
            let event = events.next_event().expect("within the limits");
            let event = event.map(ReceivedEvent::from);
            self.decoded = self.body.len() - events.remainder().len();
            match event {
                Some(event) => {
                    assert_eq!(event.data(), data, "{}", self.text());
                    return event;
                }
                None => {
                    if let Err(end) = self.more().await {
                        panic!("{end:?} instead of {data:?}, after {:?}", self.text());
                    }
                }
            }
        }
    }

    /// Reads to the end. The text includes what was read before.
    pub(crate) async fn rest(&mut self) -> (String, End) {
        loop {
            if let Err(end) = self.more().await {
                return (self.text().to_owned(), end);
            }
        }
    }

    /// Leaves by a reset of the stream of HTTP/2. The connection stays for as long as what is
    /// returned.
    pub(crate) fn reset(self) -> impl Drop + use<> {
        assert!(self.sender.is_some(), "HTTP/2");
        drop(self.incoming);
        Stay {
            _connection: self.connection,
            _sender: self.sender,
        }
    }
}

/// A connection of HTTP/2 without a stream.
struct Stay {
    _connection: Connection,
    _sender: Option<http2::SendRequest<Empty<Bytes>>>,
}

impl Drop for Stay {
    fn drop(&mut self) {}
}
