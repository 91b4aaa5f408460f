//! The latency from publishing to the subscriber, at a thousand events per second.

use std::time::Duration;

use futures_util::StreamExt as _;
use sse_bench_report::{Part, Samples, Table};
use tokio::runtime::Runtime;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::subject::{Node, Subject};
use crate::{Arguments, Result};

/// The mark, in seconds for the median.
const MARK: f64 = 0.001;

pub(crate) fn measure(runtime: &Runtime, arguments: &Arguments, part: &mut Part) -> Result {
    let events = if arguments.quick { 200 } else { 3_000 };
    let mut medians = Samples::new();
    let mut nearly_all = Samples::new();
    for _ in 0..arguments.rounds {
        for subject in [Subject::Embedded, Subject::Redis, Subject::Nats] {
            let mut delays = runtime.block_on(delays(subject, events))?;
            delays.sort_unstable();
            let at = |percent: usize| delays[delays.len() * percent / 100].as_secs_f64();
            medians.record(subject.name(), at(50));
            nearly_all.record(subject.name(), at(99));
        }
    }
    let mut table = Table::new(
        "The time from publishing to the subscriber, at 1,000 events a second",
        ["", "median, of the mark of 1 ms", "99 of 100, of the mark"],
    );
    for engine in Subject::ENGINES {
        let added = |samples: &Samples| {
            let of = |subject: Subject| samples.median(subject.name());
            let added = of(engine)? - of(Subject::Embedded)?;
            Some(format!("{:.2}", added / MARK))
        };
        table.row([
            format!("added by {}", engine.name()),
            added(&medians).ok_or("nothing was measured")?,
            added(&nearly_all).ok_or("nothing was measured")?,
        ]);
    }
    table.note("What the embedded hub takes for the same is subtracted.");
    part.table(&table);
    Ok(())
}

async fn delays(subject: Subject, events: usize) -> Result<Vec<Duration>> {
    let node = Node::start(subject).await?;
    let mut subscription = node.hub.subscribe(["news"]).await?;
    subscription.next().await.ok_or("no first block")??;
    let received = tokio::spawn(async move {
        let mut times = Vec::new();
        while times.len() < events {
            let Some(Ok(piece)) = subscription.next().await else {
                break;
            };
            let now = Instant::now();
            let count = memchr::memmem::find_iter(&piece, b"\n\n").count();
            times.extend(std::iter::repeat_n(now, count));
        }
        times
    });
    let mut published = Vec::with_capacity(events);
    let mut tick = interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let data = "x".repeat(100);
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
    Ok(received.into_iter().zip(published).map(delay).collect())
}
