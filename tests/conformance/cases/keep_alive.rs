//! Comments while nothing is sent, and only then.
//!
//! Over sockets, these cases check the order of events, whatever time they take. That there is no
//! keep-alive during traffic needs exact time, so the last cases run each adapter in memory with
//! tokio's paused clock.

use std::time::Duration;

use ::hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use sse_session::{SendError, Sse, SseOptions};
use tokio::io::duplex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::client::{Connection, End, Response};
use crate::transports::{Site, Transport};

on_every_transport! {
    a_silent_stream_sends_comments_between_its_events,
    the_comment_can_be_chosen,
}

async fn a_silent_stream_sends_comments_between_its_events<T: Transport>() {
    let (seen, turn) = watch::channel(0);
    let site = Site::new(move |_, sse: Sse| {
        let mut turn = turn.clone();
        async move {
            for number in 0..3 {
                turn.wait_for(|seen| *seen >= number)
                    .await
                    .expect("a client");
                sse.send(sse_session::Display(number)).await.expect("open");
            }
        }
    });
    let options = SseOptions::new().keep_alive(Duration::from_millis(20));
    let server = T::start(site.options(options)).await;
    let mut response = server.get("/").await;
    for number in 0..3 {
        response.receive(&number.to_string()).await;
        if number < 2 {
            // No event is sent until the comments have arrived.
            let silence = format!("data: {number}\n\n: keep-alive\n: keep-alive\n");
            response.read_until(&silence).await;
        }
        seen.send_replace(number + 1);
    }
    let events = response.complete().await.replace(": keep-alive\n", "");
    assert_eq!(events, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
}

async fn the_comment_can_be_chosen<T: Transport>() {
    let site = Site::new(|_, sse: Sse| async move {
        sse.closed().await;
    });
    let options = SseOptions::new()
        .keep_alive(Duration::from_millis(20))
        .keep_alive_comment("still\nhere");
    let server = T::start(site.options(options)).await;
    let mut response = server.get("/").await;
    response
        .read_until(": still\n: here\n: still\n: here\n")
        .await;
}

const INTERVAL: Duration = Duration::from_secs(15);

/// Sends an event every 10 seconds, five times, then stays silent for 40 seconds.
async fn ticks(sse: Sse) -> Result<(), SendError> {
    for _ in 0..5 {
        sse.send("tick").await?;
        sleep(Duration::from_secs(10)).await;
    }
    sleep(Duration::from_secs(30)).await;
    Ok(())
}

/// The result with a keep-alive every 15 seconds: none between the events, then two.
const TICKS: &str = "data: tick\n\ndata: tick\n\ndata: tick\n\ndata: tick\n\ndata: tick\n\n\
    : keep-alive\n: keep-alive\n";

async fn assert_ticks(mut response: Response<tokio::io::DuplexStream>) {
    let start = Instant::now();
    assert_eq!(response.rest().await, (TICKS.to_owned(), End::Complete));
    assert_eq!(start.elapsed().as_secs(), 80);
}

#[tokio::test(start_paused = true)]
async fn hyper_sends_no_keep_alive_during_traffic() {
    let (client, server) = duplex(1024);
    let service = sse_hyper::with_sse(|_: sse_hyper::Request, sse| ticks(sse))
        .options(SseOptions::new().keep_alive(INTERVAL));
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(server), service));
    assert_ticks(Connection::over(client).get("/").await).await;
}

#[tokio::test(start_paused = true)]
async fn tcp_sends_no_keep_alive_during_traffic() {
    use sse_tokio_tcp::{Limits, Request, serve_connection, with_sse};

    let (client, server) = duplex(1024);
    tokio::spawn(async move {
        let options = SseOptions::new().keep_alive(INTERVAL);
        let service = with_sse(|_: Request, sse| ticks(sse)).options(options);
        let shutdown = CancellationToken::new().into();
        serve_connection(server, &service, &Limits::new(), &shutdown)
            .await
            .expect("served");
    });
    assert_ticks(Connection::over(client).get("/").await).await;
}

#[tokio::test(start_paused = true)]
async fn actix_sends_no_keep_alive_during_traffic() {
    let app = actix_web::test::init_service(
        actix_web::App::new().route(
            "/",
            actix_web::web::get().to(sse_actix::with_sse(|_: sse_actix::Request, sse| ticks(sse))
                .options(SseOptions::new().keep_alive(INTERVAL))),
        ),
    )
    .await;
    let request = actix_web::test::TestRequest::get().to_request();
    let response = actix_web::test::call_service(&app, request).await;
    let start = Instant::now();
    let body = actix_web::body::to_bytes(response.into_body()).await;
    assert_eq!(body.expect("no failure"), TICKS);
    assert_eq!(start.elapsed().as_secs(), 80);
}

#[tokio::test(start_paused = true)]
async fn keep_alive_can_be_disabled() {
    let (client, server) = duplex(1024);
    let service = sse_hyper::with_sse(|_: sse_hyper::Request, sse| ticks(sse))
        .options(SseOptions::new().without_keep_alive());
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(server), service));
    let mut response = Connection::over(client).get("/").await;
    assert_eq!(response.complete().await, "data: tick\n\n".repeat(5));
}
