//! A client that has missed many events of a topic, and comes back to a node that has none of them,
//! for instance because it was started just now.

use std::sync::Arc;

use futures_util::StreamExt as _;
use memchr::memmem;
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::meter::{Found, Meter};
use crate::node::Servers;
use crate::result::Result;
use crate::sample::Sample;

const TOPIC: &str = "news";

/// How many are published at the same time.
const PUBLISHERS: usize = 64;

pub(super) async fn take(sample: &Sample) -> Result<Found> {
    let servers = Servers::start(sample).await;
    let node = servers.node().await?;
    let first = node.hub.publish(TOPIC, "first").await?;
    let data: Arc<str> = "x".repeat(sample.len).into();
    let mut publishers = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let (hub, data) = (node.hub.clone(), Arc::clone(&data));
        let events = (publisher..sample.events).step_by(PUBLISHERS).len();
        publishers.spawn(async move {
            for _ in 0..events {
                hub.publish(TOPIC, &*data).await?;
            }
            Ok::<_, sse_hub::PublishError>(())
        });
    }
    while let Some(published) = publishers.join_next().await {
        published??;
    }
    // The embedded hub has its events nowhere else.
    let node = match sample.engine {
        Engine::Embedded => node,
        _ => servers.node().await?,
    };
    let id = node.hub.id_of(TOPIC, first);
    let meter = Meter::start(&servers)?;
    let mut subscription = node.hub.subscribe([TOPIC]).resume(Some(&id)).await?;
    let mut received = 0;
    while received < sample.events {
        let piece = subscription.next().await.ok_or("the stream ended")??;
        if memmem::find(&piece, b"event: gap").is_some() {
            return Err("there is a gap".into());
        }
        received += memmem::find_iter(&piece, b"data: ").count();
    }
    meter.stop(&servers, sample.events)
}
