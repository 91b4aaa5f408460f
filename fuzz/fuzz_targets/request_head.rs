//! A request on raw TCP, however it is cut, is answered as httparse reads its head in one piece, and a body
//! is what its length or a more lenient decoder of chunks says.
//!
//! The last four bytes of the input are the lengths of the pieces and the limits, the others are what
//! the client sends. So a recorded request is a useful seed.
#![no_main]

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use libfuzzer_sys::fuzz_target;
use sse_tokio_tcp::{
    CancellationToken, Endpoint, Limits, Request, Response, Service, no_content, serve_connection,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};

/// The most bytes of a body.
const MAX_BODY: usize = 64;

fuzz_target!(|input: &[u8]| {
    let (sent, control) = input.split_at(input.len().saturating_sub(4));
    let control = |at: usize| usize::from(control.get(at).copied().unwrap_or(u8::MAX));
    let (first, second) = (control(0), control(1).max(1));
    let (max_size, max_headers) = (control(2) * 8, control(3));
    let limits = Limits::new()
        .max_head_size(max_size)
        .max_headers(max_headers)
        .max_body_size(MAX_BODY);

    let expected = expected(sent, max_size, max_headers);
    let mut in_chunks = None;
    for pieces in [[usize::MAX; 2], [first, second], [1, 1]] {
        let answer = serve(sent, pieces, &limits);
        assert!(
            expected.iter().any(|one| Some(one) == answer.as_ref())
                || (answer.is_none() && expected.is_empty()),
            "in pieces of {pieces:?}: {answer:?}, but expected {expected:?}"
        );
        // What is wrong with chunks has several answers, but always the same one.
        if expected.iter().any(Answer::is_in_chunks) {
            let before = in_chunks.get_or_insert_with(|| answer.clone());
            assert_eq!(*before, answer, "in pieces of {pieces:?}");
        }
    }
});

/// What the server has made of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// The service got this request, with this body.
    Served(Head, Vec<u8>),
    /// The server has answered with this status.
    Rejected(StatusCode),
}

