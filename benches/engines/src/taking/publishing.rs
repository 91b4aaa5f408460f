//! Many publishers at once, and one node that is subscribed to some topics or none. The time is from
//! the first publish to its last answer, and the arrival of the last event. As it depends on the load
//! of the machine, the CPU time of node and servers is a figure of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use memchr::memmem;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::meter::{Found, Meter};
use crate::node::{Node, Servers};
use crate::result::Result;
use crate::sample::Sample;

pub(super) async fn take(sample: &Sample) -> Result<Found> {
    let servers = Servers::start(sample).await;
    if sample.engine == Engine::Channel {
        return through_channel(sample, &servers).await;
    }
    let node = servers.node().await?;
    let mut subscribers = Subscribers::start(&node, sample).await?;
    let names: Arc<[String]> = names(sample.topics).collect();
    // So that a script that the server must learn first is no part of it.
    node.hub.publish("another topic", "x").await?;
    let meter = Meter::start(&servers)?;
    let mut publishers = JoinSet::new();
    for publisher in 0..sample.publishers {
        let (hub, names) = (node.hub.clone(), Arc::clone(&names));
        let (data, events) = ("x".repeat(sample.len), sample.events / sample.publishers);
        publishers.spawn(async move {
            for number in 0..events {
                let topic = &names[(publisher + number) % names.len()];
                hub.publish(topic, &*data).await?;
            }
            Ok::<_, sse_hub::PublishError>(())
        });
    }
    while let Some(published) = publishers.join_next().await {
        published??;
    }
    let published = sample.events / sample.publishers * sample.publishers;
    if sample.subscribed > 0 {
        subscribers.wait_for(published).await;
    }
    meter.stop(&servers, published)
}

fn names(topics: usize) -> impl Iterator<Item = String> {
    (0..topics).map(|number| format!("topic {number}"))
}

async fn through_channel(sample: &Sample, servers: &Servers) -> Result<Found> {
    let (sender, mut receiver) = mpsc::channel::<Vec<u8>>(64 * 1024);
    let meter = Meter::start(servers)?;
    let mut publishers = JoinSet::new();
    for _ in 0..sample.publishers {
        let sender = sender.clone();
        let (len, events) = (sample.len, sample.events / sample.publishers);
        publishers.spawn(async move {
            for _ in 0..events {
                let _ = sender.send(vec![b'x'; len]).await;
            }
        });
    }
    drop(sender);
    let mut received = 0;
    while receiver.recv().await.is_some() {
        received += 1;
    }
    meter.stop(servers, received)
}

/// Counts what arrives at the subscribers of all topics.
struct Subscribers {
    received: Arc<AtomicUsize>,
    arrivals: mpsc::Receiver<()>,
    _tasks: JoinSet<()>,
}

impl Subscribers {
    async fn start(node: &Node, sample: &Sample) -> Result<Self> {
        let received = Arc::new(AtomicUsize::new(0));
        let (arrival, arrivals) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        for topic in names(sample.subscribed) {
            let mut subscription = node.hub.subscribe([topic]).await?;
            let (received, arrival) = (Arc::clone(&received), arrival.clone());
            let events = sample.events / sample.publishers * sample.publishers;
            tasks.spawn(async move {
                while let Some(Ok(piece)) = subscription.next().await {
                    let count = memmem::find_iter(&piece, b"data: ").count();
                    if received.fetch_add(count, Ordering::Relaxed) + count >= events {
                        let _ = arrival.send(()).await;
                    }
                }
            });
        }
        Ok(Self {
            received,
            arrivals,
            _tasks: tasks,
        })
    }

    /// Waits until so many events have arrived, which the sample's limit ends.
    async fn wait_for(&mut self, events: usize) {
        while self.received.load(Ordering::Relaxed) < events {
            self.arrivals.recv().await;
        }
    }
}
