//! Request bodies that are streams: made for each attempt, or sent once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Method;
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_eventsource::{
    Error, ErrorKind, EventSource, HttpClient, Reconnect, RedirectError, RequestBody,
};
use sse_eventsource_testing::{STREAM, Server, header};
use sse_hyper::{SendError, Sse};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::stack::{no_wait, read_all};

/// A body of these pieces, without a known length.
fn pieces(
    pieces: impl IntoIterator<Item = String, IntoIter: Send + 'static>,
) -> impl Body<Data = Bytes, Error = io::Error> + Send + 'static {
    let frames = stream::iter(pieces).map(|piece| Ok(Frame::data(Bytes::from(piece))));
    StreamBody::new(frames)
}

fn post(server: &Server) -> sse_eventsource::EventSourceBuilder {
    EventSource::post(server.url()).backoff(no_wait())
}

/// Answers the first requests with `answers`, and the next with an event that contains its body.
fn server(answers: &'static [&'static str]) -> Server {
    Server::start(move |number, mut connection| async move {
        let head = connection.head().await;
        let chunked = header(&head, "transfer-encoding") == Some("chunked");
        let body = if chunked {
            connection.chunks().await
        } else {
            let length = header(&head, "content-length").map_or(0, |len| len.parse().expect("len"));
            connection.exactly(length).await
        };
        if let Some(answer) = answers.get(number) {
            connection.send(answer).await;
            return;
        }
        let method = head.split(' ').next().unwrap_or_default();
        let kind = if chunked { "chunked" } else { "sized" };
        connection
            .send(format!("{STREAM}data: {method} {kind} {body}\n\n"))
            .await;
    })
}

const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
const KEPT: &str = "HTTP/1.1 307 Moved\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n";
const BECOMES_GET: &str = "HTTP/1.1 303 See\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_body_is_made_for_each_attempt_and_redirect() {
    let server = server(&[BUSY, KEPT, BUSY]);
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let body = RequestBody::from_fn(move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        pieces(["body ".to_owned(), number.to_string()])
    });
    let source = post(&server).body(body).reconnect(Reconnect::UntilOpen);
    let (data, error) = read_all(source.build().expect("valid")).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(data, ["POST chunked body 3"]);
    assert_eq!(made.load(Ordering::Relaxed), 4);
    assert_eq!(server.connections(), 4);
}

#[tokio::test]
async fn a_body_of_known_length_has_a_content_length() {
    let server = server(&[BUSY]);
    let body = RequestBody::from_fn(|| Full::new(Bytes::from_static(b"known")));
    let source = post(&server).body(body).reconnect(Reconnect::UntilOpen);
    let (data, _) = read_all(source.build().expect("valid")).await;
    assert_eq!(data, ["POST sized known"]);
}

#[tokio::test]
async fn a_body_that_can_be_sent_once_is_sent_once() {
    let once = || RequestBody::once(pieces(["one use".to_owned()]));

    let ours = server(&[]);
    let source = post(&ours).body(once()).reconnect(Reconnect::Always);
    let (data, error) = read_all(source.build().expect("valid")).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(data, ["POST chunked one use"]);
    assert_eq!(ours.connections(), 1);

    let busy = server(&[BUSY]);
    let source = post(&busy).body(once()).reconnect(Reconnect::Always);
    let (data, error) = read_all(source.build().expect("valid")).await;
    assert!(data.is_empty());
    assert!(
        matches!(error.as_ref().map(Error::kind), Some(ErrorKind::Status(_))),
        "{error:?}"
    );
    assert_eq!(busy.connections(), 1);
}

#[tokio::test]
async fn a_redirect_cannot_repeat_a_body_of_one_use() {
    let once = || RequestBody::once(pieces(["one use".to_owned()]));

    let kept = server(&[KEPT]);
    let source = post(&kept).body(once()).build().expect("valid");
    let (_, error) = read_all(source).await;
    assert!(
        matches!(
            error.as_ref().map(Error::kind),
            Some(ErrorKind::Redirect(RedirectError::Body))
        ),
        "{error:?}"
    );
    assert_eq!(kept.connections(), 1);

    // GET has no body.
    let see_other = server(&[BECOMES_GET]);
    let source = post(&see_other).body(once()).build().expect("valid");
    let (data, error) = read_all(source).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(data, ["GET sized "]);
}

