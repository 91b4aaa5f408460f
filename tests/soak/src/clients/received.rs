//! What one client has received, and what it must receive next.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use sse_hub_testing::reader::Event;

use crate::topics;

/// The event that must follow in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Any: the client has come fresh.
    Any,
    /// The one with this number.
    Is(u64),
    /// One with this number or a later one: there was a gap of unknown length.
    From(u64),
}

/// What a client has of each of its topics.
#[derive(Debug)]
pub(crate) struct Received {
    topics: Vec<Topic>,
    pace: u32,
}

#[derive(Debug)]
struct Topic {
    name: String,
    next: Next,
    last: Option<u64>,
    /// Whether a snapshot may come instead of an event.
    may_be_snapshot: bool,
    /// The first gap since the last event, and what would have followed without it.
    gap: Option<(Reason, Next)>,
}

/// What an event was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Was {
    Event,
    Snapshot,
    /// A gap in some topics, with the number of events that are missing where it is known.
    Gap {
        topics: u64,
        missed: u64,
    },
}

/// What must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Events are missing without a gap.
    Silent {
        topic: String,
        expected: u64,
        came: u64,
    },
    /// An event came that was received before, or that a gap has counted as missing.
    Doubled {
        topic: String,
        expected: u64,
        came: u64,
    },
    /// A gap stands for events that were still kept.
    Needless(String),
    /// It is no event of the client's topics.
    Strange(String),
}

/// Why there is a gap. Nothing is lost in a soak, so that there is no other reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reason {
    /// The client was slow: the oldest event that is kept follows.
    Slow,
    /// It came back too late: the next event that is published follows.
    Unknown,
}

/// The data of a gap.
#[derive(Deserialize)]
struct Gaps {
    gaps: Vec<Gap>,
}

#[derive(Deserialize)]
struct Gap {
    topic: String,
    reason: Reason,
    missed: Option<u64>,
}

impl Received {
    /// `topics` are the client's. Their events are published as many times as fast as `pace` says.
    pub(crate) fn new(topics: &[String], pace: u32) -> Self {
        let topic = |name: &String| Topic {
            name: name.clone(),
            next: Next::Any,
            last: None,
            may_be_snapshot: true,
            gap: None,
        };
        Self {
            topics: topics.iter().map(topic).collect(),
            pace,
        }
    }

    /// The client comes without an id: it receives what is published from now on.
    pub(crate) fn begin_fresh(&mut self) {
        for topic in &mut self.topics {
            topic.may_be_snapshot = true;
            topic.gap = None;
            topic.lose_count();
        }
    }

    /// Checks an event, and takes it.
    pub(crate) fn take(&mut self, event: &Event) -> Result<Was, Fault> {
        match &*event.name {
            "gap" => self.take_gap(&event.data),
            "message" => self.take_event(&event.data),
            "state" => self.take_snapshot(&event.data),
            _ => Err(strange(&event.data)),
        }
    }

    fn take_gap(&mut self, data: &str) -> Result<Was, Fault> {
        let Gaps { gaps } = serde_json::from_str(data).map_err(|_| strange(data))?;
        let mut sum = 0;
        for gap in &gaps {
            let topic = self.topic(&gap.topic).ok_or_else(|| strange(data))?;
            topic.may_be_snapshot = true;
            topic.gap = topic.gap.or(Some((gap.reason, topic.next)));
            match (gap.missed, &mut topic.next) {
                (Some(missed), Next::Is(next) | Next::From(next)) => {
                    *next += missed;
                    sum += missed;
                }
                _ => topic.lose_count(),
            }
        }
        let topics = gaps.len() as u64;
        Ok(Was::Gap {
            topics,
            missed: sum,
        })
    }

    fn take_event(&mut self, data: &str) -> Result<Was, Fault> {
        let pace = self.pace;
        let (topic, number, age) = self.parse(data)?;
        let next = topic.next;
        let gap = topic.gap;
        topic.is_at(number);
        match gap {
            Some((Reason::Slow, _)) if age < topics::least_age_of_oldest(&topic.name, pace) => {
                return Err(needless(
                    &topic.name,
                    format!("{number} came, of {age:?} ago"),
                ));
            }
            Some((Reason::Unknown, expected)) => topic.is_too_late(expected, number)?,
            _ => {}
        }
        match next {
            Next::Is(expected) if number > expected => Err(Fault::Silent {
                topic: topic.name.clone(),
                expected,
                came: number,
            }),
            Next::Is(expected) | Next::From(expected) if number < expected => Err(Fault::Doubled {
                topic: topic.name.clone(),
                expected,
                came: number,
            }),
            _ => Ok(Was::Event),
        }
    }

