//! Whatever an event holds, its encoding carries the fields that were set and no others, and an
//! event that is refused leaves nothing behind.
#![no_main]

#[path = "../../sse-codec/tests/strict/mod.rs"]
mod strict;

use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sse_codec::{Encode, EncodeError, Encoder, Event};

use crate::strict::{Received, as_received, receive};

#[derive(Arbitrary, Debug)]
struct Sent<'a> {
    comment: Option<&'a str>,
    retry: Option<Duration>,
    event: Option<&'a str>,
    id: Option<&'a str>,
    data: Data<'a>,
    limit: Option<u8>,
}

#[derive(Arbitrary, Debug)]
enum Data<'a> {
    None,
    Text(&'a str),
    Bytes(&'a [u8]),
    Display(&'a str),
    Json(&'a str),
}

impl Sent<'_> {
    fn event(&self) -> Event<'_> {
        let mut event = Event::new();
        if let Some(comment) = self.comment {
            event = event.comment(comment);
        }
        if let Some(retry) = self.retry {
            event = event.retry(retry);
        }
        if let Some(name) = self.event {
            event = event.event(name);
        }
        if let Some(id) = self.id {
            event = event.id(id);
        }
        event
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<usize, EncodeError> {
        let encoder = match self.limit {
            Some(limit) => Encoder::new().max_event_len(limit.into()),
            None => Encoder::new(),
        };
        let mut encode = |event: &dyn Encoded| event.encode(&encoder, out);
        match self.data {
            Data::None => encode(&self.event()),
            Data::Text(text) => encode(&self.event().data(text)),
            Data::Bytes(bytes) => encode(&self.event().data(bytes)),
            Data::Display(text) => encode(&self.event().display(text)),
            Data::Json(text) => encode(&self.event().json(text)),
        }
    }

    /// What a receiver gets, or `None` if the event must be refused.
    fn expected(&self) -> Option<Received> {
        let breaks = |text: &str| text.contains(['\n', '\r']);
        if self.event.is_some_and(breaks)
            || self.id.is_some_and(|id| breaks(id) || id.contains('\0'))
        {
            return None;
        }
        let data = match self.data {
            Data::None => None,
            Data::Text(text) | Data::Display(text) => Some(as_received(text)),
            Data::Bytes(bytes) => Some(as_received(std::str::from_utf8(bytes).ok()?)),
            Data::Json(text) => Some(serde_json::to_string(text).ok()?),
        };
        Some(Received {
            comment: self.comment.map(as_received),
            retry: self.retry.map(|retry| {
                u64::try_from(retry.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
            }),
            event: self.event.map(Into::into),
            id: self.id.map(Into::into),
            data,
        })
    }
}

/// Events of all kinds of data as one type.
trait Encoded {
    fn encode(&self, encoder: &Encoder, out: &mut Vec<u8>) -> Result<usize, EncodeError>;
}

impl<E: Encode> Encoded for E {
    fn encode(&self, encoder: &Encoder, out: &mut Vec<u8>) -> Result<usize, EncodeError> {
        encoder.encode(self, out)
    }
}

fuzz_target!(|sent: Sent<'_>| {
    const BEFORE: &[u8] = b"data: before\n\n";
    let mut out = BEFORE.to_vec();
    let result = sent.encode(&mut out);
    let (before, encoded) = out.split_at(BEFORE.len());
    assert_eq!(before, BEFORE);
    match (result, sent.expected()) {
        (Ok(len), Some(expected)) => {
            assert_eq!(len, encoded.len());
            assert!(sent.limit.is_none_or(|limit| len <= limit.into()));
            assert_eq!(receive(encoded), expected);
        }
        (Err(EncodeError::TooLong { len, limit }), Some(_)) => {
            assert!(len > limit && sent.limit.is_some());
            assert_eq!(encoded, b"");
        }
        (Err(_), None) => assert_eq!(encoded, b""),
        (result, expected) => panic!("got {result:?} where {expected:?} was to be received"),
    }
});
