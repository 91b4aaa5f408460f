//! Positions as event ids, and back.
//!
//! An id holds the position in each topic that the subscription has delivered something of, so
//! that one id resumes all of them. It is base64url of a few bytes: per topic a tag and the two
//! numbers of the position, at the end a checksum. What an id says is never taken for a right:
//! the topics come from the request, and the tag only finds their entries.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::position::Position;

/// The longest id that is looked at. One of [`MOST_TOPICS`](crate::subscription::builder::MOST_TOPICS) topics
/// is shorter.
const MAX_LEN: usize = 8 * 1024;

const TAG: usize = 4;
const CHECKSUM: usize = 4;
/// Seven bits a byte.
const LONGEST_NUMBER: usize = 10;

/// The bytes of an id that names one topic, at the most: the window keeps the length of a line
/// with it in one byte.
#[cfg(test)]
const MAX_SINGLE_LEN: usize = (TAG + 2 * LONGEST_NUMBER + CHECKSUM).div_ceil(3) * 4;

/// How long an id of so many topics usually is, at least.
pub(crate) const fn usual_len(topics: usize) -> usize {
    // A tag, six bytes of epoch and four of number for each.
    (topics * (TAG + 6 + 4) + CHECKSUM).div_ceil(3) * 4
}

/// What an id calls a topic: equal on all nodes and in all runs.
pub(crate) fn tag(topic: &str) -> u32 {
    fold(fingerprint(topic.as_bytes()))
}

/// FNV-1a. It must find damage and spread names, not withstand an adversary: whoever forges a
/// checksum gets events of topics that the request was granted anyway.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[allow(clippy::cast_possible_truncation, reason = "both halves are used")]
const fn fold(hash: u64) -> u32 {
    (hash >> 32) as u32 ^ hash as u32
}

/// Appends the id of `entries` to `out`. `scratch` is overwritten; it saves an allocation.
pub(crate) fn put(
    out: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
    entries: impl IntoIterator<Item = (u32, Position)>,
) {
    scratch.clear();
    for (tag, position) in entries {
        scratch.extend_from_slice(&tag.to_le_bytes());
        put_number(scratch, position.major());
        put_number(scratch, position.minor());
    }
    let checksum = fold(fingerprint(scratch));
    scratch.extend_from_slice(&checksum.to_le_bytes());

    let start = out.len();
    out.resize(start + scratch.len().div_ceil(3) * 4, 0);
    // It fits: base64 takes four bytes for three.
    let len = URL_SAFE_NO_PAD
        .encode_slice(&*scratch, &mut out[start..])
        .unwrap_or(0);
    out.truncate(start + len);
}

/// The positions in an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Positions(Vec<(u32, Position)>);

impl Positions {
    /// The positions in `id`, or `None` if it is not one that [`put`] has made.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        if id.len() > MAX_LEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let (mut entries, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
        if fold(fingerprint(entries)) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let mut positions = Vec::new();
        while !entries.is_empty() {
            let (tag, rest) = entries.split_first_chunk::<TAG>()?;
            let (major, rest) = number(rest)?;
            let (minor, rest) = number(rest)?;
            positions.push((u32::from_le_bytes(*tag), Position::new(major, minor)));
            entries = rest;
        }
        Some(Self(positions))
    }

    /// The position in the topic with this tag, `None` if the id does not mention it.
    pub(crate) fn of(&self, tag: u32) -> Option<Position> {
        let entry = self.0.iter().find(|entry| entry.0 == tag);
        entry.map(|entry| entry.1)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The number at the front, written the shortest way, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(LONGEST_NUMBER) {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * u32::try_from(index).ok()?;
        if bits.leading_zeros() < shift {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            let is_shortest = index == 0 || *byte != 0;
            return is_shortest.then_some((number, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn id_of(entries: &[(u32, Position)]) -> String {
        let mut out = Vec::new();
        put(&mut out, &mut Vec::new(), entries.iter().copied());
        String::from_utf8(out).expect("ASCII")
    }

    fn entries() -> impl Strategy<Value = Vec<(u32, Position)>> {
        let entry = (any::<u32>(), any::<u64>(), any::<u64>());
        vec(
            entry.prop_map(|(tag, a, b)| (tag, Position::new(a, b))),
            0..8,
        )
    }

    proptest! {
        #[test]
        fn an_id_gives_its_positions_back(entries in entries()) {
            let id = id_of(&entries);
            prop_assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(Positions::parse(&id), Some(Positions(entries)));
        }

        #[test]
        fn a_changed_character_makes_an_id_unknown(
            entries in entries(),
            at in any::<prop::sample::Index>(),
            to in "[A-Za-z0-9_-]",
        ) {
            let id = id_of(&entries);
            let at = at.index(id.len());
            prop_assume!(id[at..=at] != to);
            let damaged = format!("{}{to}{}", &id[..at], &id[at + 1..]);
            prop_assert_eq!(Positions::parse(&damaged), None);
        }

        #[test]
        fn a_cut_or_lengthened_id_is_unknown(
            entries in entries(),
            cut in any::<prop::sample::Index>(),
            more in "[A-Za-z0-9_-]{1,8}",
        ) {
            let id = id_of(&entries);
            prop_assert_eq!(Positions::parse(&id[..cut.index(id.len())]), None);
            prop_assert_eq!(Positions::parse(&format!("{id}{more}")), None);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Positions::parse(&text);
        }

        #[test]
        fn what_parses_is_the_one_way_to_write_it(bytes in vec(any::<u8>(), 0..40)) {
            // With a true checksum, so that the entries are really looked at.
            let mut bytes = bytes;
            let checksum = fold(fingerprint(&bytes));
            bytes.extend_from_slice(&checksum.to_le_bytes());
            let text = URL_SAFE_NO_PAD.encode(&bytes);
            if let Some(positions) = Positions::parse(&text) {
                prop_assert_eq!(id_of(&positions.0), text);
            }
        }
    }

    #[test]
    fn the_length_of_a_single_id_is_bounded() {
        let longest = id_of(&[(u32::MAX, Position::new(u64::MAX, u64::MAX))]);
        assert!(longest.len() <= MAX_SINGLE_LEN, "{}", longest.len());
    }
}
