//! Events per second: many publishers at once, a thousand topics, and one node that subscribes to all
//! of them. The time is from the first publish to the arrival of the last event. As it depends on the
//! load of the machine, the CPU time of node and server per event is reported too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use memchr::memmem;
use sse_bench_report::{Part, Samples, Table};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::subject::{Node, Subject};
use crate::{Arguments, Result};

const TOPICS: usize = 1_000;

/// The events of a measurement.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) events: usize,
    /// The number of topics that the node is subscribed to.
    pub(crate) topics: usize,
    /// The number of topics that events are published to.
    pub(crate) used: usize,
}

/// The number of concurrent publishers. Each waits for one answer at a time.
const PUBLISHERS: usize = 1_000;

/// The length of an event's data, in bytes.
const LEN: usize = 100;

/// The mark, in events per second.
const MARK: f64 = 70_000.0;

pub(crate) fn measure(runtime: &Runtime, arguments: &Arguments, part: &mut Part) -> Result {
    let events = if arguments.quick { 20_000 } else { 400_000 };
    let mut samples = Samples::new();
    // For each engine, the lowest seconds per event of all rounds: time, CPU time of the node, and CPU
    // time of the server.
    let mut best = [[f64::INFINITY; 3]; Subject::ENGINES.len()];
    for _ in 0..arguments.rounds {
        for subject in Subject::ALL {
            let (took, processor_times) = runtime.block_on(async {
                match subject {
                    Subject::Channel => Ok((through_channel(events).await?, None)),
                    _ => {
                        let load = Load {
                            events,
                            topics: TOPICS,
                            used: TOPICS,
                        };
                        through_hub(subject, load).await
                    }
                }
            })?;
            let each = |took: Duration| took.as_secs_f64() / events as f64;
            let cost = each(took);
            let engine = Subject::ENGINES.iter().position(|one| *one == subject);
            if let Some(engine) = engine {
                let [node, server] = processor_times.unwrap_or_default();
                let costs = [took, node, server].map(each);
                for (least, cost) in best[engine].iter_mut().zip(costs) {
                    *least = least.min(cost);
                }
            }
            samples.record(subject.name(), cost);
        }
    }
    let mut table = Table::new(
        format!("{LEN}-byte events over {TOPICS} topics, published and received by one node"),
        [
            "",
            "of a channel's events a second",
            "of the embedded hub's",
        ],
    );
    for subject in Subject::ALL {
        let of = |baseline: Subject| {
            samples
                .speed(subject.name(), baseline.name())
                .map_or_else(String::new, |ratios| format!("{ratios}"))
        };
        table.row([
            subject.name().to_owned(),
            of(Subject::Channel),
            of(Subject::Embedded),
        ]);
    }
    for (engine, costs) in Subject::ENGINES.iter().zip(best) {
        let [events, node, server] = costs.map(|seconds| 1.0 / seconds / MARK);
        table.note(format!(
            "{}: of the mark for Redis, {MARK} events a second, the best round had {events:.2} \
             times. By the processor time that they took, one core would be enough for {node:.2} \
             times the mark in the node, and for {server:.2} times the mark in the server.",
            engine.name()
        ));
    }
    part.table(&table);
    Ok(())
}

fn names(topics: usize) -> Vec<String> {
    (0..topics)
        .map(|number| format!("topic {number}"))
        .collect()
}

async fn through_channel(events: usize) -> Result<Duration> {
    let (sender, mut receiver) = mpsc::channel::<Vec<u8>>(64 * 1024);
    let begun = Instant::now();
    let mut publishers = JoinSet::new();
    for _ in 0..PUBLISHERS {
        let sender = sender.clone();
        publishers.spawn(async move {
            for _ in 0..events / PUBLISHERS {
                let _ = sender.send(vec![b'x'; LEN]).await;
            }
        });
    }
    drop(sender);
    let mut received = 0;
    while receiver.recv().await.is_some() {
        received += 1;
    }
    complete(received, events)?;
    Ok(begun.elapsed())
}

/// Returns the time that it takes, and the CPU times of the node and of the server.
pub(crate) async fn through_hub(
    subject: Subject,
    load: Load,
) -> Result<(Duration, Option<[Duration; 2]>)> {
    let Load {
        events,
        topics,
        used,
    } = load;
    let node = Node::start(subject).await?;
    let received = Arc::new(AtomicUsize::new(0));
    let (done, mut all_received) = mpsc::channel::<()>(1);
    let mut subscribers = JoinSet::new();
    for topic in names(topics) {
        let mut subscription = node.hub.subscribe([topic]).await?;
        let (received, done) = (Arc::clone(&received), done.clone());
        subscribers.spawn(async move {
            // The first block is no event.
            let mut is_first = true;
            while let Some(Ok(piece)) = subscription.next().await {
                let count = memmem::find_iter(&piece, b"\n\n").count() - usize::from(is_first);
                is_first = false;
                if received.fetch_add(count, Ordering::Relaxed) + count == events {
                    let _ = done.send(()).await;
                }
            }
        });
    }
    let names: Arc<[String]> = names(used).into();
    let before = node.processor_times()?;
    let begun = Instant::now();
    let mut publishers = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let (hub, names) = (node.hub.clone(), Arc::clone(&names));
        publishers.spawn(async move {
            let data = "x".repeat(LEN);
            for number in 0..events / PUBLISHERS {
                let topic = &names[(publisher + number) % used];
                hub.publish(topic, &*data).await?;
            }
            Ok::<_, sse_hub::PublishError>(())
        });
    }
    while let Some(published) = publishers.join_next().await {
        published??;
    }
    let in_time = tokio::time::timeout(Duration::from_secs(30), all_received.recv()).await;
    if in_time.is_err() {
        complete(received.load(Ordering::Relaxed), events)?;
    }
    let took = begun.elapsed();
    complete(received.load(Ordering::Relaxed), events)?;
    let mut times = node.processor_times()?;
    for (time, before) in times.iter_mut().zip(before) {
        *time -= before;
    }
    Ok((took, Some(times)))
}

fn complete(received: usize, events: usize) -> Result {
    if received == events {
        return Ok(());
    }
    Err(format!("{received} of {events} events arrived").into())
}
