//! The demo on hyper: a service function that matches the path.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Either, Full, LengthLimitError, Limited};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use sse_hyper::{Request, SseBody, WriteTimeout, sse_response_with};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::demo::{Demo, GRACE_PERIOD, MAX_BODY, bad_request, not_found, only_post, unreadable};
use crate::handlers::{chat, hello, ticks};

/// What hyper holds of a request's head, and for a client that is slow.
const BUFFER: usize = 8 * 1024;

/// The time within which a client must accept some of what is written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// The time within which the body of a request must arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause after a failed accept, most often for want of file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

type Response = http::Response<Either<SseBody, Full<Bytes>>>;

async fn answer(demo: Arc<Demo>, request: Request) -> Response {
    let query = request.uri().query().map(str::to_owned);
    match request.uri().path() {
        "/hello" => sse_response_with(&demo.hello_options, request, hello).map(Either::Left),
        "/ticks" => sse_response_with(&demo.ticks_options, request, |_request, sse| {
            ticks(Arc::clone(&demo), query, sse)
        })
        .map(Either::Left),
        "/chat/events" => match demo.chat.visitor(query.as_deref()) {
            Ok(visitor) => sse_response_with(&demo.chat_options, request, |_request, sse| {
                chat(Arc::clone(&demo), visitor, query, sse)
            })
            .map(Either::Left),
            Err(invalid) => fixed(bad_request(&invalid)),
        },
        "/chat/say" if request.method() == Method::POST => {
            fixed(say(&demo, query.as_deref(), request).await)
        }
        "/chat/say" => fixed(only_post()),
        "/chat" => fixed(demo.chat_page()),
        "/" => fixed(demo.page()),
        "/servers" => fixed(demo.servers()),
        "/drop" => fixed(demo.drop_stream(query.as_deref())),
        _ => fixed(not_found()),
    }
}

async fn say(demo: &Demo, query: Option<&str>, request: Request) -> http::Response<Bytes> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect();
    match timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => {
            let content_type = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
            demo.say(query, content_type, &body.to_bytes()).await
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            unreadable(StatusCode::PAYLOAD_TOO_LARGE)
        }
        Ok(Err(_)) => unreadable(StatusCode::BAD_REQUEST),
        Err(_) => unreadable(StatusCode::REQUEST_TIMEOUT),
    }
}

fn fixed(response: http::Response<Bytes>) -> Response {
    response.map(|body| Either::Right(Full::new(body)))
}

pub(crate) async fn serve(listener: TcpListener, demo: Arc<Demo>) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            () = demo.stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    sleep(ACCEPT_RETRY_DELAY).await;
                    continue;
                }
            },
        };
        // An event must not wait for the acknowledgement of the one before it.
        let _ = stream.set_nodelay(true);
        let demo = Arc::clone(&demo);
        let service = service_fn(move |request| {
            let answer = answer(Arc::clone(&demo), request);
            async { Ok::<_, Infallible>(answer.await) }
        });
        let io = WriteTimeout::new(TokioIo::new(stream), WRITE_TIMEOUT);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .max_buf_size(BUFFER)
            .serve_connection(io, service);
        tokio::spawn(graceful.watch(connection));
    }
    // The signal in their options ends the streams. This waits for them, within a time limit.
    let _ = timeout(GRACE_PERIOD, graceful.shutdown()).await;
    Ok(())
}
