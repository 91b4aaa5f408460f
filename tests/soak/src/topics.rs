//! The topics of a soak, and what an event of them says.

use std::time::{Duration, SystemTime};

use sse_hub::Retention;

/// What a topic is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// An event every other second.
    Calm,
    /// The same, with a snapshot.
    State,
    /// Many short events, of which few are kept: clients that are away too long have a gap.
    Busy,
    /// Long events, of which few are kept: clients that stall have a gap.
    Bulk,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Calm, Self::State, Self::Busy, Self::Bulk];

    /// Returns how many topics of this kind there are.
    const fn topics(self) -> usize {
        match self {
            Self::Calm => 60,
            Self::State => 20,
            Self::Busy | Self::Bulk => 10,
        }
    }

    /// Returns how many of a hundred subscriptions are to topics of this kind.
    const fn share(self) -> u32 {
        match self {
            Self::Calm => 66,
            Self::State => 20,
            Self::Busy => 10,
            Self::Bulk => 4,
        }
    }

    /// Returns the time between two events, at the pace of 1.
    pub(crate) const fn period(self) -> Duration {
        match self {
            Self::Calm | Self::State => Duration::from_secs(2),
            Self::Busy => Duration::from_millis(200),
            Self::Bulk => Duration::from_millis(250),
        }
    }

    /// Returns how many bytes follow the number in an event's data.
    pub(crate) const fn padding(self) -> usize {
        match self {
            Self::Calm | Self::State => 80,
            Self::Busy => 20,
            Self::Bulk => 16 * 1024,
        }
    }

    /// Returns how many events are kept.
    pub(crate) const fn kept(self) -> usize {
        match self {
            Self::Calm | Self::State => 32,
            Self::Busy => 16,
            Self::Bulk => 8,
        }
    }

    /// Returns what is kept of a topic. Nothing is discarded for its age.
    pub(crate) const fn retention(self) -> Retention {
        // Some more bytes than that, so that the memory of a topic does not vary much.
        Retention::new()
            .max_events(self.kept())
            .max_bytes(self.kept() * (self.padding() + 300))
            .max_age(Duration::from_secs(24 * 60 * 60))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::State => "state",
            Self::Busy => "busy",
            Self::Bulk => "bulk",
        }
    }

    /// Returns the kind of a topic.
    pub(crate) fn of(topic: &str) -> Option<Self> {
        let (kind, _) = topic.split_once('-')?;
        Self::ALL.into_iter().find(|other| other.name() == kind)
    }
}

/// How many events of each topic an engine keeps.
pub(crate) const KEPT_BY_ENGINE: usize = 16;

/// Returns how many events of a topic are kept at least, on a node or by an engine.
pub(crate) fn kept_at_least(topic: &str) -> u64 {
    Kind::of(topic).map_or(0, |kind| kind.kept().min(KEPT_BY_ENGINE) as u64)
}

/// Returns how old the oldest event that is kept is at least, at this pace. Half of it, as the clock may be set.
pub(crate) fn least_age_of_oldest(topic: &str, pace: u32) -> Duration {
    let younger = kept_at_least(topic).saturating_sub(1) as u32;
    Kind::of(topic).map_or(Duration::ZERO, |kind| kind.period() / pace * younger / 2)
}

/// Returns the names of all topics.
pub(crate) fn all() -> impl Iterator<Item = String> {
    let names = |kind: Kind| (0..kind.topics()).map(move |number| name(kind, number));
    Kind::ALL.into_iter().flat_map(names)
}

/// Returns the names of the topics with many short events.
pub(crate) fn busy() -> impl Iterator<Item = String> + Clone {
    (0..Kind::Busy.topics()).map(|number| name(Kind::Busy, number))
}

/// Returns the names of the topics with long events.
pub(crate) fn bulk() -> impl Iterator<Item = String> {
    (0..Kind::Bulk.topics()).map(|number| name(Kind::Bulk, number))
}

fn name(kind: Kind, number: usize) -> String {
    format!("{}-{number}", kind.name())
}

/// Returns the topics of one client, one to three of them.
pub(crate) fn some(random: &mut fastrand::Rng) -> Vec<String> {
    let mut topics: Vec<String> = Vec::new();
    for _ in 0..random.usize(1..=3) {
        let kind = kind(random.u32(0..100));
        let topic = name(kind, random.usize(0..kind.topics()));
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    topics
}

/// Returns the kind that a number below a hundred stands for.
fn kind(mut number: u32) -> Kind {
    for kind in Kind::ALL {
        match number.checked_sub(kind.share()) {
            Some(rest) => number = rest,
            None => return kind,
        }
    }
    Kind::Calm
}

/// What the data of an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) topic: &'a str,
    /// The first event of a topic has 1.
    pub(crate) number: u64,
    /// When it was made, in microseconds since 1970.
    pub(crate) made: u64,
}

/// Returns the data of an event that is made now.
pub(crate) fn data(topic: &str, number: u64, padding: usize) -> String {
    // All events of a topic have the same length.
    format!("{topic} {number:08} {} {:-<padding$}", now(), "")
}

/// Returns the time, in microseconds since 1970. It is the same in all processes.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_micros() as u64)
}

/// Returns what the data of an event says, if it is whole.
pub(crate) fn parse(data: &str) -> Option<Entry<'_>> {
    let mut fields = data.splitn(4, ' ');
    let entry = Entry {
        topic: fields.next()?,
        number: fields.next()?.parse().ok()?,
        made: fields.next()?.parse().ok()?,
    };
    let padding = fields.next()?;
    let is_whole = padding.len() == Kind::of(entry.topic)?.padding() || padding.is_empty();
    let is_whole = is_whole && padding.bytes().all(|byte| byte == b'-');
    is_whole.then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_the_kinds_are_a_hundred() {
        assert_eq!(Kind::ALL.map(Kind::share).iter().sum::<u32>(), 100);
        assert_eq!(kind(0), Kind::Calm);
        assert_eq!(kind(99), Kind::Bulk);
    }

    #[test]
    fn an_event_that_is_cut_short_is_no_event() {
        let data = data("busy-3", 17, Kind::Busy.padding());
        let entry = parse(&data).expect("an event");
        assert_eq!((entry.topic, entry.number), ("busy-3", 17));
        assert!(entry.made <= now() && now() - entry.made < 60_000_000);
        assert_eq!(parse(&data[..data.len() - 1]), None);
        assert_eq!(parse("busy-3 17 1"), None);
        assert_eq!(parse("odd-3 17 1 "), None);
    }

    #[test]
    fn a_client_has_one_to_three_different_topics() {
        let mut random = fastrand::Rng::with_seed(1);
        let known: Vec<_> = all().collect();
        for _ in 0..1_000 {
            let mut topics = some(&mut random);
            assert!(topics.iter().all(|topic| known.contains(topic)));
            let len = topics.len();
            topics.sort();
            topics.dedup();
            assert!((1..=3).contains(&len) && topics.len() == len);
        }
    }
}
