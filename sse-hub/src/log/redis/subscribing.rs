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

/// The live connection, of the type `C`, and the calls on it.
pub(super) struct Subscribing<C> {
    state: Mutex<State<C>>,
    is_wanted: Notify,
}

struct State<C> {
    /// While there is one. Without it, no opening waits: the next one is subscribed to all topics in use.
    live: Option<C>,
    single: usize,
    waiting: Vec<Wanted>,
}

/// A topic whose channel is to be subscribed to, and the opening that waits for that.
pub(super) struct Wanted {
    pub(super) topic: String,
    subscribed: oneshot::Sender<Subscribed>,
}

/// How a channel is subscribed to.
pub(super) enum Turn<'a, C> {
    /// By the next connection, as there is none.
    Later,
    /// By a call of its own, on this connection.
    Single(C, Single<'a, C>),
    /// By the supervisor. An error means that it is gone.
    Waits(oneshot::Receiver<Subscribed>),
}

/// A call for one channel, which ends when this is dropped.
pub(super) struct Single<'a, C>(&'a Subscribing<C>);

impl<C> Default for Subscribing<C> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                live: None,
                single: 0,
                waiting: Vec::new(),
            }),
            is_wanted: Notify::new(),
        }
    }
}

impl<C: Clone> Subscribing<C> {
    /// Begins or ends the time of a live connection. At its end, all that wait go on without it.
    pub(super) fn set_live(&self, live: Option<C>) {
        let mut state = self.state();
        let before = std::mem::replace(&mut state.live, live);
        let left = match state.live {
            Some(_) => Vec::new(),
            None => std::mem::take(&mut state.waiting),
        };
        // Not under the lock.
        drop(state);
        drop(before);
        Wanted::answer(left, &Ok(()));
    }

    pub(super) fn is_live(&self) -> bool {
        self.state().live.is_some()
    }

    /// Decides how the channel of a topic is subscribed to.
    pub(super) fn enter(&self, topic: &str) -> Turn<'_, C> {
        let mut state = self.state();
        let Some(live) = &state.live else {
            return Turn::Later;
        };
        if state.waiting.is_empty() && state.single < MAX_SINGLE {
            let live = live.clone();
            state.single += 1;
            return Turn::Single(live, Single(self));
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
}

impl<C> Subscribing<C> {
    fn state(&self) -> MutexGuard<'_, State<C>> {
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

impl<C> Drop for Single<'_, C> {
    fn drop(&mut self) {
        self.0.state().single -= 1;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn live() -> Subscribing<u8> {
        let subscribing = Subscribing::default();
        subscribing.set_live(Some(1));
        subscribing
    }

    fn single<'a>(subscribing: &'a Subscribing<u8>, topic: &str) -> Single<'a, u8> {
        match subscribing.enter(topic) {
            Turn::Single(1, single) => single,
            _ => panic!("it makes no call of its own"),
        }
    }

    fn wait(subscribing: &Subscribing<u8>, topic: &str) -> oneshot::Receiver<Subscribed> {
        match subscribing.enter(topic) {
            Turn::Waits(subscribed) => subscribed,
            _ => panic!("it does not wait"),
        }
    }

    #[test]
    fn few_make_calls_of_their_own_and_all_others_share_one() {
        let subscribing = live();
        let singles: Vec<_> = (0..MAX_SINGLE).map(|_| single(&subscribing, "a")).collect();
        assert!(subscribing.wanted().now_or_never().is_none());
        let (mut first, given_up) = (wait(&subscribing, "b"), wait(&subscribing, "c"));
        drop(singles);
        let mut second = wait(&subscribing, "d");
        drop(given_up);
        let wanted = subscribing.wanted().now_or_never().expect("some wait");
        let topics: Vec<_> = wanted.iter().map(|wanted| &*wanted.topic).collect();
        assert_eq!(topics, ["b", "d"]);
        assert!(first.try_recv().is_err());
        Wanted::answer(wanted, &Ok(()));
        assert!(matches!(first.try_recv(), Ok(Ok(()))));
        assert!(matches!(second.try_recv(), Ok(Ok(()))));
        drop(single(&subscribing, "e"));
    }

    #[test]
    fn without_a_connection_none_waits_nor_begins_to() {
        let subscribing = live();
        let _singles: Vec<_> = (0..MAX_SINGLE).map(|_| single(&subscribing, "a")).collect();
        let mut waits = wait(&subscribing, "b");
        subscribing.set_live(None);
        assert!(matches!(waits.try_recv(), Ok(Ok(()))));
        // A connection whose subscriptions fail ends as well, with those that it let wait.
        assert!(matches!(subscribing.enter("c"), Turn::Later));
        subscribing.set_live(Some(1));
        let mut waits = wait(&subscribing, "c");
        subscribing.set_live(None);
        assert!(matches!(waits.try_recv(), Ok(Ok(()))));
        assert!(!subscribing.is_live());
    }
}
