//! Attacks with connections, and with requests of HTTP/1.1. Each function is one attacker, and goes on
//! until it is dropped.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{interval, sleep, timeout};

use super::front::Front;
use crate::topics;

/// The time between two bytes of a slow head.
const SLOW: Duration = Duration::from_millis(500);

/// How much a giant head has at most.
const GIANT: usize = 1024 * 1024;

/// How much is sent on a connection whose stream is open.
const BEHIND: usize = 128 * 1024;

/// Sends a head byte by byte, and never the end of it.
pub(super) async fn slow_head(front: Front) -> io::Result<()> {
    let beginning = "GET /?calm-1 HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
    loop {
        let mut stream = front.connect(true).await?;
        let (mut reader, mut writer) = stream.split();
        let write = async {
            let mut ticks = interval(SLOW);
            for byte in beginning.bytes().chain(std::iter::repeat(b'a')) {
                ticks.tick().await;
                if writer.write_all(&[byte]).await.is_err() {
                    break;
                }
                front.sent(1);
            }
            // The server does not read, but may still answer.
            pending::<()>().await;
        };
        let read = async {
            front.read_status(&mut reader).await;
            front.read_to_end(&mut reader).await;
        };
        tokio::select! {
            () = write => {}
            () = read => {}
        }
    }
}

/// Sends heads that do not end, as fast as they are taken, up to a MiB each.
pub(super) async fn giant_head(front: Front) -> io::Result<()> {
    let piece = [b'a'; 16 * 1024];
    loop {
        let mut stream = front.connect(true).await?;
        let (mut reader, mut writer) = stream.split();
        let write = async {
            let beginning = b"GET /?calm-1 HTTP/1.1\r\nHost: localhost\r\nX-Giant: ";
            let _ = writer.write_all(beginning).await;
            for _ in 0..GIANT / piece.len() {
                if writer.write_all(&piece).await.is_err() {
                    break;
                }
                front.sent(piece.len());
            }
            pending::<()>().await;
        };
        let read = async {
            front.read_status(&mut reader).await;
            front.read_to_end(&mut reader).await;
        };
        tokio::select! {
            () = write => {}
            () = read => {}
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Opens a stream of long events and reads nothing.
pub(super) async fn never_read(front: Front) -> io::Result<()> {
    let topics: Vec<_> = topics::bulk().collect();
    let mut stream = front.connect(false).await?;
    let request = request(&topics.join(","), None);
    stream.write_all(request.as_bytes()).await?;
    front.sent(1);
    pending().await
}

/// Opens a stream, and goes on to send requests without reading.
pub(super) async fn requests_behind(front: Front) -> io::Result<()> {
    let mut stream = front.connect(true).await?;
    let request = request("calm-1", None);
    stream.write_all(request.as_bytes()).await?;
    front.read_status(&mut stream).await;
    let (mut reader, mut writer) = stream.split();
    let write = async {
        let mut rest = BEHIND;
        while let Some(less) = rest.checked_sub(request.len()) {
            // A server may read no more of them, which is well.
            let written = writer.write_all(request.as_bytes());
            if !matches!(timeout(Duration::from_secs(1), written).await, Ok(Ok(()))) {
                break;
            }
            front.sent(1);
            rest = less;
        }
        pending::<()>().await;
    };
    let read = async {
        let mut byte = [0; 1024];
        while matches!(reader.read(&mut byte).await, Ok(1..)) {}
        front.ended();
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
    pending().await
}

/// Connects, sends a request and resets the connection, a hundred times in a second.
pub(super) async fn connect_and_reset(front: Front) -> io::Result<()> {
    let mut ticks = interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        let mut stream = front.connect(true).await?;
        stream.set_zero_linger()?;
        let request = request("calm-1", None);
        stream.write_all(request.as_bytes()).await?;
        front.sent(1);
    }
}

/// Subscribes to topics that there are not, a hundred times in a second. The hub has as many topics as it
/// may have.
pub(super) async fn refused(front: Front) -> io::Result<()> {
    let mut ticks = interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        let topic = format!("unknown-{}", fastrand::u64(..));
        ask(&front, &request(&topic, None)).await?;
    }
}

/// Comes with a forged id of four KiB, a hundred times in a second.
pub(super) async fn forged_ids(front: Front) -> io::Result<()> {
    let mut ticks = interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        let id: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(4 * 1024)
            .collect();
        ask(&front, &request("busy-1,calm-1", Some(&id))).await?;
    }
}

/// Sends a request, and leaves when the answer has begun.
async fn ask(front: &Front, request: &str) -> io::Result<()> {
    let mut stream = front.connect(true).await?;
    stream.write_all(request.as_bytes()).await?;
    front.sent(1);
    if !front.read_status(&mut stream).await {
        front.ended();
    }
    Ok(())
}

fn request(topics: &str, last_event_id: Option<&str>) -> String {
    let id = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n"));
    let id = id.unwrap_or_default();
    format!("GET /?{topics} HTTP/1.1\r\nHost: localhost\r\n{id}\r\n")
}
