//! The longest id that a stream may have.

use sse_session::SseOptions;

use crate::adapters::Adapter;
use crate::expected::Version;
use crate::proxy::{Change, Lines, Proxy};
use crate::running::Running;
use crate::upstream::Upstream;

pub(crate) async fn an_id_of_4096_bytes_comes_back(proxy: &Proxy) {
    let mut upstream = Upstream::start(Adapter::Hyper, SseOptions::new()).await;
    let running = Running::start(proxy, Lines::Advised, Change::None, upstream.address()).await;
    let id = "1".repeat(4096);
    for version in Version::ALL {
        let headers = [("last-event-id", id.as_str())];
        let request = running.request(version, "/events", &headers);
        let (response, received) = tokio::join!(request, async {
            let stream = upstream.opened().await;
            stream.last_event_id.clone()
        });
        assert_eq!(response.expect("a response").status, 200);
        assert_eq!(received.as_deref(), Some(id.as_str()));
    }
}
