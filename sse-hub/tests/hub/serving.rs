//! Clients that are served: the task of each is woken when there is something for it.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Event, Hub, Opening, Retention, SlowConsumer, Subscribe, TopicOptions};
use sse_session::{SseOptions, SseStream};
use tokio::sync::Notify;

use crate::publish;
use sse_hub_testing::served::Served;

/// The bytes of the event with this id and data.
fn event(id: &str, data: &str) -> String {
    format!("data: {data}\nid: {id}\n\n")
}

#[test]
fn each_task_is_woken_once_and_gets_all_there_is() {
    let hub = Hub::new();
    let mut clients: [_; 3] = std::array::from_fn(|_| Served::of(&hub));
    for data in [&["a"][..], &["b", "c"]] {
        let events = data
            .iter()
            .map(|data| event(&publish(&hub, "news", data), data));
        let expected = events.collect::<String>();
        for client in &mut clients {
            assert_eq!(client.wakes(), 1);
            assert_eq!(client.received(), "");
            assert!(!client.run());
            assert_eq!(client.received(), expected);
            assert!(!client.run());
            assert_eq!((client.received(), client.wakes()), (String::new(), 0));
        }
    }
}

#[test]
fn a_subscription_that_was_awaited_before_is_served_as_well() {
    let hub = Hub::new();
    let subscription = hub.subscribe(["news"]).into_future().now_or_never();
    let subscription = subscription.expect("at once").expect("subscribed");
    let mut client = Served::new(|sse| subscription.serve(sse));
    let id = publish(&hub, "news", "a");
    assert_eq!(client.wakes(), 1);
    assert!(!client.run());
    assert_eq!(client.received(), event(&id, "a"));
}

#[test]
fn a_client_of_several_topics_is_woken_by_each() {
    let hub = Hub::new();
    let mut client = Served::new(|sse| hub.subscribe(["news", "weather"]).serve(sse));
    for topic in ["news", "weather"] {
        publish(&hub, topic, "a");
        assert_eq!(client.wakes(), 1);
        assert!(!client.run());
        let received = client.received();
        assert!(received.starts_with("data: a\nid: "), "{received:?}");
        assert!(received.ends_with("\n\n"), "{received:?}");
    }
}

#[test]
fn a_client_that_moves_to_another_task_is_woken_there() {
    let hub = Hub::new();
    let mut client = Served::of(&hub);
    client.move_to_another_task();
    assert!(!client.run());
    let id = publish(&hub, "news", "a");
    assert_eq!(client.wakes(), 1);
    client.move_to_another_task();
    assert!(!client.run());
    assert_eq!(client.received(), event(&id, "a"));
}

#[test]
fn a_comment_of_another_handle_changes_nothing_about_the_events() {
    let hub = Hub::new();
    let mut handle = None;
    let mut client = Served::new(|sse| {
        handle = Some(sse.clone());
        hub.subscribe(["news"]).serve(sse)
    });
    let id = publish(&hub, "news", "a");
    let comment = Event::new().comment("c");
    handle.expect("a handle").try_send(comment).expect("room");
    assert!(!client.run());
    assert_eq!(client.received(), format!(": c\n{}", event(&id, "a")));
    assert!(!client.run());
    assert_eq!(client.received(), "");
}

#[test]
fn what_is_not_read_yet_counts_as_undelivered() {
    let hub = Hub::new();
    let mut clients: [_; 2] = std::array::from_fn(|_| Served::of(&hub));
    let lost = Served::of(&hub);
    let metrics = || {
        let metrics = hub.topic_metrics("news").expect("in use");
        (metrics.delivered, metrics.lag, metrics.subscribers)
    };
    publish(&hub, "news", "a");
    publish(&hub, "news", "b");
    assert_eq!(metrics(), (0, 2, 3));
    drop(lost);
    assert_eq!(metrics(), (0, 2, 2));
    for (client, after) in clients.iter_mut().zip([(2, 2, 2), (4, 0, 2)]) {
        assert!(!client.run());
        assert_eq!(metrics(), after);
    }
}

#[test]
fn a_client_that_is_no_longer_served_gets_nothing() {
    let hub = Hub::new();
    let stop = Arc::new(Notify::new());
    let stopped = Arc::clone(&stop);
    let mut client = Served::new(|sse| {
        let served = hub.subscribe(["news"]).serve(sse.clone());
        async move {
            tokio::select! {
                biased;
                () = stopped.notified() => {}
                served = served => return served,
            }
            // The stream stays open.
            let _sse = sse;
            pending().await
        }
    });
    publish(&hub, "news", "a");
    stop.notify_one();
    assert!(!client.run());
    assert_eq!(client.received(), "");
    assert_eq!(hub.subscribers("news"), 0);
}