#[tokio::test]
async fn the_hook_may_set_the_body_of_each_attempt() {
    let server = server(&[BUSY]);
    let source = post(&server)
        .before_attempt(|mut request| async {
            assert_eq!(request.body().as_bytes(), Some(&Bytes::from_static(b"old")));
            *request.body_mut() = RequestBody::once(pieces(["new".to_owned()]));
            Ok(request)
        })
        .body("old")
        .reconnect(Reconnect::UntilOpen);
    let (data, _) = read_all(source.build().expect("valid")).await;
    assert_eq!(data, ["POST chunked new"]);
}

#[tokio::test]
async fn a_failed_body_is_a_failed_attempt() {
    let server = server(&[]);
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let body = RequestBody::from_fn(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let frames = [Ok(Frame::data(Bytes::from_static(b"half"))), Err("no more")];
        StreamBody::new(stream::iter(frames))
    });
    let builder = post(&server).body(body).reconnect(Reconnect::UntilOpen);
    let source = builder.max_attempts(2).build().expect("valid");
    let (data, error) = read_all(source).await;
    assert!(data.is_empty());
    let Some(ErrorKind::Request(error)) = error.map(Error::into_kind) else {
        panic!("another error");
    };
    let mut cause: &dyn std::error::Error = &*error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    assert_eq!(cause.to_string(), "no more");
    assert_eq!(made.load(Ordering::Relaxed), 2);
}

/// A conversation: each piece of the request is sent after the event that answers the previous one,
/// while the response is open.
async fn talk(client: HttpClient, serve: impl Future<Output = ()>, url: String) {
    let (say, said) = mpsc::unbounded_channel::<String>();
    let body = RequestBody::once(StreamBody::new(stream::unfold(said, |mut said| async {
        let piece = said.recv().await?;
        let frame = Frame::data(Bytes::from(piece));
        Some((Ok::<_, io::Error>(frame), said))
    })));
    let source = EventSource::builder(Method::POST, url)
        .body(body)
        .build_with(client);
    let mut source = source.expect("valid");
    let talk = async {
        for number in 0..5 {
            say.send(format!("{number}")).expect("it is read");
            let event = source.next().await.expect("an answer").expect("no error");
            assert_eq!(event.data(), format!("heard {number}"));
        }
        drop(say);
        let end = source.next().await;
        assert!(end.is_none(), "{end:?}");
    };
    tokio::select! {
        () = serve => panic!("the server ended first"),
        () = talk => {}
    }
}

/// Answers each piece of the request's body with an event.
async fn echo(request: http::Request<hyper::body::Incoming>, sse: Sse) -> Result<(), SendError> {
    let mut pieces = request.into_body();
    while let Some(Ok(frame)) = pieces.frame().await {
        // HTTP/2 may end a body with an empty frame.
        if let Ok(piece) = frame.into_data()
            && !piece.is_empty()
        {
            let text = String::from_utf8(piece.to_vec()).expect("UTF-8");
            sse.send(format!("heard {text}")).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_body_is_sent_while_the_stream_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let serve = async {
        let (io, _) = listener.accept().await.expect("a connection");
        let service = sse_hyper::with_sse(echo);
        let served = http1::Builder::new().serve_connection(TokioIo::new(io), service);
        served.await.expect("served");
        std::future::pending::<()>().await;
    };
    talk(HttpClient::new(), serve, url).await;
}

#[tokio::test]
async fn a_body_is_sent_while_the_stream_is_read_over_http2() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let serve = async {
        let (io, _) = listener.accept().await.expect("a connection");
        let service = sse_hyper::with_sse(echo);
        let _ = http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(io), service)
            .await;
        std::future::pending::<()>().await;
    };
    talk(HttpClient::new().http2_prior_knowledge(), serve, url).await;
}
