//! Bytes as text that can stand in an id, a header and a URL: six bits in each character, the least
//! significant ones first. It has the alphabet of base64url, but not its order of bits, as whole words
//! are then spread over the characters without a byte being looked at.

/// Bytes are read in whole chunks, so so many must follow those that are written.
pub(crate) const PADDING: usize = CHUNK;

const CHUNK: usize = 24;

/// Appends the first `len` bytes as text. Those that follow are at least [`PADDING`], and zero.
#[inline(always)]
pub(crate) fn put(out: &mut Vec<u8>, bytes: &[u8], len: usize) {
    let start = out.len();
    let (chunks, _) = bytes.as_chunks();
    for chunk in chunks.iter().take(len.div_ceil(CHUNK)) {
        out.extend_from_slice(&characters(chunk));
    }
    out.truncate(start + text_len(len));
}

/// Returns the length of so many bytes as text.
pub(crate) const fn text_len(bytes: usize) -> usize {
    (bytes * 8).div_ceil(6)
}

#[inline(always)]
fn characters(chunk: &[u8; CHUNK]) -> [u8; CHUNK / 6 * 8] {
    let mut characters = [0; CHUNK / 6 * 8];
    let (words, _) = chunk.as_chunks();
    if let [a, b, c] = *words {
        let [a, b, c] = [a, b, c].map(u64::from_le_bytes);
        let sixes = [a, a >> 48 | b << 16, b >> 32 | c << 32, c >> 16];
        let (eights, _) = characters.as_chunks_mut();
        for (eight, six) in eights.iter_mut().zip(sixes) {
            *eight = spread(six).to_le_bytes();
        }
    }
    for character in &mut characters {
        *character = letter(*character);
    }
    characters
}

/// Spreads 48 bits over the eight bytes of a word.
#[inline(always)]
const fn spread(bits: u64) -> u64 {
    let bits = bits & 0x0000_00ff_ffff | (bits & 0xffff_ff00_0000) << 8;
    let bits = bits & 0x0000_0fff_0000_0fff | (bits & 0x00ff_f000_00ff_f000) << 4;
    bits & 0x003f_003f_003f_003f | (bits & 0x0fc0_0fc0_0fc0_0fc0) << 2
}

/// Returns the letter of the alphabet, without a table, so that the compiler does several at a time.
#[inline(always)]
const fn letter(value: u8) -> u8 {
    let mut letter = value + b'A';
    if value >= 26 {
        letter += b'a' - b'Z' - 1;
    }
    if value >= 52 {
        letter -= b'z' - b'0' + 1;
    }
    if value >= 62 {
        letter -= b'9' - b'-' + 1;
    }
    if value >= 63 {
        letter += b'_' - b'-' - 1;
    }
    letter
}

/// Returns the bytes of a text; `None` if [`put`] has not made it.
pub(crate) fn parse(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 6 / 8);
    let (mut bits, mut count) = (0_u32, 0);
    for character in text.bytes() {
        bits |= u32::from(value(character)?) << count;
        count += 6;
        if count >= 8 {
            bytes.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            count -= 8;
        }
    }
    // Of the last character, less than all bits may be left, and they must be zero.
    (count < 6 && bits == 0).then_some(bytes)
}

const fn value(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    fn text_of(bytes: &[u8]) -> String {
        let padded = [bytes, &[0; PADDING]].concat();
        let mut out = b"before ".to_vec();
        put(&mut out, &padded, bytes.len());
        let text = String::from_utf8(out).expect("ASCII");
        text.strip_prefix("before ").expect("it is kept").to_owned()
    }

    proptest! {
        #[test]
        fn bytes_are_parsed_as_they_were_put(bytes in vec(any::<u8>(), 0..100)) {
            let text = text_of(&bytes);
            prop_assert_eq!(text.len(), text_len(bytes.len()));
            prop_assert_eq!(parse(&text), Some(bytes));
        }

        #[test]
        fn what_is_parsed_is_the_only_text_of_its_bytes(text in "[A-Za-z0-9_-]{0,100}|.{0,20}") {
            if let Some(bytes) = parse(&text) {
                prop_assert_eq!(text_of(&bytes), text);
            }
        }
    }

    #[test]
    fn each_character_has_the_next_six_bits() {
        for bits in 0..64_u8 {
            assert_eq!(letter(bits), ALPHABET[usize::from(bits)]);
            assert_eq!(value(letter(bits)), Some(bits));
        }
        assert_eq!(text_of(&[0b1100_0001, 0b0101_0000, 0b0010_0011]), "BD1I");
        let others = (0..=u8::MAX).filter(|character| !ALPHABET.contains(character));
        assert!(others.into_iter().all(|other| value(other).is_none()));
    }
}
