//! What a client may get, according to the model.

use sse_hub::{Hub, Position, StoredEvent};
use sse_hub_testing::reader::Event as Read;

use crate::connection::Connection;
use crate::model::{Log, Model, STATE, TOPICS};
use crate::world::{Counts, Places};

pub(crate) fn is_even(event: &StoredEvent<'_>) -> bool {
    let data = event.data().expect("data");
    let (topic, number) = data.split_once(':').expect("topic and number");
    assert_eq!(topic, event.topic());
    number.parse::<usize>().expect("a number").is_multiple_of(2)
}

/// Returns how many events of a topic precede the position in an id, if it has one.
pub(crate) fn place_of(
    hub: &Hub,
    positions: &[Vec<Position>; 3],
    topic: usize,
    id: &str,
) -> Option<usize> {
    let position = hub.position_of(TOPICS[topic], id)?;
    let before = |it: &&Position| **it <= position;
    Some(positions[topic].iter().filter(before).count())
}

/// Moves the places of a client with a filter over the hidden events that its id includes. Returns their number.
pub(crate) fn follow(
    hub: &Hub,
    positions: &[Vec<Position>; 3],
    connection: &mut Connection,
    id: &str,
) -> u64 {
    let mut hidden = 0;
    for topic in connection.topics.iter().copied() {
        let Some(place) = &mut connection.places[topic] else {
            continue;
        };
        let said = place_of(hub, positions, topic, id).expect("a position");
        assert!(*place <= said, "an id of before");
        for number in *place..said {
            assert_eq!(number % 2, 1, "a visible event was skipped");
            hidden += 1;
        }
        *place = said;
    }
    hidden
}

pub(crate) fn check(
    model: &Model,
    connection: &mut Connection,
    event: &Read,
    said: impl Fn(usize) -> Option<usize>,
    counts: &mut Counts,
) {
    let mut models = [&connection.before, model].into_iter();
    match &*event.name {
        "gap" => {
            let gaps = event.gaps();
            let [(topic, reason)] = &gaps[..] else {
                panic!("gaps of several topics at once: {gaps:?}");
            };
            let topic = index(topic);
            let place = connection.places[topic].expect("it had begun");
            // A state stands for all that is kept.
            let is_state = topic == STATE;
            let next = |log: &Log| if is_state { log.published } else { log.gone };
            let is_true = |log: &&Log| {
                let missed = next(log).checked_sub(place).map(|missed| missed as u64);
                // With a filter, the number is not known, but the id is exact in any case.
                let is_next = if connection.even {
                    event.missed().is_none() && (is_state || said(topic) == Some(next(log)))
                } else {
                    event.missed() == missed || connection.beyond[topic] && event.missed().is_none()
                };
                place < log.gone && is_next
            };
            let log = models.map(|model| &model.topics[topic]).find(is_true);
            let log = log.expect("no gap that is none");
            assert!(!connection.disconnect, "a gap instead of a disconnection");
            assert_eq!(reason, "slow");
            connection.beyond[topic] = false;
            connection.places[topic] = (!is_state).then_some(next(log));
            counts.gaps += 1;
        }
        "snapshot" => {
            assert_eq!(connection.places[STATE], None, "a snapshot without need");
            let count = event.data.parse().expect("a number");
            assert!(models.any(|model| count == model.topics[STATE].published));
            connection.places[STATE] = Some(count);
            counts.snapshots += 1;
        }
        "message" => {
            let (topic, number) = event.data.split_once(':').expect("topic and number");
            let topic = index(topic);
            assert!(
                connection.topics.contains(&topic),
                "an event of another topic"
            );
            let place = connection.places[topic]
                .as_mut()
                .expect("no event before the snapshot");
            if connection.even && number != place.to_string() {
                // Hidden ones are no holes.
                assert_eq!(*place % 2, 1, "a visible event was skipped");
                *place += 1;
            }
            assert_eq!(number, place.to_string(), "a hole or a duplicate");
            assert!(!connection.even || place.is_multiple_of(2), "not hidden");
            assert!(*place < model.topics[topic].published);
            *place += 1;
            connection.beyond[topic] = false;
            counts.events += 1;
        }
        "over" => {
            let ending = connection
                .ending
                .as_mut()
                .expect("an end that was asked for");
            assert!(ending.is_event_due, "an event of the end without need");
            ending.is_event_due = false;
            for topic in connection.topics.iter().copied() {
                let place = connection.places[topic];
                // A filter may have hidden what followed.
                let is_exact = !connection.even || place.is_none();
                assert!(!is_exact || said(topic) == place, "another id");
            }
        }
        other => panic!("an unexpected event: {other}"),
    }
}

/// Whether an id is of topics, and of none of these.
pub(crate) fn is_of_others(places: &Places, topics: &[usize]) -> bool {
    let is_of_any = places.iter().any(Option::is_some);
    is_of_any && topics.iter().all(|topic| places[*topic].is_none())
}

fn index(topic: &str) -> usize {
    let index = TOPICS.iter().position(|name| *name == topic);
    index.expect("a topic")
}
