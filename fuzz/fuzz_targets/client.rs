//! Whatever servers answer, the client sends no credentials to another origin, never leaves TLS, asks at
//! a bounded rate, closes what it does not read, and neither panics nor waits for ever. The clock is
//! paused.
//!
//! The first byte of the input says how the client is built. The answers follow, with 0xFF between them:
//! each is the head of a response and its body as on the wire, so a recorded one is a useful seed. In a
//! body, 0xFE waits for as many seconds as the next byte says, 0xFD is a lost connection, and after 0xFC
//! nothing comes. An empty answer never comes, and one that is no response is a failed request.
#![no_main]

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use http_body::Frame;
use libfuzzer_sys::fuzz_target;
use sse_eventsource::{
    Backoff, Error, EventSource, EventSourceBuilder, Reconnect, Rejected, RequestBody, Update,
};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, Sleep, sleep, timeout};

/// How often the client asks before it is closed. The answers repeat.
const MAX_REQUESTS: usize = 24;

/// The shortest and the longest wait of `Backoff`, without a random part.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

const IDLE_TIMEOUT: Duration = Duration::from_secs(45);

/// The longest time between two updates: that of a body which makes none, as long as an input can be, in
/// which each second byte is followed by a wait within the idle timeout.
const LONGEST_STEP: Duration = Duration::from_secs(2048 * 45);

/// The headers whose values no other origin may get, and that are never shown.
const SECRETS: [&str; 4] = ["authorization", "cookie", "x-api-key", "x-own"];

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
}

fuzz_target!(|input: &[u8]| {
    if let Some((built, answers)) = input.split_first() {
        let client = Client::new(*built, secret(answers));
        RUNTIME.with(|runtime| runtime.block_on(run(&client, answers)));
    }
});

