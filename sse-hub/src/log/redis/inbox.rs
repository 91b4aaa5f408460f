//! The queue from the live connection to the hub, bounded by number and by bytes.
//!
//! The connection's task must not wait, so an entry for which there is no room is dropped, and the
//! queue yields an interruption when it is empty.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::mpsc;

use crate::log::redis::entry_id;
use crate::log::redis::keys::Keys;
use crate::log::{Entry, Live, LiveEntry};

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
    /// Puts in the entry of a message of a topic's channel.
    pub(super) fn put(&self, keys: &Keys, push: PushInfo) {
        match entry(keys, push) {
            Some(entry) => self.put_entry(entry),
            None => tracing::debug!("message without an entry ignored"),
        }
    }

    fn put_entry(&self, entry: LiveEntry) {
        let len = len(&entry);
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
}

impl Outlet {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Live> {
        self.state.waker.register(cx.waker());
        match self.receiver.poll_recv(cx) {
            Poll::Ready(Some(entry)) => {
                let len = len(&entry);
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

    /// Takes an entry, for tests.
    #[cfg(test)]
    fn take(&mut self) -> Result<LiveEntry, mpsc::error::TryRecvError> {
        self.receiver.try_recv()
    }
}

/// Parses the entry in a message: its id, the id of its predecessor, and the event, with spaces
/// between them.
fn entry(keys: &Keys, push: PushInfo) -> Option<LiveEntry> {
    if push.kind != PushKind::Message {
        return None;
    }
    let mut parts = push.data.into_iter();
    let (Value::BulkString(channel), Value::BulkString(payload)) = (parts.next()?, parts.next()?)
    else {
        return None;
    };
    let topic = keys.topic_of(&channel)?;
    let mut spaces = memchr::memchr_iter(b' ', &payload);
    let (first, second) = (spaces.next()?, spaces.next()?);
    let position = entry_id::parse(payload.get(..first)?)?;
    let predecessor = entry_id::parse(payload.get(first + 1..second)?)?;
    let event = Entry::Event(Bytes::from(payload).slice(second + 1..));
    Some(LiveEntry::new(topic, predecessor, position, event))
}

fn len(entry: &LiveEntry) -> usize {
    match &entry.entry {
        Entry::Event(event) => event.len(),
        Entry::Loss => 0,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker;

    use super::*;
    use crate::position::Position;

    fn message(channel: &str, payload: &str) -> PushInfo {
        PushInfo {
            kind: PushKind::Message,
            data: vec![
                Value::BulkString(channel.into()),
                Value::BulkString(payload.into()),
            ],
        }
    }

    #[test]
    fn a_message_is_an_entry_with_its_predecessor() {
        let keys = Keys::new("sse", 0).expect("no braces");
        let (inbox, mut outlet) = queue();
        let channel = keys.channel("a");
        for invalid in ["", "5-1", "5-1 5-0", "5-1 x data: y\n\n", "5 5-0 z"] {
            inbox.put(&keys, message(&channel, invalid));
        }
        inbox.put(&keys, message("elsewhere", "5-1 5-0 data: x\n\n"));
        inbox.put(&keys, message(&channel, "5-1 4-7 data: x y\n\n"));
        let entry = outlet.take().expect("an entry");
        assert_eq!(entry.topic, "a");
        assert_eq!(entry.position, Position::new(5, 1));
        assert_eq!(entry.predecessor, Position::new(4, 7));
        assert_eq!(entry.entry, Entry::Event("data: x y\n\n".into()));
        assert!(outlet.take().is_err());
    }

    #[test]
    fn a_dropped_entry_is_an_interruption_when_the_queue_is_empty() {
        let keys = Keys::new("sse", 0).expect("no braces");
        let (inbox, mut outlet) = queue();
        for number in 0..MAX_ENTRIES + 1 {
            let payload = format!("5-{} 5-{number} data: x\n\n", number + 1);
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
