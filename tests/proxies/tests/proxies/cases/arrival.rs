//! When the head and the events arrive.

use sse_session::SseOptions;
use tokio::time::timeout;

use super::SHORT;
use crate::adapters::Adapter;
use crate::expected::{Arrival, End, Version};
use crate::proxy::{Limit, Proxy};
use crate::running::Running;
use crate::upstream::Upstream;

pub(crate) async fn the_head_and_each_event_arrive_at_once(proxy: &Proxy) {
    for (lines, expected) in proxy.setups() {
        let options = SseOptions::new().without_keep_alive();
        let mut upstream = Upstream::start(Adapter::Hyper, options).await;
        let running = Running::start(proxy, lines, Limit::Unchanged, upstream.address()).await;
        for version in Version::ALL {
            let what = format!("{} {version:?}", running.name());
            let response = running.get(version);
            tokio::pin!(response);
            // The handler has sent nothing.
            let stream = tokio::select! {
                stream = upstream.opened() => stream,
                _ = &mut response => panic!("{what}: a head without a handler"),
            };
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
