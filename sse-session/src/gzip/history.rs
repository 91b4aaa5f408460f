//! The text that a piece may refer to.

/// How many bytes of history are used, at most: 4 KiB would save 1.5 points of ratio at most, at twice the
/// memory, and 1 KiB loses 3 with HTML.
pub const HISTORY: usize = 2 * 1024;

/// Returns as much of the end of `text` as is used.
pub(super) fn last(text: &[u8]) -> &[u8] {
    &text[text.len().saturating_sub(HISTORY)..]
}

/// The end of the text of one stream.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<u8>);

impl History {
    /// Appends text, and forgets what is then too far back.
    pub fn push(&mut self, text: &[u8]) {
        let text = last(text);
        let excess = (self.0.len() + text.len()).saturating_sub(HISTORY);
        self.0.drain(..excess);
        self.0.extend_from_slice(text);
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_the_end_of_the_text() {
        let text: Vec<u8> = (0..=255).cycle().take(3 * HISTORY).collect();
        for size in [1, 7, 2000, HISTORY, HISTORY + 1, 3 * HISTORY] {
            let mut history = History::default();
            for (number, piece) in text.chunks(size).enumerate() {
                history.push(piece);
                let end = text.len().min((number + 1) * size);
                assert_eq!(history.text(), last(&text[..end]));
            }
            assert!(history.0.capacity() <= 2 * HISTORY);
            history.clear();
            assert_eq!(history.text(), b"");
        }
    }
}
