//! The demo on actix-web: an app with a route for each path and the demo as its data.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{App, Either, HttpResponse, Responder, web};
use bytes::Bytes;
use sse_actix::{BoundedHttp, BoxError, Request, Sse, sse_response_with, with_sse};
use tokio::net::TcpListener;

use crate::demo::{self, Demo, GRACE_PERIOD, MAX_BODY};
use crate::handlers::{self, hello};

async fn ticks((demo, request): (web::Data<Demo>, Request), sse: Sse) -> Result<(), BoxError> {
    let query = request.uri().query().map(str::to_owned);
    handlers::ticks(demo.into_inner(), query, sse).await
}

async fn chat(demo: web::Data<Demo>, request: Request) -> Either<impl Responder, impl Responder> {
    let query = request.uri().query().map(str::to_owned);
    match demo.chat.visitor(query.as_deref()) {
        Ok(visitor) => {
            let demo = demo.into_inner();
            let options = demo.chat_options.clone();
            Either::Left(sse_response_with(&options, &request, |_request, sse| {
                handlers::chat(demo, visitor, query, sse)
            }))
        }
        Err(invalid) => Either::Right(fixed(demo::bad_request(&invalid))),
    }
}

async fn say(demo: web::Data<Demo>, request: Request, body: Bytes) -> HttpResponse {
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type.map(HeaderValue::as_bytes);
    fixed(demo.say(request.uri().query(), content_type, &body).await)
}

async fn chat_page(demo: web::Data<Demo>) -> HttpResponse {
    fixed(demo.chat_page())
}

async fn page(demo: web::Data<Demo>) -> HttpResponse {
    fixed(demo.page())
}

async fn servers(demo: web::Data<Demo>) -> HttpResponse {
    fixed(demo.servers())
}

async fn drop_stream(demo: web::Data<Demo>, request: Request) -> HttpResponse {
    fixed(demo.drop_stream(request.uri().query()))
}

async fn not_found() -> HttpResponse {
    fixed(demo::not_found())
}

/// Converts a response, as actix-web uses the types of http 0.2.
fn fixed(response: http::Response<Bytes>) -> HttpResponse {
    let (parts, body) = response.into_parts();
    let status = StatusCode::from_u16(parts.status.as_u16()).unwrap_or_default();
    let mut response = HttpResponse::build(status);
    for (name, value) in &parts.headers {
        response.insert_header((name.as_str(), value.as_bytes()));
    }
    response.body(body)
}

pub(crate) async fn serve(listener: TcpListener, demo: Arc<Demo>) -> io::Result<()> {
    let stop = demo.stop.clone();
    let app = move || {
        let hello = with_sse(hello::<Request>).options(demo.hello_options.clone());
        let ticks = with_sse(ticks).options(demo.ticks_options.clone());
        App::new()
            .app_data(web::Data::from(Arc::clone(&demo)))
            .route("/hello", web::get().to(hello))
            .route("/ticks", web::get().to(ticks))
            .route("/chat/events", web::get().to(chat))
            .route("/chat/events", web::head().to(chat))
            .service(web::resource("/chat/say").post(say))
            .app_data(web::PayloadConfig::new(MAX_BODY))
            .route("/chat", web::get().to(chat_page))
            .route("/", web::get().to(page))
            .route("/servers", web::get().to(servers))
            .route("/drop", web::get().to(drop_stream))
            .default_service(web::to(not_found))
    };
    let idle = stop.clone();
    let http = move || BoundedHttp::new().shutdown(idle.clone()).tcp(app());
    let server = Server::build()
        .disable_signals()
        .shutdown_timeout(GRACE_PERIOD.as_secs())
        .listen("demo", listener.into_std()?, http)?
        .run();
    let handle = server.handle();
    let mut server = pin!(server);
    tokio::select! {
        result = &mut server => result,
        // The signal ends the streams and the idle connections. This waits for them, within a time limit.
        () = stop.cancelled() => tokio::join!(server, handle.stop(true)).0,
    }
}
