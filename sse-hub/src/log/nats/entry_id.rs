//! Which entry of a stream it is, and its position.
//!
//! A stream gives each entry a number. A stream that has lost its newest entries gives their numbers
//! again. So each entry also has a stamp, a number that the publisher has drawn: two entries with
//! the same number and the same stamp are the same one.

use crate::position::Position;

/// A stamp has so many bits.
const STAMP_BITS: u32 = 27;

/// So many bits of a position tell entries with the same number apart.
const ID_BITS: u32 = STAMP_BITS + 1;

/// The bit that tells the end of the stream from an entry of the topic. It is above the stamp, so that the end is not
/// before the entry.
const END: u32 = 1 << STAMP_BITS;

/// Where a stamp would be, if none is known: greater than all stamps, so that the position is not
/// before that of the entry itself.
const UNSTAMPED: u32 = END - 1;

/// The number and the stamp of an entry of a topic; or of that at the end of the stream, when the topic had no
/// entries.
///
/// Without a stamp, it is any entry with the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryId {
    number: u64,
    stamp: u32,
    is_end: bool,
}

impl EntryId {
    pub(super) const fn unstamped(number: u64) -> Self {
        Self {
            number,
            stamp: UNSTAMPED,
            is_end: false,
        }
    }

    /// Creates the id of an entry with a stamp as text, if it has one.
    pub(super) fn of(number: u64, stamp: Option<&str>) -> Self {
        let stamp = stamp.and_then(|stamp| u32::from_str_radix(stamp, 16).ok());
        let stamp = stamp.filter(|stamp| *stamp < UNSTAMPED);
        Self {
            stamp: stamp.unwrap_or(UNSTAMPED),
            ..Self::unstamped(number)
        }
    }

    /// Returns the end of the stream after this entry, for a topic without entries.
    pub(super) const fn as_end(self) -> Self {
        Self {
            is_end: true,
            ..self
        }
    }

    /// Returns the entry at a position in the stream of this epoch; `None` if no entry of the stream
    /// has that position.
    pub(super) fn at(position: Position, epoch: u64) -> Option<Self> {
        let id = wide(position).checked_sub(wide(Position::new(epoch, 0)))?;
        let number = u64::try_from(id >> ID_BITS).ok()?;
        let bits = u32::try_from(id & u128::from(END | UNSTAMPED)).ok()?;
        Some(Self {
            number,
            stamp: bits & UNSTAMPED,
            is_end: bits & END != 0,
        })
    }

    /// Returns the position in the stream of this epoch. A later entry has a greater one.
    ///
    /// Its first number is the epoch. It exceeds that only after more entries than a stream will ever
    /// have, so that none is without a position.
    pub(super) fn position(self, epoch: u64) -> Position {
        let bits = self.stamp | if self.is_end { END } else { 0 };
        let id = u128::from(self.number) << ID_BITS | u128::from(bits);
        let position = wide(Position::new(epoch, 0)).saturating_add(id);
        let [major, minor] = [position >> 64, position & u128::from(u64::MAX)];
        Position::new(
            u64::try_from(major).unwrap_or(u64::MAX),
            u64::try_from(minor).unwrap_or(u64::MAX),
        )
    }

    pub(super) const fn number(self) -> u64 {
        self.number
    }

    pub(super) const fn is_stamped(self) -> bool {
        self.stamp != UNSTAMPED
    }

    pub(super) const fn is_end(self) -> bool {
        self.is_end
    }

    /// Whether the other one is this one, as far as that can be known.
    pub(super) fn may_be(self, other: Self) -> bool {
        self.number == other.number
            && self.is_end == other.is_end
            && (!self.is_stamped() || self.stamp == other.stamp)
    }
}

/// Draws a stamp, as text.
pub(super) fn draw_stamp() -> String {
    format!("{:x}", fastrand::u32(..UNSTAMPED))
}

fn wide(position: Position) -> u128 {
    u128::from(position.major()) << 64 | u128::from(position.minor())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The epoch of a stream of 2026.
    const EPOCH: u64 = 223_000_000_000;

    fn ids() -> impl Strategy<Value = EntryId> {
        let numbers = prop_oneof![0..10_000_u64, any::<u64>()];
        (numbers, 0..=UNSTAMPED, any::<bool>()).prop_map(|(number, stamp, is_end)| EntryId {
            number,
            stamp,
            is_end,
        })
    }

    proptest! {
        #[test]
        fn a_position_is_that_of_one_entry(id in ids(), epoch in 0..1_u64 << 60) {
            prop_assert_eq!(EntryId::at(id.position(epoch), epoch), Some(id));
        }

        #[test]
        fn positions_grow_with_the_numbers(one in ids(), other in ids()) {
            let order = |id: EntryId| (id.number, id.is_end, id.stamp);
            let before = |one, other| order(one) < order(other);
            prop_assert_eq!(
                one.position(EPOCH) < other.position(EPOCH),
                before(one, other)
            );
            let unstamped = EntryId::unstamped(one.number);
            prop_assert!(unstamped.position(EPOCH) >= one.position(EPOCH) || one.is_end);
            prop_assert!(unstamped.as_end().position(EPOCH) >= one.position(EPOCH));
        }

        #[test]
        fn a_position_of_another_stream_is_that_of_no_entry_that_there_is(
            number in 0..1_u64 << 36,
            stamp in 0..=UNSTAMPED,
            later in 1..1_u64 << 27,
        ) {
            let id = EntryId { stamp, ..EntryId::unstamped(number) };
            let position = id.position(EPOCH);
            prop_assert_eq!(EntryId::at(position, EPOCH + later), None);
            // A number that the stream is far from.
            let taken = EntryId::at(position, EPOCH - later);
            prop_assert!(taken.is_none_or(|taken| taken.number >= 1 << 36));
        }

        #[test]
        fn no_position_makes_it_panic(major in any::<u64>(), minor in any::<u64>(), epoch in any::<u64>()) {
            if let Some(id) = EntryId::at(Position::new(major, minor), epoch) {
                prop_assert_eq!(id.position(epoch), Position::new(major, minor));
            }
        }

        #[test]
        fn a_stamp_is_read_as_it_was_drawn_and_anything_else_is_none(text in any::<String>()) {
            let drawn = draw_stamp();
            let id = EntryId::of(7, Some(&drawn));
            prop_assert!(id.is_stamped());
            prop_assert_eq!(format!("{:x}", id.stamp), drawn);
            let any = EntryId::of(7, Some(&text));
            prop_assert!(any.stamp <= UNSTAMPED);
        }
    }

    #[test]
    fn an_entry_is_known_by_its_number_and_its_stamp() {
        let stored = EntryId::of(5, Some("1a"));
        assert!(stored.may_be(stored));
        assert!(EntryId::unstamped(5).may_be(stored));
        assert!(!EntryId::of(5, Some("1b")).may_be(stored));
        assert!(!EntryId::of(6, Some("1a")).may_be(stored));
        assert!(!stored.may_be(EntryId::unstamped(5)));
        // The end of the stream is no entry of the topic.
        assert!(!stored.as_end().may_be(stored) && !stored.may_be(stored.as_end()));
        assert!(stored.as_end().may_be(stored.as_end()));
        for none in [
            None,
            Some(""),
            Some("x"),
            Some("7ffffff"),
            Some("8000000"),
            Some("123456789"),
        ] {
            assert!(!EntryId::of(5, none).is_stamped(), "{none:?}");
        }
    }
}
