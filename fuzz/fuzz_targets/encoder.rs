//! The encoding of any event contains the fields that were set and no others, and an event that is
//! refused writes nothing.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sse_codec::{Encode, EncodeError, Encoder};
use sse_reference::{Received, Sent, receive};

/// Short, so that longer ids are frequent.
const MAX_ID_LEN: usize = 16;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
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

impl Input<'_> {
    /// Returns the event without its data.
    fn sent(&self) -> Sent {
        Sent {
            comment: self.comment.map(Into::into),
            retry: self.retry,
            event: self.event.map(Into::into),
            id: self.id.map(Into::into),
            data: None,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<usize, EncodeError> {
        let encoder = match self.limit {
            Some(limit) => Encoder::new().max_event_len(limit.into()),
            None => Encoder::new(),
        };
        let encoder = encoder.max_id_len(MAX_ID_LEN);
        let sent = self.sent();
        let mut encode = |event: &dyn Encoded| event.encode(&encoder, out);
        match self.data {
            Data::None => encode(&sent.event()),
            Data::Text(text) => encode(&sent.event().data(text)),
            Data::Bytes(bytes) => encode(&sent.event().data(bytes)),
            Data::Display(text) => encode(&sent.event().display(text)),
            Data::Json(text) => encode(&sent.event().json(text)),
        }
    }

    /// Returns what a receiver must get, or `None` if the event must be refused.
    fn expected(&self) -> Option<Received> {
        let mut sent = self.sent();
        sent.data = match self.data {
            Data::None => None,
            Data::Text(text) | Data::Display(text) => Some(text.into()),
            Data::Bytes(bytes) => Some(std::str::from_utf8(bytes).ok()?.into()),
            Data::Json(text) => {
                let json = serde_json::to_string(text).ok()?;
                let json = json.replace('\u{85}', r"\u0085");
                Some(
                    json.replace('\u{2028}', r"\u2028")
                        .replace('\u{2029}', r"\u2029"),
                )
            }
        };
        let is_short = self.id.is_none_or(|id| id.len() <= MAX_ID_LEN);
        (sent.is_valid() && is_short).then(|| sent.received())
    }
}

/// Events with any kind of data as one type.
trait Encoded {
    fn encode(&self, encoder: &Encoder, out: &mut Vec<u8>) -> Result<usize, EncodeError>;
}

impl<E: Encode> Encoded for E {
    fn encode(&self, encoder: &Encoder, out: &mut Vec<u8>) -> Result<usize, EncodeError> {
        encoder.encode(self, out)
    }
}

fuzz_target!(|input: Input<'_>| {
    const BEFORE: &[u8] = b"data: before\n\n";
    let mut out = BEFORE.to_vec();
    let result = input.encode(&mut out);
    let (before, encoded) = out.split_at(BEFORE.len());
    assert_eq!(before, BEFORE);
    match (result, input.expected()) {
        (Ok(len), Some(expected)) => {
            assert_eq!(len, encoded.len());
            assert!(input.limit.is_none_or(|limit| len <= limit.into()));
            assert_eq!(receive(encoded), expected);
        }
        (Err(EncodeError::TooLong { len, limit }), Some(_)) => {
            assert!(len > limit && input.limit.is_some());
            assert_eq!(encoded, b"");
        }
        (Err(_), None) => assert_eq!(encoded, b""),
        (result, expected) => panic!("got {result:?} where {expected:?} was to be received"),
    }
});
