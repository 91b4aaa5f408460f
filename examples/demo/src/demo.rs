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
use sse_hyper::{HeaderError, SseOptions};
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

    /// Answers `/chat/say?room=R&name=N&text=T`, which sends a message to a room.
    ///
    /// It is a `GET` although it changes something, as raw TCP has neither request bodies nor a method
    /// that may change something. An application would use `POST` on another server. `no-store` and
    /// the exclusion of `HEAD` keep caches and link checkers from sending messages. With
    /// `page=KEY&number=N&after=M`, a request can be repeated without sending the message twice.
    pub(crate) async fn say(&self, is_get: bool, query: Option<&str>) -> Response<Bytes> {
        if !is_get {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n");
            let get = HeaderValue::from_static("GET");
            response.headers_mut().insert(ALLOW, get);
            return response;
        }
        match self.chat.say(self.transport, query).await {
            Ok(()) => no_content(),
            Err(SayError::Invalid(invalid)) => bad_request(&invalid),
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
