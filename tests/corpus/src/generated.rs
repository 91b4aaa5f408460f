//! Streams from a grammar that prefers what decoders read incorrectly, the same ones in every run.

use crate::Case;

/// The number of streams.
const CASES: u64 = 160;

/// Returns the streams, each from a seed of its own.
pub(crate) fn cases() -> Vec<Case> {
    (0..CASES).map(case).collect()
}

fn case(seed: u64) -> Case {
    let mut dice = Dice(seed);
    let mut bytes = Vec::new();
    if dice.roll(8) == 0 {
        bytes.extend_from_slice(b"\xef\xbb\xbf");
    }
    for _ in 0..2 + dice.roll(24) {
        line(&mut dice, &mut bytes);
    }
    // Most streams end with a complete event, so that there is one to compare.
    if dice.roll(4) > 0 {
        bytes.extend_from_slice(b"\ndata: last\n\n");
    }

    let mut pieces = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let len = match dice.roll(4) {
            0 => 1,
            1 => 1 + dice.roll(3),
            2 => 1 + dice.roll(16),
            _ => rest.len(),
        };
        let (piece, after) = rest.split_at(len.min(rest.len()));
        pieces.push(piece.to_vec());
        rest = after;
    }
    Case {
        name: format!("generated {seed}"),
        pieces,
    }
}

fn line(dice: &mut Dice, out: &mut Vec<u8>) {
    const NAMES: [&[u8]; 16] = [
        b"data",
        b"data",
        b"data",
        b"data",
        b"event",
        b"event",
        b"id",
        b"id",
        b"",
        b"Data",
        b"data ",
        b" data",
        b"retr",
        b"dat\xc3\xa4",
        b"event\x00",
        b"\xef\xbb\xbfdata",
    ];
    const SEPARATORS: [&[u8]; 8] = [b":", b": ", b": ", b": ", b":  ", b" : ", b":\t", b""];
    const VALUES: [&[u8]; 20] = [
        b"",
        b"a",
        b"b",
        b"a:b",
        b" ",
        b":",
        b"two words",
        b"\xc3\xa9t\xc3\xa9",
        b"\xf0\x9f\xa6\x80",
        b"\xf0\x9f\xa6",
        b"\xff",
        b"\xc3",
        b"\xe2\x82x",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\x00",
        b"\x0b\x0c\xc2\x85\xe2\x80\xa8",
        b"message",
        b"42",
        b"data: x",
    ];
    const ENDS: [&[u8]; 8] = [
        b"\n",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"\r\n\r\n",
        b"\r\r",
    ];
    out.extend_from_slice(dice.pick(&NAMES));
    out.extend_from_slice(dice.pick(&SEPARATORS));
    out.extend_from_slice(dice.pick(&VALUES));
    if dice.roll(3) == 0 {
        out.extend_from_slice(dice.pick(&VALUES));
    }
    out.extend_from_slice(dice.pick(&ENDS));
}

/// `SplitMix64`: good enough to choose with, and the same on every platform.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % sides as u64).unwrap_or_default()
    }

    fn pick<'a>(&mut self, choices: &[&'a [u8]]) -> &'a [u8] {
        choices[self.roll(choices.len())]
    }
}
