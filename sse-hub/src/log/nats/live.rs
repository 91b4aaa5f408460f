//! The live messages of the topics in use, and the notice that some may be missing.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::Message;
use async_nats::header::{NATS_LAST_SEQUENCE, NATS_SEQUENCE};
use futures_core::Stream as _;
use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::stream::SelectAll;
use tokio::time::Sleep;

use crate::log::nats::interest::{Arrival, LiveTopic, TopicStream};
use crate::log::nats::link::{Known, Link};
use crate::log::nats::options::NatsOptions;
use crate::log::nats::stored::{Stored, number_in};
use crate::log::{Live, LiveEntry};

/// The delay before the stream is requested again.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// The delay before a server without JetStream is left.
const LEAVE_DELAY: Duration = Duration::from_millis(500);

/// The delay before it is checked whether the stream is still the same one.
const CHECK_DELAY: Duration = Duration::from_millis(200);

/// What the driver polls.
pub(super) struct LiveSide {
    streams: SelectAll<TopicStream>,
    /// The session whose beginning was yielded as an interruption, or the first one.
    announced: u64,
    /// The live epoch whose messages are yielded, and the stream that they are from.
    current: Option<(u64, Known)>,
    beginning: Option<BoxFuture<'static, (u64, Known)>>,
    /// A message has arrived that may be from another stream than this one.
    suspected: Option<Known>,
    checking: Option<BoxFuture<'static, ()>>,
    until_check: Option<(Duration, Pin<Box<Sleep>>)>,
    leaving: Option<BoxFuture<'static, ()>>,
}

impl LiveSide {
    pub(super) fn new(link: &Link) -> Self {
        let in_cluster = link.client.server_info().cluster.is_some();
        let by_default = in_cluster.then_some(NatsOptions::DEFAULT_CHECK_EVERY);
        let check_every = link.options.check_every.or(by_default);
        Self {
            streams: SelectAll::new(),
            announced: link.session(),
            current: None,
            beginning: None,
            suspected: None,
            checking: None,
            until_check: check_every.map(|every| (every, Box::pin(tokio::time::sleep(every)))),
            leaving: None,
        }
    }

    pub(super) fn poll(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) -> Poll<Live> {
        link.signal.register(cx.waker());
        self.streams.extend(link.interest.take_new_streams());
        self.poll_leaving(link, cx);
        let session = link.session();
        if session != self.announced {
            // What is answered from now on may hide that what was answered before is lost. There is
            // another interruption when the live messages are complete again.
            self.announced = session;
            return Poll::Ready(Live::Interrupted);
        }
        if self.is_check_due(cx) {
            return Poll::Ready(Live::Interrupted);
        }
        self.poll_checking(link, cx);
        loop {
            let current = self
                .current
                .filter(|current| current.0 == link.live_epoch());
            let Some((live_epoch, known)) = current else {
                return self.poll_beginning(link, cx);
            };
            let next = self.streams.poll_next_unpin(cx);
            let Poll::Ready(Some((topic, message))) = next else {
                return Poll::Pending;
            };
            // The client counts a new connection before it yields what arrives over it.
            if link.live_epoch() != live_epoch {
                continue;
            }
            let Some((entry, predecessor)) = entry(&topic, message) else {
                continue;
            };
            if entry.is_finished() {
                let subject = link.subjects.log(&topic.name);
                link.finished.note(known.session, &subject, true);
            }
            let predecessor = match topic.note_arrival(live_epoch, entry.id, predecessor) {
                Arrival::New(predecessor) => predecessor,
                // Or else it is another stream, whose numbers begin anew.
                Arrival::AfterGapless(predecessor) | Arrival::Replayed(predecessor) => {
                    self.suspect(link, known, cx);
                    predecessor
                }
                Arrival::Stale => {
                    link.invalidate(known.session);
                    continue;
                }
            };
            let entry = LiveEntry::new(
                &*topic.name,
                predecessor.position(known.epoch),
                entry.id.position(known.epoch),
                entry.into_entry(),
            );
            return Poll::Ready(Live::Entry(entry));
        }
    }

