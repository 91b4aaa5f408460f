//! The life of a client: it comes, reads, stalls, goes or resets, and resumes.

use std::sync::Arc;
use std::time::Duration;

use sse_hub_testing::reader::Event;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::Phase;
use super::line::{End, Line, Stream};
use super::received::Received;
use super::tally::Tally;
use crate::topics::{self, Kind};

/// The receive buffer of clients with long events, so that a stall becomes one for the server.
const SMALL_BUFFER: u32 = 16 * 1024;

/// How long a client reads, at the pace of 1: at least, and at most.
const READING: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(15)];

/// How long it stalls.
const STALLING: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(12)];

/// How long it is away, most of the time.
const AWAY: [Duration; 2] = [Duration::ZERO, Duration::from_secs(2)];

/// How long it is away sometimes: longer than the events of a busy topic are kept.
const LONG_AWAY: [Duration; 2] = [Duration::from_secs(8), Duration::from_secs(25)];

/// How often a client comes back when it is refused, and after which time: an engine may be late on a slow
/// machine, and so may the head of a request.
const TRIES: u32 = 60;
const RETRY: Duration = Duration::from_secs(1);

/// A client.
pub(crate) struct Life {
    random: fastrand::Rng,
    pace: u32,
    line: Line,
    tally: Arc<Tally>,
    phase: watch::Receiver<Phase>,
    topics: Vec<String>,
    received: Received,
    last_event_id: Option<String>,
}

/// What a client does when it has read for a time.
#[derive(Clone, Copy, Debug)]
enum Next {
    Close,
    Reset,
    ResetConnection,
    Stall,
    StallAndReset,
    /// It goes for good; another client takes its place.
    Leave,
}

impl Life {
    pub(crate) fn new(
        mut random: fastrand::Rng,
        pace: u32,
        line: Line,
        tally: Arc<Tally>,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        let topics = topics::some(&mut random);
        Self {
            received: Received::new(&topics, pace),
            topics,
            random,
            pace,
            line,
            tally,
            phase,
            last_event_id: None,
        }
    }

    /// Lives until all clients leave. Returns why a client could not connect, if it could not.
    pub(crate) async fn run(mut self) -> std::io::Result<()> {
        while self.is_unsettled() {
            if self.random.u8(..20) == 0 {
                self.line
                    .abort(&self.topics.join(","), &mut self.random)
                    .await?;
                self.tally.aborted.increment();
            }
            let stream = self.open().await?;
            self.use_up(stream).await;
        }
        self.settle().await
    }

    /// Reads, stalls and goes.
    async fn use_up(&mut self, mut stream: Stream) {
        let tally = Arc::clone(&self.tally);
        let open = tally.open.hold();
        // A stream that is open when all are to settle is closed, and opened again.
        while self.is_unsettled() {
            let until = Instant::now() + self.some(READING);
            let is_open = self.read_until(&mut stream, until).await;
            self.last_event_id = stream.id().map(Into::into);
            if !is_open || !self.is_unsettled() {
                break;
            }
            match self.next() {
                Next::Stall => self.stall().await,
                Next::StallAndReset => {
                    self.stall().await;
                    self.reset(stream);
                    break;
                }
                Next::Reset => {
                    self.reset(stream);
                    break;
                }
                Next::ResetConnection => {
                    if self.line.reset() {
                        self.tally.connections_reset.increment();
                    }
                }
                Next::Close => {
                    self.tally.closed.increment();
                    break;
                }
                Next::Leave => {
                    self.tally.closed.increment();
                    self.topics = topics::some(&mut self.random);
                    self.received = Received::new(&self.topics, self.pace);
                    self.last_event_id = None;
                    return;
                }
            }
        }
        drop(open);
        let is_long = self.random.u8(..10) == 0;
        let away = self.some(if is_long { LONG_AWAY } else { AWAY });
        self.rest(away).await;
    }

