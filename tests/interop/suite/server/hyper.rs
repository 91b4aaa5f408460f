//! hyper 1, with HTTP/1.1.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Collected, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sse_hyper::{SseBody, no_content, sse_response_with};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Answer, Answers};

/// Serves until the returned tasks are dropped.
pub(super) fn start(listener: TcpListener, answers: Answers) -> JoinSet<()> {
    let mut server = JoinSet::new();
    server.spawn(accept(listener, answers));
    server
}

async fn accept(listener: TcpListener, answers: Answers) {
    let mut connections = JoinSet::new();
    while let Ok((io, _)) = listener.accept().await {
        io.set_nodelay(true).expect("a socket option");
        let answers = Arc::clone(&answers);
        let service = service_fn(move |request| answer(Arc::clone(&answers), request));
        connections.spawn(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(io), service),
        );
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    answers: Answers,
    request: Request<Incoming>,
) -> Result<Response<Either<SseBody, Full<Bytes>>>, Infallible> {
    let (head, body) = request.into_parts();
    let answer = answers(&super::Request {
        method: head.method.clone(),
        path: head.uri.path().to_owned(),
        accepts_gzip: super::accepts_gzip(head.headers.get_all(super::ACCEPT_ENCODING)),
        resumes: head.headers.contains_key(super::LAST_EVENT_ID),
        // An incomplete body is one that no client under test sends.
        body: body
            .collect()
            .await
            .map_or_else(|_| Bytes::new(), Collected::to_bytes),
    });
    Ok(match answer {
        Answer::Stream(options, handler) => {
            sse_response_with(&options, head, |_, sse| handler(sse)).map(Either::Left)
        }
        Answer::NoContent => no_content().map(Either::Left),
        Answer::Plain(response) => response.map(|body| Either::Right(Full::new(body))),
    })
}
