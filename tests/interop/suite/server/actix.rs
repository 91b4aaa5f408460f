//! actix-web in a thread of its own, with one worker.

use std::sync::Arc;
use std::thread;

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use sse_actix::{no_content, sse_response_with};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Answer, Answers, Request};

/// Stops the server when dropped, without waiting for it.
pub(super) struct Stop(ServerHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        // The call sends the command. The future would only wait for its effect.
        drop(self.0.stop(false));
    }
}

/// Serves until the returned guard is dropped.
pub(super) async fn start(listener: TcpListener, answers: Answers) -> Stop {
    let listener = listener.into_std().expect("a listener");
    let (send, receive) = oneshot::channel();
    thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let answers = Arc::clone(&answers);
                let answer = move |request: HttpRequest, body: Bytes| {
                    let response = answer(&answers, &request, body);
                    async { response }
                };
                App::new().default_service(web::to(answer))
            })
            .workers(1)
            .tcp_nodelay(true)
            .disable_signals()
            .listen(listener)
            .expect("a server")
            .run();
            // The test is gone if nobody receives it.
            if send.send(server.handle()).is_ok() {
                server.await.expect("served");
            }
        });
    });
    Stop(receive.await.expect("a handle"))
}

fn answer(answers: &Answers, request: &HttpRequest, body: Bytes) -> HttpResponse {
    let answer = answers(&Request {
        method: request.method().as_str().parse().expect("a method"),
        path: request.path().to_owned(),
        accepts_gzip: super::accepts_gzip(request.headers().get_all(super::ACCEPT_ENCODING)),
        resumes: request.headers().contains_key(super::LAST_EVENT_ID),
        body,
    });
    match answer {
        Answer::Stream(options, handler) => {
            sse_response_with(&options, request, |_, sse| handler(sse)).map_into_boxed_body()
        }
        Answer::NoContent => no_content().map_into_boxed_body(),
        Answer::Plain(response) => plain(response),
    }
}

/// Converts a response to the older types of actix-web.
fn plain(response: http::Response<Bytes>) -> HttpResponse<BoxBody> {
    let (head, body) = response.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16()).expect("the same range");
    let mut response = HttpResponse::build(status);
    for (name, value) in &head.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    response.message_body(body.boxed()).expect("valid headers")
}
