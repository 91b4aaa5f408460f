//! What a stream begins with, and what a client has of it after an outage before the first event.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_codec::Decoder;
use sse_eventsource::EventSource;
use sse_hub::{
    Event, EventError, Frame, Hub, Opening, Retention, SubscribeError, Subscription, TopicOptions,
};
use sse_hub_testing::served::Served;
use sse_session::{Sse, sse_response};

use crate::publish;

fn named() -> Opening {
    let event = Event::new().event("position").data("{}").to_frame();
    Opening::Event(event.expect("a frame"))
}

/// Each opening, and the bytes that it begins with.
fn all() -> [(Opening, &'static str); 3] {
    [
        (Opening::IdBlock, "id: ID\n\n"),
        (named(), "event: position\ndata: {}\nid: ID\n\n"),
        (Opening::None, ""),
    ]
}

async fn subscribe(
    hub: &Hub,
    topics: &[&str],
    id: Option<&str>,
    opening: &Opening,
) -> Subscription {
    let topics = topics.iter().copied();
    let subscribe = hub.subscribe(topics).resume(id).opening(opening.clone());
    subscribe.await.expect("a subscription")
}

/// The bytes that there are now.
fn read(subscription: &mut Subscription) -> String {
    let mut all = Vec::new();
    while let Some(Some(piece)) = subscription.next().now_or_never() {
        let piece = piece.expect("no error");
        assert!(!piece.is_empty());
        all.extend_from_slice(&piece);
    }
    String::from_utf8(all).expect("UTF-8")
}

/// The names and the data of the events that a client dispatches, and its last event ID.
fn decoded(bytes: &str) -> (Vec<(String, String)>, Option<String>) {
    let mut decoder = Decoder::new();
    let mut dispatched = Vec::new();
    let mut events = decoder.feed(bytes.as_bytes());
    while let Some(event) = events.next_event().expect("a valid stream") {
        dispatched.push((event.event().to_owned(), event.data().to_owned()));
    }
    let id = Some(decoder.last_event_id()).filter(|id| !id.is_empty());
    (dispatched, id.map(Into::into))
}

fn pairs(events: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, data): &(&str, &str)| ((*name).to_owned(), (*data).to_owned());
    events.iter().map(owned).collect()
}

/// Ids of two subscriptions differ also if they say the same.
fn assert_same_positions(hub: &Hub, topics: &[&str], one: &str, other: &str) {
    assert_ne!(one, other);
    for topic in topics {
        let position = hub.position_of(topic, one);
        assert!(position.is_some());
        assert_eq!(position, hub.position_of(topic, other));
    }
}

