//! What an id has of one topic, as bytes.

use crate::position::Position;

/// Where an id says that its client is in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdPosition {
    /// At this position.
    At(Position),
    /// At none that the log could know: the client gets a gap, also if it comes back before that. Such
    /// an id is as long as with the position.
    Unknown(Position),
}

// An entry begins with four bits for its kind, and 44 bits for a number if it has room there. Numbers
// have a fixed length, since the length of an id can be seen: they may count what others publish.

/// The first number is the epoch of the hub's log, the second one has room.
const OF_EPOCH: u8 = 0;
/// The first number has room, the second one follows: positions of engines.
const WITH_WORD: u8 = 1;
/// Both follow.
const WORDS: u8 = 2;
/// Added to the kind of a position that is not known.
const UNKNOWN: u8 = 4;
/// Not a position: the salt of an id.
const SALT: u8 = 15;

const ROOM: u32 = 44;

/// The longest entry.
pub(crate) const MAX_LEN: usize = HEAD + 2 * 8 + TAG;
/// That of a position of the hub's epoch.
pub(crate) const USUAL_LEN: usize = HEAD + TAG;

const HEAD: usize = 6;
const TAG: usize = 4;
pub(crate) const SALT_LEN: usize = 4;

/// Returns the entry of the topic that `tag` stands for, and its length.
#[inline(always)]
pub(crate) fn encode(tag: u32, position: IdPosition, epoch: u64) -> ([u8; MAX_LEN], usize) {
    let (position, known) = match position {
        IdPosition::At(position) => (position, 0),
        IdPosition::Unknown(position) => (position, UNKNOWN),
    };
    let (major, minor) = (position.major(), position.minor());
    let has_room = |number: u64| number >> ROOM == 0;
    let tag = tag.to_le_bytes();
    let mut bytes = [0; MAX_LEN];
    let len = if major == epoch && has_room(minor) {
        bytes[..6].copy_from_slice(&head(OF_EPOCH + known, minor));
        bytes[6..10].copy_from_slice(&tag);
        10
    } else if has_room(major) {
        bytes[..6].copy_from_slice(&head(WITH_WORD + known, major));
        bytes[6..14].copy_from_slice(&minor.to_be_bytes());
        bytes[14..18].copy_from_slice(&tag);
        18
    } else {
        bytes[..6].copy_from_slice(&head(WORDS + known, 0));
        bytes[6..14].copy_from_slice(&major.to_be_bytes());
        bytes[14..22].copy_from_slice(&minor.to_be_bytes());
        bytes[22..26].copy_from_slice(&tag);
        26
    };
    (bytes, len)
}

fn head(kind: u8, number: u64) -> [u8; HEAD] {
    let [_, _, head @ ..] = (u64::from(kind) << ROOM | number).to_be_bytes();
    head
}

/// Returns the salt, of which only 28 bits have room.
pub(crate) fn encode_salt(salt: u32) -> [u8; SALT_LEN] {
    (u32::from(SALT) << 28 | salt & (u32::MAX >> 4)).to_be_bytes()
}

/// Returns the tags and positions in the plain bytes of an id; `None` if they are not of this form.
pub(crate) fn parse(mut bytes: &[u8], epoch: u64) -> Option<Vec<(u32, IdPosition)>> {
    if bytes.first().is_some_and(|first| first >> 4 == SALT) {
        bytes = bytes.get(SALT_LEN..)?;
    }
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (tag, position) = take(&mut bytes, epoch)?;
        entries.push((tag, position));
    }
    Some(entries)
}

fn take(bytes: &mut &[u8], epoch: u64) -> Option<(u32, IdPosition)> {
    let [a, b, c, d, e, f] = take_chunk(bytes)?;
    let kind = a >> 4;
    let number = u64::from_be_bytes([0, 0, a & 0x0f, b, c, d, e, f]);
    let (major, minor) = match kind % UNKNOWN {
        OF_EPOCH => (epoch, number),
        WITH_WORD => (number, u64::from_be_bytes(take_chunk(bytes)?)),
        WORDS => (
            u64::from_be_bytes(take_chunk(bytes)?),
            u64::from_be_bytes(take_chunk(bytes)?),
        ),
        _ => return None,
    };
    let position = Position::new(major, minor);
    let position = match kind / UNKNOWN {
        0 => IdPosition::At(position),
        1 => IdPosition::Unknown(position),
        _ => return None,
    };
    Some((u32::from_le_bytes(take_chunk(bytes)?), position))
}

fn take_chunk<const LEN: usize>(bytes: &mut &[u8]) -> Option<[u8; LEN]> {
    let (chunk, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*chunk)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Positions of all kinds, on both sides of each limit.
    pub(crate) fn positions(epoch: u64) -> impl Strategy<Value = IdPosition> {
        let around = |limit: u64| limit.saturating_sub(2)..=limit.saturating_add(2);
        let numbers = prop_oneof![around(0), around(1 << ROOM), around(u64::MAX), any::<u64>(),];
        let majors = prop_oneof![Just(epoch), numbers.clone()];
        (majors, numbers, any::<bool>()).prop_map(|(major, minor, is_known)| {
            let position = Position::new(major, minor);
            if is_known {
                IdPosition::At(position)
            } else {
                IdPosition::Unknown(position)
            }
        })
    }

    proptest! {
        #[test]
        fn entries_are_parsed_as_they_were_encoded(
            entries in vec((any::<u32>(), positions(5)), 0..8),
            salt: Option<u32>,
        ) {
            let mut bytes = Vec::new();
            if let Some(salt) = salt {
                bytes.extend_from_slice(&encode_salt(salt));
            }
            for (tag, position) in &entries {
                let (entry, len) = encode(*tag, *position, 5);
                prop_assert!((USUAL_LEN..=MAX_LEN).contains(&len));
                bytes.extend_from_slice(&entry[..len]);
            }
            prop_assert_eq!(parse(&bytes, 5), Some(entries));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..80)) {
            let _ = parse(&bytes, 5);
        }
    }

    /// Without an engine, and on NATS, the second number counts the events of all topics.
    #[test]
    fn the_length_does_not_depend_on_a_number_that_others_share() {
        let len = |major, minor| encode(0, IdPosition::At(Position::new(major, minor)), 9).1;
        for shift in 0..ROOM {
            assert_eq!(len(9, 1 << shift), USUAL_LEN);
        }
        for shift in 0..u64::BITS {
            assert_eq!(len(223_000_000_000, 1 << shift), USUAL_LEN + 8);
        }
    }
}
