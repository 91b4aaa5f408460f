//! What a server of the demo has, whatever its transport: the clock, the chat, its open streams, the
//! options, and the few answers that are no event stream.
//!
//! Those are plain `http::Response`s; each server turns them into its own kind.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;
// `SseOptions`, `Event` and `Sse` are the same types in all three adapters.
use sse_hyper::{HeaderError, SseOptions};
use tokio_util::sync::CancellationToken;

use crate::arguments::Transport;
use crate::chat::{Chat, Invalid, Unsaid};
use crate::clock::Clock;
use crate::connections::{self, Connections};

/// The pages, each with all that it needs, but for [`LOOK`].
const PAGE: &str = include_str!("page.html");
const CHAT_PAGE: &str = include_str!("chat.html");

/// What both pages look like, and where it belongs in them.
const LOOK: &str = include_str!("look.css");
const LOOK_PLACE: &str = "/* look.css */";

/// How long a browser waits before it connects again. It misses two ticks at least: one alone
/// would be the current one, which is what a client without a last event ID is sent, too.
const RECONNECTION_TIME: Duration = Duration::from_millis(2_500);

/// After how much silence a stream of ticks is sent a keep-alive. The default of 15 seconds is
/// right for nearly everyone; this makes one appear between any two ticks, for `curl` to show and
/// for the page not to see.
const KEEP_ALIVE: Duration = Duration::from_millis(600);

/// A server that listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pub(crate) transport: Transport,
    pub(crate) address: SocketAddr,
}

/// What one server of the demo has.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) transport: Transport,
    /// The same one on all servers.
    pub(crate) chat: Chat,
    pub(crate) clock: Clock,
    pub(crate) connections: Connections,
    /// How `/hello` is streamed.
    pub(crate) hello_options: SseOptions,
    /// How `/ticks` is streamed.
    pub(crate) ticks_options: SseOptions,
    /// How `/chat/events` is streamed.
    pub(crate) chat_options: SseOptions,
    /// Stops the server.
    pub(crate) stop: CancellationToken,
    servers: Bytes,
    page: Bytes,
    chat_page: Bytes,
}

impl Demo {
    pub(crate) fn new(
        transport: Transport,
        chat: Chat,
        clock: Clock,
        servers: &[Server],
        stop: CancellationToken,
    ) -> Result<Self, HeaderError> {
        let options = SseOptions::new()
            // Pages that came from another server, and be it the same host's other port.
            .header(ACCESS_CONTROL_ALLOW_ORIGIN, "*")?;
        let hello_options = options.clone().shutdown(stop.clone());
        let servers: Vec<_> = servers
            .iter()
            .map(|Server { transport, address }| {
                json!({
                    "key": transport,
                    "name": transport.name(),
                    "adapter": transport.adapter(),
                    "host": address.ip(),
                    "port": address.port(),
                })
            })
            .collect();
        Ok(Self {
            transport,
            chat,
            clock,
            connections: Connections::default(),
            ticks_options: hello_options
                .clone()
                .retry(RECONNECTION_TIME)
                .keep_alive(KEEP_ALIVE),
            hello_options,
            // Without the signal to stop: at shutdown it is the hub that ends these streams.
            chat_options: options.retry(RECONNECTION_TIME),
            stop,
            servers: json!(servers).to_string().into(),
            page: PAGE.replace(LOOK_PLACE, LOOK).into(),
            chat_page: CHAT_PAGE.replace(LOOK_PLACE, LOOK).into(),
        })
    }

    /// `/`: the page with the ticks.
    pub(crate) fn page(&self) -> Response<Bytes> {
        plain(StatusCode::OK, HTML, self.page.clone())
    }

    /// `/chat`: the page with the chat.
    pub(crate) fn chat_page(&self) -> Response<Bytes> {
        plain(StatusCode::OK, HTML, self.chat_page.clone())
    }

    /// `/chat/say?room=R&name=N&text=T`: says something in a room.
    ///
    /// It is a `GET` although it changes something, as raw TCP has no request bodies and no other
    /// method that could; an application of yours would take `POST` on a server that has it.
    /// `no-store` and the exclusion of `HEAD` keep caches and link checkers from speaking. With
    /// `page=KEY&number=N&after=M` it can be said again without being said twice.
    pub(crate) async fn say(&self, is_get: bool, query: Option<&str>) -> Response<Bytes> {
        if !is_get {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n");
            let get = HeaderValue::from_static("GET");
            response.headers_mut().insert(ALLOW, get);
            return response;
        }
        match self.chat.say(self.transport, query).await {
            Ok(()) => no_content(),
            Err(Unsaid::Invalid(invalid)) => bad_request(&invalid),
            Err(Unsaid::Unavailable(error)) => unavailable(&error),
        }
    }

    /// `/servers`: where all three of them are, for the page.
    pub(crate) fn servers(&self) -> Response<Bytes> {
        plain(StatusCode::OK, "application/json", self.servers.clone())
    }

    /// `/drop?page=KEY`: drops the stream that was opened with `page=KEY`, `/ticks` or
    /// `/chat/events`.
    pub(crate) fn drop_stream(&self, query: Option<&str>) -> Response<Bytes> {
        match connections::key(query) {
            Some(key) if self.connections.drop_stream(key) => no_content(),
            _ => not_found(),
        }
    }
}

/// Any other path.
pub(crate) fn not_found() -> Response<Bytes> {
    plain(StatusCode::NOT_FOUND, TEXT, "not found\n")
}

/// What the chat does not take, with the reason.
pub(crate) fn bad_request(invalid: &Invalid) -> Response<Bytes> {
    plain(StatusCode::BAD_REQUEST, TEXT, format!("{invalid}\n"))
}

/// What cannot be done now, with the reason.
pub(crate) fn unavailable(error: &dyn Error) -> Response<Bytes> {
    let reason = format!("{}\n", with_sources(error));
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, TEXT, reason);
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// An error, and the errors behind it.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let reason = error.to_string();
        // Some say the same as what they wrap.
        if !text.ends_with(&reason) {
            text = format!("{text}: {reason}");
        }
        source = error.source();
    }
    text
}

fn no_content() -> Response<Bytes> {
    let mut response = plain(StatusCode::NO_CONTENT, TEXT, "");
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

fn plain(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
