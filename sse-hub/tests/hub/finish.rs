//! Topics that end: who gets what until then, and after that.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Event, Hub, PublishError, Retention, SubscribeError, TopicOptions};
use sse_hub_testing::served::Served;
use sse_session::Refusal as _;

use crate::{Client, publish, subscribe};

fn finish(hub: &Hub, topic: &str, data: &str) -> String {
    let position = hub.finish(topic, data).now().expect("finished");
    hub.id_of(topic, position)
}

fn is_refused(subscribed: Result<impl Sized, SubscribeError>) -> bool {
    matches!(subscribed, Err(SubscribeError::Finished))
}

#[tokio::test]
async fn subscribers_get_all_up_to_the_last_event_and_end() {
    let hub = Hub::new();
    let mut ready = subscribe(&hub, &["answer"], None).await;
    let mut slow = subscribe(&hub, &["answer"], None).await;
    publish(&hub, "answer", "one");
    assert_eq!(ready.data(), ["one"]);
    assert!(!ready.ended);
    publish(&hub, "answer", "two");
    finish(&hub, "answer", "done");
    for (client, all) in [
        (&mut ready, &["two", "done"][..]),
        (&mut slow, &["one", "two", "done"]),
    ] {
        assert_eq!(client.data(), all);
        assert!(client.ended);
    }
    let subscribers = (hub.subscribers("answer"), hub.metrics().published);
    assert_eq!(subscribers, (2, 3));
}

#[tokio::test]
async fn a_subscriber_that_waits_is_woken_and_its_stream_ends_in_order() {
    let hub = Hub::new();
    let mut client = Served::of(&hub);
    let id = finish(&hub, "news", "done");
    assert_eq!(client.wakes(), 1);
    // An incomplete one would be an error, at which `run` panics.
    assert!(client.run(), "it has ended");
    assert_eq!(client.received(), format!("data: done\nid: {id}\n\n"));
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_has_missed_and_then_no_content() {
    let hub = Hub::new();
    let first = publish(&hub, "answer", "one");
    publish(&hub, "answer", "two");
    let last = finish(&hub, "answer", "done");
    let mut client = subscribe(&hub, &["answer"], Some(&first)).await;
    assert_eq!(client.data(), ["two", "done"]);
    assert!(client.ended);
    assert_eq!(client.id(), last);
    drop(client);

    for resumed in [Some(&*last), None] {
        let opened = hub.subscribe("answer").resume(resumed).open().await;
        assert!(is_refused(opened));
        let error = hub.subscribe("answer").resume(resumed).await.map(drop);
        let error = error.expect_err("finished");
        assert_eq!(
            (error.status().as_u16(), error.retry_after_secs()),
            (204, None)
        );
    }
    let mut all = Client::new(hub.subscribe("answer").from_start().await.expect("begun"));
    assert_eq!(all.data(), ["one", "two", "done"]);
    assert!(all.ended);
    // An id that says nothing is a gap, after which there is nothing.
    let mut unknown = subscribe(&hub, &["answer"], Some("unknown")).await;
    assert_eq!(
        unknown.read()[0].gaps(),
        [("answer".into(), "unknown".into())]
    );
    assert!(unknown.ended);
}

#[tokio::test]
async fn an_opened_subscription_whose_id_comes_with_the_stream_ends_at_once() {
    let hub = Hub::new();
    finish(&hub, "answer", "done");
    let opened = hub
        .subscribe("answer")
        .open()
        .await
        .expect("the id may come");
    for subscribe in [opened, hub.subscribe("answer")] {
        let mut served = subscribe.serve(sse()).boxed();
        assert!(matches!((&mut served).now_or_never(), Some(Ok(()))));
    }
}

/// A handle of a stream.
fn sse() -> sse_session::Sse {
    let mut handle = None;
    let _ = sse_session::SseStream::new(&sse_session::SseOptions::new(), None, |sse| {
        handle = Some(sse);
        std::future::pending::<()>()
    });
    handle.expect("the handler was called")
}

#[tokio::test]
async fn nothing_follows_the_end_and_keys_make_it_repeatable() {
    let hub = Hub::new();
    let early = hub
        .publish("job", "1")
        .key("early")
        .await
        .expect("published");
    let end = hub
        .finish("job", "done")
        .key("end")
        .await
        .expect("finished");
    assert_eq!(
        hub.finish("job", "done").key("end").await.expect("again"),
        end
    );
    assert_eq!(
        hub.publish("job", "1").key("early").await.expect("again"),
        early
    );
    for refused in [
        hub.finish("job", "done").await,
        hub.finish("job", "done").key("other").await,
        hub.publish("job", "2").await,
        hub.publish_now("job", "2"),
        hub.publish_with("job", || "2"),
    ] {
        assert!(
            matches!(refused, Err(PublishError::Finished)),
            "{refused:?}"
        );
    }
    assert!(hub.is_finished("job").await.expect("opened"));
    assert!(!hub.is_finished("other").await.expect("opened"));
    let mut all = Client::new(hub.subscribe("job").from_start().await.expect("begun"));
    assert_eq!(all.data(), ["1", "done"]);
}

#[tokio::test]
async fn a_change_whose_event_cannot_be_published_after_the_end_is_not_made() {
    let hub = Hub::new();
    finish(&hub, "room", "done");
    let mut changes = 0;
    let refused = hub.publish_with("room", || {
        changes += 1;
        "change"
    });
    assert!(matches!(refused, Err(PublishError::Finished)));
    assert_eq!(changes, 0);
}

#[tokio::test]
async fn a_subscription_to_several_topics_ends_when_all_are_finished() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["a", "b"], None).await;
    finish(&hub, "a", "a ends");
    assert_eq!(client.data(), ["a ends"]);
    assert!(!client.ended);
    let id = client.id();
    publish(&hub, "b", "b goes on");
    assert_eq!(client.data(), ["b goes on"]);
    let mut resumed = subscribe(&hub, &["b", "a"], Some(&id)).await;
    assert_eq!(resumed.data(), ["b goes on"]);
    finish(&hub, "b", "b ends");
    for client in [&mut client, &mut resumed] {
        assert_eq!(client.data(), ["b ends"]);
        assert!(client.ended);
    }
    let id = client.id();
    assert!(is_refused(
        hub.subscribe(["a", "b"]).resume(Some(&id)).open().await
    ));
    // The id has nothing of the third one.
    let mut more = subscribe(&hub, &["a", "b", "c"], Some(&id)).await;
    publish(&hub, "c", "c");
    assert_eq!(more.data(), ["c"]);
    assert!(!more.ended);
}

