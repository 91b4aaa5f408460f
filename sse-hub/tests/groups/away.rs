//! What happens to a group while it is away: its members leave, ask, or move, and its topic goes on.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use sse_hub::{Event, Hub, Retention, TopicOptions};
use tokio::sync::Notify;

use crate::line::{Client, group};
use crate::{client_with_handle, has_no_more, last_events, publish, read_themselves};

#[test]
fn one_that_comes_in_the_place_of_a_lost_member_gets_only_what_came_after_it() {
    let hub = Hub::new();
    let [mut first, lost, mut last] = group(&hub);
    publish(&hub, "a");
    drop(lost);
    let mut new = Client::of(&hub, 0);
    publish(&hub, "b");
    first.line.run_errand();
    // The new one is still away, whatever became of the other group.
    has_no_more(&mut new);
    let both = last_events(&hub, &["a", "b"]);
    for client in [&mut first, &mut last] {
        // What was under way is called off.
        assert_eq!(
            (client.received(), client.line.deliveries()),
            (String::new(), 0)
        );
        assert!(client.wakes() > 0);
        assert!(!client.run());
        assert_eq!(client.received(), both);
    }
    new.line.run_errand();
    assert_eq!(new.wakes(), 1);
    read_themselves(std::slice::from_mut(&mut new), &last_events(&hub, &["b"]));

    publish(&hub, "c");
    for client in [&first, &last, &new] {
        if client.line.has_errand() {
            client.line.run_errand();
        }
    }
    let expected = last_events(&hub, &["c"]);
    for client in [&mut first, &mut last, &mut new] {
        assert_eq!(client.received(), expected);
        has_no_more(client);
    }
}

#[test]
fn a_member_that_asks_while_its_group_is_away_is_woken_after_the_errand() {
    let hub = Hub::new();
    let leader = Client::of(&hub, 0);
    let (mut member, handle) = client_with_handle(&hub);
    publish(&hub, "a");
    handle.try_send(Event::new().comment("c")).expect("room");
    assert_eq!(member.wakes(), 1);
    assert!(!member.run());
    assert_eq!(member.received(), ": c\n\n");
    assert_eq!(member.wakes(), 0);
    leader.line.run_errand();
    let expected = last_events(&hub, &["a"]);
    assert_eq!(leader.received(), expected);
    assert_eq!(member.received(), expected);
    assert_eq!(member.wakes(), 1);
    assert!(!member.run());
    assert_eq!(member.received(), "");
}

#[test]
fn a_member_that_moves_to_another_task_while_its_group_is_away_is_woken_there() {
    let hub = Hub::new();
    let mut clients = group::<2>(&hub);
    publish(&hub, "a");
    clients[1].move_to_another_task();
    assert!(!clients[1].run());
    assert_eq!(clients[1].received(), "");
    clients[0].line.run_errand();
    let expected = last_events(&hub, &["a"]);
    assert_eq!(clients[0].received(), expected);
    assert_eq!(clients[1].wakes(), 1);
    read_themselves(&mut clients[1..], &expected);
}

#[test]
fn what_is_away_counts_as_undelivered_until_it_is_back() {
    let hub = Hub::new();
    let [leader, member, lost] = group(&hub);
    let metrics = || {
        let metrics = hub.topic_metrics("news").expect("in use");
        (metrics.delivered, metrics.lag, metrics.subscribers)
    };
    publish(&hub, "a");
    assert_eq!(metrics(), (0, 1, 3));
    leader.line.run_errand();
    assert_eq!(metrics(), (3, 0, 3));
    publish(&hub, "b");
    publish(&hub, "c");
    assert_eq!(metrics(), (3, 2, 3));
    drop(lost);
    assert_eq!(metrics(), (3, 2, 2));
    leader.line.run_errand();
    // They read for themselves.
    assert_eq!(metrics(), (3, 2, 2));
    for (mut client, after) in [(leader, (5, 2, 2)), (member, (7, 0, 1))] {
        assert!(!client.run());
        assert_eq!(metrics(), after);
    }
}

