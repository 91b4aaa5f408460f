//! The ends of heads and bodies are those that actix finds.

use actix_http::h1::{Codec, Message, MessageType, Payload};
use actix_http::{Request, ServiceConfig};
use bytes::BytesMut;
use fastrand::Rng;
use tokio_util::codec::Decoder as _;

use super::framing::{BodyFraming, RequestBody};
use super::head::HeadScan;

/// Pieces of which heads are made. Many of them do not belong together.
const HEAD: &[&str] = &[
    "GET / HTTP/1.1",
    "POST /a HTTP/1.0",
    "\r\n",
    "\r\n",
    "\n",
    "\r\n\r\n",
    "Host: a",
    "Host: a\r\n\r\n",
    "Transfer-Encoding: chunked",
    "Content-Length: 3",
    "Content-Length: 0",
    "Upgrade: websocket",
    "Connection: upgrade",
    "X:",
    " ",
    "\t",
    "\r",
    "a",
    ":",
];

/// Pieces of which bodies in chunks are made.
const CHUNKS: &[&str] = &[
    "0",
    "1",
    "2\r\nab\r\n",
    "A\r\n0\r\n\r\n0\r\n\r\n\r\n",
    "f;a=b\r\n",
    "0\r\n\r\n",
    "0;x\r\nT: 1\r\n\r\n",
    "\r\n",
    "\r",
    "\n",
    ";",
    " ",
    "x",
    "T: 1\r\n",
    "00002\r\nab\r\n",
    "ffffffffffffffff\r\n",
];

fn any_of(pieces: &[&str], random: &mut Rng) -> Vec<u8> {
    let count = random.usize(1..12);
    let pieces = (0..count).map(|_| pieces[random.usize(..pieces.len())]);
    pieces.collect::<String>().into_bytes()
}

/// Returns what actix makes of the first request in `input`, and where its head ends.
fn decode_head(codec: &mut Codec, input: &mut BytesMut) -> Option<(Request, usize)> {
    let before = input.len();
    match codec.decode(input) {
        Ok(Some(Message::Item(request))) => Some((request, before - input.len())),
        _ => None,
    }
}

#[actix_web::test]
async fn heads_end_where_actix_ends_them() {
    let (config, mut random) = (ServiceConfig::default(), Rng::with_seed(1));
    let mut accepted = 0;
    for _ in 0..50_000 {
        let mut input = any_of(HEAD, &mut random);
        if random.bool() {
            input.splice(0..0, *b"GET / HTTP/1.1\r\nHost: a\r\n");
        }
        let mut codec = Codec::new(config.clone());
        let Some((_, end)) = decode_head(&mut codec, &mut BytesMut::from(&*input)) else {
            continue;
        };
        accepted += 1;
        let input = String::from_utf8_lossy(&input);
        assert_eq!(
            HeadScan::default().advance(input.as_bytes()),
            Some(end),
            "{input:?}"
        );
    }
    assert!(accepted > 5_000, "{accepted} accepted");
}

/// Returns where actix ends a body, if it does.
fn decode_body(codec: &mut Codec, input: &mut BytesMut) -> Option<usize> {
    let before = input.len();
    loop {
        match codec.decode(input) {
            Ok(Some(Message::Chunk(None))) => return Some(before - input.len()),
            Ok(Some(Message::Chunk(Some(_)))) => {}
            _ => return None,
        }
    }
}

/// Returns where our framing ends a body that comes in pieces of random length.
fn end_of_body(body: &mut RequestBody, input: &[u8], random: &mut Rng) -> Option<usize> {
    let mut from = 0;
    while from < input.len() {
        let to = random.usize(from..input.len()) + 1;
        if let (_, Some(end)) = body.advance(&input[from..to]) {
            return Some(from + end);
        }
        from = to;
    }
    None
}

#[actix_web::test]
async fn bodies_end_where_actix_ends_them() {
    let (config, mut random) = (ServiceConfig::default(), Rng::with_seed(2));
    for (header, framing, least) in [
        (
            "Transfer-Encoding: chunked",
            Some(BodyFraming::Chunked),
            1_000,
        ),
        ("Content-Length: 3", Some(BodyFraming::Length(3)), 10_000),
        ("content-length:  4 ", Some(BodyFraming::Length(4)), 10_000),
        ("Content-Length: 0", None, 0),
        (
            "Content-Length: 18446744073709551615",
            Some(BodyFraming::Length(u64::MAX)),
            0,
        ),
        ("Upgrade:  WebSocket", Some(BodyFraming::Close), 0),
        (
            "Upgrade: h2c\r\nUpgrade: websocket\r\nContent-Length: 3",
            Some(BodyFraming::Close),
            0,
        ),
        (
            "Upgrade: websocket\r\nTransfer-Encoding: chunked",
            Some(BodyFraming::Chunked),
            1_000,
        ),
        ("Upgrade: h2c", None, 0),
    ] {
        let mut accepted = 0;
        for _ in 0..20_000 {
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n");
            let body = any_of(CHUNKS, &mut random);
            let mut input = BytesMut::from(&*[head.as_bytes(), &body].concat());
            let mut codec = Codec::new(config.clone());
            let (mut request, _) = decode_head(&mut codec, &mut input).expect("a request");
            if codec.message_type() != MessageType::None {
                // As actix does before it calls the application.
                *request.payload() = Payload::create(false).1.into();
            }
            assert_eq!(BodyFraming::of(&mut request), framing, "{header}");
            let Some(framing) = framing else { break };
            let Some(end) = decode_body(&mut codec, &mut input) else {
                continue;
            };
            accepted += 1;
            let ours = end_of_body(&mut RequestBody::new(framing), &body, &mut random);
            assert_eq!(ours, Some(end), "{:?}", String::from_utf8_lossy(&body));
        }
        assert!(accepted >= least, "{header}: {accepted} accepted");
    }
}
