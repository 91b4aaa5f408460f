//! What a member consists of besides compressed blocks.

/// How each member begins (RFC 1952 § 2.3.1): deflate, no flags, no time, an unknown system.
pub const OPENING: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// A stored block of no bytes, which decodes to nothing and may stand between any two pieces.
pub const EMPTY_BLOCK: [u8; 5] = [0, 0, 0, 0xff, 0xff];

/// The length of the longest stored block.
pub(super) const MAX_BLOCK: usize = u16::MAX as usize;

/// What a stored block adds to its bytes.
pub(super) const BLOCK_HEAD: usize = EMPTY_BLOCK.len();

/// Appends `plain` as it is, in stored blocks (RFC 1951 § 3.2.4). No bytes are no block.
pub fn store(plain: &[u8], to: &mut Vec<u8>) {
    let heads = plain.len().div_ceil(MAX_BLOCK) * BLOCK_HEAD;
    to.reserve(heads + plain.len());
    for block in plain.chunks(MAX_BLOCK) {
        // A chunk is no longer than what it is converted to.
        let len = u16::try_from(block.len()).unwrap_or(u16::MAX);
        to.push(0);
        to.extend_from_slice(&len.to_le_bytes());
        to.extend_from_slice(&(!len).to_le_bytes());
        to.extend_from_slice(block);
    }
}

/// Returns how a member ends: an empty last block, the CRC-32 of all its text, and the length of that
/// modulo 2^32 (RFC 1952 § 2.3.1).
#[must_use]
pub fn trailer(crc: u32, len: u32) -> [u8; 10] {
    let [c0, c1, c2, c3] = crc.to_le_bytes();
    let [l0, l1, l2, l3] = len.to_le_bytes();
    [3, 0, c0, c1, c2, c3, l0, l1, l2, l3]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(plain: &[u8]) -> Vec<u8> {
        let mut to = Vec::new();
        store(plain, &mut to);
        to
    }

    #[test]
    fn a_stored_block_is_its_length_twice_and_its_bytes() {
        assert_eq!(stored(b"data"), b"\x00\x04\x00\xfb\xffdata");
        assert_eq!(stored(b""), b"");
    }

    #[test]
    fn what_is_longer_than_a_block_is_split() {
        let plain = vec![b'x'; MAX_BLOCK + 2];
        let blocks = stored(&plain);
        assert_eq!(blocks.len(), plain.len() + 2 * BLOCK_HEAD);
        assert_eq!(blocks[..BLOCK_HEAD], *b"\x00\xff\xff\x00\x00");
        assert_eq!(blocks[BLOCK_HEAD + MAX_BLOCK..], *b"\x00\x02\x00\xfd\xffxx");
        assert_eq!(stored(&plain[..MAX_BLOCK]).len(), MAX_BLOCK + BLOCK_HEAD);
    }

    #[test]
    fn a_trailer_is_an_empty_last_block_the_checksum_and_the_length() {
        let expected = *b"\x03\x00\x04\x03\x02\x01\x08\x07\x06\x05";
        assert_eq!(trailer(0x0102_0304, 0x0506_0708), expected);
    }
}
