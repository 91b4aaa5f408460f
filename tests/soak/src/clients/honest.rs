//! A process of clients that read all the time, and say how late their events are.

use std::io::{self, Write as _};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::http2::Shared;
use super::line::Line;
use super::received::Received;
use super::tally::Tally;
use crate::histogram::Histogram;
use crate::messages::HonestState;
use crate::subject::Protocol;
use crate::topics;

/// How many times as fast as usual their events are published: 20 events/s of each topic.
pub(crate) const PACE: u32 = 4;

/// How many of them share a connection of HTTP/2.
const SHARING: usize = 10;

/// Opens the streams, and answers each line with how they were since the last one.
pub(crate) async fn run(protocol: Protocol, port: u16, streams: usize) -> io::Result<()> {
    let tally = Arc::<Tally>::default();
    let delays = Arc::<Mutex<Histogram>>::default();
    let mut line = Line::Http1([port].into());
    let mut readers = JoinSet::new();
    for (number, topic) in topics::busy().cycle().take(streams).enumerate() {
        if protocol == Protocol::Http2 && number % SHARING == 0 {
            line = Line::Http2(Arc::new(Shared::new(port, false)));
        }
        let (line, tally, delays) = (line.clone(), Arc::clone(&tally), Arc::clone(&delays));
        readers.spawn(async move {
            if let Err(error) = read(&line, topic, &tally, &delays).await {
                tally.fault(format!("an honest client cannot go on: {error}"));
            }
        });
    }
    let mut commands = BufReader::new(tokio::io::stdin()).lines();
    while commands.next_line().await?.is_some() {
        let state = HonestState {
            clients: tally.state(),
            delays: std::mem::take(&mut *delays.lock().await),
        };
        let mut output = io::stdout().lock();
        serde_json::to_writer(&mut output, &state)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}

/// Reads the events of a topic for as long as they come.
async fn read(
    line: &Line,
    topic: String,
    tally: &Tally,
    delays: &Mutex<Histogram>,
) -> io::Result<()> {
    let mut random = fastrand::Rng::new();
    let mut stream = line.open(&topic, None, None, &mut random).await?;
    let _open = tally.open.hold();
    let mut received = Received::new(&[topic], PACE);
    loop {
        let Ok(events) = stream.read().await else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let now = topics::now();
        let mut delays = delays.lock().await;
        for event in &events {
            if let Some(entry) = topics::parse(&event.data) {
                delays.add(now.saturating_sub(entry.made));
            }
            tally.record(received.take(event));
        }
    }
}
