//! A sample: one measurement, in this process.

mod latency;
mod opening;
mod publishing;
mod replay;
mod requests;

use std::fmt;
use std::time::{Duration, Instant};

use crate::Result;
use crate::engine::Engine;
use crate::node::Servers;

/// How long a sample may take before it fails.
const LIMIT: Duration = Duration::from_secs(120);

/// What a sample measures, and how much of it.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) kind: Kind,
    pub(crate) engine: Engine,
    /// How many shards the topics are in: servers of Redis, or streams of one server of NATS.
    pub(crate) shards: usize,
    /// Whether a server whose memory is collected as garbage does that a quarter as often.
    pub(crate) is_spacious: bool,
    pub(crate) events: usize,
    /// The length of an event's data, in bytes.
    pub(crate) len: usize,
    /// How many publish at the same time. Each waits for one answer at a time.
    pub(crate) publishers: usize,
    /// How many topics are published to, or opened.
    pub(crate) topics: usize,
    /// How many topics the node is subscribed to; the first ones are those that are published to.
    pub(crate) subscribed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The costs of an event: time, and CPU time of the node and of the servers.
    Publishing,
    /// The time from publishing to the subscriber, at a thousand events a second.
    Latency,
    /// The costs of each event that a client has missed, on a node that has none of them.
    Replay,
    /// The costs of each topic that is opened, all at once, by clients that get `id:` of each.
    Opening,
    /// The requests to the engine for each topic that is opened.
    Requests,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Publishing,
        Self::Latency,
        Self::Replay,
        Self::Opening,
        Self::Requests,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Publishing => "publishing",
            Self::Latency => "latency",
            Self::Replay => "replay",
            Self::Opening => "opening",
            Self::Requests => "requests",
        }
    }
}

impl Sample {
    pub(crate) const USAGE: &'static str = "\
        kinds: publishing, latency, replay, opening, requests\n\
        values: engine (channel, embedded, or a server's program), shards, events, len, publishers,\n\
        topics, subscribed, gogc (only 400)";

    pub(crate) const fn new(kind: Kind, engine: Engine) -> Self {
        Self {
            kind,
            engine,
            shards: 1,
            is_spacious: false,
            events: 1_000,
            len: 100,
            publishers: 1,
            topics: 1,
            subscribed: 0,
        }
    }

    /// Reads what [`words`](Self::words) returns.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let kind = words.next().unwrap_or_default();
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind);
        let mut sample = Self::new(kind.ok_or(Self::USAGE)?, Engine::Embedded);
        for word in words {
            let (name, value) = word.split_once('=').ok_or(Self::USAGE)?;
            let number = || value.parse::<usize>();
            match name {
                "engine" => sample.engine = Engine::parse(value)?,
                "shards" => sample.shards = number()?,
                "gogc" => sample.is_spacious = number()? == 400,
                "events" => sample.events = number()?,
                "len" => sample.len = number()?,
                "publishers" => sample.publishers = number()?,
                "topics" => sample.topics = number()?,
                "subscribed" => sample.subscribed = number()?,
                _ => return Err(Self::USAGE.into()),
            }
        }
        Ok(sample)
    }

    /// Returns the words that stand for it on the command line.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![
            self.kind.name().to_owned(),
            format!("engine={}", self.engine.word()),
            format!("events={}", self.events),
            format!("len={}", self.len),
            format!("publishers={}", self.publishers),
            format!("topics={}", self.topics),
            format!("subscribed={}", self.subscribed),
        ];
        if self.shards > 1 {
            words.push(format!("shards={}", self.shards));
        }
        if self.is_spacious {
            words.push("gogc=400".to_owned());
        }
        words
    }

    /// Whether another build can be expected to do it, and it says something of that build.
    pub(crate) fn is_comparable(&self) -> bool {
        matches!(self.engine, Engine::Program(_)) && self.shards == 1 && !self.is_spacious
    }

    /// Takes the sample, and prints its figures, one a line: a name, a space and a number.
    pub(crate) fn take(&self) -> Result {
        let runtime = tokio::runtime::Runtime::new()?;
        let taken = runtime.block_on(async {
            let taking = async {
                match self.kind {
                    Kind::Publishing => publishing::take(self).await,
                    Kind::Latency => latency::take(self).await,
                    Kind::Replay => replay::take(self).await,
                    Kind::Opening => opening::take(self).await,
                    Kind::Requests => requests::take(self).await,
                }
            };
            let in_time = tokio::time::timeout(LIMIT, taking).await;
            in_time.map_err(|_| "the sample took too long")?
        });
        for (figure, value) in taken? {
            println!("{figure} {value}");
        }
        Ok(())
    }
}

impl fmt::Display for Sample {
    /// Writes what distinguishes it from other samples of the same run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.engine)?;
        if self.is_spacious {
            f.write_str(", GOGC=400")?;
        }
        if self.shards > 1 {
            write!(f, ", {} shards", self.shards)?;
        }
        match self.kind {
            Kind::Publishing => write!(
                f,
                ", {} publishers, {} topics, {} subscribed",
                self.publishers, self.topics, self.subscribed
            ),
            Kind::Latency => Ok(()),
            Kind::Replay => write!(f, ", {} missed events", self.events),
            Kind::Opening | Kind::Requests => write!(f, ", {} topics", self.topics),
        }
    }
}

/// What a sample has found: names and numbers, all of them costs.
type Found = Vec<(&'static str, f64)>;

/// Time and CPU time from a moment on.
struct Meter {
    begun: Instant,
    before: [Duration; 2],
}

impl Meter {
    fn start(servers: &Servers) -> Result<Self> {
        let before = servers.cpu_times()?;
        Ok(Self {
            begun: Instant::now(),
            before,
        })
    }

    /// Returns what has been taken since, for each of `count`, in microseconds.
    fn stop(self, servers: &Servers, count: usize) -> Result<Found> {
        let took = self.begun.elapsed();
        let [node, server] = servers.cpu_times()?;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        Ok(vec![
            ("time", each(took)),
            ("node", each(node.saturating_sub(self.before[0]))),
            ("server", each(server.saturating_sub(self.before[1]))),
        ])
    }
}