#[tokio::test]
async fn at_shutdown_clients_get_the_last_event_and_then_the_reconnection_time() {
    let hub = Hub::new();
    let mut clients: [_; 2] = std::array::from_fn(|_| Served::of(&hub));
    let last = event(&publish(&hub, "news", "last"), "last");
    let retry = Duration::from_secs(2)..=Duration::from_secs(2);
    let mut shutdown = Box::pin(hub.shutdown(Duration::from_secs(60), retry));
    assert!((&mut shutdown).now_or_never().is_none());
    for client in &mut clients {
        assert!(client.wakes() > 0);
        assert!(client.run(), "it has ended");
        assert_eq!(client.received(), format!("{last}retry: 2000\n\n"));
    }
    assert_eq!(shutdown.await, 0);
}

#[tokio::test]
async fn a_shutdown_wakes_clients_that_have_read_everything() {
    let hub = Hub::new();
    let mut clients: [_; 2] = std::array::from_fn(|_| Served::of(&hub));
    let now = Duration::ZERO..=Duration::ZERO;
    let mut shutdown = Box::pin(hub.shutdown(Duration::from_secs(60), now));
    assert!((&mut shutdown).now_or_never().is_none());
    for client in &mut clients {
        assert_eq!(client.wakes(), 1);
        assert!(client.run(), "it has ended");
        assert_eq!(client.received(), "retry: 0\n\n");
    }
    assert_eq!(shutdown.await, 0);
}

#[test]
fn a_topic_that_trims_what_a_client_has_not_read_has_a_gap() {
    let retention = Retention::new().max_events(1);
    let options = move |_: &str| TopicOptions::new().retention(retention);
    let hub = Hub::builder().topics(options).build();
    let mut client = Served::of(&hub);
    for data in ["a", "b", "c"] {
        publish(&hub, "news", data);
    }
    assert!(!client.run());
    let received = client.received();
    assert!(received.contains("event: gap\n"), "{received:?}");
    assert!(received.contains("\"missed\":2"), "{received:?}");
    assert!(received.contains("\n\ndata: c\nid: "), "{received:?}");
    let id = publish(&hub, "news", "d");
    assert!(!client.run());
    assert_eq!(client.received(), event(&id, "d"));
}

#[tokio::test]
async fn what_has_been_served_to_its_end_is_no_subscription_even_if_it_is_kept() {
    let hub = Hub::new();
    let mut client = Served::new(|sse| {
        let mut served = Box::pin(hub.subscribe(["news"]).serve(sse.clone()));
        async move {
            // The stream stays open.
            let _sse = sse;
            (&mut served).await?;
            pending::<()>().await;
            served.await
        }
    });
    let mut shutdown = pin!(hub.shutdown(Duration::from_secs(60), Duration::ZERO..=Duration::ZERO));
    assert!(shutdown.as_mut().now_or_never().is_none());
    assert!(!client.run());
    assert_eq!(shutdown.now_or_never(), Some(0));
}

/// Serves a client whose stream has an end event. Calls `end` when the client waits, and returns the
/// bytes from then on, or all of them if it never waits.
fn last_bytes(subscribe: Subscribe, end: impl FnOnce()) -> String {
    let end_event = Event::new().event("end").data("all");
    let options = SseOptions::new().without_keep_alive();
    let options = options.end_event(end_event).expect("an event");
    let subscribe = subscribe.opening(Opening::None);
    let served = SseStream::new(&options, None, |sse| subscribe.serve(sse));
    let mut served = pin!(served);
    let mut last = Vec::new();
    let mut end = Some(end);
    loop {
        match served.next().now_or_never() {
            None => {
                end.take().expect("it ends")();
                last.clear();
            }
            Some(Some(piece)) => last.extend_from_slice(&piece.expect("no error")),
            Some(None) => return String::from_utf8(last).expect("UTF-8"),
        }
    }
}

#[tokio::test]
async fn a_shutdown_of_the_hub_is_not_the_end_of_the_content() {
    let hub = Hub::new();
    let retry = Duration::from_secs(1)..=Duration::from_secs(1);
    let shut_down = || {
        let left = hub.shutdown(Duration::from_secs(5), retry.clone());
        assert!(left.now_or_never().is_none(), "one is open");
    };
    let last = last_bytes(hub.subscribe("news"), shut_down);
    assert_eq!(last, "retry: 1000\n\n");
    // Nor is it that for a client that comes later.
    let last = last_bytes(hub.subscribe("news"), || ());
    assert_eq!(last, "retry: 1000\n\n");
}

#[test]
fn a_slow_client_that_is_disconnected_has_not_had_all_of_the_content() {
    let retention = Retention::new().max_events(1);
    let options = move |_: &str| TopicOptions::new().retention(retention);
    let hub = Hub::builder().topics(options).build();
    let subscribe = hub
        .subscribe("news")
        .slow_consumer(SlowConsumer::Disconnect);
    let fall_behind = || {
        publish(&hub, "news", "a");
        publish(&hub, "news", "b");
    };
    assert_eq!(last_bytes(subscribe, fall_behind), "");
}
