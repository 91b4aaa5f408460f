//! A stream that does not end in order.

use sse_session::SseOptions;

use crate::adapters::Adapter;
use crate::child::Child;
use crate::client::Response;
use crate::expected::{Arrival, Version};
use crate::proxy::{Limit, Proxy};
use crate::running::Running;
use crate::upstream::Upstream;

pub(crate) async fn a_failed_handler(proxy: &Proxy) {
    let mut wrong = Vec::new();
    for (lines, expected) in proxy.setups() {
        for adapter in Adapter::ALL {
            let options = SseOptions::new().without_keep_alive();
            let mut upstream = Upstream::start(adapter, options).await;
            let running = Running::start(proxy, lines, Limit::Unchanged, upstream.address()).await;
            for version in Version::ALL {
                let what = format!("{} {adapter:?} {version:?}", running.name());
                let response = running.get(version);
                tokio::pin!(response);
                let stream = tokio::select! {
                    stream = upstream.opened() => stream,
                    _ = &mut response => panic!("{what}: a head without a handler"),
                };
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

pub(crate) async fn a_killed_server(proxy: &Proxy) {
    let mut wrong = Vec::new();
    for (lines, expected) in proxy.setups() {
        let mut server = Child::start();
        let running = Running::start(proxy, lines, Limit::Unchanged, server.address()).await;
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
