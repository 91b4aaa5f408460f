//! One connection: its request, its response, and its end.

use std::future::{Future, poll_fn, ready};
use std::io;
use std::pin::pin;
use std::time::Duration;

use http::{Method, StatusCode, Version};
use sse_session::Shutdown;
use sse_session::second_look::within;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::body::Content;
use crate::error::ConnectionError;
use crate::framing::Framing;
use crate::limits::Limits;
use crate::request::{PeerAddr, ReadAhead, Request, RequestError, read_head};
use crate::request_body::read_body;
use crate::response::{Response, plain};
use crate::response_head::encode_head;
use crate::response_writer::ResponseWriter;
use crate::service::Service;
use crate::transport::{Transport, Unknown};

/// How long a client has to close its side after the response. A connection that is closed while
/// bytes of the client are unread is reset, and the reset may overtake the end of the response.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// The most bytes that are read while lingering.
const MAX_LINGER_READ: usize = 256 * 1024;

/// Serves one connection: a TCP or Unix stream, a TLS stream, an in-memory pipe.
///
/// Reads one request, answers it and closes the connection. `shutdown` ends an open event stream in
/// order (see [`SseOptions::retry_on_shutdown`](crate::SseOptions::retry_on_shutdown)), and closes
/// a connection whose request has not arrived.
///
/// ```
/// use sse_tokio_tcp::{Limits, Request, SendError, Sse, serve_connection, with_sse};
/// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
/// use tokio_util::sync::CancellationToken;
///
/// async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
///     sse.send("hello").await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut client, server) = tokio::io::duplex(1024);
/// client.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
/// client.shutdown().await?;
///
/// let shutdown = CancellationToken::new().into();
/// serve_connection(server, &with_sse(hello), &Limits::new(), &shutdown).await?;
/// let mut response = String::new();
/// client.read_to_string(&mut response).await?;
/// assert!(response.starts_with("HTTP/1.0 200 OK\r\n"));
/// assert!(response.ends_with("\r\n\r\ndata: hello\n\n"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the client is gone before the response is complete, accepts nothing within
/// [`Limits::write_timeout`], or the handler failed.
///
/// # Cancel safety
///
/// Dropping the future closes the connection and drops the handler.
pub async fn serve_connection<I, S>(
    io: I,
    service: &S,
    limits: &Limits,
    shutdown: &Shutdown,
) -> Result<(), ConnectionError>
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: Service,
{
    let unchanged = |io| ready(Ok(io));
    serve::<_, _, _, _, Unknown<I>>(io, unchanged, service, limits, shutdown).await
}

/// Serves one connection of a known transport, after `upgrade` has made of it what is served.
///
/// The steps before and after the body are boxed and freed while the body is written: an event
/// stream is open for long, and the memory of its task is most of what it costs.
#[expect(
    clippy::manual_async_fn,
    reason = "an async function holds its arguments twice"
)]
pub(crate) fn serve<'a, U, F, I, S, T>(
    accepted: T::Accepted,
    upgrade: U,
    service: &'a S,
    limits: &'a Limits,
    shutdown: &'a Shutdown,
) -> impl Future<Output = Result<(), ConnectionError>> + use<'a, U, F, I, S, T>
where
    U: FnOnce(T::Accepted) -> F,
    F: Future<Output = io::Result<I>>,
    I: AsyncRead + AsyncWrite + Unpin,
    S: Service,
    T: Transport<I>,
{
    async move {
        let answering = answer::<_, _, _, _, T>(accepted, upgrade, service, limits, shutdown);
        let answered = Box::pin(answering).await?;
        let Some(mut writer) = answered else {
            return Ok(());
        };
        let written = poll_fn(|cx| writer.poll::<T>(cx, limits.write_timeout)).await;
        Box::pin(close::<I, T>(writer, written)).await
    }
}

