//! A server for one connection, and its client.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Protocol;
use actix_service::{Service as _, ServiceFactory as _};
use actix_web::rt::task::JoinHandle;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpResponse};
use bytes::BytesMut;
use sse_actix::{BoundedHttp, Request, Sse, SseOptions, with_sse};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};
use tokio::sync::watch;

/// The end of a connection that the server has, which counts what it reads.
struct Counted {
    io: DuplexStream,
    taken: Rc<Cell<usize>>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        let read = buf.filled().len() - before;
        self.taken.set(self.taken.get() + read);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A connection to a server.
pub(crate) struct Client {
    pub(crate) io: DuplexStream,
    taken: Rc<Cell<usize>>,
    unread: BytesMut,
    server: Option<JoinHandle<()>>,
}

/// A response with its body.
pub(crate) type Response = (u16, String);

impl Client {
    /// Connects to a server with `routes`. The connection holds up to `size` bytes on their way to it.
    pub(crate) async fn connect(
        http: BoundedHttp,
        size: usize,
        routes: impl FnOnce(&mut ServiceConfig),
    ) -> Self {
        let app = App::new().configure(routes);
        let service = http
            .connection(app)
            .new_service(())
            .await
            .expect("a service");
        let (io, server) = duplex(size);
        let taken = Rc::new(Cell::new(0));
        let counted = Counted {
            io: server,
            taken: Rc::clone(&taken),
        };
        let server = actix_web::rt::spawn(async move {
            // The error is that of the connection, as actix-server ignores it.
            let _ = service.call((counted, Protocol::Http1, None)).await;
        });
        Self {
            taken,
            server: Some(server),
            ..Self::over(io)
        }
    }

    /// A client of a server whose reading is not counted.
    pub(crate) fn over(io: DuplexStream) -> Self {
        Self {
            io,
            taken: Rc::default(),
            unread: BytesMut::new(),
            server: None,
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.io.write_all(bytes.as_ref()).await.expect("sent");
    }

    /// Returns how many bytes the server has read, when it reads no more.
    pub(crate) async fn taken(&self) -> usize {
        loop {
            let before = self.taken.get();
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            if self.taken.get() == before {
                return before;
            }
        }
    }

    /// Reads up to the end of `text`, and returns all of it.
    pub(crate) async fn read_until(&mut self, text: &str) -> String {
        let text = text.as_bytes();
        loop {
            let found = self
                .unread
                .windows(text.len())
                .position(|part| part == text);
            if let Some(at) = found {
                let read = self.unread.split_to(at + text.len());
                return String::from_utf8(read.into()).expect("UTF-8");
            }
            assert_ne!(
                self.read().await,
                0,
                "{:?}",
                String::from_utf8_lossy(&self.unread)
            );
        }
    }

    async fn read(&mut self) -> usize {
        self.unread.reserve(16 * 1024);
        self.io.read_buf(&mut self.unread).await.expect("no reset")
    }

    /// Reads a response that has a `Content-Length`.
    pub(crate) async fn response(&mut self) -> Response {
        let head = self.read_until("\r\n\r\n").await.to_ascii_lowercase();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let length = head.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        let length: usize = length.expect("a length");
        while self.unread.len() < length {
            assert_ne!(self.read().await, 0);
        }
        let body = self.unread.split_to(length).into();
        (
            status.expect("a status"),
            String::from_utf8(body).expect("UTF-8"),
        )
    }

    /// Reads to the end of the connection, before which nothing may arrive.
    pub(crate) async fn ends(mut self) {
        while self.read().await != 0 {}
        assert_eq!(String::from_utf8_lossy(&self.unread), "");
        self.server
            .take()
            .expect("a server")
            .await
            .expect("no panic");
    }
}

/// Counts the requests that were answered, and the streams that are open.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    requests: Rc<Cell<usize>>,
    open: watch::Sender<usize>,
    end: watch::Sender<bool>,
}

impl Streams {
    pub(crate) fn new() -> Self {
        Self {
            requests: Rc::default(),
            open: watch::Sender::new(0),
            end: watch::Sender::new(false),
        }
    }

    /// Returns how many requests have reached a handler.
    pub(crate) fn requests(&self) -> usize {
        self.requests.get()
    }

    /// Ends the streams in order.
    pub(crate) fn end(&self) {
        self.end.send_replace(true);
    }

    /// Waits until no stream is open.
    pub(crate) async fn dropped(&self) {
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open == 0).await.expect("a sender");
    }

    /// Serves an idle stream at `/events`, and the body of a request at all other paths.
    pub(crate) fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let (streams, echoed) = (self.clone(), self.clone());
        move |config| {
            let events = move |_: Request, sse: Sse| {
                let guard = streams.opened();
                let mut end = streams.end.subscribe();
                async move {
                    let _guard = guard;
                    sse.send("hello").await.expect("open");
                    let _ = end.wait_for(|end| *end).await.expect("a sender");
                }
            };
            let events = with_sse(events).options(SseOptions::new().without_keep_alive());
            let echo = move |body: web::Bytes| {
                echoed.requests.set(echoed.requests.get() + 1);
                async { HttpResponse::Ok().body(body) }
            };
            config
                .route("/events", web::to(events))
                .default_service(web::to(echo));
        }
    }

    /// Counts a stream that is open until the guard is dropped.
    pub(crate) fn opened(&self) -> OpenStream {
        self.requests.set(self.requests.get() + 1);
        self.open.send_modify(|open| *open += 1);
        OpenStream(self.open.clone())
    }
}

pub(crate) struct OpenStream(watch::Sender<usize>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

pub(crate) fn post(body: &str) -> String {
    let len = body.len();
    format!("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: {len}\r\n\r\n{body}")
}

/// Returns a request whose body has a chunk for each piece, an extension and a trailer.
pub(crate) fn post_in_chunks(pieces: &[&str]) -> String {
    let mut request =
        "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    for piece in pieces {
        request.push_str(&format!("{:X};a=b\r\n{piece}\r\n", piece.len()));
    }
    request + "0\r\nTrailer: 1\r\n\r\n"
}

/// Runs a test within a time that none of them needs.
pub(crate) async fn within_limit(test: impl Future<Output = ()>) {
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, test).await.expect("in time");
}
