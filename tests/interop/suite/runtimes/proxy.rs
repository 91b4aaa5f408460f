//! What every proxy under test is asked, in front of our servers.

use std::process::Command;
use std::time::Duration;

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING};
use sse_session::SseOptions;
use tokio::time::timeout;

use super::TIMEOUT;
use super::client::{End, Response, get, try_get};
use super::program::Program;
use super::upstream::{GZIP, Upstream};
use crate::server::Adapter;

/// How long something that should not come is waited for.
const NOT: Duration = Duration::from_secs(2);

/// What a proxy does.
pub(super) struct Expected {
    /// How a client sees that the upstream was cut.
    pub(super) failure: End,
    /// Whether an upstream that sends nothing sees at once that its client has left, and not only when
    /// it sends the next time.
    pub(super) shows_a_leave: bool,
    /// Whether events pass at once without `no-transform`.
    pub(super) passes_what_it_may_transform: bool,
    /// What becomes of a stream that the upstream has compressed.
    pub(super) gzip: Gzip,
    /// The status while the upstream is down, `None` if there is no response at all.
    pub(super) down: Option<u16>,
}

/// What becomes of a compressed stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gzip {
    /// It passes as it is.
    Passes,
    /// It is decoded, and says so.
    Decoded,
    /// It is decoded, and the header still says that it is compressed: no client can read it.
    DecodedButDeclared,
}

/// A proxy in front of one of our servers.
pub(super) struct Proxy {
    program: Program,
    pub(super) upstream: Upstream,
    prefix: &'static str,
}

impl Proxy {
    /// Starts a server, and in front of it the command for a port and the server's URL.
    pub(super) async fn start(
        adapter: Adapter,
        prefix: &'static str,
        command: impl FnOnce(u16, &str) -> Command,
    ) -> Self {
        let upstream = Upstream::start(adapter).await;
        let program = Program::start(|port| command(port, &upstream.url())).await;
        Self {
            program,
            upstream,
            prefix,
        }
    }

    /// Asks for the stream of that name.
    pub(super) async fn get(&self, name: &str) -> Response {
        get(self.program.port(), &format!("{}/{name}", self.prefix)).await
    }

    /// Checks all that differs between proxies, and what is the same in all of them.
    pub(super) async fn check(self, expected: &Expected) {
        self.check_the_stream(expected).await;
        self.the_head_passes_before_the_first_event().await;
        self.a_leave_is_seen(expected.shows_a_leave).await;
        let passes = expected.passes_what_it_may_transform;
        self.what_it_may_transform_passes(passes).await;
        self.a_compressed_stream(expected.gzip).await;
        let Self {
            program, upstream, ..
        } = self;
        drop(upstream);
        let answer = try_get(program.port(), &format!("{}/down", self.prefix)).await;
        let status = answer.ok().map(|answer| answer.status.as_u16());
        assert_eq!(status, expected.down, "the answer without an upstream");
    }

    /// Checks how a stream passes and ends, which is asked in front of each adapter.
    pub(super) async fn check_the_stream(&self, expected: &Expected) {
        self.each_event_passes_at_once_and_the_end_too().await;
        let stream = self.upstream.stream("failure", SseOptions::new());
        stream.send("1");
        let mut response = self.get("failure").await;
        response.event("1").await;
        stream.fail();
        assert_eq!(response.end(NOT).await, expected.failure, "after a failure");
    }

    async fn each_event_passes_at_once_and_the_end_too(&self) {
        let stream = self.upstream.stream("events", SseOptions::new());
        stream.send("0");
        let mut response = self.get("events").await;
        assert_eq!(response.status, StatusCode::OK);
        // actix-web says so where nothing was compressed.
        let encoding = response.headers.get(CONTENT_ENCODING);
        assert!(encoding.is_none_or(|encoding| encoding == "identity"));
        response.event("0").await;
        for data in ["1", "2", "3", "é漢"] {
            // The next one is sent when this one has arrived.
            stream.send(data);
            response.event(data).await;
        }
        stream.end();
        assert_eq!(response.end(TIMEOUT).await, End::Complete);
    }

    async fn the_head_passes_before_the_first_event(&self) {
        // A keep-alive would bring it too.
        let options = SseOptions::new().without_keep_alive();
        let stream = self.upstream.stream("head", options);
        let mut response = timeout(TIMEOUT, self.get("head"))
            .await
            .expect("the head before the first event");
        stream.send("1");
        response.event("1").await;
    }

    async fn a_leave_is_seen(&self, at_once: bool) {
        let options = SseOptions::new().without_keep_alive();
        let mut stream = self.upstream.stream("leave", options);
        stream.send("1");
        let mut response = self.get("leave").await;
        response.event("1").await;
        drop(response);
        if !at_once {
            assert!(!stream.has_left_within(NOT).await, "the leave is seen");
            stream.send("2");
        }
        stream.left().await;
    }

    async fn what_it_may_transform_passes(&self, at_once: bool) {
        let options = SseOptions::new().header(CACHE_CONTROL, "no-cache");
        let options = options.expect("a header that is not the adapter's own");
        let stream = self.upstream.stream("transform", options);
        stream.send("1");
        let arrives = async {
            let mut response = self.get("transform").await;
            response.event("1").await;
        };
        assert_eq!(timeout(NOT, arrives).await.is_ok(), at_once);
    }

    pub(super) async fn a_compressed_stream(&self, gzip: Gzip) {
        let mut response = self.get("gzip").await;
        let declared = response.headers.contains_key(CONTENT_ENCODING);
        assert_eq!(declared, gzip != Gzip::Decoded, "{:?}", response.headers);
        assert_eq!(response.end(TIMEOUT).await, End::Complete);
        let body = match gzip {
            Gzip::Passes => GZIP,
            Gzip::Decoded | Gzip::DecodedButDeclared => b"data: 1\n\n",
        };
        assert_eq!(response.received, body);
    }

    /// Returns how a stream ends that is silent after its first event.
    pub(super) async fn end_of_a_silent_stream(
        &self,
        options: SseOptions,
        within: Duration,
    ) -> End {
        let stream = self.upstream.stream("silence", options);
        stream.send("1");
        let mut response = self.get("silence").await;
        response.event("1").await;
        response.end(within).await
    }
}
