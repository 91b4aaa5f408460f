//! Positions as event ids, and back.
//!
//! An id has the position in each topic of which the subscription has delivered something, so that
//! one id resumes all of them. It is the base64url encoding of a few bytes: a tag and the two
//! numbers of the position for each topic, and a checksum at the end. An id grants nothing: the
//! topics come from the request, and a tag only finds the position of one of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sse_codec::Encoder;

use crate::position::Position;

/// The longest id that is parsed: as long as an id can be sent. That of the largest number of topics
/// is shorter.
const MAX_LEN: usize = Encoder::DEFAULT_MAX_ID_LEN;

const TAG: usize = 4;
const CHECKSUM: usize = 4;
/// A number has seven bits in each byte.
const LONGEST_NUMBER: usize = 10;

/// The longest id of one topic: a segment stores the length of a line with it in one byte.
#[cfg(test)]
const MAX_SINGLE_LEN: usize = (TAG + 2 * LONGEST_NUMBER + CHECKSUM).div_ceil(3) * 4;

/// Returns a lower bound of the usual length of an id of so many topics.
pub(crate) fn usual_len(topics: usize) -> usize {
    // A tag, six bytes of epoch and four bytes of number for each.
    (topics * (TAG + 6 + 4) + CHECKSUM).div_ceil(3) * 4
}

/// Returns what stands for a topic in an id: equal on all nodes and in all runs.
pub(crate) fn tag(topic: &str) -> u32 {
    fold(fingerprint(topic.as_bytes()))
}

/// FNV-1a. It must detect damage and spread names, not withstand an adversary: a forged checksum
/// gives access to no topic that the request was not granted anyway.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[allow(clippy::cast_possible_truncation, reason = "both halves are used")]
fn fold(hash: u64) -> u32 {
    (hash >> 32) as u32 ^ hash as u32
}

/// Appends the id of `entries` to `out`. `scratch` is overwritten; reusing it saves an allocation.
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
    // It fits: base64 makes four bytes of three.
    let len = URL_SAFE_NO_PAD
        .encode_slice(&*scratch, &mut out[start..])
        .unwrap_or(0);
    out.truncate(start + len);
}

/// The positions in an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Positions(Vec<(u32, Position)>);

impl Position {
    /// Returns the id that an event at this position of `topic` has, for a subscriber to this one
    /// topic.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let position = hub.publish("news", "first").await?;
    /// hub.publish("news", "second").await?;
    ///
    /// let id = position.to_id("news");
    /// let mut news = hub.subscribe(["news"]).resume(Some(&id)).await?;
    /// let opening = news.next().await.expect("a block")?;
    /// assert_eq!(opening.into_bytes(), format!("id: {id}\n\n"));
    /// let missed = news.next().await.expect("an event")?;
    /// assert!(missed.starts_with(b"data: second\nid: "));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn to_id(self, topic: &str) -> String {
        to_string([(tag(topic), self)])
    }
}

/// Returns the id of `entries`.
pub(crate) fn to_string(entries: impl IntoIterator<Item = (u32, Position)>) -> String {
    let mut id = Vec::new();
    put(&mut id, &mut Vec::new(), entries);
    // The alphabet of an id is ASCII.
    String::from_utf8(id).unwrap_or_default()
}

impl Positions {
    /// Parses the positions in `id`; `None` if [`put`] has not made it.
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

    /// Returns the position in the topic with this tag; `None` if the id has none.
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

/// Splits off the number at the front, which must be encoded in the shortest way.
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
    use crate::subscription::builder::MAX_TOPICS;

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
        fn an_id_is_parsed_into_its_positions(entries in entries()) {
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
        fn each_id_that_parses_is_the_only_encoding_of_its_positions(bytes in vec(any::<u8>(), 0..40)) {
            // With a valid checksum, so that the entries are parsed.
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
    fn the_longest_id_of_the_largest_number_of_topics_can_be_sent_and_parsed() {
        let entries = vec![(u32::MAX, Position::new(u64::MAX, u64::MAX)); MAX_TOPICS];
        let longest = id_of(&entries);
        assert_eq!(longest.len(), 2054);
        assert!(longest.len() < Encoder::DEFAULT_MAX_ID_LEN);
        assert_eq!(Positions::parse(&longest), Some(Positions(entries)));
    }

    #[test]
    fn the_length_of_a_single_id_is_bounded() {
        let longest = id_of(&[(u32::MAX, Position::new(u64::MAX, u64::MAX))]);
        assert!(longest.len() <= MAX_SINGLE_LEN, "{}", longest.len());
    }
}