    /// Begins a new live epoch: finds out which stream it is, and drops what arrives before that
    /// is known. It is read instead.
    fn poll_beginning(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) -> Poll<Live> {
        let beginning = self.beginning.get_or_insert_with(|| {
            let link = Arc::clone(link);
            Box::pin(async move { begin(&link).await })
        });
        let begun = beginning.poll_unpin(cx);
        let streams = &mut self.streams;
        let drop_all = std::future::poll_fn(|cx| {
            while let Poll::Ready(Some(_)) = Pin::new(&mut *streams).poll_next(cx) {}
            Poll::Ready(())
        });
        // All of them, whatever the runtime's budget: none may be taken for one of the new epoch.
        // Their number is bounded for each topic.
        let _ = Box::pin(tokio::task::unconstrained(drop_all)).poll_unpin(cx);
        begun.map(|begun| {
            self.beginning = None;
            self.current = Some(begun);
            Live::Interrupted
        })
    }

    /// Starts a check whether the stream is still the same one.
    fn suspect(&mut self, link: &Arc<Link>, known: Known, cx: &mut Context<'_>) {
        self.suspected = Some(known);
        self.poll_checking(link, cx);
    }

    fn poll_checking(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) {
        loop {
            if self.checking.is_none() {
                let Some(known) = self.suspected.take() else {
                    return;
                };
                let link = Arc::clone(link);
                self.checking = Some(Box::pin(async move { check(&link, known).await }));
            }
            if let Some(checking) = &mut self.checking
                && checking.poll_unpin(cx).is_pending()
            {
                return;
            }
            self.checking = None;
        }
    }

    /// Leaves a server that is going to end: its JetStream has ended already.
    fn poll_leaving(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) {
        if link.signal.take_end() {
            let link = Arc::clone(link);
            self.leaving = Some(Box::pin(async move { link.leave_server().await }));
        }
        if let Some(leaving) = &mut self.leaving
            && leaving.poll_unpin(cx).is_ready()
        {
            self.leaving = None;
        }
    }

    fn is_check_due(&mut self, cx: &mut Context<'_>) -> bool {
        let Some((every, sleep)) = &mut self.until_check else {
            return false;
        };
        if sleep.as_mut().poll(cx).is_pending() {
            return false;
        }
        sleep.set(tokio::time::sleep(*every));
        let _ = sleep.as_mut().poll(cx);
        true
    }
}

async fn begin(link: &Link) -> (u64, Known) {
    loop {
        let live_epoch = link.live_epoch();
        match link.known().await {
            Ok(known) if live_epoch == link.live_epoch() && known.session == link.session() => {
                return (live_epoch, known);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "waiting for NATS");
            }
        }
        tokio::time::sleep(RETRY_DELAY).await;
        if link.lacks_jetstream() {
            tokio::time::sleep(LEAVE_DELAY).await;
            link.leave_server().await;
        }
    }
}

/// Checks whether the stream is still the same one. There is a delay before: under load, many
/// entries that were read arrive live too, and the check is not made more often than that.
async fn check(link: &Link, known: Known) {
    tokio::time::sleep(CHECK_DELAY).await;
    if let Ok(info) = link.info(None).await
        && info.is_none_or(|info| info.epoch != known.epoch)
    {
        link.invalidate(known.session);
    }
}

/// Returns the entry in a message, and the number of its predecessor if the stream still has that;
/// `None` if the message has no valid entry.
fn entry(topic: &LiveTopic, message: Message) -> Option<(Stored, Option<u64>)> {
    let number = |name| {
        message
            .headers
            .as_ref()
            .and_then(|all| number_in(all, name))
    };
    let Some(sequence) = number(NATS_SEQUENCE).filter(|number| *number > 0) else {
        tracing::warn!(
            topic = topic.name,
            "live message without a sequence ignored"
        );
        return None;
    };
    let predecessor = number(NATS_LAST_SEQUENCE).filter(|number| *number > 0);
    let entry = Stored::new(sequence, message.headers.as_ref(), message.payload);
    Some((entry, predecessor))
}
