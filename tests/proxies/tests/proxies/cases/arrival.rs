//! When the head and the events arrive.

use sse_session::SseOptions;
use tokio::time::timeout;

use super::SHORT;
use crate::adapters::Adapter;
use crate::expected::{Arrival, Compressed, End, Version};
use crate::proxy::{Change, Lines, Proxy};
use crate::running::Running;
use crate::upstream::Upstream;

pub(crate) async fn the_head_and_each_event_arrive_at_once(proxy: &Proxy) {
    for (lines, expected) in proxy.setups() {
        let options = SseOptions::new().without_keep_alive();
        let mut upstream = Upstream::start(Adapter::Hyper, options).await;
        let running = Running::start(proxy, lines, Change::None, upstream.address()).await;
        for version in Version::ALL {
            let what = format!("{} {version:?}", running.name());
            // The handler sends nothing.
            let (mut response, stream) = running.open(version, &mut upstream).await;
            match expected.arrival {
                Arrival::AtOnce => {
                    let mut response = response.await;
                    assert_eq!(response.status, 200, "{what}");
                    // The next event is sent when this one has arrived.
                    for number in ["1", "2", "3", "4", "5"] {
                        stream.send(number);
                        response.receive(number).await;
                    }
                    drop(stream);
                    assert_eq!(response.rest().await.1, End::Clean, "{what}");
                }
                Arrival::AtTheEnd => {
                    stream.send("1");
                    let held = timeout(SHORT, &mut response).await;
                    assert!(held.is_err(), "{what}: a head before the end");
                    drop(stream);
                    let mut response = response.await;
                    response.receive("1").await;
                    assert_eq!(response.rest().await.1, End::Clean, "{what}");
                }
            }
        }
    }
}

/// That is what the opening comment is for.
pub(crate) async fn a_head_without_a_body_is_held_by_some(proxy: &Proxy) {
    let mut wrong = Vec::new();
    for (lines, expected) in proxy.setups() {
        let options = SseOptions::new()
            .without_keep_alive()
            .without_opening_comment();
        let mut upstream = Upstream::start(Adapter::Hyper, options).await;
        let running = Running::start(proxy, lines, Change::None, upstream.address()).await;
        for version in Version::ALL {
            if expected.arrival == Arrival::AtTheEnd {
                continue;
            }
            let (mut response, stream) = running.open(version, &mut upstream).await;
            let is_held = expected.is_bare_head_held.of(version);
            let limit = if is_held { SHORT } else { SHORT * 20 };
            let mut response = match timeout(limit, &mut response).await {
                Ok(response) => {
                    if is_held {
                        wrong.push(format!("{} {version:?}: at once", running.name()));
                    }
                    response
                }
                Err(_) => {
                    if !is_held {
                        wrong.push(format!("{} {version:?}: held", running.name()));
                    }
                    stream.send("1");
                    let mut response = response.await;
                    response.receive("1").await;
                    response
                }
            };
            stream.send("2");
            response.receive("2").await;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

pub(crate) async fn compression_delays_nothing_but_where_it_cannot_be_helped(proxy: &Proxy) {
    let Some(expected) = proxy.compressed else {
        return;
    };
    let options = SseOptions::new().without_keep_alive();
    let mut upstream = Upstream::start(Adapter::Hyper, options).await;
    let running = Running::start(
        proxy,
        Lines::Installed,
        Change::Compression,
        upstream.address(),
    )
    .await;
    for version in Version::ALL {
        let what = format!("{} {version:?}", running.name());
        let headers = [("accept-encoding", "gzip")];
        let response = running.request(version, "/events", &headers);
        let (response, stream) = tokio::join!(response, upstream.opened());
        let mut response = response.expect("a response");
        let coding = response.header("content-encoding");
        let expected_coding = (expected != Compressed::Not).then_some("gzip");
        assert_eq!(coding, expected_coding, "{what}");
        if expected == Compressed::AtTheEnd {
            stream.send("1");
            let held = timeout(SHORT, response.receive("1")).await;
            assert!(held.is_err(), "{what}: an event before the end");
            drop(stream);
            response.receive("1").await;
        } else {
            for number in ["1", "2", "3"] {
                stream.send(number);
                response.receive(number).await;
            }
            drop(stream);
        }
        assert_eq!(response.rest().await.1, End::Clean, "{what}");
    }
}