    /// A snapshot stands for all events up to its number.
    fn take_snapshot(&mut self, data: &str) -> Result<Was, Fault> {
        let (topic, number, _) = self.parse(data)?;
        let expected = match topic.next {
            Next::Any => 0,
            Next::Is(next) | Next::From(next) => next,
        };
        let may_be = std::mem::replace(&mut topic.may_be_snapshot, false);
        let gap = topic.gap;
        topic.is_at(number);
        if let Some((Reason::Unknown, expected)) = gap {
            topic.is_too_late(expected, number + 1)?;
        }
        if !may_be {
            Err(strange(data))
        } else if number + 1 < expected {
            Err(Fault::Doubled {
                topic: topic.name.clone(),
                expected,
                came: number,
            })
        } else {
            Ok(Was::Snapshot)
        }
    }

    /// Returns the topic of an event, its number and its age.
    fn parse(&mut self, data: &str) -> Result<(&mut Topic, u64, Duration), Fault> {
        let entry = topics::parse(data).ok_or_else(|| strange(data))?;
        let topic = self.topic(entry.topic).ok_or_else(|| strange(data))?;
        let age = topics::now().saturating_sub(entry.made);
        Ok((topic, entry.number, Duration::from_micros(age)))
    }

    fn topic(&mut self, name: &str) -> Option<&mut Topic> {
        self.topics.iter_mut().find(|topic| topic.name == name)
    }

    /// Whether the last event of each topic has come.
    pub(crate) fn has_all(&self, last: &BTreeMap<String, u64>) -> bool {
        let has = |topic: &Topic| topic.last == last.get(&topic.name).copied();
        self.topics.iter().all(has)
    }
}

impl Topic {
    fn is_at(&mut self, number: u64) {
        self.gap = None;
        self.last = Some(number);
        self.next = Next::Is(number + 1);
    }

    /// Checks that so many events were published after that of the client's id that the one after it is no longer kept.
    fn is_too_late(&self, expected: Next, came: u64) -> Result<(), Fault> {
        match expected {
            Next::Is(expected) if came < expected + topics::kept_at_least(&self.name) => Err(
                needless(&self.name, format!("{came} came, expected {expected}")),
            ),
            _ => Ok(()),
        }
    }

    /// Some events are missing, it is not known how many.
    fn lose_count(&mut self) {
        if let Next::Is(next) = self.next {
            self.next = Next::From(next);
        }
    }
}

fn needless(topic: &str, came: impl fmt::Display) -> Fault {
    Fault::Needless(format!("needless gap in {topic}: {came}"))
}

