//! Positions as event ids, and back.
//!
//! An id has the position in each topic of which the subscription has delivered something, so that
//! one id resumes all of them. It is a few bytes as text, which are [sealed](seal) with the hub's key: only a hub with this key can make ids, and nothing can be learned
//! from them. The topics come from the request, and an id only finds the position in each of them.
//!
//! The id of an event that is sent to subscribers of its topic alone is the same for all of them, as the
//! topic's log has it encoded. All other ids belong to one subscription, and have its salt. Without
//! it, equal ids would show that nothing was published in between, in whatever topic: the position of a
//! subscription that begins is what the log had given to any topic by then.

mod entry;
mod key;
mod seal;
mod siphash;
mod text;

use std::sync::atomic::{AtomicU32, Ordering};

use sse_codec::Encoder;

pub(crate) use crate::id::entry::IdPosition;
pub use crate::id::key::{IdKey, IdKeyError};
use crate::id::seal::{OVERHEAD, Seal};
use crate::position::Position;

/// The longest id that is parsed: as long as an id can be sent. That of the largest number of topics
/// is shorter.
const MAX_LEN: usize = Encoder::DEFAULT_MAX_ID_LEN;

/// Returns a lower bound of the usual length of an id of so many topics.
pub(crate) fn usual_len(topics: usize) -> usize {
    text::text_len(OVERHEAD + entry::SALT_LEN + topics * entry::USUAL_LEN)
}

/// What the bytes of an id are followed by, for those that work on whole blocks of them.
const PADDING: usize = if seal::PADDING > text::PADDING {
    seal::PADDING
} else {
    text::PADDING
};

/// The usual length of the id of an event, with an engine.
pub(crate) const EVENT_LEN: usize = text::text_len(OVERHEAD + entry::USUAL_LEN + 8);

/// What makes the ids of a hub, and parses those that come back.
pub(crate) struct Ids {
    making: Seal,
    /// For ids that were made with other keys.
    accepted: Box<[Seal]>,
    /// The first number of most positions; `0` if that is not known.
    epoch: u64,
    next_salt: AtomicU32,
}

/// What distinguishes the ids of a subscription from those of others at the same positions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Salt(u32);

impl Ids {
    /// Ids are made with the first key, and accepted with any of them. They are of one run of a log,
    /// unless `epoch` is `0`.
    pub(crate) fn new(key: &IdKey, others: &[IdKey], epoch: u64) -> Self {
        let accepted = others.iter().map(|key| Seal::new(key, epoch));
        Self {
            making: Seal::new(key, epoch),
            accepted: accepted.collect(),
            epoch,
            next_salt: AtomicU32::new(fastrand::u32(..)),
        }
    }

    /// Returns what stands for a topic in an id.
    pub(crate) fn tag(&self, topic: &str) -> u32 {
        self.making.tag(topic)
    }

    /// Returns the salt of a new subscription. One of 2^28 has the same.
    pub(crate) fn draw_salt(&self) -> Salt {
        Salt(self.next_salt.fetch_add(1, Ordering::Relaxed))
    }

    /// Appends the id of an event in streams of its topic alone.
    pub(crate) fn put_event(&self, out: &mut Vec<u8>, tag: u32, position: Position) {
        const LEN: usize = OVERHEAD + entry::MAX_LEN;
        let (entry, len) = entry::encode(tag, IdPosition::At(position), self.epoch);
        let mut bytes = [0; LEN + PADDING];
        bytes[OVERHEAD..LEN].copy_from_slice(&entry);
        self.finish(out, &mut bytes, OVERHEAD + len);
    }

    /// Appends an id of a subscription. `scratch` is overwritten; reusing it saves an allocation.
    pub(crate) fn put(
        &self,
        out: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
        Salt(salt): Salt,
        entries: impl IntoIterator<Item = (u32, IdPosition)>,
    ) {
        scratch.clear();
        scratch.extend_from_slice(&[0; OVERHEAD]);
        scratch.extend_from_slice(&entry::encode_salt(salt));
        for (tag, position) in entries {
            let (entry, len) = entry::encode(tag, position, self.epoch);
            let end = scratch.len() + len;
            // Of a fixed length, that is no call.
            scratch.extend_from_slice(&entry);
            scratch.truncate(end);
        }
        let len = scratch.len();
        scratch.extend_from_slice(&[0; PADDING]);
        self.finish(out, scratch, len);
    }

    #[inline(always)]
    fn finish(&self, out: &mut Vec<u8>, bytes: &mut [u8], len: usize) {
        self.making.seal(bytes, len);
        text::put(out, bytes, len);
    }

    /// Returns an id of a subscription.
    pub(crate) fn to_string(
        &self,
        salt: Salt,
        entries: impl IntoIterator<Item = (u32, IdPosition)>,
    ) -> String {
        let mut id = Vec::new();
        self.put(&mut id, &mut Vec::new(), salt, entries);
        into_string(id)
    }

    /// Returns the id of an event in streams of its topic alone.
    pub(crate) fn of_event(&self, topic: &str, position: Position) -> String {
        let mut id = Vec::new();
        self.put_event(&mut id, self.tag(topic), position);
        into_string(id)
    }

