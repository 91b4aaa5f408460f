//! What a server of the demo has, whatever its transport: the clock, its open streams, the
//! options, and the few answers that are no event stream.
//!
//! Those are plain `http::Response`s; each server turns them into its own kind.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;
// `Options`, `Event` and `Sse` are the same types in all three adapters.
use sse_hyper::{HeaderError, Options};
use tokio_util::sync::CancellationToken;

use crate::arguments::Transport;
use crate::clock::Clock;
use crate::connections::{self, Connections};

/// The page, with all that it needs.
const PAGE: &str = include_str!("page.html");

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
    pub(crate) clock: Clock,
    pub(crate) connections: Connections,
    /// How `/hello` is streamed.
    pub(crate) hello_options: Options,
    /// How `/ticks` is streamed.
    pub(crate) ticks_options: Options,
    /// Stops the server.
    pub(crate) stop: CancellationToken,
    servers: Bytes,
}

impl Demo {
    pub(crate) fn new(
        clock: Clock,
        servers: &[Server],
        stop: CancellationToken,
    ) -> Result<Self, HeaderError> {
        let hello_options = Options::new()
            // Pages that came from another server, and be it the same host's other port.
            .header(ACCESS_CONTROL_ALLOW_ORIGIN, "*")?
            .shutdown(stop.clone());
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
            clock,
            connections: Connections::default(),
            ticks_options: hello_options
                .clone()
                .retry(RECONNECTION_TIME)
                .keep_alive(KEEP_ALIVE),
            hello_options,
            stop,
            servers: json!(servers).to_string().into(),
        })
    }

    /// `/`: the page.
    pub(crate) fn page(&self) -> Response<Bytes> {
        plain(StatusCode::OK, "text/html; charset=utf-8", PAGE)
    }

    /// `/servers`: where all three of them are, for the page.
    pub(crate) fn servers(&self) -> Response<Bytes> {
        plain(StatusCode::OK, "application/json", self.servers.clone())
    }

    /// `/drop?page=KEY`: drops the stream that was opened as `/ticks?page=KEY`.
    pub(crate) fn drop_stream(&self, query: Option<&str>) -> Response<Bytes> {
        match connections::key(query) {
            Some(key) if self.connections.drop_stream(key) => {
                let mut response = plain(StatusCode::NO_CONTENT, "", "");
                response.headers_mut().remove(CONTENT_TYPE);
                response
            }
            _ => not_found(),
        }
    }
}

/// Any other path.
pub(crate) fn not_found() -> Response<Bytes> {
    plain(
        StatusCode::NOT_FOUND,
        "text/plain; charset=utf-8",
        "not found\n",
    )
}

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
