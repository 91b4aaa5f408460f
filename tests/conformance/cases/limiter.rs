//! Limits on open streams, over sockets.

use std::time::Duration;

use sse_session::{Limiter, SseOptions};
use tokio::task::JoinSet;

use crate::client::End;
use crate::handlers::{Handlers, Progress, endless, idle};
use crate::transports::{Server, Site, Transport};

on_every_transport! {
    a_stream_beyond_a_limit_is_refused_with_the_time_to_come_back,
    clients_that_come_and_go_never_pass_a_limit_and_leave_nothing,
    a_stream_counts_for_as_long_as_its_client_takes_nothing,
}

/// Waits until as many permits are taken, which a server returns soon after it has dropped a stream.
async fn open_becomes(limiter: &Limiter<String>, permits: usize) {
    while limiter.open() != permits {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn a_stream_beyond_a_limit_is_refused_with_the_time_to_come_back<T: Transport>() {
    let limiter = Limiter::new(3, 2).retry_after(Duration::from_secs(9));
    let handlers = Handlers::new();
    let server = T::start(site(&handlers).limiter(&limiter)).await;
    let mut open = Vec::new();
    for key in ["ada", "ada", "bob"] {
        let mut response = server.get(&format!("/limited?{key}")).await;
        response.receive("hello").await;
        open.push(response);
    }
    for (key, status) in [("ada", 429), ("bob", 503), ("eve", 503)] {
        let mut response = server.get(&format!("/limited?{key}")).await;
        assert_eq!(response.status, status, "{key}");
        assert_eq!(response.header("retry-after"), ["9"]);
        assert_eq!(response.header("cache-control"), ["no-cache"]);
        assert_eq!(response.header("content-length"), ["0"]);
        assert_eq!(response.complete().await, "");
    }
    assert_eq!((handlers.total(), limiter.open()), (3, 3));

    // `HEAD` runs no handler and holds no permit, but asks for one.
    let mut connection = server.connect().await;
    connection
        .send("HEAD /limited?ada HTTP/1.1\r\nHost: test\r\n\r\n")
        .await;
    assert_eq!(connection.response_to_head().await.status, 429);
    open.remove(0).into_connection().reset();
    open_becomes(&limiter, 2).await;
    let mut connection = server.connect().await;
    connection
        .send("HEAD /limited?ada HTTP/1.1\r\nHost: test\r\n\r\n")
        .await;
    assert_eq!(connection.response_to_head().await.status, 200);
    open_becomes(&limiter, 2).await;

    drop(open);
    open_becomes(&limiter, 0).await;
    assert_eq!(limiter.keys(), 0);
}

/// Handlers that wait, and keep-alives that show where a client is gone.
fn site(handlers: &Handlers) -> Site {
    idle(handlers).options(SseOptions::new().keep_alive(Duration::from_millis(50)))
}

const CLIENTS: usize = 16;
const VISITS: usize = 25;

async fn clients_that_come_and_go_never_pass_a_limit_and_leave_nothing<T: Transport>() {
    let limiter = Limiter::new(8, 3);
    let handlers = Handlers::new();
    let server = T::start(site(&handlers).limiter(&limiter)).await;
    let address = server.address;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (limiter, handlers) = (limiter.clone(), handlers.clone());
        clients.spawn(async move {
            let key = format!("key-{}", client % 4);
            let (mut served, mut refused) = (0, 0);
            for visit in 0..VISITS {
                let connection = crate::client::Connection::open(address).await;
                let mut response = connection.get(&format!("/limited?{key}")).await;
                match response.status {
                    200 => {
                        response.receive("hello").await;
                        served += 1;
                        assert!(limiter.open() <= 8 && limiter.open_for(&key) <= 3);
                        assert!(handlers.running() <= 8);
                        // Some leave with a reset, some in order.
                        if visit % 2 == 0 {
                            response.into_connection().reset();
                        }
                    }
                    429 | 503 => {
                        assert_eq!(response.rest().await, (String::new(), End::Complete));
                        refused += 1;
                    }
                    other => panic!("status {other}"),
                }
            }
            (served, refused)
        });
    }
    let (mut served, mut refused) = (0, 0);
    while let Some(client) = clients.join_next().await {
        let (some, others) = client.expect("no panic");
        served += some;
        refused += others;
    }
    println!("{served} served, {refused} refused");
    assert_eq!(served + refused, CLIENTS * VISITS);
    assert_eq!(handlers.total(), served, "each permit is one stream");
    assert!(served > 0 && refused > 0);
    open_becomes(&limiter, 0).await;
    assert_eq!((limiter.keys(), handlers.running()), (0, 0));
}

async fn a_stream_counts_for_as_long_as_its_client_takes_nothing<T: Transport>() {
    let limiter = Limiter::new(10, 1);
    let (handlers, progress) = (Handlers::new(), Progress::new());
    let server = T::start(endless(&handlers, &progress, 4096).limiter(&limiter)).await;
    let silent = stalled(&server).await;
    handlers.started(1).await;
    progress.stops().await;
    assert_eq!(limiter.open_for(&"ada".to_owned()), 1);
    assert_eq!(server.get("/limited?ada").await.status, 429);
    silent.reset();
    open_becomes(&limiter, 0).await;
}

/// Opens a stream of which nothing is read.
async fn stalled(server: &Server) -> crate::client::Connection {
    let address = server.address;
    let open = crate::client::Connection::open_with_receive_buffer(address, 16 * 1024);
    let mut connection = open.await;
    connection
        .send("GET /limited?ada HTTP/1.1\r\nHost: test\r\n\r\n")
        .await;
    connection
}
