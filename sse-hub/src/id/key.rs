//! The keys of ids.

use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::str::FromStr;

const LEN: usize = 32;

/// A secret with which a hub makes ids, and recognizes its own when clients come back.
///
/// A hub without an engine draws one, which ends with it. Nodes that share an engine need the same
/// one, from their configuration: 32 random bytes, such as `openssl rand -hex 32` prints as text.
///
/// ```
/// use sse_hub::IdKey;
///
/// # let text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// // For instance from `std::env::var("ID_KEY")`.
/// let key: IdKey = text.parse()?;
/// // Neither the log nor an error shows it.
/// assert_eq!(format!("{key:?}"), "IdKey(..)");
/// # Ok::<(), sse_hub::IdKeyError>(())
/// ```
#[derive(Clone)]
pub struct IdKey([u8; LEN]);

impl IdKey {
    /// What an engine's hub without a key takes. It is known to everybody.
    pub(crate) const PUBLIC: Self = Self(*b"sse-hub: everyone knows this key");

    /// Creates a key of 32 random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; LEN]) -> Self {
        Self(bytes)
    }

    /// Draws a key.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; LEN];
        // What the standard library seeds its maps with, should the system not answer below.
        for (number, word) in bytes.chunks_exact_mut(8).enumerate() {
            word.copy_from_slice(&RandomState::new().hash_one(number).to_le_bytes());
        }
        let _ = getrandom::fill(&mut bytes);
        Self(bytes)
    }

    pub(crate) fn halves(&self) -> [[u8; LEN / 2]; 2] {
        let mut halves = [[0; LEN / 2]; 2];
        for (half, bytes) in halves.iter_mut().zip(self.0.chunks_exact(LEN / 2)) {
            half.copy_from_slice(bytes);
        }
        halves
    }
}

/// Reads 64 hexadecimal digits.
impl FromStr for IdKey {
    type Err = IdKeyError;

    fn from_str(text: &str) -> Result<Self, IdKeyError> {
        let mut bytes = [0; LEN];
        if text.len() != 2 * LEN {
            return Err(IdKeyError { len: text.len() });
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            for digit in digits {
                let digit = char::from(*digit).to_digit(16);
                let digit = digit.and_then(|digit| u8::try_from(digit).ok());
                *byte = *byte << 4 | digit.ok_or(IdKeyError { len: text.len() })?;
            }
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdKey(..)")
    }
}

/// The text is not an [`IdKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdKeyError {
    len: usize,
}

impl fmt::Display for IdKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.len == 2 * LEN {
            f.write_str("key of ids has a character that is not a hexadecimal digit")
        } else {
            write!(
                f,
                "key of ids has {} bytes, expected {} hexadecimal digits",
                self.len,
                2 * LEN
            )
        }
    }
}

impl Error for IdKeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_its_hexadecimal_digits() {
        let text = "00ff0102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e";
        let key: IdKey = text.parse().expect("a key");
        assert_eq!(key.0[..4], [0, 255, 1, 2]);
        assert_eq!(key.0[31], 0x1e);
        let [first, second] = key.halves();
        assert_eq!([first, second].concat(), key.0);
    }

    #[test]
    fn what_is_not_a_key_is_refused_and_not_shown() {
        for (text, error) in [
            ("", "key of ids has 0 bytes, expected 64 hexadecimal digits"),
            (
                "secret",
                "key of ids has 6 bytes, expected 64 hexadecimal digits",
            ),
            (
                &"é".repeat(32),
                "key of ids has a character that is not a hexadecimal digit",
            ),
            (
                &format!("{}g", "0".repeat(63)),
                "key of ids has a character that is not a hexadecimal digit",
            ),
        ] {
            let refused = text.parse::<IdKey>().expect_err("not a key");
            assert_eq!(refused.to_string(), error);
        }
        assert_eq!(format!("{:?}", IdKey::new([7; 32])), "IdKey(..)");
    }

    #[test]
    fn drawn_keys_differ() {
        assert_ne!(IdKey::random().0, IdKey::random().0);
        assert!(IdKey::random().0.iter().any(|byte| *byte != 0));
    }
}
