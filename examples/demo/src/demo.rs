//! What every server of the demo has, on each transport: the clock, the chat, the open streams, the
//! options, and the responses that are not event streams.
//!
//! These are `http::Response`s, which each server converts to its own type.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;
// `SseOptions`, `Event` and `Sse` are the same types in all three adapters.
use sse_hub::PublishRequest;
use sse_hyper::{HeaderError, Refusal as _, SseOptions};
use tokio_util::sync::CancellationToken;

use crate::arguments::Transport;
use crate::chat::{Chat, Invalid, SayError};
use crate::clock::Clock;
use crate::connections::{self, Connections};

/// The pages, which need nothing besides [`PARTS`].
const PAGE: &str = include_str!("page.html");
const CHAT_PAGE: &str = include_str!("chat.html");

/// What both pages have in common, each with the comment that it replaces: the style, and the lines
/// that the documentation of the adapters gives for pages.
const PARTS: [(&str, &str); 2] = [
    ("/* look.css */", include_str!("look.css")),
    (
        "/* stay_connected.js */",
        include_str!("../../../sse-session/src/guide/stay_connected.js"),
    ),
];

/// The time after which a browser reconnects. It misses at least two ticks. With one missed tick,
/// a resumed stream would begin like a new one, which begins with the current tick.
const RECONNECTION_TIME: Duration = Duration::from_millis(2_500);

/// The keep-alive interval of `/ticks`. The default of 15 seconds suits nearly all applications. With
/// this one, a comment appears between any two ticks: `curl` shows it, and the page does not see it.
const KEEP_ALIVE: Duration = Duration::from_millis(600);

/// The longest body of a request, in bytes: a message of 500 characters, in a form.
pub(crate) const MAX_BODY: usize = 16 * 1024;

/// The time within which the chat, and then the other connections, must end at shutdown.
pub(crate) const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// A server and its address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pub(crate) transport: Transport,
    pub(crate) address: SocketAddr,
}

/// One server of the demo.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) transport: Transport,
    /// Shared by all servers.
    pub(crate) chat: Chat,
    pub(crate) clock: Clock,
    pub(crate) connections: Connections,
    /// The options of `/hello`.
    pub(crate) hello_options: SseOptions,
    /// The options of `/ticks`.
    pub(crate) ticks_options: SseOptions,
    /// The options of `/chat/events`.
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
            // For pages from another server, which includes another port of the same host.
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
            // Without the shutdown signal, as the hub ends these streams.
            chat_options: options.retry(RECONNECTION_TIME),
            stop,
            servers: json!(servers).to_string().into(),
            page: whole(PAGE).into(),
            chat_page: whole(CHAT_PAGE).into(),
        })
    }

    /// Answers `/` with the page of the ticks.
    pub(crate) fn page(&self) -> Response<Bytes> {
        plain(StatusCode::OK, HTML, self.page.clone())
    }

    /// Answers `/chat` with the page of the chat.
    pub(crate) fn chat_page(&self) -> Response<Bytes> {
        plain(StatusCode::OK, HTML, self.chat_page.clone())
    }

    /// Answers a `POST` to `/chat/say?room=R&name=N`, which sends a message to a room. The body is that of
    /// a [`PublishRequest`], a form or JSON, with the topic `chat/R`.
    ///
    /// With `page=KEY&number=N&after=M`, a request can be repeated without sending the message twice. A name is
    /// all that a visitor needs: an application would take the user from a cookie, and check the origin.
    pub(crate) async fn say(
        &self,
        query: Option<&str>,
        content_type: Option<&[u8]>,
        body: &[u8],
    ) -> Response<Bytes> {
        let content_type = content_type.and_then(|it| HeaderValue::from_bytes(it).ok());
        let message = match PublishRequest::parse(content_type.as_ref(), body) {
            Ok(message) => message,
            Err(error) => return plain(error.status(), TEXT, format!("{error}\n")),
        };
        match self.chat.say(self.transport, query, &message).await {
            Ok(()) => no_content(),
            Err(SayError::Invalid(invalid)) => bad_request(&invalid),
            Err(SayError::Forbidden) => plain(StatusCode::FORBIDDEN, TEXT, "another room\n"),
            Err(SayError::Unavailable(error)) => unavailable(&error),
        }
    }

    /// Answers `/servers` with the addresses of the servers, for the pages.
    pub(crate) fn servers(&self) -> Response<Bytes> {
        plain(StatusCode::OK, "application/json", self.servers.clone())
    }

    /// Answers `/drop?page=KEY`, which drops the stream of `/ticks` or `/chat/events` that was opened
    /// with `page=KEY`.
    pub(crate) fn drop_stream(&self, query: Option<&str>) -> Response<Bytes> {
        match connections::key(query) {
            Some(key) if self.connections.drop_stream(key) => no_content(),
            _ => not_found(),
        }
    }
}

/// Returns a page with its [`PARTS`].
fn whole(page: &str) -> String {
    PARTS.iter().fold(page.to_owned(), |page, (place, part)| {
        page.replace(place, part)
    })
}

/// Answers any other path.
pub(crate) fn not_found() -> Response<Bytes> {
    plain(StatusCode::NOT_FOUND, TEXT, "not found\n")
}

/// Returns the response to a request with another method than `POST`.
pub(crate) fn only_post() -> Response<Bytes> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only POST\n");
    let post = HeaderValue::from_static("POST");
    response.headers_mut().insert(ALLOW, post);
    response
}

/// Returns the response to a request whose body cannot be read.
pub(crate) fn unreadable(status: StatusCode) -> Response<Bytes> {
    plain(status, TEXT, "the body cannot be read\n")
}

/// Returns the response to an invalid request to the chat, with the reason.
pub(crate) fn bad_request(invalid: &Invalid) -> Response<Bytes> {
    plain(StatusCode::BAD_REQUEST, TEXT, format!("{invalid}\n"))
}

/// Returns the response to a request that cannot be served now, with the reason.
pub(crate) fn unavailable(error: &dyn Error) -> Response<Bytes> {
    let reason = format!("{}\n", with_sources(error));
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, TEXT, reason);
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// Formats an error with its sources.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let reason = error.to_string();
        // Some errors repeat the text of their source.
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
