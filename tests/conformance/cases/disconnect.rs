//! The client goes away: its handler is dropped, and how soon.
//!
//! `T::IDLE_DISCONNECT` states what it takes where nothing is being sent. Where the server must
//! notice unprompted, the streams of these cases have no keep-alive that could help it.

use std::time::{Duration, Instant};

use sse_session::{SendError, Sse, SseOptions};
use tokio::sync::watch;

use crate::client::{Connection, End};
use crate::handlers::{Handlers, Progress, endless, idle};
use crate::transports::{
    Actix, ActixWithoutHalfClose, Asked, Hyper, HyperWithHalfClose, Notice, Server, Site, Tcp,
    Transport,
};

on_every_transport! {
    a_client_that_closes_ends_an_idle_handler,
    a_client_that_resets_ends_an_idle_handler,
    a_client_that_closes_ends_a_handler_that_sends,
    a_client_that_resets_ends_a_handler_that_sends,
    a_client_that_goes_away_ends_a_handler_that_waits_for_room,
    early_bytes_do_not_hide_that_a_client_has_closed,
    a_client_that_closes_after_many_events_is_noticed,
    handles_elsewhere_learn_that_the_client_is_gone,
    a_thousand_connects_and_disconnects_leave_no_handler,
}

const KEEP_ALIVE: Duration = Duration::from_millis(100);

/// Keep-alive only where it is what tells that the client is gone.
fn options<T: Transport>() -> SseOptions {
    match T::IDLE_DISCONNECT {
        Notice::Unprompted => SseOptions::new().without_keep_alive(),
        Notice::KeepAlives => SseOptions::new().keep_alive(KEEP_ALIVE),
    }
}

/// A site whose handlers send a small event every few milliseconds.
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
            #[expect(unreachable_code, reason = "it says what the block returns")]
            Ok::<_, SendError>(())
        }
    })
    .options(SseOptions::new().without_keep_alive())
}

/// A client that has seen the stream begin.
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
    // A reset is noticed by all of them without keep-alive.
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

async fn a_client_that_goes_away_ends_a_handler_that_waits_for_room<T: Transport>() {
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
    // There are bytes that it has not read, so this is a reset however it is closed.
    drop(connection);
    measure::<T>("closed while the sender waits", &handlers).await;
}

async fn early_bytes_do_not_hide_that_a_client_has_closed<T: Transport>() {
    let handlers = Handlers::new();
    let options = SseOptions::new().keep_alive(KEEP_ALIVE);
    let server = T::start(idle(&handlers).options(options)).await;
    let mut connection = server.connect().await;
    // Two requests at once; the second one would have its turn after the first one's response.
    connection
        .send("GET / HTTP/1.1\r\nHost: test\r\n\r\n".repeat(2))
        .await;
    let mut response = connection.response().await;
    response.receive("hello").await;
    drop(response);
    measure::<T>("closed while idle, after early bytes", &handlers).await;
}

async fn a_client_that_closes_after_many_events_is_noticed<T: Transport>() {
    closing_after_events_is_noticed::<T>("").await;
}

/// Each event is awaited by the client before the next one is sent, so that it is written alone;
/// before some of them, the client says something that nobody asked for.
async fn closing_after_events_is_noticed<T: Transport>(early: &str) {
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

async fn handles_elsewhere_learn_that_the_client_is_gone<T: Transport>() {
    let (give, mut handle) = watch::channel(None);
    let site = Site::new(move |_, sse: Sse| {
        let give = give.clone();
        async move {
            sse.send("hello").await.expect("open");
            give.send_replace(Some(sse));
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
            // Some close, some reset, and some have asked and do not wait for the answer.
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
async fn what_clients_of_raw_tcp_say_between_events_does_not_hide_that_they_have_closed() {
    super::within_limit(closing_after_events_is_noticed::<Tcp>("GET /")).await;
}

/// With `h1_allow_half_closed(false)`, actix-web notices without a keep-alive.
#[tokio::test]
async fn actix_without_half_close_ends_an_idle_handler_unprompted() {
    super::within_limit(async {
        a_client_that_closes_ends_an_idle_handler::<ActixWithoutHalfClose>().await;
        a_client_that_resets_ends_an_idle_handler::<ActixWithoutHalfClose>().await;
        a_client_that_closes_ends_a_handler_that_sends::<ActixWithoutHalfClose>().await;
        early_bytes_do_not_hide_that_a_client_has_closed::<ActixWithoutHalfClose>().await;
    })
    .await;
}

/// With `half_close`, hyper reads nothing while it responds: only writes tell that a client is
/// gone, whether it closed the connection or reset it.
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

/// A client that closes its sending side with its request still gets its events.
async fn half_closing_client_is_served<T: Transport>() {
    let server = T::start(slow()).await;
    let mut connection = server.connect().await;
    connection
        .send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        .await;
    connection.end_sending().await;
    let mut response = connection.response().await;
    response.read_until("data: 2\n\n").await;
    let events = response.complete().await.replace(": keep-alive\n\n", "");
    assert_eq!(
        events,
        "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\n",
        "{}",
        T::NAME
    );
}

/// Sends four events over a second.
fn slow() -> Site {
    Site::new(|_: Asked, sse: Sse| async move {
        for number in 0..4 {
            sse.send(sse_session::Display(number)).await?;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Ok::<_, SendError>(())
    })
}

/// And where it does not, at least it can tell.
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
async fn a_client_that_closes_its_sending_side_is_served_where_that_is_promised() {
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
