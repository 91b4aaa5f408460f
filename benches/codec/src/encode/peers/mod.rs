//! The encoders, ours, those of the peers and the limits, each in a file of its own.
//!
//! Each does what its own server does for an event, up to the bytes of the body. An encoder that
//! appends to a buffer has one that is reused; one that makes a `String` or `Bytes` for each event
//! does so here.

mod actix_web_lab;
mod async_sse;
mod axum;
mod encode;
mod floor;
mod format;
mod old_sse_codec;
mod ours;
mod salvo;
mod sse_stream;
mod tokio_sse_codec;
mod warp;

use std::hint::black_box;

use self::encode::Encode;
use crate::encode::cases::{Case, Content};
use crate::encode::output::{Discard, Output};

/// An encoder, as a value.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) remark: &'static str,
    /// Encodes a case a number of times.
    pub(crate) discard: fn(&'static Case, u64),
    pub(crate) keep: fn(&'static Case, u64) -> Vec<u8>,
}

impl Peer {
    const fn of<E: Encode>() -> Self {
        Self {
            name: E::NAME,
            remark: E::REMARK,
            discard: |case, times| encode::<E>(case, times, &mut Discard),
            keep: |case, times| {
                let mut kept = Vec::new();
                encode::<E>(case, times, &mut kept);
                kept
            },
        }
    }
}

fn encode<E: Encode>(case: &'static Case, times: u64, out: &mut impl Output) {
    let mut encoder = E::new();
    match &case.content {
        Content::Text(text) => {
            for _ in 0..times {
                encoder.text(black_box(text), out);
            }
        }
        Content::Event(event, id, data) => {
            for _ in 0..times {
                encoder.event(black_box(event), black_box(id), black_box(data), out);
            }
        }
        Content::Json(value) => {
            for _ in 0..times {
                encoder.json(black_box(value), out);
            }
        }
    }
    encoder.finish(out);
}

/// The names of the encoders that others are compared with.
pub(crate) const OURS: &str = ours::IntoBytesMut::NAME;
pub(crate) const FLOOR: &str = floor::Floor::NAME;
pub(crate) const BARE_JSON: &str = floor::BareJson::NAME;
pub(crate) const TRUSTING: &str = floor::Trusting::NAME;
pub(crate) const AXUM: [&str; 2] = [axum::EventOnly::NAME, axum::Body::NAME];

/// All encoders, ours first, the limits last.
pub(crate) const PEERS: [Peer; 17] = [
    Peer::of::<ours::IntoBytesMut>(),
    Peer::of::<ours::IntoVec>(),
    Peer::of::<axum::EventOnly>(),
    Peer::of::<axum::Body>(),
    Peer::of::<actix_web_lab::Peer>(),
    Peer::of::<warp::Peer>(),
    Peer::of::<salvo::Peer>(),
    Peer::of::<sse_stream::Peer>(),
    Peer::of::<async_sse::Peer>(),
    Peer::of::<tokio_sse_codec::Peer>(),
    Peer::of::<old_sse_codec::Peer>(),
    Peer::of::<format::Peer>(),
    Peer::of::<floor::Floor>(),
    Peer::of::<floor::IntoVec>(),
    Peer::of::<floor::Trusting>(),
    Peer::of::<floor::BareJson>(),
    Peer::of::<floor::BareJsonIntoVec>(),
];

/// Returns whether an encoder does nothing but JSON.
pub(crate) fn is_json_only(name: &str) -> bool {
    [BARE_JSON, floor::BareJsonIntoVec::NAME].contains(&name)
}

/// Returns whether the bytes of an encoder are accessible and whole events, and so comparable.
pub(crate) fn is_comparable(name: &str) -> bool {
    !is_json_only(name) && name != axum::EventOnly::NAME
}
