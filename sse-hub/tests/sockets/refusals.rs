//! Requests that are answered with a status, as their subscriptions cannot begin.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use sse_hub::{Hub, Subscription};
use sse_hub_testing::client::Client;
use sse_hub_testing::engine::MemoryEngine;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::transports::{Transport, Way, serve_by};

/// The head of a response whose body is empty.
struct Head {
    status: u16,
    headers: HashMap<String, String>,
}

/// Sends a request and reads the response, which must end although the client does not.
async fn request(address: SocketAddr, path: &str) -> Head {
    request_with(address, path, "").await
}

/// As above, with further header lines.
async fn request_with(address: SocketAddr, path: &str, lines: &str) -> Head {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{lines}connection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("sent");
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response).await;
    read.expect("a response");
    let response = String::from_utf8(response).expect("text");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    assert_eq!(body, "", "{head}");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers = lines.filter_map(|line| line.split_once(": "));
    Head {
        status: status.expect("a status").parse().expect("a number"),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
    }
}

async fn assert_for_now(address: SocketAddr, path: &str) {
    let Head { status, headers } = request(address, path).await;
    assert_eq!(status, 503, "{path} {headers:?}");
    let seconds: u32 = headers["retry-after"].parse().expect("seconds");
    assert!((3..=10).contains(&seconds), "{seconds}");
    assert_eq!(headers["cache-control"], "no-cache");
    assert!(!headers.contains_key("content-type"), "{headers:?}");
}

async fn assert_for_good(address: SocketAddr, path: &str) {
    let Head { status, headers } = request(address, path).await;
    assert_eq!(status, 400, "{path} {headers:?}");
    assert!(!headers.contains_key("retry-after"), "{headers:?}");
}

pub(crate) async fn a_request_whose_topics_cannot_be_opened_is_refused_before_the_head(
    transport: Transport,
) {
    let hub = Hub::builder().max_topics(1).build();
    hub.publish_now("news", "kept").expect("published");
    let server = serve_by(Way::Open, transport, &hub).await;
    let address = server.address;
    for path in ["/weather", "/news,weather"] {
        assert_for_now(address, path).await;
    }
    let many: Vec<_> = (0..65).map(|number| number.to_string()).collect();
    for path in [
        "/".to_owned(),
        "/news,".to_owned(),
        format!("/{}", many.join(",")),
        format!("/{}", "x".repeat(513)),
    ] {
        assert_for_good(address, &path).await;
    }
    // What can be served is, from where its client left off.
    let mut client = Client::connect(address, "/news", None).await.expect("200");
    let events = client.events().await;
    assert_eq!(events[0].data, "kept");
    drop(client);
    hub.publish_now("news", "missed").expect("published");
    let id = Some(&*events[0].id);
    let mut client = Client::connect(address, "/news", id).await.expect("200");
    assert_eq!(client.events().await[0].data, "missed");
    assert_eq!(hub.metrics().topics, 1);
    let retry = Duration::ZERO..=Duration::ZERO;
    // It begins at the first poll. The stream may have ended by then, in another thread.
    let _ = hub.shutdown(Duration::from_secs(60), retry).now_or_never();
    assert_for_now(address, "/news").await;
}

pub(crate) async fn a_request_is_refused_before_the_head_while_the_engine_is_down(
    transport: Transport,
) {
    let engine = Arc::new(MemoryEngine::default());
    let hub = engine.node();
    let _driven = engine.drive();
    let server = serve_by(Way::Open, transport, &hub).await;
    let open: Subscription = hub.subscribe("news").await.expect("a subscription");
    engine.down.store(true, Ordering::Relaxed);
    assert_for_now(server.address, "/weather").await;
    engine.down.store(false, Ordering::Relaxed);
    let mut client = Client::connect(server.address, "/weather", None)
        .await
        .expect("200");
    hub.publish("weather", "rain").await.expect("published");
    assert_eq!(client.events().await[0].data, "rain");
    drop(open);
}

pub(crate) async fn a_client_that_has_all_of_a_finished_topic_gets_no_content(
    transport: Transport,
) {
    let hub = Hub::new();
    hub.publish_now("news", "first").expect("published");
    let server = serve_by(Way::Open, transport, &hub).await;
    let mut client = Client::connect(server.address, "/news", None)
        .await
        .expect("200");
    assert_eq!(client.events().await[0].data, "first");
    let last = hub.finish("news", "last").await.expect("finished");
    let events = client.events().await;
    assert_eq!(events[0].data, "last");
    let id = &events[0].id;
    assert_eq!(hub.position_of("news", id), Some(last));
    let line = format!("last-event-id: {id}\r\n");
    let Head { status, headers } = request_with(server.address, "/news", &line).await;
    assert_eq!(status, 204);
    for absent in [
        "content-length",
        "retry-after",
        "content-type",
        "transfer-encoding",
    ] {
        assert!(!headers.contains_key(absent), "{headers:?}");
    }
}