#[tokio::test]
async fn each_opening_has_exactly_these_bytes_also_for_a_client_that_comes_back() {
    let hub = Hub::new();
    publish(&hub, "news", "before");
    for topics in [&["news"][..], &["news", "weather"]] {
        for (opening, bytes) in all() {
            let mut fresh = subscribe(&hub, topics, None, &opening).await;
            let id = fresh.id();
            assert_eq!(read(&mut fresh), bytes.replace("ID", &id));
            // Its parser has no id before the server sends one (HTML § 9.2.6).
            let mut resumed = subscribe(&hub, topics, Some(&id), &opening).await;
            assert_same_positions(&hub, topics, &resumed.id(), &id);
            assert_eq!(read(&mut resumed), bytes.replace("ID", &resumed.id()));
            // As a response's body.
            let mut served = Served::begun(|sse| {
                let subscribe = hub.subscribe(topics.to_vec()).resume(Some(&id));
                subscribe.opening(opening.clone()).serve(sse)
            });
            let received = served.received();
            let its_id = decoded(&received).1.unwrap_or_default();
            if !bytes.is_empty() {
                assert_same_positions(&hub, topics, &its_id, &id);
            }
            // A body that begins with silence is opened by a comment.
            let expected = if bytes.is_empty() { ":\n" } else { bytes };
            assert_eq!(received, expected.replace("ID", &its_id));
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_by_an_outage_before_the_first_event_unless_there_is_no_opening() {
    for topics in [&["news"][..], &["news", "weather"]] {
        for (opening, _) in all() {
            let hub = Hub::new();
            let mut cut = subscribe(&hub, topics, None, &opening).await;
            let (dispatched, id) = decoded(&read(&mut cut));
            drop(cut);
            publish(&hub, "news", "meanwhile");
            let mut back = subscribe(&hub, topics, id.as_deref(), &opening).await;
            publish(&hub, "news", "later");
            let (events, _) = decoded(&read(&mut back));
            let (none, one): (&[_], &[_]) = (&[], &[("position", "{}")]);
            let (expected, lost) = match opening {
                Opening::IdBlock => (none, false),
                Opening::Event(_) => (one, false),
                _ => (none, true),
            };
            assert_eq!(id.is_none(), lost);
            assert_eq!(dispatched, pairs(expected));
            let missed: &[_] = if lost {
                &[]
            } else {
                &[("message", "meanwhile")]
            };
            let later = [("message", "later")];
            assert_eq!(events, pairs(&[expected, missed, &later].concat()));
        }
    }
}

/// An `EventSource` of the topic "news", whose first connection is cut after what there was at its
/// beginning; "meanwhile" is published then, and "later" when the second one has begun.
fn cut_once(hub: &Hub, opening: &Opening) -> EventSource {
    let (hub, opening) = (hub.clone(), opening.clone());
    let mut attempts = 0;
    let builder = EventSource::get("http://example.com/news");
    let source = builder.build_with_fn(move |request| {
        attempts += 1;
        let (hub, is_first) = (hub.clone(), attempts == 1);
        let subscribe = hub.subscribe(["news"]).opening(opening.clone());
        let headers = request.headers().clone();
        let response = sse_response(headers, move |_, sse: Sse| async move {
            let mut served = Box::pin(subscribe.serve(sse));
            assert!((&mut served).now_or_never().is_none(), "it goes on");
            if is_first {
                drop(served);
                publish(&hub, "news", "meanwhile");
                return Err("cut".into());
            }
            publish(&hub, "news", "later");
            served.await
        });
        async { Ok::<_, Infallible>(response) }
    });
    source.expect("an event source")
}

#[tokio::test(start_paused = true)]
async fn an_event_source_that_is_cut_off_before_its_first_event_gets_what_was_published_meanwhile()
{
    for (opening, _) in all() {
        let hub = Hub::new();
        let mut source = cut_once(&hub, &opening);
        let mut events: Vec<(String, String)> = Vec::new();
        while events.last().is_none_or(|last| last.1 != "later") {
            let event = source.next().await.expect("an event").expect("no error");
            events.push((event.event().to_owned(), event.data().to_owned()));
        }
        let (meanwhile, later) = (("message", "meanwhile"), ("message", "later"));
        let position = ("position", "{}");
        let expected: &[_] = match opening {
            Opening::IdBlock => &[meanwhile, later],
            Opening::Event(_) => &[position, position, meanwhile, later],
            // As documented: it was lost, without a gap.
            _ => &[later],
        };
        assert_eq!(events, pairs(expected));
    }
}

#[tokio::test]
async fn a_gap_stands_for_the_opening() {
    let hub = Hub::new();
    for (opening, _) in all() {
        let mut lost = subscribe(&hub, &["news"], Some("invalid"), &opening).await;
        let id = lost.id();
        let gap = r#"{"gaps":[{"reason":"unknown","topic":"news"}]}"#;
        assert_eq!(
            read(&mut lost),
            format!("event: gap\ndata: {gap}\nid: {id}\n\n")
        );
    }
}

/// A hub whose topics have a state if their name says so.
fn with_states() -> Hub {
    let builder = Hub::builder().topics(|name| {
        let options = TopicOptions::new().retention(Retention::new().max_events(1));
        match name.split_once(' ') {
            Some(("full", _)) => options.snapshot(|| Event::new().event("state").data("x")),
            Some(("empty", _)) => options.snapshot(Event::new),
            _ => options,
        }
    });
    builder.build()
}

#[tokio::test]
async fn a_snapshot_stands_for_the_opening() {
    let hub = with_states();
    for (opening, _) in all() {
        for topics in [
            &["full a"][..],
            &["plain", "full a"],
            &["empty a", "full a"],
        ] {
            let mut fresh = subscribe(&hub, topics, None, &opening).await;
            let bytes = read(&mut fresh);
            let id = fresh.id();
            assert_eq!(bytes, format!("event: state\ndata: x\nid: {id}\n\n"));
        }
    }
}

#[tokio::test]
async fn without_a_state_yet_the_opening_comes_once_and_has_the_id_of_all_topics() {
    let hub = with_states();
    for (opening, bytes) in all() {
        for topics in [&["empty a"][..], &["empty a", "plain", "empty b"]] {
            let mut fresh = subscribe(&hub, topics, None, &opening).await;
            let read = read(&mut fresh);
            assert_eq!(read, bytes.replace("ID", &fresh.id()));
            let resumed = subscribe(&hub, topics, Some(&fresh.id()), &opening).await;
            assert_same_positions(&hub, topics, &resumed.id(), &fresh.id());
        }
    }
}

#[tokio::test]
async fn without_a_state_after_a_gap_the_opening_comes_again() {
    let hub = with_states();
    for (opening, bytes) in all() {
        let mut slow = subscribe(&hub, &["empty a"], None, &opening).await;
        read(&mut slow);
        for data in ["one", "two"] {
            publish(&hub, "empty a", data);
        }
        let read = read(&mut slow);
        let (gap, rest) = read.split_once("\n\n").expect("a gap");
        assert!(gap.starts_with("event: gap\n"), "{gap}");
        assert_eq!(rest, bytes.replace("ID", &slow.id()));
    }
}

#[tokio::test]
async fn an_event_that_cannot_have_an_id_or_is_not_dispatched_is_refused() {
    let hub = Hub::new();
    let refused = async |frame| {
        let subscribe = hub.subscribe(["news"]).opening(Opening::Event(frame));
        match subscribe.await.expect_err("refused") {
            SubscribeError::Opening(error) => error,
            error => panic!("{error:?}"),
        }
    };
    for (frame, expected) in [
        (
            Frame::new(Event::new().id("7").data("x")),
            EventError::OwnId,
        ),
        (
            Frame::new(Event::new().event("position")),
            EventError::NoData,
        ),
        (Frame::new(Event::new()), EventError::Empty),
        (
            Frame::new(Event::new().comment("c")),
            EventError::NotOneEvent,
        ),
        (
            Frame::new(Event::new().retry(Duration::ZERO)),
            EventError::NotOneEvent,
        ),
    ] {
        let error = refused(frame.expect("a frame")).await;
        let same = std::mem::discriminant(&error) == std::mem::discriminant(&expected);
        assert!(same, "{error:?}");
    }
    assert_eq!(hub.metrics().subscriptions, 0);
}
