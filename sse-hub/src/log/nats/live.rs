//! What comes by itself: entries of the topics that are listened to, and that some may be missing.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::{HeaderMap, Message};
use futures_core::Stream as _;
use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::stream::SelectAll;
use tokio::time::Sleep;

use crate::log::nats::link::{Known, Link, lock};
use crate::log::nats::listening::{Coming, Listened, Tap};
use crate::log::nats::options::NatsOptions;
use crate::log::{Live, LiveEntry};
use crate::position::Position;

/// The pause before the stream is asked for again.
const PAUSE: Duration = Duration::from_millis(50);

/// The pause before it is checked whether the stream is still the same one.
const CHECK_PAUSE: Duration = Duration::from_millis(200);

/// What `drive` polls.
pub(super) struct LiveSide {
    taps: SelectAll<Tap>,
    /// The stretch whose messages are handed on, and the stream that they are from.
    current: Option<(u64, Known)>,
    beginning: Option<BoxFuture<'static, (u64, Known)>>,
    /// A message has come that may be from another stream than this one.
    suspected: Option<Known>,
    checking: Option<BoxFuture<'static, ()>>,
    until_check: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl LiveSide {
    pub(super) fn new(link: &Link) -> Self {
        let in_cluster = link.client.server_info().cluster.is_some();
        let by_default = in_cluster.then_some(NatsOptions::DEFAULT_CHECK_EVERY);
        let check_every = link.options.check_every.or(by_default);
        Self {
            taps: SelectAll::new(),
            current: None,
            beginning: None,
            suspected: None,
            checking: None,
            until_check: check_every.map(|every| (every, Box::pin(tokio::time::sleep(every)))),
        }
    }

    pub(super) fn poll(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) -> Poll<Live> {
        link.signal.register(cx.waker());
        self.taps.extend(lock(&link.new_taps).drain(..));
        if self.is_check_due(cx) {
            return Poll::Ready(Live::Interrupted);
        }
        self.poll_checking(link, cx);
        loop {
            let current = self.current.filter(|current| current.0 == link.stretch());
            let Some((stretch, known)) = current else {
                return self.poll_beginning(link, cx);
            };
            let next = self.taps.poll_next_unpin(cx);
            let Poll::Ready(Some((topic, message))) = next else {
                return Poll::Pending;
            };
            // The client has counted a new connection before it hands on what came over it.
            if link.stretch() != stretch {
                continue;
            }
            let Some((mut entry, predecessor)) = entry(known, &topic, message) else {
                continue;
            };
            match topic.has_come(stretch, entry.position.minor(), predecessor) {
                Coming::New => {}
                // Or else it is another stream, whose numbers began anew.
                Coming::After(last) => {
                    entry.predecessor = Position::new(known.epoch, last);
                    self.suspect(link, known, cx);
                }
                Coming::Again => self.suspect(link, known, cx),
                Coming::Impossible => {
                    link.doubt(known.session);
                    continue;
                }
            }
            return Poll::Ready(Live::Entry(entry));
        }
    }

    /// Begins a new stretch: finds out which stream it is, and drops what came before that is
    /// known. It is to be read.
    fn poll_beginning(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) -> Poll<Live> {
        let beginning = self.beginning.get_or_insert_with(|| {
            let link = Arc::clone(link);
            Box::pin(async move { begin(&link).await })
        });
        let begun = beginning.poll_unpin(cx);
        let taps = &mut self.taps;
        let drop_all = std::future::poll_fn(|cx| {
            while let Poll::Ready(Some(_)) = Pin::new(&mut *taps).poll_next(cx) {}
            Poll::Ready(())
        });
        // All of them, whatever the runtime thinks of such a long turn: none may be taken for one
        // of the new stretch. They are bounded, topic by topic.
        let _ = Box::pin(tokio::task::unconstrained(drop_all)).poll_unpin(cx);
        begun.map(|begun| {
            self.beginning = None;
            self.current = Some(begun);
            Live::Interrupted
        })
    }

    /// Has it checked soon whether the stream is still the same one.
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
        let stretch = link.stretch();
        match link.known().await {
            Ok(known) if stretch == link.stretch() && known.session == link.session() => {
                return (stretch, known);
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "waiting"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Checks whether the stream is still the same one. There is a pause before that: under load, much
/// that was read comes again, and this is done at most as often.
async fn check(link: &Link, known: Known) {
    tokio::time::sleep(CHECK_PAUSE).await;
    if let Ok(info) = link.info(None).await
        && info.is_none_or(|info| info.epoch != known.epoch)
    {
        link.doubt(known.session);
    }
}

/// The entry in a message and the number of the one before it, if there is one that the stream
/// still has; `None` if there is no entry that can be used.
fn entry(known: Known, topic: &Listened, message: Message) -> Option<(LiveEntry, Option<u64>)> {
    let headers = message.headers.as_ref();
    let number = headers.and_then(|headers| number(headers, async_nats::header::NATS_SEQUENCE));
    let (Some(headers), Some(number)) = (headers, number.filter(|number| *number > 0)) else {
        tracing::warn!(
            topic = topic.name,
            "live message without a sequence ignored"
        );
        return None;
    };
    let predecessor = self::number(headers, async_nats::header::NATS_LAST_SEQUENCE)
        .filter(|predecessor| *predecessor > 0);
    let at = |number| Position::new(known.epoch, number);
    let entry = LiveEntry {
        topic: topic.name.clone(),
        // If it is not known, nothing is known of what was before.
        predecessor: at(predecessor.unwrap_or(number - 1)),
        position: at(number),
        event: message.payload,
    };
    Some((entry, predecessor))
}

/// The number in the server's own header: the last one, should who published have set one too.
fn number(headers: &HeaderMap, name: async_nats::HeaderName) -> Option<u64> {
    headers.get_last(name)?.as_str().parse().ok()
}
