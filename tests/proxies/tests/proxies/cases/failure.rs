//! A stream that does not end in order.

use sse_session::{Event, SseOptions};

use crate::adapters::Adapter;
use crate::child::Child;
use crate::client::Response;
use crate::expected::{Arrival, Version};
use crate::proxy::{Change, Proxy};
use crate::running::Running;
use crate::upstream::Upstream;

pub(crate) async fn a_failed_handler(proxy: &Proxy) {
    let mut wrong = Vec::new();
    for (lines, expected) in proxy.setups() {
        for adapter in Adapter::ALL {
            let options = SseOptions::new().without_keep_alive();
            let mut upstream = Upstream::start(adapter, options).await;
            let running = Running::start(proxy, lines, Change::None, upstream.address()).await;
            for version in Version::ALL {
                let what = format!("{} {adapter:?} {version:?}", running.name());
                let (response, stream) = running.open(version, &mut upstream).await;
                stream.send("before");
                let mut response = if expected.arrival == Arrival::AtOnce {
                    let mut response = response.await;
                    response.receive("before").await;
                    stream.fail();
                    response
                } else {
                    stream.fail();
                    let mut response = response.await;
                    response.receive("before").await;
                    response
                };
                let (text, end) = response.rest().await;
                assert!(text.ends_with("data: before\n\n"), "{what}: {text:?}");
                if end != expected.failed.of(adapter).of(version) {
                    wrong.push(format!("{what}: {end:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What arrives of a stream with a failure event.
const ALL: &str = "data: 1\n\nevent: failed\ndata: try again later\n\n";

/// It is what tells a client that the content is not complete where the proxy makes a clean end of it.
pub(crate) async fn a_failure_event_arrives_as_the_last_event(proxy: &Proxy) {
    let options = SseOptions::new()
        .without_keep_alive()
        .failure_event(Event::new().event("failed").data("try again later"))
        .expect("a valid event");
    let mut wrong = Vec::new();
    for (lines, expected) in proxy.setups() {
        for adapter in Adapter::ALL {
            let mut upstream = Upstream::start(adapter, options.clone()).await;
            let running = Running::start(proxy, lines, Change::None, upstream.address()).await;
            for version in Version::ALL {
                let what = format!("{} {adapter:?} {version:?}", running.name());
                let (response, stream) = running.open(version, &mut upstream).await;
                stream.send("1");
                let mut response = if expected.arrival == Arrival::AtOnce {
                    let mut response = response.await;
                    response.receive("1").await;
                    stream.fail();
                    response
                } else {
                    stream.fail();
                    response.await
                };
                let (text, end) = response.rest().await;
                let text = text.trim_start_matches(":\n");
                if text != ALL {
                    wrong.push(format!("{what}: {text:?} {end:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

pub(crate) async fn a_killed_server(proxy: &Proxy) {
    let mut wrong = Vec::new();
    for (lines, expected) in proxy.setups() {
        let mut server = Child::start();
        let running = Running::start(proxy, lines, Change::None, server.address()).await;
        for version in Version::ALL {
            let what = format!("{} {version:?}", running.name());
            let open = async || {
                let mut response = running.get(version).await;
                response.receive("none").await;
                response
            };
            let end = async |mut response: Response| response.rest().await.1;
            let end = if expected.arrival == Arrival::AtOnce {
                let response = open().await;
                server.kill();
                end(response).await
            } else {
                let response = running.get(version);
                tokio::pin!(response);
                let held = tokio::time::timeout(super::SHORT, &mut response).await;
                assert!(held.is_err(), "{what}: a head before the end");
                server.kill();
                end(response.await).await
            };
            if end != expected.killed.of(version) {
                wrong.push(format!("{what}: {end:?}"));
            }
            server.restart();
            running.forwards_again(version).await;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