/// Returns the value of all secret headers. It depends on the answers, so that none of them can have it
/// in itself: the fuzzer learns what values are compared with, and what a server said may be shown.
fn secret(answers: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    answers.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// How the client is built.
struct Client {
    secret: String,
    url: &'static str,
    is_post: bool,
    reconnect: Option<Reconnect>,
    resumes_with_get: bool,
    max_attempts: Option<u32>,
    last_event_id: &'static str,
}

impl Client {
    fn new(built: u8, secret: String) -> Self {
        let is_set = |bit: u8| built & (1 << bit) != 0;
        Self {
            secret,
            url: ["http://a.test/events", "https://a.test/events"][usize::from(is_set(0))],
            is_post: is_set(1),
            reconnect: match (is_set(2), is_set(3)) {
                (false, false) => None,
                (false, true) => Some(Reconnect::Always),
                (true, false) => Some(Reconnect::UntilOpen),
                (true, true) => Some(Reconnect::Never),
            },
            resumes_with_get: is_set(4),
            max_attempts: is_set(5).then_some(3),
            last_event_id: ["", "42"][usize::from(is_set(6))],
        }
    }

    fn builder(&self) -> EventSourceBuilder {
        let mut builder = if self.is_post {
            EventSource::post(self.url).body("question")
        } else {
            EventSource::get(self.url)
        };
        for name in SECRETS {
            let mut value = HeaderValue::from_str(&self.secret).expect("a hexadecimal number");
            value.set_sensitive(name == "x-own");
            builder = builder.header(name, value);
        }
        if let Some(reconnect) = self.reconnect {
            builder = builder.reconnect(reconnect);
        }
        if let Some(attempts) = self.max_attempts {
            builder = builder.max_attempts(attempts);
        }
        builder
            .resume_with_get(self.resumes_with_get)
            .last_event_id(self.last_event_id)
            .idle_timeout(IDLE_TIMEOUT)
            .backoff(Backoff::new().jitter(|_| Duration::ZERO))
    }

    fn reconnect(&self) -> Reconnect {
        let default = [Reconnect::Always, Reconnect::Never][usize::from(self.is_post)];
        self.reconnect.unwrap_or(default)
    }
}

/// Reads the client until it ends, or has made so many requests.
async fn run(client: &Client, answers: &[u8]) {
    let network = Network::new(client, answers);
    let (asked, hooked) = (Arc::clone(&network), Arc::clone(&network));
    let builder = client.builder().before_attempt(move |request| {
        lock(&hooked).begin_attempt(request.headers());
        async { Ok(request) }
    });
    let sent = builder.build_with_fn(move |request| answer(Arc::clone(&asked), request));
    let mut updates = sent.expect("a valid request").into_updates();
    let mut streams = 0;
    loop {
        let update = timeout(LONGEST_STEP, updates.next()).await;
        let update = update.expect("each step takes a bounded time");
        // Nothing panics when it is shown, and no secret is.
        let shown = format!("{update:?} {updates:?}");
        assert!(!shown.contains(&client.secret), "{shown}");
        match update {
            Some(Ok(update)) => {
                streams += usize::from(matches!(update, Update::Open(_)));
                lock(&network).note(&update);
            }
            Some(Err(error)) => {
                check_error(&error);
                break;
            }
            None => break,
        }
        let mut network = lock(&network);
        updates
            .event_source()
            .last_event_id()
            .clone_into(&mut network.last_event_id);
        if network.requests >= MAX_REQUESTS {
            drop(network);
            updates.close();
        }
    }
    assert!(updates.next().await.is_none());
    let network = lock(&network);
    assert_eq!(network.bodies, 0, "no connection is left");
    if !client.resumes_with_get {
        match client.reconnect() {
            Reconnect::UntilOpen => assert!(streams <= 1),
            Reconnect::Never => assert!(network.attempts <= 1),
            _ => {}
        }
    }
}

fn check_error(error: &Error) {
    let shown = error.to_string();
    assert!(!shown.contains(char::is_control), "{shown:?} is one line");
    let kept = error.rejected().map_or(0, |rejected| rejected.body().len());
    assert!(kept <= Rejected::MAX_BODY_LEN);
}

/// What the client has done so far, and what it is answered.
struct Network {
    url: Uri,
    secret: String,
    answers: VecDeque<Bytes>,
    requests: usize,
    attempts: usize,
    /// The requests of the current attempt.
    hops: usize,
    is_secure: bool,
    last_attempt: Option<Instant>,
    /// Whether an attempt may follow at once: without the id that the server has refused.
    is_refused: bool,
    refused: Option<String>,
    last_event_id: String,
    /// The bodies that were not dropped.
    bodies: usize,
}

fn lock(network: &Mutex<Network>) -> MutexGuard<'_, Network> {
    network.lock().expect("not poisoned")
}

impl Network {
    fn new(client: &Client, answers: &[u8]) -> Arc<Mutex<Self>> {
        let answers = answers.split(|byte| *byte == 0xFF);
        Arc::new(Mutex::new(Self {
            url: Uri::from_static(client.url),
            secret: client.secret.clone(),
            answers: answers.map(Bytes::copy_from_slice).collect(),
            requests: 0,
            attempts: 0,
            hops: 0,
            is_secure: false,
            last_attempt: None,
            is_refused: false,
            refused: None,
            last_event_id: client.last_event_id.to_owned(),
            bodies: 0,
        }))
    }

    fn note(&mut self, update: &Update) {
        match update {
            Update::NotResumed {
                last_event_id,
                error,
            } => {
                assert_ne!(self.refused.as_ref(), Some(last_event_id), "refused once");
                self.refused = Some(last_event_id.clone());
                if let Some(error) = error {
                    check_error(error);
                    assert!(!self.is_refused, "one attempt at once");
                    self.is_refused = true;
                }
            }
            Update::Disconnected { error, delay } => {
                error.iter().for_each(check_error);
                assert!((SHORTEST_WAIT..=LONGEST_WAIT).contains(delay), "{delay:?}");
            }
            _ => {}
        }
    }

