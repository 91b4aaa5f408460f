//! A small HTTP/1 client over one connection, which exposes what libraries hide: where chunks begin,
//! whether a body is complete or cut short, half-closed connections, and a client that does not read.
//! The decoder of `sse-codec` reads the events.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use sse_codec::{Decoder, ReceivedEvent};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// A connection to a server.
pub(crate) struct Connection<S = TcpStream> {
    io: S,
    unread: BytesMut,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let io = TcpStream::connect(address).await.expect("a connection");
        io.set_nodelay(true).expect("a socket option");
        Self::over(io)
    }

    /// Opens a connection whose kernel buffer holds about `bytes` that were not read.
    pub(crate) async fn open_with_receive_buffer(address: SocketAddr, bytes: u32) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(bytes).expect("a socket option");
        Self::over(socket.connect(address).await.expect("a connection"))
    }

    /// Closes the connection with a reset.
    pub(crate) fn reset(self) {
        self.io.set_zero_linger().expect("a socket option");
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn over(io: S) -> Self {
        Self {
            io,
            unread: BytesMut::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.io.write_all(bytes.as_ref()).await.expect("sent");
    }

    /// Sends as much of these bytes as the server takes, or the kernel for it.
    pub(crate) async fn send_what_is_taken(&mut self, bytes: &str) {
        let moment = Duration::from_millis(500);
        // Neither a server that reads no more nor one that closes is a failure.
        let _ = timeout(moment, self.io.write_all(bytes.as_bytes())).await;
    }

    /// Closes the sending side.
    pub(crate) async fn end_sending(&mut self) {
        self.io.shutdown().await.expect("half-closed");
    }

    /// Reads to the end of the connection, before which nothing may arrive. Returns whether the
    /// connection was closed rather than reset.
    pub(crate) async fn ends_in_order(mut self) -> bool {
        loop {
            assert!(self.unread.is_empty(), "{:?} arrived", self.unread);
            if let Err(end) = self.read().await {
                return end == End::Cut;
            }
        }
    }

    pub(crate) async fn get(mut self, target: &str) -> Response<S> {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n"))
            .await;
        self.response().await
    }

    /// Reads the head of a response.
    pub(crate) async fn response(self) -> Response<S> {
        self.response_if_any().await.expect("a response")
    }

    /// Reads the head of the response to `HEAD`, which no body follows.
    pub(crate) async fn response_to_head(self) -> Response<S> {
        let mut response = self.response().await;
        response.framing = Framing::Length(0);
        response
    }

    /// Reads the head of a response. Returns `None` if the connection ends without one.
    pub(crate) async fn response_if_any(mut self) -> Option<Response<S>> {
        loop {
            if let Some((status, minor_version, headers)) = self.parse_head() {
                let framing = Framing::of(status, &headers);
                return Some(Response {
                    status,
                    minor_version,
                    headers,
                    body: BytesMut::new(),
                    decoder: Decoder::new(),
                    decoded: 0,
                    connection: self,
                    framing,
                });
            }
            if self.read().await.is_err() {
                assert!(
                    self.unread.is_empty(),
                    "an incomplete head: {:?}",
                    self.unread
                );
                return None;
            }
        }
    }

    fn parse_head(&mut self) -> Option<(u16, u8, HeaderMap)> {
        let mut lines = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut lines);
        let httparse::Status::Complete(len) = parsed.parse(&self.unread).expect("valid HTTP")
        else {
            return None;
        };
        let mut headers = HeaderMap::new();
        for line in parsed.headers.iter() {
            headers.append(
                HeaderName::from_bytes(line.name.as_bytes()).expect("a header name"),
                HeaderValue::from_bytes(line.value).expect("a header value"),
            );
        }
        let head = (
            parsed.code.expect("a status"),
            parsed.version.expect("a version"),
            headers,
        );
        self.unread.advance(len);
        Some(head)
    }

    /// Reads some bytes.
    async fn read(&mut self) -> Result<(), End> {
        self.unread.reserve(16 * 1024);
        match self.io.read_buf(&mut self.unread).await {
            Ok(0) => Err(End::Cut),
            Ok(_) => Ok(()),
            Err(_) => Err(End::Reset),
        }
    }
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As HTTP marks it: by the last chunk, the whole length or, for a body that has neither, the
    /// end of the connection.
    Complete,
    /// The connection was closed before the end of the body.
    Cut,
    /// The connection was reset.
    Reset,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Chunked,
    Length(usize),
    Close,
}

