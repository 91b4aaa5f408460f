//! Wakers are code of the caller, and may use the hub: none is called under a lock.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use sse_hub::{
    Engine, EngineError, Event, Hub, Live, Page, Position, Presence, Span, TopicOptions,
};

use crate::without_deadlock;

/// A waker that does something with a hub.
struct Uses<F: Fn() + Send + Sync + 'static>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Uses<F> {
    fn wake(self: Arc<Self>) {
        self.0();
    }
}

/// Polls the stream, which has nothing yet, with a waker that calls `on_wake`.
fn wait(stream: Pin<&mut impl Stream>, on_wake: impl Fn() + Send + Sync + 'static) {
    let waker = Waker::from(Arc::new(Uses(on_wake)));
    let polled = stream.poll_next(&mut Context::from_waker(&waker));
    assert!(polled.is_pending(), "nothing yet");
}

#[test]
fn a_waker_of_a_watcher_may_use_the_topic() {
    without_deadlock(|| {
        let hub = Hub::new();
        let (woken, wakes) = mpsc::channel();
        let presence = hub.presence("room").now_or_never();
        let mut presence = pin!(presence.expect("at once").expect("presence"));
        let wait = |presence: Pin<&mut Presence>| {
            let (user, woken) = (hub.clone(), woken.clone());
            wait(presence, move || {
                woken.send(user.subscribers("room")).expect("a receiver");
            });
        };
        for _ in 0..2 {
            wait(presence.as_mut());
            let joined = hub.subscribe(["room"]).into_future().now_or_never();
            let joined = joined.expect("at once").expect("a subscription");
            assert_eq!(wakes.try_recv(), Ok(1));
            assert!(presence.next().now_or_never().is_some());

            wait(presence.as_mut());
            drop(joined);
            assert_eq!(wakes.try_recv(), Ok(0));
            assert!(presence.next().now_or_never().is_some());
        }
        assert!(wakes.try_recv().is_err(), "woken once for each change");
    });
}

#[test]
fn a_waker_that_publish_with_calls_may_take_a_snapshot_and_publish_with_the_hub() {
    without_deadlock(|| {
        let hub = Hub::builder()
            .topics(|_| TopicOptions::new().snapshot(|| Event::new().data("state")))
            .build();
        let subscribe = |hub: &Hub| {
            let subscription = hub.subscribe(["list"]).into_future().now_or_never();
            let mut subscription = subscription.expect("at once").expect("a subscription");
            // What there is until it waits: the snapshot.
            let mut pieces = 0;
            while subscription.next().now_or_never().is_some() {
                pieces += 1;
            }
            assert!(pieces > 0);
            subscription
        };
        let (woken, wakes) = mpsc::channel();
        let mut waiting = pin!(subscribe(&hub));
        let user = hub.clone();
        wait(waiting.as_mut(), move || {
            let fresh = subscribe(&user);
            user.publish_with("list", || "inner").expect("published");
            woken.send(fresh.id()).expect("a receiver");
        });
        hub.publish_with("list", || "outer").expect("published");
        assert!(wakes.try_recv().is_ok());
        assert_eq!(hub.metrics().published, 2);
    });
}

/// An empty engine that wakes the driver when a topic is closed.
#[derive(Debug, Default)]
struct WakesAtClose(Mutex<Option<Waker>>);

impl Engine for WakesAtClose {
    fn open(&self, _: &str) -> BoxFuture<'static, Result<Span, EngineError>> {
        Box::pin(async { Ok(Span::at(Position::OLDEST)) })
    }

    fn close(&self, _: &str) {
        let driver = self.0.lock().expect("no panic").take();
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    fn append(
        &self,
        _: &str,
        _: &[u8],
        _: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        Box::pin(async { Err(EngineError::Unavailable) })
    }

    fn read(&self, _: &str, _: Position) -> BoxFuture<'static, Result<Page, EngineError>> {
        Box::pin(async { Ok(Page::Last(Vec::new())) })
    }

    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Live> {
        *self.0.lock().expect("no panic") = Some(cx.waker().clone());
        Poll::Pending
    }

    fn mark_loss(
        &self,
        _: &str,
        _: Position,
        _: Position,
    ) -> BoxFuture<'static, Result<Option<Position>, EngineError>> {
        Box::pin(async { Ok(None) })
    }

    fn is_up(&self, _: &str) -> bool {
        true
    }
}

#[test]
fn a_waker_of_the_driver_that_an_engine_wakes_at_the_close_of_a_topic_may_use_the_hub() {
    without_deadlock(|| {
        let (hub, driver) = Hub::builder().engine(WakesAtClose::default()).build();
        let (woken, wakes) = mpsc::channel();
        let user = hub.clone();
        let waker = Waker::from(Arc::new(Uses(move || {
            let other = user.subscribe("other").into_future().now_or_never();
            drop(other.expect("at once").expect("a subscription"));
            woken.send(()).expect("a receiver");
        })));
        let mut driver = pin!(driver);
        let polled = driver.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        let subscription = hub.subscribe("news").into_future().now_or_never();
        drop(subscription.expect("at once").expect("a subscription"));
        assert_eq!(wakes.try_recv(), Ok(()));
    });
}
