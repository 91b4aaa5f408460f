//! Delivery in groups, step by step: who gets which bytes past its task, and who is woken to read
//! for itself.

mod away;
#[path = "../engine/engine.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod engine;
mod line;
mod lost;

use futures_util::{FutureExt as _, StreamExt as _};
use line::{Client, group, run_errands};
use sse_hub::Hub;
use sse_session::Sse;

/// A client with another handle to its stream.
fn client_with_handle(hub: &Hub) -> (Client, Sse) {
    let mut handle = None;
    let client = Client::new(0, |sse| {
        handle = Some(sse.clone());
        hub.subscribe(["news"]).serve(sse)
    });
    (client, handle.expect("a handle"))
}

fn publish(hub: &Hub, data: &str) {
    hub.publish_now("news", data).expect("published");
}

/// The bytes of the events that were published last, as one that reads all by itself gets them.
fn last_events(hub: &Hub, data: &[&str]) -> String {
    let all = hub
        .subscribe(["news"])
        .from_start()
        .into_future()
        .now_or_never();
    let mut all = all.expect("at once").expect("subscribed");
    let mut bytes = Vec::new();
    while let Some(Some(piece)) = all.next().now_or_never() {
        bytes.extend_from_slice(&piece.expect("no error"));
    }
    let text = String::from_utf8(bytes).expect("UTF-8");
    let events: Vec<_> = text.split_inclusive("\n\n").collect();
    let events = &events[events.len() - data.len()..];
    for (event, data) in events.iter().zip(data) {
        assert!(event.starts_with("id: "), "{event:?}");
        assert!(event.ends_with(&format!("\ndata: {data}\n\n")), "{event:?}");
    }
    events.concat()
}

/// Those who are woken read for themselves, each once.
fn read_themselves(clients: &mut [Client], expected: &str) {
    for client in clients {
        assert_eq!(client.received(), "");
        assert!(!client.run());
        assert_eq!(client.received(), expected);
        assert_eq!(client.line.deliveries(), 0);
        assert!(!client.run());
        assert_eq!(client.received(), "");
    }
}

/// For a client there is nothing, even if it asks anew: it is where it is thought to be.
fn has_no_more(client: &mut Client) {
    client.move_to_another_task();
    assert!(!client.run());
    assert_eq!(client.received(), "");
}

#[test]
fn an_errand_brings_all_members_the_event_and_wakes_only_the_leader() {
    let hub = Hub::new();
    let mut clients = group::<3>(&hub);
    for data in ["a", "b"] {
        publish(&hub, data);
        let errands = clients.each_ref().map(|it| it.line.has_errand());
        assert_eq!(errands, [true, false, false]);
        clients[0].line.run_errand();
        let expected = last_events(&hub, &[data]);
        for client in &clients {
            assert_eq!(client.received(), expected);
            assert_eq!(client.line.deliveries(), 1);
        }
        assert_eq!(clients.each_ref().map(Client::wakes), [1, 0, 0]);
    }
    for client in &mut clients {
        has_no_more(client);
    }
}

#[test]
fn a_subscription_that_was_awaited_before_is_grouped_as_well() {
    let hub = Hub::new();
    let clients: [_; 2] = std::array::from_fn(|_| {
        let subscription = hub.subscribe(["news"]).into_future().now_or_never();
        let subscription = subscription.expect("at once").expect("subscribed");
        Client::new(0, |sse| subscription.serve(sse))
    });
    publish(&hub, "a");
    clients[0].line.run_errand();
    let expected = last_events(&hub, &["a"]);
    assert_eq!(clients.each_ref().map(Client::received), [&*expected; 2]);
    assert_eq!(clients.each_ref().map(Client::wakes), [1, 0]);
}

#[test]
fn of_an_errand_dropped_undone_all_are_woken() {
    let hub = Hub::new();
    let mut clients = group::<2>(&hub);
    publish(&hub, "a");
    clients[0].line.drop_errand();
    // The leader was woken for its errand before.
    assert_eq!(clients.each_ref().map(Client::wakes), [2, 1]);
    read_themselves(&mut clients, &last_events(&hub, &["a"]));
    // They have joined a group again.
    publish(&hub, "b");
    clients[0].line.run_errand();
    let expected = last_events(&hub, &["b"]);
    assert_eq!(clients.each_ref().map(Client::received), [&*expected; 2]);
}

#[test]
fn a_late_errand_delivers_all_there_is_at_once() {
    let hub = Hub::new();
    let clients = group::<2>(&hub);
    for data in ["a", "b", "c"] {
        publish(&hub, data);
    }
    assert!(!clients[1].line.has_errand());
    clients[0].line.run_errand();
    let expected = last_events(&hub, &["a", "b", "c"]);
    for client in &clients {
        assert_eq!(client.received(), expected);
        assert_eq!(client.line.deliveries(), 1);
        assert!(!client.line.has_errand());
    }
    assert_eq!(clients.each_ref().map(Client::wakes), [1, 0]);
}

