//! The client disconnects: its handler is dropped, and how soon.
//!
//! `T::IDLE_DISCONNECT` states how the server detects it while nothing is being sent. Where it detects
//! it by reading, the streams of these cases have no keep-alive, which could detect it instead.

use std::time::{Duration, Instant};

use sse_session::{SendError, Sse, SseOptions};
use tokio::sync::watch;

use crate::client::{Connection, End};
use crate::handlers::{Handlers, Progress, endless, idle};
use crate::transports::{
    Actix, ActixWithoutHalfClose, Detection, Hyper, HyperWithHalfClose, RequestInfo, Server, Site,
    Tcp, Transport,
};

on_every_transport! {
    a_client_that_closes_ends_an_idle_handler,
    a_client_that_resets_ends_an_idle_handler,
    a_client_that_closes_ends_a_handler_that_sends,
    a_client_that_resets_ends_a_handler_that_sends,
    a_client_that_disconnects_ends_a_handler_that_waits_for_room,
    early_bytes_do_not_hide_that_a_client_has_closed,
    a_client_that_closes_after_many_events_is_detected,
    handles_in_other_tasks_learn_that_the_client_is_gone,
    a_thousand_connects_and_disconnects_leave_no_handler,
}

const KEEP_ALIVE: Duration = Duration::from_millis(100);

/// Returns options with keep-alives only where the server needs them to detect a disconnect.
fn options<T: Transport>() -> SseOptions {
    match T::IDLE_DISCONNECT {
        Detection::Reads => SseOptions::new().without_keep_alive(),
        Detection::KeepAlives => SseOptions::new().keep_alive(KEEP_ALIVE),
    }
}

