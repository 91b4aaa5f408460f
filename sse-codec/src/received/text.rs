//! The text of an owned event, stored inline if it is small, else on the heap.
//!
//! Most events are owned only for a moment, so creating and dropping them must be fast. Sharing the
//! text with clones or with the chunk takes at least two atomic operations, which cost more than
//! copying some hundred bytes.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use arrayvec::ArrayString;
use bytes::Bytes;

/// The longest text that is stored inline. With 32, an event has the size of a cache line.
const INLINE_LEN: usize = 32;

#[derive(Clone)]
pub(super) enum Text {
    Inline(ArrayString<INLINE_LEN>),
    Heap(Box<str>),
}

impl Text {
    #[inline]
    pub(super) fn new(text: &str) -> Self {
        match ArrayString::from(text) {
            Ok(text) => Self::Inline(text),
            Err(_) => Self::Heap(Box::from(text)),
        }
    }

    /// Joins the parts.
    #[inline]
    pub(super) fn joined(parts: [&str; 3]) -> Self {
        let len = parts.iter().map(|part| part.len()).sum();
        if len <= INLINE_LEN {
            let mut text = ArrayString::new();
            for part in parts {
                // The length was checked.
                let _ = text.try_push_str(part);
            }
            Self::Inline(text)
        } else {
            let mut text = String::with_capacity(len);
            for part in parts {
                text.push_str(part);
            }
            Self::Heap(text.into_boxed_str())
        }
    }

    #[inline]
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Inline(text) => text,
            Self::Heap(text) => text,
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Inline(text) => Bytes::copy_from_slice(text.as_bytes()),
            Self::Heap(text) => Bytes::from(text.into_boxed_bytes()),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_whole_and_inline_up_to_a_length() {
        for len in 0..2 * INLINE_LEN {
            let text = "é".repeat(len / 2) + &"x".repeat(len % 2);
            let kept = Text::new(&text);
            assert_eq!(kept.as_str(), text);
            assert_eq!(matches!(kept, Text::Inline(_)), len <= INLINE_LEN, "{len}");
            assert_eq!(kept.into_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn joined_parts_equal_the_whole() {
        for len in 0..2 * INLINE_LEN {
            let text = "x".repeat(len);
            let (first, rest) = text.split_at(len / 3);
            let (second, third) = rest.split_at(len / 3);
            let joined = Text::joined([first, second, third]);
            assert_eq!(joined.as_str(), text);
            assert_eq!(
                matches!(joined, Text::Inline(_)),
                len <= INLINE_LEN,
                "{len}"
            );
        }
    }
}