#[tokio::test(start_paused = true)]
async fn a_name_can_be_used_anew_when_the_last_event_is_too_old() {
    const MAX_AGE: Duration = Duration::from_secs(60);
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().retention(Retention::new().max_age(MAX_AGE)))
        .build();
    let before = publish(&hub, "job", "0");
    let mut ended = subscribe(&hub, &["job"], Some(&before)).await;
    let mut behind = subscribe(&hub, &["job"], Some(&before)).await;
    let last = finish(&hub, "job", "done");
    assert_eq!(
        ended.subscription.next().await.map(|it| it.is_ok()),
        Some(true)
    );
    assert!(ended.subscription.next().await.expect("the event").is_ok());
    behind
        .subscription
        .next()
        .await
        .expect("the opening")
        .expect("no error");
    tokio::time::advance(MAX_AGE).await;
    assert!(!hub.is_finished("job").await.expect("opened"));
    publish(&hub, "job", "another life");
    assert_eq!(ended.data(), [""; 0]);
    assert!(ended.ended, "it had everything");
    let events = behind.read();
    assert_eq!(events[0].gaps(), [("job".into(), "slow".into())]);
    assert_eq!(events[1].data, "another life");
    assert!(!behind.ended);
    let mut resumed = subscribe(&hub, &["job"], Some(&last)).await;
    assert_eq!(resumed.data(), ["another life"]);
    finish(&hub, "job", "done again");
    assert_eq!(resumed.data(), ["done again"]);
    assert!(resumed.ended);
    drop((ended, behind, resumed));
    tokio::time::advance(MAX_AGE).await;
    hub.sweep();
    assert_eq!(hub.topic_metrics("job"), None);
}

#[tokio::test]
async fn a_finished_topic_with_a_state_is_begun_with_the_state() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().snapshot(|| Event::new().event("state").data("all")))
        .build();
    let last = finish(&hub, "room", "done");
    let mut fresh = subscribe(&hub, &["room"], None).await;
    assert_eq!(fresh.data(), ["all"]);
    assert!(fresh.ended);
    for id in [&last, &fresh.id()] {
        assert!(is_refused(
            hub.subscribe("room").resume(Some(id)).open().await
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_a_finished_topic_are_gone_with_it() {
    let retention = Retention::new().max_age(Duration::from_secs(1));
    let hub = Hub::builder()
        .topics(move |_| TopicOptions::new().retention(retention))
        .build();
    for text in ["first", "second"] {
        let mut client = subscribe(&hub, &["job"], None).await;
        let done = hub.finish("job", text).key("done").await;
        done.expect("finished");
        // Safe to repeat, as long as it is there.
        let again = hub.finish("job", text).key("done").await;
        again.expect("the same");
        assert_eq!(client.data(), [text]);
        assert!(client.ended);
        drop(client);
        tokio::time::advance(Duration::from_secs(2)).await;
    }
}
