//! A sample: what one measurement is of, and how much of it.

use std::fmt;

use crate::engine::Engine;
use crate::result::Result;

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
