//! The server of `sse-tokio-tcp`.

use sse_tokio_tcp::{Body, Request, Response, no_content, serve, sse_response_with};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Answer, Answers};

/// Serves until the returned tasks are dropped.
pub(super) fn start(listener: TcpListener, answers: Answers) -> JoinSet<()> {
    let mut server = JoinSet::new();
    server.spawn(serve(listener, move |request| {
        let response = answer(&answers, request);
        async { response }
    }));
    server
}

fn answer(answers: &Answers, request: Request) -> Response {
    let answer = answers(&super::Request {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        accepts_gzip: super::accepts_gzip(request.headers().get_all(super::ACCEPT_ENCODING)),
        resumes: request.headers().contains_key(super::LAST_EVENT_ID),
        body: bytes::Bytes::new(),
    });
    match answer {
        Answer::Stream(options, handler) => {
            sse_response_with(&options, request, |_, sse| handler(sse))
        }
        Answer::NoContent => no_content(),
        Answer::Plain(response) => response.map(Body::from),
    }
}