    fn next(&mut self) -> Next {
        match self.random.u8(..100) {
            0..35 => Next::Close,
            35..59 => Next::Reset,
            59 => Next::ResetConnection,
            60..75 => Next::Stall,
            75..83 => Next::StallAndReset,
            _ => Next::Leave,
        }
    }

    /// Opens a stream and stays until all leave.
    async fn settle(&mut self) -> std::io::Result<()> {
        let tally = Arc::clone(&self.tally);
        let mut stream = self.open().await?;
        let _open = tally.open.hold();
        let _settled = tally.settled.hold();
        let mut complete = None;
        loop {
            let last = match &*self.phase.borrow_and_update() {
                Phase::Await(last) => Some(Arc::clone(last)),
                Phase::Leave => break,
                Phase::Live | Phase::Settle => None,
            };
            if complete.is_none() && last.is_some_and(|last| self.received.has_all(&last)) {
                complete = Some(tally.complete.hold());
            }
            tokio::select! {
                _ = self.phase.changed() => {}
                read = stream.read() => match read {
                    Ok(events) => self.take(&events),
                    // Nothing resets a connection of those that stay, but the last reset may only
                    // be seen now.
                    Err(End::Shared) => {
                        self.last_event_id = stream.id().map(Into::into);
                        stream = self.open().await?;
                    }
                    Err(End::Server) => {
                        tally.fault("a stream that stays was ended by the server".to_owned());
                        break;
                    }
                },
            }
        }
        if self.random.bool() {
            stream.reset()?;
        }
        Ok(())
    }

    async fn open(&mut self) -> std::io::Result<Stream> {
        let has_long_events = |topic: &String| Kind::of(topic) == Some(Kind::Bulk);
        let buffer = self.topics.iter().any(has_long_events);
        let buffer = buffer.then_some(SMALL_BUFFER);
        let topics = self.topics.join(",");
        let mut tries = 0;
        let stream = loop {
            let id = self.last_event_id.as_deref();
            match self.line.open(&topics, id, buffer, &mut self.random).await {
                Ok(stream) => break stream,
                Err(error) if tries == TRIES => return Err(error),
                Err(_) => {
                    tries += 1;
                    self.tally.refused.increment();
                    sleep(RETRY).await;
                }
            }
        };
        if self.last_event_id.is_some() {
            self.tally.resumed.increment();
        } else {
            self.tally.fresh.increment();
            self.received.begin_fresh();
        }
        Ok(stream)
    }

    /// Reads until then, or until all clients settle. Returns whether the stream is open.
    async fn read_until(&mut self, stream: &mut Stream, until: Instant) -> bool {
        let mut time = std::pin::pin!(tokio::time::sleep_until(until));
        loop {
            tokio::select! {
                () = &mut time => return true,
                _ = self.phase.changed() => return true,
                read = stream.read() => match read {
                    Ok(events) => self.take(&events),
                    Err(End::Shared) => return false,
                    Err(End::Server) => {
                        self.tally.fault("a stream was ended by the server".to_owned());
                        return false;
                    }
                },
            }
        }
    }

    fn take(&mut self, events: &[Event]) {
        for event in events {
            self.tally.record(self.received.take(event));
        }
    }

    async fn stall(&mut self) {
        self.tally.stalled.increment();
        let time = self.some(STALLING);
        self.rest(time).await;
    }

    fn reset(&self, stream: Stream) {
        match stream.reset() {
            Ok(()) => self.tally.reset.increment(),
            Err(error) => self.tally.fault(format!("cannot reset: {error}")),
        }
    }

    /// Waits, but not longer than until all clients settle.
    async fn rest(&mut self, time: Duration) {
        tokio::select! {
            _ = self.phase.wait_for(|phase| !matches!(phase, Phase::Live)) => {}
            () = sleep(time) => {}
        }
    }

    fn is_unsettled(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Live)
    }

    fn some(&mut self, [least, most]: [Duration; 2]) -> Duration {
        // Short times are more frequent than long ones.
        let part = self.random.f64() * self.random.f64();
        (least + (most - least).mul_f64(part)) / self.pace
    }
}
