//! A crowd of all kinds on the raw TCP adapter: subscribers connect, disconnect, stop reading and
//! continue; handlers change what they serve, serve on another task, or send something else; one
//! server ends, and another one is blocked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sse_hub::{Event, Hub, Retention, Subscribe};
use sse_session::BoxError;
use sse_tokio_tcp::{Request, Sse, serve, with_sse};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{AbortHandle, JoinSet, yield_now};
use tokio::time::sleep;

use crate::{hub, within_bounds};
use sse_hub_testing::client::{Client, Received};

const EVENTS: usize = 2_000;
const CUTS: usize = 3;
/// How a handler serves.
const KINDS: [&str; 4] = ["/plain", "/torn", "/spawned", "/chatty"];

fn subscribe(hub: &Hub, sse: &Sse) -> Subscribe {
    let subscribe = hub.subscribe(["crowd"]).from_start();
    subscribe.resume(sse.last_event_id())
}

async fn answer(hub: Hub, request: Request, sse: Sse) -> Result<(), BoxError> {
    match request.uri().path() {
        // A few times it drops what it serves, sends an event about that, and begins again.
        "/torn" => {
            for _ in 0..5 {
                tokio::select! {
                    served = subscribe(&hub, &sse).serve(sse.clone()) => return served,
                    () = sleep(Duration::from_millis(fastrand::u64(1..200))) => {}
                }
                let again = Event::new().event("again").id("again").data("");
                sse.send(again).await?;
            }
            subscribe(&hub, &sse).serve(sse).await
        }
        // Its stream outlives it.
        "/spawned" => {
            tokio::spawn(async move { subscribe(&hub, &sse).serve(sse).await });
            Ok(())
        }
        // Another handle comments meanwhile.
        "/chatty" => {
            let other = sse.clone();
            let comments = async move {
                loop {
                    sleep(Duration::from_micros(fastrand::u64(1..3000))).await;
                    other.comment("by the way").await?;
                    yield_now().await;
                }
            };
            let serving = tokio::spawn(async move {
                let _: Result<(), BoxError> = comments.await;
            });
            let served = subscribe(&hub, &sse).serve(sse).await;
            serving.abort();
            served
        }
        _ => subscribe(&hub, &sse).serve(sse).await,
    }
}

