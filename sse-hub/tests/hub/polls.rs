//! Futures and streams that are polled after they have completed.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Event, EventError, Hub, PublishError, TopicOptions};

use crate::subscribe;
use sse_hub_testing::served::Served;

#[tokio::test]
async fn a_publish_that_is_polled_after_an_error_appends_nothing() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    let cx = &mut Context::from_waker(Waker::noop());
    for refused in [
        hub.publish("news", Event::new().id("7").data("x")),
        hub.publish("news", Event::new()),
        hub.publish("news", "x").key(""),
    ] {
        let mut refused = pin!(refused);
        assert!(matches!(refused.as_mut().poll(cx), Poll::Ready(Err(_))));
        for _ in 0..2 {
            assert!(refused.as_mut().poll(cx).is_pending());
        }
    }
    assert_eq!(hub.metrics().published, 0);
    hub.publish("news", "one").await.expect("published");
    hub.publish("news", "two").await.expect("published");
    assert_eq!(client.data(), ["one", "two"]);
}

#[tokio::test]
async fn a_publish_that_is_polled_after_it_has_published_appends_nothing() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    let cx = &mut Context::from_waker(Waker::noop());
    let mut publish = pin!(hub.publish("news", "one"));
    assert!(matches!(publish.as_mut().poll(cx), Poll::Ready(Ok(_))));
    assert!(publish.as_mut().poll(cx).is_pending());
    assert_eq!(client.data(), ["one"]);
    assert_eq!(hub.metrics().published, 1);
}

#[test]
fn a_publish_that_has_completed_does_not_publish_without_waiting() {
    let hub = Hub::new();
    let mut publish = Box::pin(hub.publish("news", "one"));
    assert!((&mut publish).now_or_never().is_some_and(|it| it.is_ok()));
    let again = std::pin::Pin::into_inner(publish).now();
    assert!(matches!(again, Err(PublishError::WouldWait)), "{again:?}");
    assert_eq!(hub.metrics().published, 1);
}

#[tokio::test]
async fn a_subscription_stays_at_its_end_after_an_error() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().snapshot(|| Event::new().id("own").data("x")))
        .build();
    let mut news = hub.subscribe(["news"]).await.expect("a subscription");
    let error = news.next().await.expect("an error").expect_err("an error");
    let sse_hub::SubscriptionError::Snapshot(EventError::OwnId) = error else {
        panic!("{error:?}");
    };
    hub.publish_now("news", "x").expect("published");
    for _ in 0..3 {
        assert!(news.next().now_or_never().is_some_and(|it| it.is_none()));
    }
}

#[tokio::test]
async fn a_subscription_stays_at_its_end_after_a_shutdown() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    let retry = Duration::ZERO..=Duration::ZERO;
    assert!(hub.shutdown(Duration::MAX, retry).now_or_never().is_none());
    assert_eq!(client.read(), []);
    assert!(client.ended);
    let subscription = &mut client.subscription;
    for _ in 0..3 {
        let next = subscription.next().now_or_never();
        assert!(next.is_some_and(|next| next.is_none()));
    }
}

#[test]
fn what_has_been_served_to_an_error_is_over() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().snapshot(|| Event::new().id("own").data("x")))
        .build();
    let (sender, receiver) = std::sync::mpsc::channel();
    let _client = Served::new(|sse| {
        let mut served = Box::pin(hub.subscribe(["news"]).serve(sse.clone()));
        async move {
            // The stream stays open.
            let _sse = sse;
            for _ in 0..3 {
                let result = (&mut served).await;
                sender.send(result.is_err()).expect("the test is there");
            }
            std::future::pending().await
        }
    });
    assert_eq!(
        receiver.try_iter().collect::<Vec<_>>(),
        [true, false, false]
    );
    assert_eq!(hub.subscribers("news"), 0);
}