    fn begin_attempt(&mut self, headers: &HeaderMap) {
        let now = Instant::now();
        let waited = self.last_attempt.map(|last| now.duration_since(last));
        let may_begin = waited.is_none_or(|waited| waited >= SHORTEST_WAIT);
        assert!(may_begin || self.is_refused, "after {waited:?}");
        self.is_refused = false;
        self.last_attempt = Some(now);
        self.attempts += 1;
        self.hops = 0;
        self.is_secure = false;

        let is_sent =
            !self.last_event_id.is_empty() && self.refused.as_deref() != Some(&self.last_event_id);
        let expected = is_sent.then_some(self.last_event_id.as_bytes());
        let sent = headers.get("last-event-id").map(HeaderValue::as_bytes);
        assert_eq!(sent, expected);
    }

    /// Checks a request, and returns its answer.
    fn request(&mut self, request: &Request<RequestBody>) -> Bytes {
        self.requests += 1;
        self.hops += 1;
        assert!(self.hops <= 1 + EventSourceBuilder::DEFAULT_MAX_REDIRECTS);
        assert_eq!(self.bodies, 0, "the connection before is closed");
        let url = request.uri();
        if self.hops == 1 {
            assert_eq!(*url, self.url);
        }
        let is_secure = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            other => panic!("requested by {other:?}"),
        };
        assert!(is_secure || !self.is_secure, "{url} leaves TLS");
        self.is_secure = is_secure;
        let authority = url.authority().expect("a host").as_str();
        assert!(!authority.contains('@'), "{authority} has credentials");
        if origin(url) != origin(&self.url) {
            for value in request.headers().values() {
                let is_secret = value == self.secret.as_str();
                assert!(!is_secret, "{url} gets {:?}", request.headers());
            }
        }
        let answer = self.answers.pop_front().unwrap_or_default();
        self.answers.push_back(answer.clone());
        answer
    }
}

fn origin(url: &Uri) -> (Option<&str>, Option<String>, u16) {
    let default = if url.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let host = url.host().map(str::to_ascii_lowercase);
    (url.scheme_str(), host, url.port_u16().unwrap_or(default))
}

async fn answer(
    network: Arc<Mutex<Network>>,
    request: Request<RequestBody>,
) -> io::Result<Response<Body>> {
    let answer = lock(&network).request(&request);
    if answer.is_empty() {
        std::future::pending::<()>().await;
    }
    let (response, body) = parse(&answer).ok_or(io::ErrorKind::ConnectionRefused)?;
    lock(&network).bodies += 1;
    Ok(response.map(|()| Body {
        network,
        unread: answer.slice(body..),
        wait: None,
    }))
}

/// Returns the head of a response, and where its body begins.
fn parse(answer: &[u8]) -> Option<(Response<()>, usize)> {
    let mut lines = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Response::new(&mut lines);
    let httparse::Status::Complete(len) = parsed.parse(answer).ok()? else {
        return None;
    };
    let mut response = Response::builder().status(parsed.code?).body(()).ok()?;
    for line in parsed.headers {
        let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(line.value).ok()?;
        response.headers_mut().append(name, value);
    }
    Some((response, len))
}

/// A body with its waits and its end.
struct Body {
    network: Arc<Mutex<Network>>,
    unread: Bytes,
    wait: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(wait) = &mut self.wait {
                ready!(wait.as_mut().poll(cx));
                self.wait = None;
            }
            match *self.unread {
                [] => return Poll::Ready(None),
                [0xFC, ..] => return Poll::Pending,
                [0xFD, ..] => {
                    self.unread.clear();
                    return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
                }
                [0xFE, seconds, ..] => {
                    self.unread.advance(2);
                    let seconds = Duration::from_secs(seconds.into());
                    self.wait = Some(Box::pin(sleep(seconds)));
                }
                [0xFE] => self.unread.clear(),
                _ => {
                    let is_control = |byte: &u8| matches!(byte, 0xFC..=0xFE);
                    let end = self.unread.iter().position(is_control);
                    let end = end.unwrap_or(self.unread.len());
                    return Poll::Ready(Some(Ok(Frame::data(self.unread.split_to(end)))));
                }
            }
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        lock(&self.network).bodies -= 1;
    }
}
