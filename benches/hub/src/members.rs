//! What it costs to keep the members of a topic as one set over two nodes: 10,000 members, 1,000 changes a second.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_bench_process::kernel::cpu_time;
use sse_bench_report::{Marks, Part, Samples, Table};
use sse_engines::{Server, redis};
use sse_hub::redis::RedisEngine;
use sse_hub::{Hub, IdKey, Subscription};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::result::Result;

const TOPIC: &str = "room";

const WATCHED: &str = "watched";
const UNWATCHED: &str = "unwatched";

/// How many times a second some members join and as many leave, and how many.
const STEPS_A_SECOND: u32 = 100;
const JOIN: usize = 5;

pub(crate) struct Extent {
    pub(crate) members: usize,
    pub(crate) window: Duration,
    pub(crate) rounds: usize,
    /// How long the nodes take to forget an observer that is gone.
    pub(crate) forgotten: Duration,
}

impl Extent {
    pub(crate) const WHOLE: Self = Self {
        members: 10_000,
        window: Duration::from_secs(10),
        rounds: 3,
        forgotten: Duration::from_secs(26),
    };

    pub(crate) const QUICK: Self = Self {
        members: 100,
        window: Duration::from_millis(200),
        rounds: 1,
        forgotten: Duration::ZERO,
    };
}

/// Measures the CPU time of both nodes, which are in this process, with an observer on the one without members
/// and without.
pub(crate) fn measure(extent: &Extent, part: &mut Part, marks: &mut Marks) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (samples, observed) = runtime.block_on(sample(extent))?;
    let mut table = Table::new(
        "A topic with 10,000 members on another node, of which 1,000 a second join or leave: CPU of a core in percent",
        ["", "both nodes"],
    );
    let mut median = |name| {
        let percent = samples.median(name).unwrap_or_default();
        table.row([name.to_owned(), format!("{percent:.1}")]);
        percent
    };
    let added = median(WATCHED) - median(UNWATCHED);
    table.row(["for the observer".to_owned(), format!("{added:.1}")]);
    table.note(
        "Over Redis. Without an observer, it is what joining and leaving costs. With one, the nodes send and take what has \
         changed ten times a second, and the observer takes each change.",
    );
    part.table(&table);
    marks.value(
        "members, percent of a core for the observer".to_owned(),
        added,
        10.0,
    );
    eprintln!("the observer saw {observed} changes");
    Ok(())
}

async fn sample(extent: &Extent) -> Result<(Samples, u64)> {
    let server = Server::start(redis::in_memory).await;
    let mut drivers = JoinSet::new();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let engine = RedisEngine::connect(&redis::url(server.port())).await?;
        let key = IdKey::new([7; 32]);
        let (hub, driver) = Hub::builder().engine(engine).id_key(key).build();
        drivers.spawn(driver);
        nodes.push(hub);
    }
    let mut crowd = Crowd::of(nodes[1].clone(), extent.members).await?;
    let mut samples = Samples::new();
    let observed = Arc::new(AtomicU64::new(0));
    for round in 0..=extent.rounds {
        for name in [UNWATCHED, WATCHED] {
            let mut observer = JoinSet::new();
            if name == WATCHED {
                let mut presence = nodes[0].presence(TOPIC).await?;
                while presence.members().len() < extent.members {
                    presence.changed().await;
                }
                let observed = Arc::clone(&observed);
                observer.spawn(async move {
                    while presence.next().await.is_some() {
                        observed.fetch_add(1, Ordering::Relaxed);
                    }
                });
            } else {
                sleep(extent.forgotten).await;
            }
            let percent = crowd.run(extent.window).await?;
            observer.shutdown().await;
            // The first round does not count.
            if round > 0 {
                samples.record(name, percent);
            }
        }
    }
    Ok((samples, observed.load(Ordering::Relaxed)))
}

/// The members, some of which leave and come all the time.
struct Crowd {
    hub: Hub,
    members: VecDeque<Subscription>,
    next: usize,
}

impl Crowd {
    async fn of(hub: Hub, members: usize) -> Result<Self> {
        let mut crowd = Self {
            hub,
            members: VecDeque::new(),
            next: 0,
        };
        for _ in 0..members {
            crowd.join().await?;
        }
        Ok(crowd)
    }

    async fn join(&mut self) -> Result {
        let name = format!("member {}", self.next);
        self.next += 1;
        let member = self.hub.subscribe(TOPIC).member(name).await?;
        self.members.push_back(member);
        Ok(())
    }

    /// Lets members come and go. Returns the CPU time of this process, in percent of a core.
    async fn run(&mut self, window: Duration) -> Result<f64> {
        let (begin, before) = (Instant::now(), cpu_time(std::process::id())?);
        let mut due = begin;
        while begin.elapsed() < window {
            for _ in 0..JOIN {
                self.join().await?;
                drop(self.members.pop_front());
            }
            due += Duration::from_secs(1) / STEPS_A_SECOND;
            sleep_until(due).await;
        }
        let used = cpu_time(std::process::id())? - before;
        Ok(used.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0)
    }
}
