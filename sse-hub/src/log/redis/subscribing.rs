//! The channels that are to be subscribed to, so that many of them share a call.
//!
//! While only few calls are under way, the opening of a topic makes its own, which takes no waiting.
//! Otherwise the supervisor subscribes to all that wait, with one call. That depends on no opening: the
//! future of one may be kept without being polled.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::log::redis::error::CommandError;

/// How many calls for one channel may be under way.
const MAX_SINGLE: usize = 4;

type Subscribed = Result<(), CommandError>;

#[derive(Default)]
pub(super) struct Subscribing {
    state: Mutex<State>,
    is_wanted: Notify,
}

#[derive(Default)]
struct State {
    single: usize,
    waiting: Vec<Wanted>,
}

/// A topic whose channel is to be subscribed to, and the opening that waits for that.
pub(super) struct Wanted {
    pub(super) topic: String,
    subscribed: oneshot::Sender<Subscribed>,
}

/// How a channel is subscribed to.
pub(super) enum Turn<'a> {
    /// By a call of its own.
    Single(Single<'a>),
    /// By the supervisor. An error means that it is gone.
    Waits(oneshot::Receiver<Subscribed>),
}

/// A call for one channel, which ends when this is dropped.
pub(super) struct Single<'a>(&'a Subscribing);

impl Subscribing {
    /// Decides how the channel of a topic is subscribed to.
    pub(super) fn enter(&self, topic: &str) -> Turn<'_> {
        let mut state = self.state();
        if state.waiting.is_empty() && state.single < MAX_SINGLE {
            state.single += 1;
            return Turn::Single(Single(self));
        }
        let (sender, subscribed) = oneshot::channel();
        state.waiting.push(Wanted {
            topic: topic.to_owned(),
            subscribed: sender,
        });
        drop(state);
        self.is_wanted.notify_one();
        Turn::Waits(subscribed)
    }

    /// Waits until channels are to be subscribed to, and takes them.
    pub(super) async fn wanted(&self) -> Vec<Wanted> {
        loop {
            let mut wanted = std::mem::take(&mut self.state().waiting);
            // The topic of an opening that was given up may be unsubscribed from already.
            wanted.retain(|wanted| !wanted.subscribed.is_closed());
            if !wanted.is_empty() {
                return wanted;
            }
            self.is_wanted.notified().await;
        }
    }

    /// Lets all that wait go on without a connection: the next one is subscribed to all topics in use.
    pub(super) fn leave_to_next(&self) {
        let waiting = std::mem::take(&mut self.state().waiting);
        Wanted::answer(waiting, &Ok(()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    /// Answers all that wait.
    pub(super) fn answer(wanted: impl IntoIterator<Item = Self>, subscribed: &Subscribed) {
        for wanted in wanted {
            // The opening may have been given up.
            let _ = wanted.subscribed.send(subscribed.clone());
        }
    }
}

impl Drop for Single<'_> {
    fn drop(&mut self) {
        self.0.state().single -= 1;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn wait(subscribing: &Subscribing, topic: &str) -> oneshot::Receiver<Subscribed> {
        match subscribing.enter(topic) {
            Turn::Waits(subscribed) => subscribed,
            Turn::Single(_) => panic!("it does not wait"),
        }
    }

    #[test]
    fn few_make_calls_of_their_own_and_all_others_share_one() {
        let subscribing = Subscribing::default();
        let single: Vec<_> = (0..MAX_SINGLE).map(|_| subscribing.enter("a")).collect();
        assert!(single.iter().all(|turn| matches!(turn, Turn::Single(_))));
        assert!(subscribing.wanted().now_or_never().is_none());
        let (mut first, given_up) = (wait(&subscribing, "b"), wait(&subscribing, "c"));
        drop(single);
        let mut second = wait(&subscribing, "d");
        drop(given_up);
        let wanted = subscribing.wanted().now_or_never().expect("some wait");
        let topics: Vec<_> = wanted.iter().map(|wanted| &*wanted.topic).collect();
        assert_eq!(topics, ["b", "d"]);
        assert!(first.try_recv().is_err());
        Wanted::answer(wanted, &Ok(()));
        assert!(matches!(first.try_recv(), Ok(Ok(()))));
        assert!(matches!(second.try_recv(), Ok(Ok(()))));
        assert!(matches!(subscribing.enter("e"), Turn::Single(_)));
    }

    #[test]
    fn without_a_connection_none_waits() {
        let subscribing = Subscribing::default();
        let _single: Vec<_> = (0..MAX_SINGLE).map(|_| subscribing.enter("a")).collect();
        let mut waits = wait(&subscribing, "b");
        subscribing.leave_to_next();
        assert!(matches!(waits.try_recv(), Ok(Ok(()))));
    }
}
