//! What subscribers get, in memory: exact events, exact ids, exact gaps.

#[cfg(feature = "gzip")]
mod compression;
mod disconnecting;
mod filters;
mod finish;
mod gaps;
mod groups;
mod ids;
mod keys;
mod limits;
mod logging;
#[cfg(feature = "serde")]
mod numbers;
mod opening;
mod polls;
mod presence;
mod publishing;
mod resume;
mod serving;
mod shutdown;
mod snapshots;
mod until;
mod wakers;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Hub, Subscription};
use sse_hub_testing::reader::{Event as Read, Reader};

/// A client: a subscription, and the reader of its bytes.
struct Client {
    subscription: Subscription,
    reader: Reader,
    ended: bool,
}

impl Client {
    fn new(subscription: Subscription) -> Self {
        Self {
            subscription,
            reader: Reader::default(),
            ended: false,
        }
    }

    /// Reads everything there is now.
    fn read(&mut self) -> Vec<Read> {
        let mut events = Vec::new();
        while let Some(next) = self.subscription.next().now_or_never() {
            let Some(bytes) = next else {
                self.ended = true;
                break;
            };
            let bytes = bytes.expect("no error");
            assert!(!bytes.is_empty());
            events.extend(self.reader.feed(&bytes));
            assert!(self.reader.is_whole(), "a piece is whole events");
        }
        events
    }

    fn data(&mut self) -> Vec<String> {
        self.read().into_iter().map(|event| event.data).collect()
    }

    fn id(&self) -> String {
        self.reader.id.clone().expect("an id")
    }
}

async fn subscribe(hub: &Hub, topics: &[&str], id: Option<&str>) -> Client {
    let topics = topics.iter().copied();
    Client::new(
        hub.subscribe(topics)
            .resume(id)
            .await
            .expect("a subscription"),
    )
}

fn publish(hub: &Hub, topic: &str, data: &str) -> String {
    let position = hub.publish_now(topic, data).expect("published");
    hub.id_of(topic, position)
}

/// Runs the case in a thread of its own, as a deadlock would last.
fn without_deadlock(case: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        case();
        done.send(()).expect("a receiver");
    });
    let result = finished.recv_timeout(Duration::from_secs(60));
    result.expect("neither a deadlock nor a panic");
}
