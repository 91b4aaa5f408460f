//! Where the head of a request ends (RFC 9112 § 2.1).

/// Looks for the end of a head in pieces of it.
#[derive(Debug, Default)]
pub(super) enum HeadScan {
    /// Before the request line, where empty lines are ignored (RFC 9112 § 2.2).
    #[default]
    Start,
    /// Within a line.
    Line,
    /// At the beginning of a line.
    LineStart,
    /// After a CR at the beginning of a line.
    Cr,
}

impl HeadScan {
    /// Reads a piece of a head. Returns where the head ends in it, after which the next one begins.
    ///
    /// A line ends with LF alone too, as the parser of actix accepts that.
    pub(super) fn advance(&mut self, piece: &[u8]) -> Option<usize> {
        for (at, byte) in piece.iter().enumerate() {
            *self = match (&self, byte) {
                (Self::Start, b'\r' | b'\n') => Self::Start,
                (Self::LineStart | Self::Cr, b'\n') => {
                    *self = Self::Start;
                    return Some(at + 1);
                }
                (_, b'\n') => Self::LineStart,
                (Self::LineStart, b'\r') => Self::Cr,
                _ => Self::Line,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns where heads end, with the input cut into pieces of `size` bytes.
    fn ends(input: &[u8], size: usize) -> Vec<usize> {
        let (mut scan, mut ends) = (HeadScan::default(), Vec::new());
        for (number, piece) in input.chunks(size).enumerate() {
            let mut from = 0;
            while let Some(end) = scan.advance(&piece[from..]) {
                from += end;
                ends.push(number * size + from);
            }
        }
        ends
    }

    #[test]
    fn a_head_ends_with_its_first_empty_line_however_it_is_cut() {
        for (input, expected) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", vec![27]),
            ("GET / HTTP/1.1\nHost: a\n\n", vec![24]),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", vec![26]),
            ("\r\n\n\r\n\r\nGET / HTTP/1.1\r\n\r\nGET", vec![25]),
            ("a\r\r\n\r\nb\n\nc", vec![6, 9]),
            ("a\r\n\rb\r\n\rc\n", vec![]),
        ] {
            for size in 1..=input.len() {
                assert_eq!(
                    ends(input.as_bytes(), size),
                    expected,
                    "{input:?} by {size}"
                );
            }
        }
    }
}