    /// Parses the positions in `id`; `None` if no hub with one of the keys has made it.
    pub(crate) fn parse(&self, id: &str) -> Option<Positions<'_>> {
        if id.len() > MAX_LEN {
            return None;
        }
        let bytes = text::parse(id)?;
        let seals = std::iter::once(&self.making).chain(&self.accepted);
        let (seal, plain) = seals
            .filter_map(|seal| Some((seal, seal.open(&bytes)?)))
            .next()?;
        let entries = entry::parse(&plain, self.epoch)?;
        Some(Positions { seal, entries })
    }
}

fn into_string(id: Vec<u8>) -> String {
    // The alphabet of an id is ASCII.
    String::from_utf8(id).unwrap_or_default()
}

/// The positions in an id.
pub(crate) struct Positions<'a> {
    /// What the id was made with, and so the tags.
    seal: &'a Seal,
    entries: Vec<(u32, IdPosition)>,
}

impl Positions<'_> {
    /// Whether the id is of no topic: that of a gap after which only snapshots follow.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the position in a topic; `None` if the id has none.
    pub(crate) fn of(&self, topic: &str) -> Option<IdPosition> {
        let tag = self.seal.tag(topic);
        let entry = self.entries.iter().find(|entry| entry.0 == tag);
        entry.map(|entry| entry.1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::id::entry::tests::positions;
    use crate::subscription::builder::MAX_TOPICS;

    const EPOCH: u64 = 5;

    fn key(number: u8) -> IdKey {
        IdKey::new([number; 32])
    }

    fn ids() -> Ids {
        Ids::new(&key(1), &[], EPOCH)
    }

    type Entries = Vec<(u32, IdPosition)>;

    fn entries() -> impl Strategy<Value = Entries> {
        vec((any::<u32>(), positions(EPOCH)), 0..8)
    }

    fn id_of(ids: &Ids, salt: u32, entries: &Entries) -> String {
        ids.to_string(Salt(salt), entries.iter().copied())
    }

    fn parsed(ids: &Ids, id: &str) -> Option<Entries> {
        ids.parse(id).map(|positions| positions.entries)
    }

    proptest! {
        #[test]
        fn an_id_is_parsed_into_its_positions(entries in entries(), salt: u32) {
            let id = id_of(&ids(), salt, &entries);
            prop_assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(parsed(&ids(), &id), Some(entries));
        }

        #[test]
        fn a_changed_character_makes_an_id_unknown(
            entries in entries(),
            salt: u32,
            at: prop::sample::Index,
            to in "[A-Za-z0-9_-]",
        ) {
            let id = id_of(&ids(), salt, &entries);
            let at = at.index(id.len());
            prop_assume!(id[at..=at] != to);
            let changed = format!("{}{to}{}", &id[..at], &id[at + 1..]);
            prop_assert_eq!(parsed(&ids(), &changed), None);
        }

        #[test]
        fn a_cut_or_lengthened_id_is_unknown(
            entries in entries(),
            salt: u32,
            cut: prop::sample::Index,
            more in "[A-Za-z0-9_=-]{1,8}",
        ) {
            let id = id_of(&ids(), salt, &entries);
            let cut = cut.index(id.len());
            prop_assert_eq!(parsed(&ids(), &id[..cut]), None);
            prop_assert_eq!(parsed(&ids(), &id[cut + 1..]), None);
            prop_assert_eq!(parsed(&ids(), &format!("{id}{more}")), None);
            prop_assert_eq!(parsed(&ids(), &format!("{more}{id}")), None);
        }

        #[test]
        fn two_ids_that_are_put_together_are_unknown(
            one in entries(),
            other in entries(),
            at: prop::sample::Index,
        ) {
            let [one, other] = [one, other].map(|entries| id_of(&ids(), 0, &entries));
            let at = at.index(one.len().min(other.len()));
            let joined = format!("{}{}", &one[..at], &other[at..]);
            prop_assume!(joined != one && joined != other);
            prop_assert_eq!(parsed(&ids(), &joined), None);
        }

        #[test]
        fn an_id_is_accepted_with_a_listed_key_alone(entries in entries(), salt: u32) {
            let id = id_of(&ids(), salt, &entries);
            let accepts = |first, others: &[IdKey]| {
                parsed(&Ids::new(&key(first), others, EPOCH), &id).as_ref() == Some(&entries)
            };
            prop_assert!(accepts(1, &[key(2)]));
            prop_assert!(accepts(2, &[key(3), key(1)]));
            prop_assert!(!accepts(2, &[key(3)]));
            prop_assert_eq!(parsed(&Ids::new(&IdKey::random(), &[], EPOCH), &id), None);
            prop_assert_eq!(parsed(&Ids::new(&IdKey::PUBLIC, &[], EPOCH), &id), None);
            prop_assert_eq!(parsed(&Ids::new(&key(1), &[], EPOCH + 1), &id), None);
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            prop_assert_eq!(parsed(&ids(), &text), None);
        }

        #[test]
        fn no_text_of_the_alphabet_is_an_id(text in "[A-Za-z0-9_-]{0,80}") {
            prop_assert_eq!(parsed(&ids(), &text), None);
        }
    }

    /// A node must understand what another version of this crate has made. Another implementation gives
    /// these texts.
    #[test]
    fn the_format_is_fixed() {
        let key = IdKey::new(*b"0123456789abcdef0123456789ABCDEF");
        let local = Ids::new(&key, &[], 7);
        let id = local.of_event("news", Position::new(7, 1_000));
        assert_eq!(id, "0fI3oMu6mj_OpsACm99XSUxL");
        let engine = Ids::new(&key, &[], 0);
        let position = Position::new(1_800_000_000_000, 12_345_678_901_234_567);
        let id = engine.of_event("news", position);
        assert_eq!(id, "4bBmb-_85ayupsex3K45vEUtboTmb-7vRCO");
        let unknown = Position::new(1_800_000_000_000, 5);
        let entries = [
            (engine.tag("news"), IdPosition::At(position)),
            (engine.tag("weather"), IdPosition::Unknown(unknown)),
        ];
        let id = engine.to_string(Salt(0x0123_4567), entries);
        assert_eq!(
            id,
            "Bqc6QrmxSkW3K_uswBcCMoCCNpH67MghnhweQgeW5dacMxBHhQQzfJIQfAxT39mB"
        );
    }

    #[test]
    fn tags_are_those_of_the_key_with_which_the_id_was_made() {
        let old = Ids::new(&key(1), &[], EPOCH);
        let new = Ids::new(&key(2), &[key(1)], EPOCH);
        let position = Position::new(EPOCH, 7);
        for ids in [&old, &new] {
            let id = ids.of_event("news", position);
            let parsed = new.parse(&id).expect("an id");
            assert_eq!(parsed.of("news"), Some(IdPosition::At(position)));
            assert_eq!(parsed.of("weather"), None);
        }
        assert_ne!(old.tag("news"), new.tag("news"));
    }

    #[test]
    fn the_longest_id_of_the_largest_number_of_topics_can_be_sent_and_parsed() {
        let longest = IdPosition::At(Position::new(u64::MAX, u64::MAX));
        let entries = vec![(u32::MAX, longest); MAX_TOPICS];
        let id = id_of(&ids(), 0, &entries);
        assert_eq!(id.len(), 2235);
        assert!(id.len() < Encoder::DEFAULT_MAX_ID_LEN);
        assert_eq!(parsed(&ids(), &id), Some(entries));
    }

    /// A segment stores the length of a line with an id in one byte.
    #[test]
    fn ids_of_one_event_are_short() {
        let ids = ids();
        for (major, minor, len) in [
            // Without an engine, on Redis, and on NATS.
            (EPOCH, 1_000_000, 24),
            (1_800_000_000_000, 10_000_000_000_000_000, 35),
            (223_000_000_000, 1_000_000 << 28, 35),
            (223_000_000_000, 10_000_000_000 << 28, 35),
            (u64::MAX, u64::MAX, 46),
        ] {
            let id = ids.of_event("news", Position::new(major, minor));
            assert_eq!(id.len(), len);
        }
        let of_two = [(1, IdPosition::At(Position::new(EPOCH, 7))); 2];
        let id = ids.to_string(Salt(7), of_two);
        assert_eq!(id.len(), 43);
        assert_eq!(usual_len(2), id.len());
    }

    /// What others publish is in the numbers of a topic's events: how far one is from the next.
    #[test]
    fn ids_show_neither_the_order_nor_the_distance_of_positions() {
        const IDS: u64 = 4_000;
        let ids = ids();
        for distance in [1, 2, 1_000_000] {
            let bytes: Vec<_> = (0..=IDS)
                .map(|number| {
                    let position = Position::new(EPOCH, 1_000 + number * distance);
                    let id = ids.of_event("news", position);
                    let bytes = text::parse(&id).expect("text of bytes");
                    <[u8; 18]>::try_from(bytes).expect("18 bytes")
                })
                .collect();
            let greater = bytes.windows(2).filter(|two| two[0] < two[1]).count();
            assert!(greater.abs_diff(IDS as usize / 2) < 200, "{greater}");
            // Each bit is set in half of them, and changes from one to the next as often.
            for bit in 0..18 * 8 {
                let of = |bytes: &[u8; 18]| bytes[bit / 8] >> (bit % 8) & 1 == 1;
                let set = bytes.iter().filter(|bytes| of(bytes)).count();
                let changes = bytes.windows(2).filter(|two| of(&two[0]) != of(&two[1]));
                for count in [set, changes.count()] {
                    // Six standard deviations.
                    assert!(count.abs_diff(IDS as usize / 2) < 200, "{bit} {count}");
                }
            }
        }
    }

    #[test]
    fn each_subscription_has_a_salt_of_its_own() {
        let ids = ids();
        let entry = [(1, IdPosition::At(Position::new(EPOCH, 7)))];
        let mut made: Vec<_> = (0..1_000)
            .map(|_| ids.to_string(ids.draw_salt(), entry))
            .collect();
        made.sort_unstable();
        made.dedup();
        assert_eq!(made.len(), 1_000);
    }
}
