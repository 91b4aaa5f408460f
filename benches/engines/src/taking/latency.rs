//! The latency from publishing to the subscriber, at a thousand events per second.

use std::time::Duration;

use futures_util::StreamExt as _;
use memchr::memmem;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::meter::Found;
use crate::node::Servers;
use crate::result::Result;
use crate::sample::Sample;

pub(super) async fn take(sample: &Sample) -> Result<Found> {
    let servers = Servers::start(sample).await;
    let node = servers.node().await?;
    let mut subscription = node.hub.subscribe(["news"]).await?;
    subscription.next().await.ok_or("no first block")??;
    let events = sample.events;
    let received = tokio::spawn(async move {
        let mut times = Vec::new();
        while times.len() < events {
            let Some(Ok(piece)) = subscription.next().await else {
                break;
            };
            let now = Instant::now();
            let count = memmem::find_iter(&piece, b"data: ").count();
            times.extend(std::iter::repeat_n(now, count));
        }
        times
    });
    let mut published = Vec::with_capacity(events);
    let mut tick = interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let data = "x".repeat(sample.len);
    for _ in 0..events {
        tick.tick().await;
        published.push(Instant::now());
        node.hub.publish("news", &*data).await?;
    }
    let received = received.await?;
    if received.len() != events {
        return Err("not all events arrived".into());
    }
    let delay = |(came, went): (Instant, Instant)| came.saturating_duration_since(went);
    let mut delays: Vec<_> = received.into_iter().zip(published).map(delay).collect();
    delays.sort_unstable();
    let at = |percent: usize| delays[events * percent / 100].as_secs_f64() * 1e6;
    Ok(vec![("p50", at(50)), ("p99", at(99))])
}