impl Framing {
    fn of(status: u16, headers: &HeaderMap) -> Self {
        if status == 204 {
            Self::Length(0)
        } else if let Some(coding) = headers.get(TRANSFER_ENCODING) {
            assert_eq!(coding, "chunked");
            Self::Chunked
        } else if let Some(len) = headers.get(CONTENT_LENGTH) {
            let len = len.to_str().expect("ASCII").parse().expect("a number");
            Self::Length(len)
        } else {
            Self::Close
        }
    }
}

/// A response whose body is read on demand.
pub(crate) struct Response<S = TcpStream> {
    pub(crate) status: u16,
    pub(crate) minor_version: u8,
    pub(crate) headers: HeaderMap,
    /// The part of the body that was read.
    pub(crate) body: BytesMut,
    decoder: Decoder,
    /// The number of bytes of the body that the decoder has read.
    decoded: usize,
    connection: Connection<S>,
    framing: Framing,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Response<S> {
    /// Returns the values of a header, which may occur several times.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| value.to_str().expect("ASCII")).collect()
    }

    /// Reads the next piece of the body. Returns how the body ended if there is none.
    pub(crate) async fn more(&mut self) -> Result<(), End> {
        match self.framing {
            Framing::Chunked => {
                let chunk = self.chunk().await?;
                if chunk.is_empty() {
                    return Err(End::Complete);
                }
                self.body.unsplit(chunk);
            }
            Framing::Length(len) if self.body.len() >= len => return Err(End::Complete),
            Framing::Length(_) | Framing::Close => {
                if self.connection.unread.is_empty() {
                    match (self.connection.read().await, self.framing) {
                        (Err(End::Cut), Framing::Close) => return Err(End::Complete),
                        (result, _) => result?,
                    }
                }
                self.body.unsplit(self.connection.unread.split());
            }
        }
        Ok(())
    }

    /// Reads the next chunk. The last one is empty.
    async fn chunk(&mut self) -> Result<BytesMut, End> {
        loop {
            let unread = &mut self.connection.unread;
            if let httparse::Status::Complete((start, size)) =
                httparse::parse_chunk_size(unread).expect("a chunk")
            {
                let size = usize::try_from(size).expect("a chunk that fits");
                if unread.len() >= start + size + 2 {
                    unread.advance(start);
                    let chunk = unread.split_to(size);
                    assert_eq!(&unread[..2], b"\r\n", "a chunk ends with CR LF");
                    unread.advance(2);
                    return Ok(chunk);
                }
            }
            self.connection.read().await?;
        }
    }

    /// Reads the next event. Returns how the body ended if there is none.
    pub(crate) async fn next_event(&mut self) -> Result<ReceivedEvent, End> {
        loop {
            let mut events = self.decoder.feed(&self.body[self.decoded..]);
            let event = events.next_event().expect("within the limits");
            let event = event.map(ReceivedEvent::from);
            self.decoded = self.body.len() - events.remainder().len();
            match event {
                Some(event) => return Ok(event),
                None => self.more().await?,
            }
        }
    }

    /// Reads the next event, whose data must be `data`.
    pub(crate) async fn receive(&mut self, data: &str) -> ReceivedEvent {
        match self.next_event().await {
            Ok(event) if event.data() == data => event,
            other => panic!("{other:?} instead of {data:?}, after {:?}", self.text()),
        }
    }

    /// Reads until the body contains `text`, which must arrive before its end.
    pub(crate) async fn read_until(&mut self, text: &str) {
        while !self.text().contains(text) {
            if let Err(end) = self.more().await {
                panic!("{end:?} before {text:?}, after {:?}", self.text());
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

    /// Reads a body that must be complete.
    pub(crate) async fn complete(&mut self) -> String {
        let (text, end) = self.rest().await;
        assert_eq!(end, End::Complete, "after {text:?}");
        text
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("an event stream is UTF-8")
    }

    /// Sends bytes while the response arrives.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.connection.send(bytes).await;
    }

    pub(crate) fn into_connection(self) -> Connection<S> {
        self.connection
    }
}