impl Answer {
    fn is_in_chunks(&self) -> bool {
        match self {
            Self::Served(head, _) => {
                may_have_body(&head.method) && !head.values("transfer-encoding").is_empty()
            }
            Self::Rejected(_) => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Head {
    method: Method,
    target: String,
    version: Version,
    /// In the order of the names, those of the same name in that of the request.
    headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    fn new(
        method: Method,
        target: String,
        version: Version,
        headers: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Self {
        let mut headers: Vec<_> = headers.into_iter().collect();
        headers.sort_by(|one, other| one.0.cmp(&other.0));
        Self {
            method,
            target,
            version,
            headers,
        }
    }

    fn values(&self, name: &str) -> Vec<&[u8]> {
        let named = self.headers.iter().filter(|(other, _)| other == name);
        named.map(|(_, value)| &**value).collect()
    }
}

/// Returns the answers of which one is right. There is none to a client that sends nothing. There are
/// several where it depends on the pieces what the server sees first.
fn expected(sent: &[u8], max_size: usize, max_headers: usize) -> Vec<Answer> {
    use StatusCode as S;
    let rejected = |status| vec![Answer::Rejected(status)];
    let too_large = S::REQUEST_HEADER_FIELDS_TOO_LARGE;
    if max_size == 0 {
        return rejected(too_large);
    }
    let head = &sent[..sent.len().min(max_size)];
    let is_cut = sent.len() >= max_size;
    let mut lines = vec![httparse::EMPTY_HEADER; max_headers];
    let mut parsed = httparse::Request::new(&mut lines);
    let error = match parsed.parse(head) {
        Ok(httparse::Status::Complete(len)) => {
            return match accepted(&parsed) {
                Ok(head) => with_body(head, &sent[len..]),
                Err(status) => rejected(status),
            };
        }
        Ok(httparse::Status::Partial) if head.is_empty() => return Vec::new(),
        Ok(httparse::Status::Partial) if is_cut => return rejected(too_large),
        Ok(httparse::Status::Partial) => return rejected(S::BAD_REQUEST),
        Err(httparse::Error::TooManyHeaders) => too_large,
        Err(httparse::Error::Version) => S::HTTP_VERSION_NOT_SUPPORTED,
        Err(_) => S::BAD_REQUEST,
    };
    // The error is found in the first piece, or at a blank line. Otherwise the head ends before it is
    // found: by its limit or by the client.
    let mut answers = rejected(error);
    if !has_blank_line(head) {
        answers.extend(rejected(if is_cut { too_large } else { S::BAD_REQUEST }));
    }
    answers
}

fn may_have_body(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Returns the answers to a request, of which `rest` follows its head.
fn with_body(head: Head, rest: &[u8]) -> Vec<Answer> {
    use StatusCode as S;
    let rejected = |status| vec![Answer::Rejected(status)];
    if !may_have_body(&head.method) {
        return vec![Answer::Served(head, Vec::new())];
    }
    let is_old = head.version == Version::HTTP_10;
    match head.values("expect")[..] {
        [] => {}
        _ if is_old => {}
        [value] if value.eq_ignore_ascii_case(b"100-continue") => {}
        _ => return rejected(S::EXPECTATION_FAILED),
    }
    match (
        &head.values("transfer-encoding")[..],
        &head.values("content-length")[..],
    ) {
        ([], []) if matches!(head.method, Method::POST | Method::PUT | Method::PATCH) => {
            rejected(S::LENGTH_REQUIRED)
        }
        ([], []) => vec![Answer::Served(head, Vec::new())],
        ([], [digits]) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
            let digits = str::from_utf8(&digits[zeros..]).expect("digits");
            let len = match digits {
                "" => Some(0),
                // The limit has fewer digits.
                digits => digits.parse().ok().filter(|len| *len <= MAX_BODY),
            };
            match len {
                None => rejected(S::PAYLOAD_TOO_LARGE),
                Some(len) if rest.len() < len => rejected(S::BAD_REQUEST),
                Some(len) => vec![Answer::Served(head, rest[..len].to_vec())],
            }
        }
        ([coding], []) if !is_old && coding.eq_ignore_ascii_case(b"chunked") => {
            let mut answers = vec![
                Answer::Rejected(S::BAD_REQUEST),
                Answer::Rejected(S::PAYLOAD_TOO_LARGE),
            ];
            if let Some(body) = unchunked(rest).filter(|body| body.len() <= MAX_BODY) {
                answers.push(Answer::Served(head, body));
            }
            answers
        }
        ([_, ..], []) if !is_old => rejected(S::NOT_IMPLEMENTED),
        _ => rejected(S::BAD_REQUEST),
    }
}

/// Returns the body out of chunks, as httparse reads their sizes.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) else {
            return None;
        };
        rest = &rest[start..];
        let size = usize::try_from(size).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
}

/// What the server adds to the rules of httparse: the types of `http`, and one Host (RFC 9112 § 3.2).
fn accepted(parsed: &httparse::Request<'_, '_>) -> Result<Head, StatusCode> {
    let method = parsed.method.expect("complete").parse::<Method>();
    let method = method.map_err(|_| StatusCode::BAD_REQUEST)?;
    let target = parsed.path.expect("complete").parse::<http::Uri>();
    let target = target.map_err(|_| StatusCode::BAD_REQUEST)?;
    let version = match parsed.version {
        Some(0) => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    let named = |line: &httparse::Header<'_>| (line.name.to_ascii_lowercase(), line.value.to_vec());
    let headers = parsed.headers.iter().map(named);
    let head = Head::new(method, target.to_string(), version, headers);

    let mut hosts = head.headers.iter().filter(|(name, _)| name == "host");
    let is_valid = match (hosts.next(), hosts.next()) {
        (None, _) => version == Version::HTTP_10,
        (Some((_, host)), None) => {
            let reserved = b"-._~%!$&'()*+,;=[]:";
            let mut bytes = host.iter();
            bytes.all(|byte| byte.is_ascii_alphanumeric() || reserved.contains(byte))
        }
        _ => false,
    };
    if is_valid {
        Ok(head)
    } else {
        Err(StatusCode::BAD_REQUEST)
    }
}

/// Whether a line ends and another one is empty, after the empty lines at the start.
fn has_blank_line(head: &[u8]) -> bool {
    let start = head.iter().position(|byte| !b"\r\n".contains(byte));
    let head = &head[start.unwrap_or(head.len())..];
    [&b"\n\n"[..], b"\n\r\n"]
        .iter()
        .any(|end| head.windows(end.len()).any(|window| window == *end))
}

thread_local! {
    /// With timers, which never fire: the client is always ready.
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
}

/// Serves a client that sends these bytes in pieces of two lengths in turn.
fn serve(sent: &[u8], lengths: [usize; 2], limits: &Limits) -> Option<Answer> {
    let recorder = Recorder::new();
    let mut client = Client {
        unsent: sent,
        lengths,
        received: Vec::new(),
    };
    let shutdown = CancellationToken::new().into();
    let served = serve_connection(&mut client, &recorder, limits, &shutdown);
    RUNTIME.with(|runtime| runtime.block_on(served).expect("the client takes all"));

    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    let received = &client.received;
    let status = status_of(received.strip_prefix(interim).unwrap_or(received));
    let served = recorder.served.lock().expect("not poisoned").take();
    match (status, served) {
        (None, None) => None,
        (Some(StatusCode::NO_CONTENT), Some((head, body))) => Some(Answer::Served(head, body)),
        (Some(status), None) => Some(Answer::Rejected(status)),
        other => panic!("one answer is expected, not {other:?}"),
    }
}

/// Returns the status of a response, which must be a whole one.
fn status_of(received: &[u8]) -> Option<StatusCode> {
    if received.is_empty() {
        return None;
    }
    let mut lines = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut lines);
    let parsed = response.parse(received).expect("a response");
    let httparse::Status::Complete(len) = parsed else {
        panic!("the response is incomplete: {}", received.escape_ascii());
    };
    let code = response.code.expect("complete");
    let mut lengths = (response.headers.iter())
        .filter(|line| line.name.eq_ignore_ascii_case("content-length"))
        .map(|line| str::from_utf8(line.value).expect("a number"));
    let body = received.len() - len;
    match lengths.next() {
        Some(stated) => assert_eq!(stated.parse(), Ok(body)),
        None => assert_eq!((code, body), (204, 0)),
    }
    Some(StatusCode::from_u16(code).expect("a status"))
}

/// Answers each request with 204, and keeps it.
struct Recorder {
    served: Served,
    endpoint: Endpoint,
}

type Served = Arc<Mutex<Option<(Head, Vec<u8>)>>>;

impl Recorder {
    fn new() -> Self {
        let served = Served::default();
        let with_body = {
            let served = Arc::clone(&served);
            move |request: Request<Bytes>| {
                let (parts, body) = request.into_parts();
                let response = record(&served, Request::from_parts(parts, ()), &body);
                async { response }
            }
        };
        Self {
            served,
            endpoint: Endpoint::new(with_body),
        }
    }
}

fn record(served: &Served, request: Request, body: &[u8]) -> Response {
    let (parts, ()) = request.into_parts();
    let named = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), value.as_bytes().to_vec())
    };
    let headers = parts.headers.iter().map(named);
    let target = parts.uri.to_string();
    let head = Head::new(parts.method, target, parts.version, headers);
    let mut served = served.lock().expect("not poisoned");
    let before = served.replace((head, body.to_vec()));
    assert_eq!(before, None, "one request is served");
    no_content()
}

impl Service for Recorder {
    async fn call(&self, request: Request) -> Response {
        record(&self.served, request, b"")
    }

    async fn preflight(&self, request: Request) -> Response {
        record(&self.served, request, b"")
    }

    fn endpoint(&self, _: &Request) -> Result<&Endpoint, Response> {
        Ok(&self.endpoint)
    }
}

/// A connection whose client closes its side when it has sent everything.
struct Client<'a> {
    unsent: &'a [u8],
    lengths: [usize; 2],
    received: Vec<u8>,
}

impl AsyncRead for Client<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A piece of no length would be the end.
        let len = self.lengths[0].max(1).min(buf.remaining());
        let (piece, unsent) = self.unsent.split_at(len.min(self.unsent.len()));
        buf.put_slice(piece);
        self.unsent = unsent;
        self.lengths.reverse();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.received.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
