//! The queue from the live connection to the hub, bounded by number and by bytes.
//!
//! The connection's task must not wait, so an entry for which there is no room is dropped, and the
//! queue yields an interruption when it is empty.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use redis::PushInfo;
use tokio::sync::mpsc;

use crate::log::redis::keys::Keys;
use crate::log::redis::message;
use crate::log::{Live, LiveEntry};

/// How many entries may wait.
const MAX_ENTRIES: usize = 64 * 1024;

/// How many bytes the entries may have; one more entry is accepted whatever its length.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The end into which entries are put.
#[derive(Clone, Debug)]
pub(super) struct Inbox {
    sender: mpsc::Sender<LiveEntry>,
    state: Arc<State>,
}

/// The end from which they are taken.
pub(super) struct Outlet {
    receiver: mpsc::Receiver<LiveEntry>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: AtomicUsize,
    was_interrupted: AtomicBool,
    /// Whether an interruption comes before all else.
    is_interruption_first: AtomicBool,
    waker: AtomicWaker,
}

pub(super) fn queue() -> (Inbox, Outlet) {
    let (sender, receiver) = mpsc::channel(MAX_ENTRIES);
    let state = Arc::new(State::default());
    let outlet = Outlet {
        receiver,
        state: Arc::clone(&state),
    };
    (Inbox { sender, state }, outlet)
}

impl Inbox {
    /// Puts in the entries of a message of a topic's channel.
    pub(super) fn put(&self, keys: &Keys, push: PushInfo) {
        match message::parse(keys, push) {
            Some(message) => message.for_each(|entry| self.put_entry(entry)),
            None => tracing::debug!("message without entries ignored"),
        }
    }

    fn put_entry(&self, entry: LiveEntry) {
        let len = entry.event_len();
        let has_room = self.state.bytes.fetch_add(len, Ordering::AcqRel) < MAX_BYTES;
        if !has_room || self.sender.try_send(entry).is_err() {
            self.state.bytes.fetch_sub(len, Ordering::AcqRel);
            self.interrupt();
        }
    }

    /// Notes that entries may be missing.
    pub(super) fn interrupt(&self) {
        self.state.was_interrupted.store(true, Ordering::Release);
        self.state.waker.wake();
    }

    /// Notes that what was answered before may be lost. What is answered from now on may hide that, so
    /// this does not wait until the entries in the queue are taken.
    pub(super) fn interrupt_first(&self) {
        self.state
            .is_interruption_first
            .store(true, Ordering::Release);
        self.state.waker.wake();
    }
}

impl Outlet {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Live> {
        self.state.waker.register(cx.waker());
        let first = &self.state.is_interruption_first;
        if first.load(Ordering::Relaxed) && first.swap(false, Ordering::AcqRel) {
            return Poll::Ready(Live::Interrupted);
        }
        // Whatever the task's budget: otherwise it would be used up by a full queue, and what else the
        // driver polls would not go on.
        let received = std::future::poll_fn(|cx| self.receiver.poll_recv(cx));
        match pin!(tokio::task::unconstrained(received)).poll(cx) {
            Poll::Ready(Some(entry)) => {
                let len = entry.event_len();
                self.state.bytes.fetch_sub(len, Ordering::AcqRel);
                return Poll::Ready(Live::Entry(entry));
            }
            Poll::Ready(None) | Poll::Pending => {}
        }
        // Only after everything that has arrived was taken: what is read then is newer.
        if self.state.was_interrupted.swap(false, Ordering::AcqRel) {
            return Poll::Ready(Live::Interrupted);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker;

    use super::*;
    use crate::log::redis::message::tests::message;

    #[test]
    fn an_interruption_that_is_first_comes_before_the_entries_in_the_queue() {
        let keys = Keys::new("sse", 0).expect("no braces");
        let (inbox, mut outlet) = queue();
        inbox.put(&keys, message(&keys.channel("a"), "5-0 5-1\ndata: x\n\n"));
        inbox.interrupt_first();
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        let first = outlet.poll(&mut cx);
        assert!(matches!(first, Poll::Ready(Live::Interrupted)));
        assert!(matches!(outlet.poll(&mut cx), Poll::Ready(Live::Entry(_))));
        assert!(outlet.poll(&mut cx).is_pending());
    }

    #[test]
    fn a_dropped_entry_is_an_interruption_when_the_queue_is_empty() {
        let keys = Keys::new("sse", 0).expect("no braces");
        let (inbox, mut outlet) = queue();
        for number in 0..MAX_ENTRIES + 1 {
            let payload = format!("5-{number} 5-{}\ndata: x\n\n", number + 1);
            inbox.put(&keys, message(&keys.channel("a"), &payload));
        }
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        for _ in 0..MAX_ENTRIES {
            let live = outlet.poll(&mut cx);
            assert!(matches!(live, Poll::Ready(Live::Entry(_))));
        }
        assert!(matches!(
            outlet.poll(&mut cx),
            Poll::Ready(Live::Interrupted)
        ));
        assert!(outlet.poll(&mut cx).is_pending());
        assert_eq!(outlet.state.bytes.load(Ordering::Relaxed), 0);
    }
}
