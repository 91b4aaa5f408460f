//! One connection: a request in, a response out, and the end of it.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::time::Duration;

use http::header::{ALLOW, HeaderValue};
use http::{Method, StatusCode, Version};
use sse_session::{HandlerError, Shutdown};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::body::Content;
use crate::limits::Limits;
use crate::request::{HeadError, read_head};
use crate::response::{Response, plain};
use crate::sending::Sending;
use crate::service::Service;
use crate::transport::{Transport, Unknown};
use crate::wire::{self, Framing};

/// How long a client has to close a connection that the server is done with. Closing earlier
/// while bytes of the client's are unread would reset the connection, and the reset could
/// overtake the end of the response.
const LINGER: Duration = Duration::from_secs(1);

/// How much is read at the most while lingering.
const MOST_LINGERED: usize = 256 * 1024;

/// Why a connection ended without a complete response.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The client is gone, or takes nothing any more.
    Io(io::Error),
    /// The handler failed and the stream was cut.
    Handler(HandlerError),
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("connection lost"),
            Self::Handler(_) => f.write_str("response cut"),
        }
    }
}

impl Error for ConnectionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Handler(error) => Some(error),
        }
    }
}

impl From<io::Error> for ConnectionError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Serves one connection: a TCP or Unix stream, a TLS stream, an in-memory pipe.
///
/// One request is read and answered, then the connection is closed. `stop` ends an open event
/// stream in order (see [`SseOptions::retry_on_shutdown`](crate::SseOptions::retry_on_shutdown)), and
/// a connection on which nothing was asked for yet.
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
/// let stop = CancellationToken::new();
/// serve_connection(server, &with_sse(hello), &Limits::new(), &stop).await?;
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
/// When the client is gone before the response is complete, or the handler failed.
///
/// # Cancel safety
///
/// Dropping the future closes the connection and drops the handler.
pub async fn serve_connection<I, S>(
    io: I,
    service: &S,
    limits: &Limits,
    stop: &CancellationToken,
) -> Result<(), ConnectionError>
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: Service,
{
    let stop = Shutdown::from(stop.clone());
    serve::<_, _, Unknown>(io, service, limits, &stop).await
}

/// [`serve_connection`], with what is known of the connection.
///
/// What comes before the body and what comes after it is in boxes, and gone while the body is
/// sent: an event stream is open for long, and the memory of its task is most of what it costs.
#[expect(
    clippy::manual_async_fn,
    reason = "an async function holds its arguments twice"
)]
pub(crate) fn serve<'a, I, S, T>(
    io: I,
    service: &'a S,
    limits: &'a Limits,
    stop: &'a Shutdown,
) -> impl Future<Output = Result<(), ConnectionError>> + use<'a, I, S, T>
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: Service,
    T: Transport<I>,
{
    async move {
        let answered = Box::pin(answer(io, service, limits, stop)).await?;
        let Some(mut sending) = answered else {
            return Ok(());
        };
        let sent = poll_fn(|cx| sending.poll::<T>(cx, limits.write_timeout)).await;
        Box::pin(part::<I, T>(sending, sent)).await
    }
}

/// Reads the request and answers it; `None` if there is none, and nothing to be said.
async fn answer<I, S>(
    mut io: I,
    service: &S,
    limits: &Limits,
    stop: &Shutdown,
) -> Result<Option<Sending<I>>, ConnectionError>
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: Service,
{
    let head = tokio::select! {
        biased;
        head = timeout(limits.head_timeout, read_head(&mut io, limits)) => head.unwrap_or(Err(
            HeadError::Rejected(StatusCode::REQUEST_TIMEOUT, "the request took too long"),
        )),
        () = stop.wait() => return Ok(None),
    };
    let (version, head_only, response) = match head {
        Err(HeadError::Gone) => return Ok(None),
        Err(HeadError::Io(error)) => return Err(error.into()),
        Err(HeadError::Rejected(status, why)) => {
            tracing::debug!(%status, why, "request rejected");
            (Version::HTTP_11, false, plain(status, why))
        }
        Ok(request) => {
            let head_only = request.method() == Method::HEAD;
            let version = request.version();
            let response = if head_only || request.method() == Method::GET {
                service.call(request).await
            } else {
                method_not_allowed()
            };
            (version, head_only, response)
        }
    };

    let (parts, body) = response.into_parts();
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
    let head = wire::head(version, parts.status, &parts.headers, framing, len);
    let content = if head_only || no_body {
        Content::Empty
    } else {
        body.0
    };
    let sending = Sending::new(io, head, content, framing, stop);
    Ok(Some(sending))
}

/// Ends the connection so that the client sees how the response has ended.
async fn part<I, T>(
    sending: Sending<I>,
    sent: Result<(), ConnectionError>,
) -> Result<(), ConnectionError>
where
    I: AsyncRead + AsyncWrite + Unpin,
    T: Transport<I>,
{
    let framing = sending.framing();
    let mut io = sending.into_io();
    if framing == Framing::Close && matches!(sent, Err(ConnectionError::Handler(_))) {
        T::reset(&io);
    }
    sent?;
    take_leave(&mut io).await
}

/// Closes the sending side, and takes what the client sent that nobody asked for, up to its own
/// end.
async fn take_leave<I>(io: &mut I) -> Result<(), ConnectionError>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    io.shutdown().await?;
    let _ = timeout(LINGER, async {
        // Mostly there is nothing but the end, so there is no larger buffer.
        let (mut bytes, mut lingered) = ([0; 256], 0);
        while lingered < MOST_LINGERED {
            match io.read(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(len) => lingered += len,
            }
        }
    })
    .await;
    Ok(())
}

fn method_not_allowed() -> Response {
    let mut response = plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "only GET and HEAD are answered here",
    );
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