/// Small buffers, so that clients that stop take a part of what is written.
fn listener() -> (TcpListener, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_send_buffer_size(4096).expect("a small buffer");
    let any = "127.0.0.1:0".parse().expect("an address");
    socket.bind(any).expect("a free port");
    let listener = socket.listen(1024).expect("a listener");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn spawn_server(servers: &mut JoinSet<()>, hub: &Hub) -> (SocketAddr, AbortHandle) {
    let (listener, address) = listener();
    let hub = hub.clone();
    let handler = move |request, sse| answer(hub.clone(), request, sse);
    (address, servers.spawn(serve(listener, with_sse(handler))))
}

fn publish(hub: &Hub, number: usize) {
    // Most are short; some do not fit where a client has stopped.
    let len = match fastrand::u32(0..32) {
        0 => 6000,
        1..4 => 1500,
        _ => fastrand::usize(0..100),
    };
    let event = format!("{number} {}", "x".repeat(len));
    hub.publish_now("crowd", event).expect("published");
}

fn number(data: &str) -> usize {
    let (number, _) = data.split_once(' ').expect("a number and a filler");
    number.parse().expect("a number")
}

/// Follows through all cuts until all have come.
async fn follow(servers: [SocketAddr; 2], kind: &str, is_chunked: bool) {
    // The last event ID, and the number that comes after it.
    let mut last: (Option<String>, usize) = (None, 0);
    let mut cuts = 0;
    loop {
        // With a smaller one, the system waits long before it reports that there is room again.
        let buffer = fastrand::bool().then_some(16 * 1024);
        let server = servers[usize::from(cuts == 0)];
        if last.1 == EVENTS {
            return;
        }
        let asked = Client::ask(server, kind, last.0.as_deref(), buffer, is_chunked).await;
        cuts += 1;
        // One of the servers vanishes.
        let Ok(mut client) = asked else { continue };
        let begin = last.1;
        let mut next = begin;
        let mut until_cut = match cuts {
            0..=CUTS => fastrand::usize(0..EVENTS / 2),
            _ => usize::MAX,
        };
        'connection: loop {
            if fastrand::u32(0..100) == 0 {
                sleep(Duration::from_millis(fastrand::u64(1..60))).await;
            }
            let events = match client.read().await {
                Received::Events(events) => events,
                Received::Cut => {
                    assert!(cuts == 1, "an unexpected cut");
                    break 'connection;
                }
                Received::End => panic!("an unexpected end"),
            };
            for event in events {
                if event.name == "again" {
                    assert_eq!(kind, "/torn");
                    next = begin;
                    continue;
                }
                assert_eq!(number(&event.data), next, "a hole or a duplicate in {kind}");
                next += 1;
                last = (Some(event.id), next);
                if until_cut == 0 {
                    break 'connection;
                }
                until_cut -= 1;
            }
            if next == EVENTS {
                break 'connection;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everyone_in_a_crowd_of_all_kinds_gets_each_event_once_and_in_order() {
    const EACH: usize = 12;
    let hub = hub(Retention::new().max_events(2 * EVENTS).max_bytes(1 << 26));
    let mut servers = JoinSet::new();
    let (lasting, _) = spawn_server(&mut servers, &hub);
    let (vanishing, vanish) = spawn_server(&mut servers, &hub);
    let mut clients = JoinSet::new();
    for index in 0..EACH * KINDS.len() {
        let kind = KINDS[index % KINDS.len()];
        let is_chunked = fastrand::bool();
        clients.spawn(follow([lasting, vanishing], kind, is_chunked));
    }
    let publisher = thread::spawn({
        let hub = hub.clone();
        move || {
            for number in 0..EVENTS {
                publish(&hub, number);
                if number == EVENTS / 3 {
                    vanish.abort();
                }
                // Otherwise, no task ever sleeps.
                match fastrand::u32(0..16) {
                    0..6 => thread::sleep(Duration::from_micros(fastrand::u64(0..1500))),
                    6..10 => thread::yield_now(),
                    _ => {}
                }
            }
        }
    });
    within_bounds(async {
        while let Some(client) = clients.join_next().await {
            client.expect("it got everything");
        }
    })
    .await;
    publisher.join().expect("published");
    assert_eq!(hub.metrics().gaps, 0);
    drop(servers);
    while hub.metrics().subscriptions > 0 {
        // Handlers on tasks of their own notice it when there is something to send.
        publish(&hub, EVENTS);
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_blocked_blocks_no_subscribers_of_another() {
    const EACH: usize = 40;
    const ROUNDS: usize = 20;
    let hub = hub(Retention::new());
    let mut servers = JoinSet::new();
    let (free, _) = spawn_server(&mut servers, &hub);
    let (block, blocked) = mpsc::channel::<mpsc::Receiver<()>>();
    let (send_address, receive_address) = mpsc::channel();
    let elsewhere = thread::spawn({
        let hub = hub.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let mut servers = JoinSet::new();
                let (address, _) = spawn_server(&mut servers, &hub);
                send_address.send(address).expect("the test is there");
                loop {
                    match blocked.try_recv() {
                        // Nothing runs here until then.
                        Ok(until) => until.recv().expect("the test is there"),
                        Err(mpsc::TryRecvError::Empty) => sleep(Duration::from_micros(100)).await,
                        Err(mpsc::TryRecvError::Disconnected) => return,
                    }
                }
            });
        }
    });
    let busy = receive_address.recv().expect("an address");
    let counts: [Arc<AtomicUsize>; 2] = Default::default();
    let mut clients = JoinSet::new();
    for (server, count) in [(free, &counts[0]), (busy, &counts[1])] {
        for index in 0..EACH {
            let count = Arc::clone(count);
            clients.spawn(async move {
                let is_chunked = index % 2 == 0;
                let mut client = Client::ask(server, "/plain", None, None, is_chunked)
                    .await
                    .expect("connected");
                let mut next = 0;
                while next < 10 * ROUNDS {
                    for event in client.events().await {
                        assert_eq!(number(&event.data), next);
                        next += 1;
                        count.fetch_add(1, Ordering::AcqRel);
                    }
                }
            });
        }
    }
    while hub.subscribers("crowd") < 2 * EACH {
        yield_now().await;
    }
    within_bounds(async {
        for round in 1..=ROUNDS {
            let (release, until) = mpsc::channel();
            block.send(until).expect("it is there");
            for number in 10 * (round - 1)..10 * round {
                publish(&hub, number);
                sleep(Duration::from_micros(fastrand::u64(0..500))).await;
            }
            while counts[0].load(Ordering::Acquire) < 10 * round * EACH {
                yield_now().await;
            }
            release.send(()).expect("it is there");
            if fastrand::bool() {
                // Otherwise, it is blocked again before it has done what was left undone.
                while counts[1].load(Ordering::Acquire) < 10 * round * EACH {
                    yield_now().await;
                }
            }
        }
        while let Some(client) = clients.join_next().await {
            client.expect("it got everything");
        }
    })
    .await;
    drop(block);
    elsewhere.join().expect("it has ended");
}
