//! Sealing the bytes of an id: encryption and authentication in one, which gives the same result for
//! the same bytes.
//!
//! It is the construction SIV (RFC 5297) with `SipHash-2-4` as the pseudorandom function. The
//! initialization vector is the hash of the plain bytes under one key, and the stream that these are
//! combined with is the hash of the vector and a counter under another key. Opening computes the
//! vector again: without the key, one of 2^64 attempts succeeds, and sealed bytes show nothing of the
//! plain ones but their length and whether they are the same. After 2^32 of them, two are likely to
//! have the same vector, which shows the difference of these two.

use crate::id::key::IdKey;
use crate::id::siphash::SipHash;

/// How many bytes longer the sealed bytes are: the initialization vector, which comes first.
pub(crate) const OVERHEAD: usize = 8;

/// Bytes are sealed in whole blocks, so so many must follow them.
pub(crate) const PADDING: usize = BLOCK;

const BLOCK: usize = size_of::<u128>();

/// What the keys derived from one [`IdKey`] can do.
pub(crate) struct Seal {
    vectors: SipHash,
    stream: SipHash,
    tags: SipHash,
}

impl Seal {
    /// Derives the keys for one run of a log, or for all runs if that is `0`.
    pub(crate) fn new(key: &IdKey, epoch: u64) -> Self {
        let derived = |purpose| derive(key, purpose, epoch);
        Self {
            vectors: SipHash::new(derived(b"vector")),
            stream: SipHash::wide(derived(b"stream")),
            tags: SipHash::new(derived(b"topics")),
        }
    }

    /// Returns what stands for a topic. Without the key, no other name with the same result can be
    /// searched for.
    pub(crate) fn tag(&self, topic: &str) -> u32 {
        let mut hash = self.tags;
        hash.add_all(topic.as_bytes());
        let [a, b, c, d, ..] = hash.finish().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// Seals the first `len` bytes, of which the first [`OVERHEAD`] ones are not plain bytes. At least
    /// [`PADDING`] follow, and are zero afterwards.
    #[inline(always)]
    pub(crate) fn seal(&self, bytes: &mut [u8], len: usize) {
        let Some((vector, rest)) = bytes.split_first_chunk_mut::<OVERHEAD>() else {
            return;
        };
        let len = len.saturating_sub(OVERHEAD);
        let hash = self.vector(rest.get(..len).unwrap_or_default());
        *vector = hash.to_le_bytes();
        self.combine(hash, rest, len);
    }

    /// Returns the plain bytes; `None` if they were not sealed with this key.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (vector, sealed) = sealed.split_first_chunk::<OVERHEAD>()?;
        let vector = u64::from_le_bytes(*vector);
        let mut plain = [sealed, &[0; PADDING]].concat();
        self.combine(vector, &mut plain, sealed.len());
        plain.truncate(sealed.len());
        // Words are compared in the same time, wherever they differ.
        (self.vector(&plain) == vector).then_some(plain)
    }

    #[inline(always)]
    fn vector(&self, plain: &[u8]) -> u64 {
        let mut hash = self.vectors;
        hash.add_all(plain);
        hash.finish()
    }

    /// Encrypts or decrypts the first `len` bytes.
    #[inline(always)]
    fn combine(&self, vector: u64, bytes: &mut [u8], len: usize) {
        const MESSAGE_LEN: u64 = 12 << 56;
        let mut of_vector = self.stream;
        of_vector.add(vector);
        let (blocks, _) = bytes.as_chunks_mut::<BLOCK>();
        for (number, block) in (0..).zip(blocks.iter_mut().take(len.div_ceil(BLOCK))) {
            let mut hash = of_vector;
            hash.add(MESSAGE_LEN | number);
            *block = (u128::from_le_bytes(*block) ^ hash.finish_wide()).to_le_bytes();
        }
        // What the last block has beyond the end.
        if let Some(beyond) = bytes.get_mut(len..) {
            match beyond.first_chunk_mut::<BLOCK>() {
                Some(beyond) => *beyond = [0; BLOCK],
                None => beyond.fill(0),
            }
        }
    }
}

