//! The decoders, ours and those of the peers, each in a file of its own.
//!
//! Each gets its input in the form that suits it best: slices, shared `Bytes` if it owns its input,
//! or a `BytesMut` to append to if it is a codec.

mod async_sse;
mod decode;
mod eventsource_client;
mod eventsource_stream;
mod eventsource_stream2;
mod old_sse_codec;
mod ours;
mod russe;
mod sse_core;
mod sse_stream;
mod sseer;
mod tokio_sse_codec;

use self::decode::Decode;
use crate::decode::input::Input;
use crate::outcome::{Consume, Digest, Keep};

/// A decoder, as a value.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) events: &'static str,
    pub(crate) remark: &'static str,
    pub(crate) consume: fn(&Input),
    pub(crate) digest: fn(&Input) -> Digest,
    pub(crate) keep: fn(&Input) -> Keep,
}

impl Peer {
    const fn of<D: Decode>() -> Self {
        Self {
            name: D::NAME,
            events: D::EVENTS,
            remark: D::REMARK,
            consume: |input| D::decode(input, &mut Consume),
            digest: |input| {
                let mut digest = Digest::default();
                D::decode(input, &mut digest);
                digest
            },
            keep: |input| {
                let mut keep = Keep::default();
                D::decode(input, &mut keep);
                keep
            },
        }
    }

    pub(crate) fn is_ours(&self) -> bool {
        is_ours(self.name)
    }
}

/// Our decoder with borrowed events.
pub(crate) const BORROWED: &str = ours::Borrowed::NAME;
/// Our decoder with events that are kept.
pub(crate) const OWNED: &str = ours::Owned::NAME;

pub(crate) fn is_ours(name: &str) -> bool {
    name == BORROWED || name == OWNED
}

/// All decoders, ours first.
pub(crate) const PEERS: [Peer; 12] = [
    Peer::of::<ours::Borrowed>(),
    Peer::of::<ours::Owned>(),
    Peer::of::<eventsource_stream::Peer>(),
    Peer::of::<eventsource_stream2::Peer>(),
    Peer::of::<sse_core::Peer>(),
    Peer::of::<sse_stream::Peer>(),
    Peer::of::<sseer::Peer>(),
    Peer::of::<eventsource_client::Peer>(),
    Peer::of::<tokio_sse_codec::Peer>(),
    Peer::of::<async_sse::Peer>(),
    Peer::of::<old_sse_codec::Peer>(),
    Peer::of::<russe::Peer>(),
];