/// Returns a site whose handlers send a small event every few milliseconds.
fn busy(handlers: &Handlers) -> Site {
    let handlers = handlers.clone();
    Site::new(move |_, sse: Sse| {
        let guard = handlers.guard();
        async move {
            let _guard = guard;
            loop {
                sse.send("hello").await?;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            #[expect(unreachable_code, reason = "it gives the block its type")]
            Ok::<_, SendError>(())
        }
    })
    .options(SseOptions::new().without_keep_alive())
}

/// Returns a connection on which the first event was received.
async fn listening(server: &Server) -> Connection {
    let mut response = server.get("/").await;
    response.receive("hello").await;
    response.into_connection()
}

async fn measure<T: Transport>(what: &str, handlers: &Handlers) {
    let start = Instant::now();
    handlers.dropped(1).await;
    println!(
        "{}: {what}: handler dropped after {:.1?}",
        T::NAME,
        start.elapsed()
    );
}

async fn a_client_that_closes_ends_an_idle_handler<T: Transport>() {
    let handlers = Handlers::new();
    let server = T::start(idle(&handlers).options(options::<T>())).await;
    let connection = listening(&server).await;
    assert_eq!(handlers.running(), 1);
    drop(connection);
    measure::<T>("closed while idle", &handlers).await;
}

async fn a_client_that_resets_ends_an_idle_handler<T: Transport>() {
    let handlers = Handlers::new();
    // All servers detect a reset without keep-alive.
    let options = SseOptions::new().without_keep_alive();
    let server = T::start(idle(&handlers).options(options)).await;
    let connection = listening(&server).await;
    assert_eq!(handlers.running(), 1);
    connection.reset();
    measure::<T>("reset while idle", &handlers).await;
}

async fn a_client_that_closes_ends_a_handler_that_sends<T: Transport>() {
    let handlers = Handlers::new();
    let server = T::start(busy(&handlers)).await;
    let connection = listening(&server).await;
    assert_eq!(handlers.running(), 1);
    drop(connection);
    measure::<T>("closed while sending", &handlers).await;
}

async fn a_client_that_resets_ends_a_handler_that_sends<T: Transport>() {
    let handlers = Handlers::new();
    let server = T::start(busy(&handlers)).await;
    let connection = listening(&server).await;
    assert_eq!(handlers.running(), 1);
    connection.reset();
    measure::<T>("reset while sending", &handlers).await;
}

async fn a_client_that_disconnects_ends_a_handler_that_waits_for_room<T: Transport>() {
    let handlers = Handlers::new();
    let progress = Progress::new();
    let site =
        endless(&handlers, &progress, 10_000).options(SseOptions::new().without_keep_alive());
    let server = T::start(site).await;
    let mut connection = Connection::open_with_receive_buffer(server.address, 16 * 1024).await;
    connection
        .send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        .await;
    progress.stops().await;
    // The client has unread bytes, so closing the connection resets it.
    drop(connection);
    measure::<T>("closed while the sender waits", &handlers).await;
}

async fn early_bytes_do_not_hide_that_a_client_has_closed<T: Transport>() {
    let handlers = Handlers::new();
    let options = SseOptions::new().keep_alive(KEEP_ALIVE);
    let server = T::start(idle(&handlers).options(options)).await;
    let mut connection = server.connect().await;
    // Two requests at once. The second one would be answered after the response to the first.
    connection
        .send("GET / HTTP/1.1\r\nHost: test\r\n\r\n".repeat(2))
        .await;
    let mut response = connection.response().await;
    response.receive("hello").await;
    drop(response);
    measure::<T>("closed while idle, after early bytes", &handlers).await;
}

async fn a_client_that_closes_after_many_events_is_detected<T: Transport>() {
    closing_after_events_is_detected::<T>("").await;
}

/// The client receives each event before the next one is sent, so that each is written alone.
/// Before some of them, the client sends `early`.
async fn closing_after_events_is_detected<T: Transport>(early: &str) {
    let handlers = Handlers::new();
    let number = watch::Sender::new(0);
    let site = {
        let (handlers, number) = (handlers.clone(), number.clone());
        Site::new(move |_, sse: Sse| {
            let (guard, mut number) = (handlers.guard(), number.subscribe());
            async move {
                let _guard = guard;
                sse.send("hello").await?;
                while number.changed().await.is_ok() {
                    let number = *number.borrow_and_update();
                    sse.send(sse_session::Display(number)).await?;
                }
                Ok::<_, SendError>(())
            }
        })
    };
    let server = T::start(site.options(options::<T>())).await;
    for last in [1, 3, 20] {
        let mut response = server.get("/").await;
        response.receive("hello").await;
        for event in 0..last {
            if event % 2 == 0 {
                response.send(early).await;
            }
            number.send_modify(|number| *number += 1);
            let sent = *number.borrow();
            response.receive(&sent.to_string()).await;
        }
        drop(response);
        measure::<T>("closed after events", &handlers).await;
    }
}

async fn handles_in_other_tasks_learn_that_the_client_is_gone<T: Transport>() {
    let (pass_on, mut handle) = watch::channel(None);
    let site = Site::new(move |_, sse: Sse| {
        let pass_on = pass_on.clone();
        async move {
            sse.send("hello").await.expect("open");
            pass_on.send_replace(Some(sse));
        }
    });
    let server = T::start(site.options(options::<T>())).await;
    let connection = listening(&server).await;
    let sse = handle.wait_for(Option::is_some).await.expect("a handler");
    let sse = sse.clone().expect("a handle");
    assert!(!sse.is_closed());
    drop(connection);
    sse.closed().await;
    assert!(matches!(sse.send("x").await, Err(SendError::Closed)));
}

async fn a_thousand_connects_and_disconnects_leave_no_handler<T: Transport>() {
    let handlers = Handlers::new();
    let server = T::start(idle(&handlers).options(options::<T>())).await;
    for round in 0..10 {
        let mut open = Vec::new();
        for number in 0..100 {
            let connection = listening(&server).await;
            // Some close, some reset, some stay open for now.
            match number % 3 {
                0 => drop(connection),
                1 => connection.reset(),
                _ => open.push(connection),
            }
            if number % 10 == 0 {
                let mut connection = server.connect().await;
                connection
                    .send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
                    .await;
            }
        }
        drop(open);
        assert!(handlers.total() >= (round + 1) * 100);
    }
    handlers.dropped(1_000).await;
    server.stop().await;
    assert_eq!(handlers.running(), 0);
}

#[tokio::test]
async fn bytes_that_raw_tcp_clients_send_between_events_do_not_hide_that_they_have_closed() {
    super::within_limit(closing_after_events_is_detected::<Tcp>("GET /")).await;
}

/// With `h1_allow_half_closed(false)`, actix-web detects a disconnect without a keep-alive.
#[tokio::test]
async fn actix_without_half_close_ends_an_idle_handler_without_keep_alives() {
    super::within_limit(async {
        a_client_that_closes_ends_an_idle_handler::<ActixWithoutHalfClose>().await;
        a_client_that_resets_ends_an_idle_handler::<ActixWithoutHalfClose>().await;
        a_client_that_closes_ends_a_handler_that_sends::<ActixWithoutHalfClose>().await;
        early_bytes_do_not_hide_that_a_client_has_closed::<ActixWithoutHalfClose>().await;
    })
    .await;
}

/// With `half_close`, hyper reads nothing while it responds. Only a failing write shows that a client
/// is gone, whether it closed the connection or reset it.
#[tokio::test]
async fn hyper_with_half_close_ends_an_idle_handler_by_keep_alives() {
    super::within_limit(async {
        a_client_that_closes_ends_an_idle_handler::<HyperWithHalfClose>().await;

        let handlers = Handlers::new();
        let site = idle(&handlers).options(options::<HyperWithHalfClose>());
        let server = HyperWithHalfClose::start(site).await;
        listening(&server).await.reset();
        measure::<HyperWithHalfClose>("reset while idle", &handlers).await;
    })
    .await;
}

/// A client that closes its sending side after its request still receives its events.
async fn half_closing_client_is_served<T: Transport>() {
    let server = T::start(slow()).await;
    let mut connection = server.connect().await;
    connection
        .send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        .await;
    connection.end_sending().await;
    let mut response = connection.response().await;
    response.read_until("data: 2\n\n").await;
    let events = response.complete().await.replace(": keep-alive\n", "");
    assert_eq!(
        events,
        "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\n",
        "{}",
        T::NAME
    );
}

/// Returns a site whose handlers send four events within a second.
fn slow() -> Site {
    Site::new(|_: RequestInfo, sse: Sse| async move {
        for number in 0..4 {
            sse.send(sse_session::Display(number)).await?;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Ok::<_, SendError>(())
    })
}

/// A client that closes its sending side can at least see that the response is not complete.
async fn half_closing_client_is_cut<T: Transport>() {
    let server = T::start(slow()).await;
    let mut connection = server.connect().await;
    connection
        .send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        .await;
    connection.end_sending().await;
    if let Some(mut response) = connection.response_if_any().await {
        assert_ne!(response.rest().await.1, End::Complete, "{}", T::NAME);
    }
}

#[tokio::test]
async fn a_client_that_closes_its_sending_side_is_served_where_that_is_documented() {
    super::within_limit(async {
        tokio::join!(
            half_closing_client_is_served::<Tcp>(),
            half_closing_client_is_served::<Actix>(),
            half_closing_client_is_served::<HyperWithHalfClose>(),
            half_closing_client_is_cut::<Hyper>(),
            half_closing_client_is_cut::<ActixWithoutHalfClose>(),
        );
    })
    .await;
}