fn strange(data: &str) -> Fault {
    Fault::Strange(data.chars().take(100).collect())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent {
                topic,
                expected,
                came,
            } => write!(
                f,
                "silent hole in {topic}: {came} came, expected {expected}"
            ),
            Self::Doubled {
                topic,
                expected,
                came,
            } => write!(f, "doubled in {topic}: {came} came, expected {expected}"),
            Self::Needless(what) => write!(f, "{what}"),
            Self::Strange(data) => write!(f, "not an event of this client: {data}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::Kind;

    fn client(topics: &[&str]) -> Received {
        let topics: Vec<_> = topics.iter().map(ToString::to_string).collect();
        Received::new(&topics, 1)
    }

    fn event(name: &str, data: String) -> Event {
        Event {
            name: name.to_owned(),
            data,
            id: "1".to_owned(),
        }
    }

    fn number(topic: &str, number: u64) -> Event {
        let padding = Kind::of(topic).expect("a kind").padding();
        event("message", topics::data(topic, number, padding))
    }

    /// An event that was made a minute ago.
    fn old(topic: &str, number: u64) -> Event {
        let padding = Kind::of(topic).expect("a kind").padding();
        let made = topics::now() - 60_000_000;
        event(
            "message",
            format!("{topic} {number:08} {made} {:-<padding$}", ""),
        )
    }

    fn snapshot(topic: &str, number: u64) -> Event {
        event("state", topics::data(topic, number, 0))
    }

    fn gap(gaps: &str) -> Event {
        event("gap", format!("{{\"gaps\":[{gaps}]}}"))
    }

    #[test]
    fn a_fresh_client_may_begin_with_any_event_and_then_misses_none() {
        let mut client = client(&["calm-1", "busy-1"]);
        assert_eq!(client.take(&number("calm-1", 7)), Ok(Was::Event));
        assert_eq!(client.take(&number("busy-1", 90)), Ok(Was::Event));
        assert_eq!(client.take(&number("calm-1", 8)), Ok(Was::Event));
        let hole = Fault::Silent {
            topic: "calm-1".to_owned(),
            expected: 9,
            came: 10,
        };
        assert_eq!(client.take(&number("calm-1", 10)), Err(hole));
        assert_eq!(client.take(&number("calm-1", 11)), Ok(Was::Event));
        let again = client.take(&number("calm-1", 11)).expect_err("again");
        assert_eq!(again.to_string(), "doubled in calm-1: 11 came, expected 12");
    }

    #[test]
    fn a_gap_accounts_for_as_many_events_as_it_says() {
        let three = gap(r#"{"topic":"busy-1","reason":"slow","missed":3}"#);
        let was = Was::Gap {
            topics: 1,
            missed: 3,
        };
        for (came, is_right) in [(5, true), (4, false), (6, false)] {
            let mut client = client(&["busy-1"]);
            assert_eq!(client.take(&number("busy-1", 1)), Ok(Was::Event));
            assert_eq!(client.take(&three), Ok(was));
            assert_eq!(client.take(&old("busy-1", came)).is_ok(), is_right);
        }
    }

    #[test]
    fn a_gap_without_a_number_accounts_for_later_events_that_are_no_longer_kept() {
        let unknown = gap(r#"{"topic":"busy-1","reason":"unknown"}"#);
        // 6 to 21 are kept when the client comes back, and 22 follows.
        for (came, is_right) in [(22, true), (21, false), (6, false), (5, false)] {
            let mut client = client(&["busy-1"]);
            assert_eq!(client.take(&number("busy-1", 5)), Ok(Was::Event));
            client.take(&unknown).expect("a gap");
            assert_eq!(client.take(&number("busy-1", came)).is_ok(), is_right);
            // Others follow.
            let next = number("busy-1", came + 1);
            assert_eq!(client.take(&next), Ok(Was::Event));
        }
        let mut client = client(&["state-1"]);
        let unknown = gap(r#"{"topic":"state-1","reason":"unknown"}"#);
        assert_eq!(client.take(&number("state-1", 5)), Ok(Was::Event));
        client.take(&unknown).expect("a gap");
        let fault = client.take(&snapshot("state-1", 20)).expect_err("kept");
        let told = "needless gap in state-1: 21 came, expected 6";
        assert_eq!(fault.to_string(), told);
    }

    #[test]
    fn a_gap_of_a_slow_client_before_an_event_of_just_now_is_needless() {
        let mut client = client(&["busy-1"]);
        let three = gap(r#"{"topic":"busy-1","reason":"slow","missed":3}"#);
        assert_eq!(client.take(&number("busy-1", 1)), Ok(Was::Event));
        client.take(&three).expect("a gap");
        let fault = client.take(&number("busy-1", 5)).expect_err("too young");
        assert!(matches!(fault, Fault::Needless(_)), "{fault}");
        assert_eq!(client.take(&number("busy-1", 6)), Ok(Was::Event));
    }

    #[test]
    fn a_gap_for_events_that_an_engine_has_lost_is_none_of_a_soak() {
        let mut client = client(&["busy-1"]);
        let lost = gap(r#"{"topic":"busy-1","reason":"lost"}"#);
        client.take(&lost).expect_err("nothing is lost");
    }

    #[test]
    fn a_snapshot_comes_first_or_after_a_gap_and_the_next_event_follows_it() {
        let mut client = client(&["state-1"]);
        assert_eq!(client.take(&snapshot("state-1", 5)), Ok(Was::Snapshot));
        client.take(&snapshot("state-1", 6)).expect_err("no gap");
        assert_eq!(client.take(&number("state-1", 7)), Ok(Was::Event));
        let slow = gap(r#"{"topic":"state-1","reason":"slow","missed":2}"#);
        client.take(&slow).expect("a gap");
        assert_eq!(client.take(&snapshot("state-1", 12)), Ok(Was::Snapshot));
        assert_eq!(client.take(&number("state-1", 13)), Ok(Was::Event));
    }

    #[test]
    fn all_is_there_when_the_last_event_of_each_topic_is() {
        let mut client = client(&["calm-1", "calm-2"]);
        let last = BTreeMap::from([("calm-1".to_owned(), 2), ("calm-2".to_owned(), 9)]);
        client.take(&number("calm-1", 2)).expect("an event");
        assert!(!client.has_all(&last));
        client.take(&number("calm-2", 9)).expect("an event");
        assert!(client.has_all(&last));
        client
            .take(&number("calm-3", 1))
            .expect_err("not its topic");
    }
}