#[test]
fn one_that_is_not_served_any_more_gets_nothing_of_what_is_away() {
    let hub = Hub::new();
    let mut leader = Client::of(&hub, 0);
    let stop = Arc::new(Notify::new());
    let stopped = Arc::clone(&stop);
    let mut member = Client::new(0, |sse| {
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
    publish(&hub, "a");
    stop.notify_one();
    assert!(!member.run());
    leader.line.run_errand();
    assert_eq!(member.received(), "");
    assert!(leader.wakes() > 0);
    read_themselves(
        std::slice::from_mut(&mut leader),
        &last_events(&hub, &["a"]),
    );
    assert!(!member.run());
    assert_eq!(member.received(), "");
}

#[tokio::test]
async fn at_shutdown_a_group_that_is_away_gets_the_last_event_and_then_the_reconnection_time() {
    let hub = Hub::new();
    let mut clients = group::<2>(&hub);
    publish(&hub, "last");
    let expected = last_events(&hub, &["last"]) + "retry: 2000\n\n";
    let retry = Duration::from_secs(2)..=Duration::from_secs(2);
    let mut shutdown = Box::pin(hub.shutdown(Duration::from_secs(60), retry));
    assert!((&mut shutdown).now_or_never().is_none());
    clients[0].line.run_errand();
    for client in &mut clients {
        assert!(client.wakes() > 0);
        assert!(client.run(), "it has ended");
        assert_eq!(client.received(), expected);
        assert_eq!(client.line.deliveries(), 0);
    }
    assert_eq!(shutdown.await, 0);
}

#[tokio::test]
async fn a_shutdown_that_begins_during_an_errand_is_noticed_by_all() {
    let hub = Hub::new();
    let mut clients = group::<3>(&hub);
    let ending = hub.clone();
    clients[1].line.meanwhile(move || {
        let now = Duration::ZERO..=Duration::ZERO;
        let _ = ending.shutdown(Duration::from_secs(60), now).now_or_never();
    });
    publish(&hub, "last");
    let expected = last_events(&hub, &["last"]) + "retry: 0\n\n";
    clients[0].line.run_errand();
    for client in &mut clients {
        assert!(client.wakes() > 0);
        assert!(client.run(), "it has ended");
        assert_eq!(client.received(), expected);
        assert_eq!(client.line.deliveries(), 1);
    }
}

#[test]
fn what_is_published_during_an_errand_is_the_next_one() {
    let hub = Hub::new();
    let clients = group::<3>(&hub);
    let publisher = hub.clone();
    clients[1].line.meanwhile(move || publish(&publisher, "b"));
    publish(&hub, "a");
    for data in ["a", "b"] {
        clients[0].line.run_errand();
        let expected = last_events(&hub, &["a", "b"]);
        let event = expected
            .split_inclusive("\n\n")
            .find(|it| it.ends_with(&format!("data: {data}\n\n")));
        for client in &clients {
            assert_eq!(client.received(), event.expect("published"));
            assert_eq!(client.line.deliveries(), 1);
        }
    }
    assert!(clients.iter().all(|client| !client.line.has_errand()));
    assert_eq!(clients.each_ref().map(Client::wakes), [2, 0, 0]);
}

#[test]
fn one_that_leaves_after_it_was_delivered_to_is_no_member_any_more() {
    let hub = Hub::new();
    let [mut leader, lost, mut last] = group(&hub);
    last.line.meanwhile(move || drop(lost));
    publish(&hub, "a");
    leader.line.run_errand();
    let metrics = hub.topic_metrics("news").expect("in use");
    assert_eq!((metrics.delivered, metrics.subscribers), (1, 2));
    // The errand was called off before the last one had its turn.
    let expected = last_events(&hub, &["a"]);
    assert_eq!(leader.received(), expected);
    assert_eq!(last.wakes(), 1);
    read_themselves(std::slice::from_mut(&mut last), &expected);

    // This one is known to the topic by what the lost one was known by.
    let mut new = Client::of(&hub, 0);
    publish(&hub, "b");
    let before = hub.topic_metrics("news").expect("in use");
    leader.line.run_errand();
    let after = hub.topic_metrics("news").expect("in use");
    assert_eq!((after.delivered - before.delivered, after.lag), (3, 0));
    let expected = last_events(&hub, &["b"]);
    for client in [&mut leader, &mut last, &mut new] {
        assert_eq!(client.received(), expected);
        has_no_more(client);
    }
}

#[test]
fn a_panic_during_an_errand_leaves_nobody_behind() {
    let hub = Hub::new();
    let mut clients = group::<4>(&hub);
    clients[1].line.refuse(true);
    clients[2]
        .line
        .meanwhile(|| panic!("as a connection of somebody else's might"));
    publish(&hub, "a");
    let errand = AssertUnwindSafe(|| clients[0].line.run_errand());
    assert!(catch_unwind(errand).is_err());
    let expected = last_events(&hub, &["a"]);
    assert_eq!(clients[0].received(), expected);
    assert_eq!(clients.each_ref().map(Client::wakes), [1, 1, 1, 1]);
    clients[1].line.refuse(false);
    read_themselves(&mut clients[1..], &expected);

    publish(&hub, "b");
    clients[0].line.run_errand();
    let expected = last_events(&hub, &["b"]);
    assert_eq!(clients.each_ref().map(Client::received), [&*expected; 4]);
}

#[test]
fn a_topic_that_forgets_what_is_away_tells_of_the_gap() {
    let retention = Retention::new().max_events(1);
    let options = move |_: &str| TopicOptions::new().retention(retention);
    let hub = Hub::builder().topics(options).build();
    let mut clients = group::<2>(&hub);
    for data in ["a", "b", "c"] {
        publish(&hub, data);
    }
    clients[0].line.run_errand();
    assert_eq!(clients.each_ref().map(Client::wakes), [2, 1]);
    for client in &mut clients {
        assert!(!client.run());
        let received = client.received();
        assert!(received.contains("event: gap\n"), "{received:?}");
        assert!(received.contains("\"missed\":3"), "{received:?}");
        assert_eq!(client.line.deliveries(), 0);
    }
    publish(&hub, "d");
    clients[0].line.run_errand();
    let expected = last_events(&hub, &["d"]);
    assert_eq!(clients.each_ref().map(Client::received), [&*expected; 2]);
}

#[tokio::test]
async fn what_has_been_served_to_its_end_is_no_subscription_even_if_it_is_kept() {
    let hub = Hub::new();
    let mut client = Client::new(0, |sse| {
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