/// Derives a key for one purpose. It is as hard to guess as either half of `key`, should one of them be
/// a constant.
fn derive(key: &IdKey, purpose: &[u8; 6], epoch: u64) -> [u8; 16] {
    let [first, second] = key.halves();
    let derived = [(b'1', first, second), (b'2', second, first)].map(|(order, key, message)| {
        let mut hash = SipHash::wide(key);
        let epoch = epoch.to_le_bytes();
        let message = [b"sse-hub id ", &purpose[..], &[order], &epoch, &message];
        hash.add_all(&message.concat());
        hash.finish_wide()
    });
    (derived[0] ^ derived[1]).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn sealed(seal: &Seal, plain: &[u8]) -> Vec<u8> {
        let mut bytes = [&[0; OVERHEAD], plain, &[0; PADDING]].concat();
        let len = bytes.len() - PADDING;
        seal.seal(&mut bytes, len);
        assert_eq!(bytes.split_off(len), [0; PADDING]);
        bytes
    }

    proptest! {
        #[test]
        fn sealed_bytes_are_opened_with_the_same_key_only(
            plain in vec(any::<u8>(), 0..100),
            key: [u8; 32],
            other: [u8; 32],
            epoch: u64,
            later in 1_u64..,
        ) {
            let seal = Seal::new(&IdKey::new(key), epoch);
            let bytes = sealed(&seal, &plain);
            prop_assert_eq!(&bytes, &sealed(&seal, &plain));
            prop_assert_eq!(seal.open(&bytes), Some(plain));
            prop_assume!(key != other);
            for foreign in [
                Seal::new(&IdKey::new(other), epoch),
                Seal::new(&IdKey::new(key), epoch.wrapping_add(later)),
            ] {
                prop_assert_eq!(foreign.open(&bytes), None);
            }
        }

        #[test]
        fn bytes_that_were_changed_cut_or_lengthened_are_not_opened(
            plain in vec(any::<u8>(), 0..100),
            at: prop::sample::Index,
            by in 1_u8..,
        ) {
            let seal = Seal::new(&IdKey::new([7; 32]), 0);
            let bytes = sealed(&seal, &plain);
            let mut changed = bytes.clone();
            changed[at.index(bytes.len())] ^= by;
            let cut = &bytes[..at.index(bytes.len())];
            let lengthened = [&*bytes, &[by]].concat();
            for bytes in [&*changed, cut, &*lengthened] {
                prop_assert_eq!(seal.open(bytes), None);
            }
        }
    }

    /// With a change of any one bit of the plain bytes, each bit of the sealed ones changes as often as
    /// not.
    #[test]
    fn each_bit_of_what_is_sealed_depends_on_each_bit_of_the_plain_bytes() {
        const PLAIN: usize = 24;
        const RUNS: u32 = 100;
        let seal = Seal::new(&IdKey::new([7; 32]), 0);
        for bit in 0..PLAIN * 8 {
            let mut changes = [0_u32; (OVERHEAD + PLAIN) * 8];
            for run in 0..RUNS {
                let mut plain = [0; PLAIN];
                plain[8..12].copy_from_slice(&run.to_le_bytes());
                let before = sealed(&seal, &plain);
                plain[bit / 8] ^= 1 << (bit % 8);
                let after = sealed(&seal, &plain);
                for (at, changes) in changes.iter_mut().enumerate() {
                    let [before, after] = [&before, &after].map(|it| it[at / 8] >> (at % 8) & 1);
                    *changes += u32::from(before ^ after);
                }
            }
            // Seven standard deviations around the half.
            for changes in changes {
                assert!(changes.abs_diff(RUNS / 2) <= 35, "{bit} {changes}");
            }
        }
    }

    #[test]
    fn a_key_that_is_half_known_gives_keys_that_are_not() {
        let known = [0; 16];
        let keys = [[1; 16], [2; 16]].map(|secret| {
            let keys = [[known, secret], [secret, known], [secret, secret]];
            keys.map(|halves| {
                let key = IdKey::new(halves.concat().try_into().expect("32 bytes"));
                derive(&key, b"stream", 0)
            })
        });
        let mut keys = keys.concat();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 6);
        assert!(!keys.contains(&known));
    }
}