/// Upgrades the connection, reads the request and calls the service. Returns `None` if the connection
/// ends without a request.
#[expect(
    clippy::manual_async_fn,
    reason = "an async function holds its arguments twice"
)]
fn answer<'a, U, F, I, S, T>(
    accepted: T::Accepted,
    upgrade: U,
    service: &'a S,
    limits: &'a Limits,
    shutdown: &'a Shutdown,
) -> impl Future<Output = Result<Option<ResponseWriter<I>>, ConnectionError>> + use<'a, U, F, I, S, T>
where
    U: FnOnce(T::Accepted) -> F,
    F: Future<Output = io::Result<I>>,
    I: AsyncRead + AsyncWrite + Unpin,
    S: Service,
    T: Transport<I>,
{
    async move {
        // Boxed, as most servers do without it.
        let peer_addr = if limits.with_peer_addr {
            T::peer_addr(&accepted).map(Box::new)
        } else {
            None
        };
        let mut upgraded = None;
        let head = {
            // One limit for both, so that a handshake adds nothing to the time of a connection without a
            // request. Pinned here, as `within` would hold it twice.
            let reading = pin!(async {
                let io = upgrade(accepted).await.map_err(RequestError::Io)?;
                read_head(upgraded.insert(io), limits).await
            });
            tokio::select! {
                biased;
                head = within(limits.head_timeout, reading) => head.unwrap_or(Err(
                    RequestError::Rejected(
                        StatusCode::REQUEST_TIMEOUT,
                        "the request head did not arrive in time",
                    ),
                )),
                () = shutdown.wait() => return Ok(None),
            }
        };
        // Not moved, or it would be held twice from here on.
        let Some(io) = &mut upgraded else {
            return Err(ConnectionError::Upgrade(match head {
                Err(RequestError::Io(error)) => error,
                _ => io::ErrorKind::TimedOut.into(),
            }));
        };
        let mut origin = None;
        let (version, head_only, response) = match head {
            Err(RequestError::Gone) => return Ok(None),
            Err(RequestError::Io(error)) => return Err(error.into()),
            Err(RequestError::Rejected(status, reason)) => {
                (Version::HTTP_11, false, rejected(status, reason))
            }
            Ok(mut request) => {
                if let Some(address) = peer_addr {
                    request.extensions_mut().insert(PeerAddr(*address));
                }
                let head_only = request.method() == Method::HEAD;
                let version = request.version();
                let answered = limits
                    .cors
                    .as_ref()
                    .and_then(|cors| cors.answer(request.method(), request.headers(), &mut origin));
                let response = if let Some(response) = answered {
                    *response
                } else {
                    match *request.method() {
                        Method::GET | Method::HEAD => service.call(request).await,
                        Method::OPTIONS => service.preflight(request).await,
                        _ => {
                            let answering = answer_body(io, request, service, limits, shutdown);
                            match Box::pin(answering).await? {
                                Some(response) => response,
                                None => return Ok(None),
                            }
                        }
                    }
                };
                (version, head_only, response)
            }
        };

        let (mut parts, body) = response.into_parts();
        if let Some(cors) = &limits.cors {
            cors.mark(origin, &mut parts.headers);
        }
        let no_body = parts.status == StatusCode::NO_CONTENT
            || parts.status == StatusCode::NOT_MODIFIED
            || parts.status.is_informational();
        let len = match &body.0 {
            Content::Full(bytes) => bytes.len(),
            Content::Empty | Content::Events(_) => 0,
        };
        let framing = match &body.0 {
            _ if no_body => Framing::None,
            Content::Empty | Content::Full(_) => Framing::Length,
            Content::Events(_) if version == Version::HTTP_10 => Framing::Close,
            Content::Events(_) => Framing::Chunked,
        };
        let head = encode_head(version, parts.status, &parts.headers, framing, len);
        let content = if head_only || no_body {
            Content::Empty
        } else {
            body.0
        };
        let writer = |io| ResponseWriter::new(io, head, content, framing, shutdown);
        Ok(upgraded.map(writer))
    }
}

/// Reads the body of a request and calls the endpoint. Returns `None` if the connection ends without the
/// body.
async fn answer_body<I, S>(
    io: &mut I,
    mut request: Request,
    service: &S,
    limits: &Limits,
    shutdown: &Shutdown,
) -> Result<Option<Response>, ConnectionError>
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: Service,
{
    let endpoint = match service.endpoint(&request) {
        Ok(endpoint) => endpoint,
        Err(response) => return Ok(Some(response)),
    };
    let read = request.extensions_mut().remove::<ReadAhead>();
    let read = read.map(|ReadAhead(read)| read).unwrap_or_default();
    let body = {
        let reading = pin!(read_body(io, &request, read, limits));
        tokio::select! {
            biased;
            body = within(limits.body_timeout, reading) => body.unwrap_or(Err(
                RequestError::Rejected(
                    StatusCode::REQUEST_TIMEOUT,
                    "the request body did not arrive in time",
                ),
            )),
            () = shutdown.wait() => return Ok(None),
        }
    };
    match body {
        Ok(body) => Ok(Some(endpoint.call(request.map(|()| body)).await)),
        Err(RequestError::Gone) => Ok(None),
        Err(RequestError::Io(error)) => Err(error.into()),
        Err(RequestError::Rejected(status, reason)) => Ok(Some(rejected(status, reason))),
    }
}

fn rejected(status: StatusCode, reason: &'static str) -> Response {
    tracing::debug!(%status, reason, "request rejected");
    plain(status, reason)
}

/// Closes the connection in a way that shows the client how the response ended.
async fn close<I, T>(
    writer: ResponseWriter<I>,
    written: Result<(), ConnectionError>,
) -> Result<(), ConnectionError>
where
    I: AsyncRead + AsyncWrite + Unpin,
    T: Transport<I>,
{
    let framing = writer.framing();
    let mut io = writer.into_io();
    match written {
        Ok(()) => linger(&mut io).await,
        Err(ConnectionError::Handler(error)) => {
            if framing == Framing::Close {
                T::reset(&io);
            } else {
                // Whether the client has left meanwhile does not matter.
                let _ = linger(&mut io).await;
            }
            Err(ConnectionError::Handler(error))
        }
        Err(error) => Err(error),
    }
}

/// Closes the sending side, then reads and discards what the client still sends, until it closes
/// its side.
async fn linger<I>(io: &mut I) -> Result<(), ConnectionError>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    io.shutdown().await?;
    let _ = within(LINGER_TIMEOUT, async {
        // Most clients send nothing, so the buffer is small.
        let (mut bytes, mut read) = ([0; 256], 0);
        while read < MAX_LINGER_READ {
            match io.read(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(len) => read += len,
            }
        }
    })
    .await;
    Ok(())
}
