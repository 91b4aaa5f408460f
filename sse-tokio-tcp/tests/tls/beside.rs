//! A good client beside a thousand bad handshakes.

use std::thread;
use std::time::{Duration, Instant};

use sse_tokio_tcp::{Limits, Request, Sse, with_sse};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_rustls::client::TlsStream;

use crate::clients::{Bad, BadClient, Tls};
use crate::log;

/// How many bad handshakes there are.
const MANY: usize = 1000;

/// Sends the time since `start` in microseconds, 200 times a second.
async fn times(start: Instant, sse: Sse) {
    let mut interval = interval(Duration::from_millis(5));
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
        if sse.send(micros(start).to_string()).await.is_err() {
            return;
        }
    }
}

fn micros(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).expect("a short test")
}

/// A client that reads the times.
struct Good {
    lines: Lines<BufReader<TlsStream<TcpStream>>>,
    start: Instant,
}

impl Good {
    async fn new(server: &Tls, start: Instant) -> Self {
        let mut io = server.connect().await;
        // HTTP/1.0, as there are no chunks in it.
        io.write_all(b"GET / HTTP/1.0\r\n\r\n").await.expect("sent");
        let lines = BufReader::new(io).lines();
        Self { lines, start }
    }

    /// Returns how many microseconds an event took.
    async fn next(&mut self) -> u64 {
        loop {
            let line = self.lines.next_line().await;
            let line = line.expect("an open stream").expect("no end");
            if let Some(sent) = line.strip_prefix("data: ") {
                return micros(self.start) - sent.parse::<u64>().expect("a number");
            }
        }
    }
}

async fn start() -> (Tls, Good) {
    let start = Instant::now();
    let server = Tls::serve(
        Limits::new(),
        with_sse(move |_: Request, sse: Sse| times(start, sse)),
    )
    .await;
    let good = Good::new(&server, start).await;
    (server, good)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_bad_handshakes_take_nothing_from_a_good_client() {
    log::record();
    let (server, mut good) = start().await;
    good.next().await;
    let bad = BadClient::new(server.address);
    let mut failing = JoinSet::new();
    for (count, kind) in Bad::ALL.into_iter().cycle().take(MANY).enumerate() {
        let bad = bad.clone();
        failing.spawn(async move { bad.fail(kind).await });
        if failing.len() >= 50 {
            failing.join_next().await.expect("one").expect("no panic");
        }
        if count % 20 == 0 {
            good.next().await;
        }
    }
    while let Some(failed) = failing.join_next().await {
        failed.expect("no panic");
    }
    good.next().await;
    // Another good one gets in.
    let mut other = Good::new(&server, good.start).await;
    other.next().await;
    log::assert_quiet();
}

/// Prints how long a good client waits alone and beside 1,000 bad handshakes, of which there are 250 a
/// second, in rounds that take turns: for an event of its open stream, and for a new connection from its
/// start to the end of the response. Asserts that the 99th percentile of the latter is at most 1.5 times
/// as long: `cargo test --release -p sse-tokio-tcp --test tls -- --ignored --nocapture`.
///
/// The bad clients run in a thread of their own, but on the same processors.
#[ignore = "it measures time, so it needs a quiet machine"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_99th_percentile_beside_a_thousand_bad_handshakes_is_at_most_half_as_long_again() {
    const ROUNDS: usize = 8;
    const REQUEST: &str = "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    let (server, mut good) = start().await;
    let bad = BadClient::new(server.address);
    let (mut events, mut connections) = (Delays::default(), Delays::default());
    for _ in 0..ROUNDS {
        for is_beside in [false, true] {
            let (ended, on_end) = oneshot::channel::<()>();
            let bad = bad.clone();
            let attack = thread::spawn(move || {
                attack(is_beside.then_some(bad), MANY / ROUNDS);
                drop(ended);
            });
            let events = events.of(is_beside);
            let connections = connections.of(is_beside);
            tokio::select! {
                _ = on_end => {}
                () = async { loop { events.push(good.next().await) } } => {}
                () = async {
                    loop {
                        let begun = Instant::now();
                        server.answer(REQUEST).await;
                        connections.push(micros(begun));
                        sleep(Duration::from_millis(10)).await;
                    }
                } => {}
            }
            attack.join().expect("no panic");
        }
    }
    events.print("an event");
    let (alone, beside) = connections.print("a connection");
    assert!(2 * beside <= 3 * alone, "{beside} and {alone}");
}

/// Makes bad handshakes, or only takes the time for them.
fn attack(bad: Option<BadClient>, count: usize) {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut failing = JoinSet::new();
        for kind in Bad::ALL.into_iter().cycle().take(count) {
            if let Some(bad) = bad.clone() {
                failing.spawn(async move { bad.fail(kind).await });
            }
            sleep(Duration::from_millis(4)).await;
        }
        failing.join_all().await;
    });
}

/// How long a client has waited, in microseconds.
#[derive(Default)]
struct Delays {
    alone: Vec<u64>,
    beside: Vec<u64>,
}

impl Delays {
    fn of(&mut self, is_beside: bool) -> &mut Vec<u64> {
        if is_beside {
            &mut self.beside
        } else {
            &mut self.alone
        }
    }

    /// Prints some percentiles, and returns the 99th.
    fn print(&mut self, of: &str) -> (u64, u64) {
        self.alone.sort_unstable();
        self.beside.sort_unstable();
        let [.., last] = [50, 90, 99].map(|percent| {
            let at = |delays: &[u64]| delays[(delays.len() - 1) * percent / 100];
            let (alone, beside) = (at(&self.alone), at(&self.beside));
            println!("{of}, p{percent}: {alone} µs alone, {beside} µs beside bad handshakes");
            (alone, beside)
        });
        println!("{of}: {} and {} times", self.alone.len(), self.beside.len());
        last
    }
}
