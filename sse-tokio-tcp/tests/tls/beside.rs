//! A good client beside a thousand bad handshakes.

use std::time::{Duration, Instant};

use sse_tokio_tcp::{Limits, Request, Sse, with_sse};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
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

/// Prints how long events take alone and beside 1,000 bad handshakes at 250 a second, in rounds that
/// take turns, and asserts that the 99th percentile is at most 1.5 times as long:
/// `cargo test --release -p sse-tokio-tcp --test tls -- --ignored --nocapture`.
#[ignore = "it measures time, so it needs a quiet machine"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_99th_percentile_beside_a_thousand_bad_handshakes_is_at_most_half_as_long_again() {
    const ROUNDS: usize = 8;

    let (server, mut good) = start().await;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (is_beside, delays) in [(false, &mut alone), (true, &mut beside)] {
            let bad = BadClient::new(server.address);
            let attack = async {
                for kind in Bad::ALL.into_iter().cycle().take(MANY / ROUNDS) {
                    if is_beside {
                        let bad = bad.clone();
                        tokio::spawn(async move { bad.fail(kind).await });
                    }
                    sleep(Duration::from_millis(4)).await;
                }
            };
            tokio::select! {
                () = attack => {}
                () = async { loop { delays.push(good.next().await) } } => {}
            }
        }
    }
    let percentile = |delays: &mut Vec<u64>, percent: usize| {
        delays.sort_unstable();
        delays[(delays.len() - 1) * percent / 100]
    };
    for percent in [50, 90, 99] {
        let (alone, beside) = (
            percentile(&mut alone, percent),
            percentile(&mut beside, percent),
        );
        println!("p{percent}: {alone} µs alone, {beside} µs beside bad handshakes");
    }
    println!("{} and {} events", alone.len(), beside.len());
    assert!(2 * percentile(&mut beside, 99) <= 3 * percentile(&mut alone, 99));
}