#[test]
fn a_member_that_refuses_reads_for_itself_and_joins_again() {
    let hub = Hub::new();
    let mut clients = group::<3>(&hub);
    clients[1].line.refuse(true);
    publish(&hub, "a");
    clients[0].line.run_errand();
    let expected = last_events(&hub, &["a"]);
    assert_eq!(clients[0].received(), expected);
    assert_eq!(clients[2].received(), expected);
    assert_eq!(clients.each_ref().map(Client::wakes), [1, 1, 0]);
    read_themselves(&mut clients[1..2], &expected);

    clients[1].line.refuse(false);
    publish(&hub, "b");
    clients[0].line.run_errand();
    let expected = last_events(&hub, &["b"]);
    assert_eq!(clients.each_ref().map(Client::received), [&*expected; 3]);
    assert_eq!(clients.each_ref().map(Client::wakes), [1, 0, 0]);
}

#[test]
fn of_a_large_piece_all_are_woken() {
    let hub = Hub::new();
    let mut clients = group::<2>(&hub);
    let large = "x".repeat(4096);
    publish(&hub, &large);
    clients[0].line.run_errand();
    assert_eq!(clients.each_ref().map(Client::wakes), [2, 1]);
    read_themselves(&mut clients, &last_events(&hub, &[&large]));
}

#[test]
fn an_errand_is_only_for_those_who_have_their_home_in_common() {
    let hub = Hub::new();
    let clients = [0, 1, 0].map(|home| Client::of(&hub, home));
    publish(&hub, "a");
    let errands = clients.each_ref().map(|it| it.line.has_errand());
    assert_eq!(errands, [true, true, false]);
    let expected = last_events(&hub, &["a"]);
    clients[0].line.run_errand();
    let received = clients.each_ref().map(Client::received);
    assert_eq!(received, [&*expected, "", &*expected]);
    clients[1].line.run_errand();
    let received = clients.each_ref().map(Client::received);
    assert_eq!(received, ["", &*expected, ""]);
    assert_eq!(clients.each_ref().map(Client::wakes), [1, 1, 0]);
}

#[test]
fn where_nobody_is_at_rest_all_are_woken() {
    let hub = Hub::new();
    let mut clients = group::<2>(&hub);
    for client in &clients {
        client.line.stir();
    }
    publish(&hub, "a");
    assert!(clients.iter().all(|client| !client.line.has_errand()));
    assert_eq!(clients.each_ref().map(Client::wakes), [1, 1]);
    read_themselves(&mut clients, &last_events(&hub, &["a"]));
}

#[test]
fn subscriptions_to_several_topics_are_not_grouped() {
    let hub = Hub::new();
    let serve = |sse| hub.subscribe(["news", "weather"]).serve(sse);
    let mut clients = [Client::new(0, serve), Client::new(0, serve)];
    publish(&hub, "a");
    assert!(clients.iter().all(|client| !client.line.has_errand()));
    assert_eq!(clients.each_ref().map(Client::wakes), [1, 1]);
    for client in &mut clients {
        assert!(!client.run());
        let received = client.received();
        assert!(received.starts_with("id: "), "{received:?}");
        assert!(received.ends_with("\ndata: a\n\n"), "{received:?}");
        assert_eq!(client.line.deliveries(), 0);
    }
}

#[test]
fn a_full_group_that_loses_a_member_has_room_for_one() {
    let hub = Hub::new();
    let mut clients: Vec<_> = (0..32).map(|_| Client::of(&hub, 0)).collect();
    clients.remove(7);
    clients.push(Client::of(&hub, 0));
    publish(&hub, "a");
    assert_eq!(run_errands(&clients), 1);
    clients.push(Client::of(&hub, 0));
    publish(&hub, "b");
    assert_eq!(run_errands(&clients), 2);
}

#[test]
fn groups_that_have_shrunk_become_one() {
    let hub = Hub::new();
    let mut clients: Vec<_> = (0..64).map(|_| Client::of(&hub, 0)).collect();
    publish(&hub, "a");
    assert_eq!(run_errands(&clients), 2);
    // 12 of each are left.
    clients.truncate(32 + 12);
    clients.drain(12..32);
    publish(&hub, "b");
    assert_eq!(run_errands(&clients), 2);
    publish(&hub, "c");
    assert_eq!(run_errands(&clients), 1);
    // There is room for 8 more.
    clients.extend((0..9).map(|_| Client::of(&hub, 0)));
    publish(&hub, "d");
    assert_eq!(run_errands(&clients), 2);
    let expected = last_events(&hub, &["a", "b", "c", "d"]);
    let since_d = last_events(&hub, &["d"]);
    for (index, client) in clients.iter().enumerate() {
        let expected = if index < 24 { &expected } else { &since_d };
        assert_eq!(client.received(), *expected);
    }
}
