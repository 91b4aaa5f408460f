//! Lower limits for a decoder: each is one pass over the chunks that does a part of a decoder's
//! work.

use std::hint::black_box;

use memchr::memchr2_iter;

use super::input::Input;

pub(super) struct Limit {
    pub(super) name: &'static str,
    pub(super) pass: fn(&Input),
}

/// The limit that the others are compared to.
pub(super) const MEMCPY: &str = "memcpy";

pub(super) const LIMITS: [Limit; 3] = [
    Limit {
        name: MEMCPY,
        pass: |input| {
            let mut copy = Vec::with_capacity(input.bytes().len());
            for chunk in input.chunks() {
                copy.extend_from_slice(chunk);
            }
            black_box(copy);
        },
    },
    Limit {
        name: "memchr2",
        pass: |input| {
            for chunk in input.chunks() {
                black_box(memchr2_iter(b'\n', b'\r', chunk).count());
            }
        },
    },
    Limit {
        name: "UTF-8",
        // In one piece, as chunks may end inside a character.
        pass: |input| {
            let _ = black_box(str::from_utf8(input.bytes()));
        },
    },
];
