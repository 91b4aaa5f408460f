//! `SipHash-2-4` (Aumasson and Bernstein, 2012), with a result of 64 or of 128 bits.
//!
//! It is here because most of what is hashed for an id is a few words whose number is known: as whole
//! words, without the copies of a general interface.

/// A key, or what was hashed with it so far.
#[derive(Clone, Copy)]
pub(crate) struct SipHash {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl SipHash {
    /// For results of 64 bits.
    pub(crate) fn new(key: [u8; 16]) -> Self {
        let key = u128::from_le_bytes(key);
        let [k0, k1] = [key, key >> 64].map(low);
        Self {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
        }
    }

    /// For results of 128 bits.
    pub(crate) fn wide(key: [u8; 16]) -> Self {
        let mut this = Self::new(key);
        this.v1 ^= 0xee;
        this
    }

    /// Hashes the next word. The last one of a message has its length in the highest byte.
    #[inline(always)]
    pub(crate) fn add(&mut self, word: u64) {
        self.v3 ^= word;
        self.rounds(2);
        self.v0 ^= word;
    }

    /// Hashes a message.
    #[inline(always)]
    pub(crate) fn add_all(&mut self, message: &[u8]) {
        let (words, rest) = message.as_chunks();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.add(u64::from_le_bytes(last) | (message.len() as u64) << 56);
    }

    /// Returns the result of 64 bits.
    #[inline(always)]
    pub(crate) fn finish(mut self) -> u64 {
        self.v2 ^= 0xff;
        self.finalized()
    }

    /// Returns the result of 128 bits.
    #[inline(always)]
    pub(crate) fn finish_wide(mut self) -> u128 {
        self.v2 ^= 0xee;
        let first = self.finalized();
        self.v1 ^= 0xdd;
        u128::from(first) | u128::from(self.finalized()) << 64
    }

    #[inline(always)]
    fn finalized(&mut self) -> u64 {
        self.rounds(4);
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }

    #[inline(always)]
    fn rounds(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.v0 = self.v0.wrapping_add(self.v1);
            self.v2 = self.v2.wrapping_add(self.v3);
            self.v1 = self.v1.rotate_left(13) ^ self.v0;
            self.v3 = self.v3.rotate_left(16) ^ self.v2;
            self.v0 = self.v0.rotate_left(32);
            self.v2 = self.v2.wrapping_add(self.v1);
            self.v0 = self.v0.wrapping_add(self.v3);
            self.v1 = self.v1.rotate_left(17) ^ self.v2;
            self.v3 = self.v3.rotate_left(21) ^ self.v0;
            self.v2 = self.v2.rotate_left(32);
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the other half is taken alone"
)]
fn low(word: u128) -> u64 {
    word as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For the key and the messages of the reference implementation: bytes that count up from zero.
    const RESULTS: [(usize, u64, u128); 8] = [
        (
            0,
            0x726f_db47_dd0e_0e31,
            0x9302_55c7_1472_f66d_e6a8_25ba_047f_81a3,
        ),
        (
            1,
            0x74f8_39c5_93dc_67fd,
            0x45fc_229b_1159_7634_44af_996b_d8c1_87da,
        ),
        (
            7,
            0xab02_00f5_8b01_d137,
            0x3982_f01f_a64a_b8c0_53c1_dbd8_beeb_f1a1,
        ),
        (
            8,
            0x93f5_f579_9a93_2462,
            0xb497_14f3_64e2_830f_61f5_5862_baa9_623b,
        ),
        (
            9,
            0x9e00_82df_0ba9_e4b0,
            0xed71_6dbb_028b_7fc4_abba_d90a_0699_4426,
        ),
        (
            15,
            0xa129_ca61_49be_45e5,
            0xd9c3_cf97_0fec_087e_11a8_b033_99e9_9354,
        ),
        (
            16,
            0x3f2a_cc7f_57c2_9bdb,
            0x7705_2385_bf15_33fd_bb54_b067_caa4_e26e,
        ),
        (
            63,
            0x958a_324c_eb06_4572,
            0x7cbd_3f97_9a06_3e50_4a83_502f_77d1_5051,
        ),
    ];

    #[test]
    fn results_are_those_of_the_reference_implementation() {
        let mut bytes = 0_u8..;
        let key = std::array::from_fn(|_| bytes.next().unwrap_or_default());
        let message: Vec<u8> = (0..64).collect();
        for (len, short, wide) in RESULTS {
            let [short_hash, wide_hash] =
                [SipHash::new(key), SipHash::wide(key)].map(|mut hash| {
                    hash.add_all(&message[..len]);
                    hash
                });
            assert_eq!(short_hash.finish(), short, "{len}");
            assert_eq!(wide_hash.finish_wide(), wide, "{len}");
        }
    }
}
