//! When the server notices that the client of an idle stream has left.

use sse_session::SseOptions;
use tokio::time::timeout;

use super::SHORT;
use crate::adapters::Adapter;
use crate::expected::{Arrival, Noticed, Version};
use crate::proxy::{Change, Proxy};
use crate::running::Running;
use crate::upstream::{Stream, Upstream};

/// The ways to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Close,
    Reset,
}

pub(crate) async fn a_client_that_leaves(proxy: &Proxy) {
    let mut wrong = Vec::new();
    for (lines, expected) in proxy.setups() {
        if expected.arrival == Arrival::AtTheEnd {
            continue;
        }
        let options = SseOptions::new().without_keep_alive();
        let mut upstream = Upstream::start(Adapter::Hyper, options).await;
        let running = Running::start(proxy, lines, Change::None, upstream.address()).await;
        for (version, way) in [
            (Version::Http1, Way::Close),
            (Version::Http2, Way::Close),
            (Version::Http2, Way::Reset),
        ] {
            let expected = match way {
                Way::Close => expected.leaves.closed.of(version),
                Way::Reset => expected.leaves.reset,
            };
            let (response, stream) = running.open(version, &mut upstream).await;
            stream.send("1");
            let mut response = response.await;
            response.receive("1").await;
            let stays = match way {
                Way::Close => {
                    drop(response);
                    None
                }
                Way::Reset => Some(response.reset()),
            };
            if let Err(found) = noticed(stream, expected).await {
                wrong.push(format!("{} {version:?} {way:?}: {found}", running.name()));
            }
            drop(stays);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Checks when the handler is dropped. Where nothing is expected yet, it waits for a short time, and
/// for as long as it takes where the last chance is.
async fn noticed(mut stream: Stream, expected: Noticed) -> Result<(), String> {
    let (first, last) = match expected {
        Noticed::AtOnce => (0, 0),
        Noticed::AtWrite(first, last) => (first, last),
    };
    for writes in 0..=last.max(4) {
        if writes > 0 {
            stream.send("a write after the leave");
        }
        let limit = if writes == last { SHORT * 20 } else { SHORT };
        if timeout(limit, stream.dropped()).await.is_ok() {
            return if writes < first || writes > last {
                Err(format!("after {writes} writes instead of {expected:?}"))
            } else {
                Ok(())
            };
        }
    }
    Err(format!("not noticed instead of {expected:?}"))
}
