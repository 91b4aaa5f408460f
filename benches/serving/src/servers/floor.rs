//! A hand-written TCP server that does nothing but what must be done: the floor.
//!
//! Its events are formatted before they are needed. Sending one is a copy into a buffer, which is
//! written when it holds 64 KiB, or 60 KiB, of which the kernel makes one segment where it makes
//! two of the other; or, as "blocks", not even that: then a burst is written from blocks that were
//! made beforehand, and what remains is the kernel's share. The end of the body is the end of the
//! connection, so there is no framing either.

use std::io;

use sse_bench_process::server::{HEAD, read_request};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, interval_at};

use crate::ticks::{Ticker, Ticks};
use crate::workload::{Burst, GREETING, Workload, live_text, on_the_wire};

/// How a burst is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Floor {
    /// Each event is copied into a buffer of this size.
    Copies(usize),
    /// Blocks of this size are written as they are.
    Blocks(usize),
}

pub(super) async fn run(listener: TcpListener, ticker: Ticker, floor: Floor) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let ticker = ticker.clone();
        tokio::spawn(async move {
            let _ = serve(stream, ticker, floor).await;
        });
    }
}

async fn serve(mut stream: TcpStream, ticker: Ticker, floor: Floor) -> io::Result<()> {
    let Some(workload) = (read_request(&mut stream).await?).and_then(|it| workload(&it)) else {
        return Ok(());
    };
    let mut ticks = ticker.subscribe();
    stream.write_all(HEAD).await?;
    match workload {
        Workload::Burst { size, count } => {
            let block = match floor {
                Floor::Copies(block) => block,
                Floor::Blocks(block) => {
                    return write_blocks(&mut stream, &mut ticks, block, size, count).await;
                }
            };
            let [event, last] = [2, 1].map(|left| {
                let text = Burst::new(size, left).next().unwrap_or_default();
                on_the_wire(text).into_bytes()
            });
            let mut buffer = Vec::with_capacity(block + event.len());
            ticks.next().await;
            for number in 1..=count {
                buffer.extend_from_slice(if number == count { &last } else { &event });
                if buffer.len() >= block {
                    stream.write_all(&buffer).await?;
                    buffer.clear();
                }
            }
            stream.write_all(&buffer).await
        }
        Workload::Live => loop {
            let tick = tokio::select! {
                tick = ticks.next() => tick,
                gone = gone(&stream) => return gone,
            };
            let event = on_the_wire(&live_text(tick));
            stream.write_all(event.as_bytes()).await?;
        },
        Workload::Idle { keep_alive } => {
            let mut silence = interval_at(Instant::now() + keep_alive, keep_alive);
            loop {
                tokio::select! {
                    _ = silence.tick() => {}
                    gone = gone(&stream) => return gone,
                }
                stream.write_all(b":\n\n").await?;
            }
        }
        Workload::One => {
            stream.write_all(on_the_wire(GREETING).as_bytes()).await?;
            gone(&stream).await
        }
        Workload::Brief => stream.write_all(on_the_wire(GREETING).as_bytes()).await,
    }
}

async fn write_blocks(
    stream: &mut TcpStream,
    ticks: &mut Ticks,
    block: usize,
    size: usize,
    count: u64,
) -> io::Result<()> {
    let event_len = on_the_wire(&" ".repeat(size)).len();
    let in_block = (block.div_ceil(event_len) as u64).min(count);
    // The last block is one of its own, for its last event.
    let (blocks, in_last) = ((count - 1) / in_block, (count - 1) % in_block + 1);
    let text = |burst: Burst| burst.map(on_the_wire).collect::<String>();
    let mut block = text(Burst::new(size, in_block + 1));
    block.truncate(event_len * usize::try_from(in_block).unwrap_or_default());
    let last = text(Burst::new(size, in_last));
    ticks.next().await;
    for _ in 0..blocks {
        stream.write_all(block.as_bytes()).await?;
    }
    stream.write_all(last.as_bytes()).await
}

fn workload(request: &[u8]) -> Option<Workload> {
    let request = String::from_utf8_lossy(request);
    let path = request.split(' ').nth(1);
    path.and_then(Workload::from_path)
}

/// Resolves when the client has closed the connection.
async fn gone(stream: &TcpStream) -> io::Result<()> {
    loop {
        stream.readable().await?;
        match stream.try_read(&mut [0; 64]) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
