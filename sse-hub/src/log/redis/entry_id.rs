//! Ids of stream entries, as positions.

use crate::position::Position;

/// Returns the id of a position.
pub(super) fn of(position: Position) -> String {
    format!("{}-{}", position.major(), position.minor())
}

/// Parses an id: `milliseconds-number`.
pub(super) fn parse(id: &[u8]) -> Option<Position> {
    let dash = memchr::memchr(b'-', id)?;
    Some(Position::new(
        number(id.get(..dash)?)?,
        number(id.get(dash + 1..)?)?,
    ))
}

/// Parses a number as the standard library does, but without a check of the encoding first: each
/// entry that arrives has two ids.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_positions() {
        assert_eq!(parse(b"17-3"), Some(Position::new(17, 3)));
        assert_eq!(of(Position::new(17, 3)), "17-3");
        let last = format!("{}-{}", u64::MAX, u64::MAX);
        assert_eq!(
            parse(last.as_bytes()),
            Some(Position::new(u64::MAX, u64::MAX))
        );
        for invalid in [
            &b""[..],
            b"17",
            b"17-",
            b"-3",
            b"x-3",
            b"17-3-1",
            b"\xff-1",
            b"18446744073709551616-0",
        ] {
            assert_eq!(parse(invalid), None, "{invalid:?}");
        }
    }
}
