//! The text of an event that is kept: in place if it is short, else an allocation of its own.
//!
//! Most events are kept for a moment only, so what counts is how quickly their text is there and
//! gone again. Sharing it among clones, or with the chunk, takes two atomic operations at least,
//! and those take longer than to copy some hundred bytes.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::hash::{Hash, Hasher};

use arrayvec::ArrayString;
use bytes::Bytes;

/// Text of at most this length is in place: an event then has the size of a cache line.
const SHORT: usize = 32;

#[derive(Clone)]
pub(super) enum Text {
    Short(ArrayString<SHORT>),
    Long(Box<str>),
}

impl Text {
    #[inline]
    pub(super) fn new(text: &str) -> Self {
        match ArrayString::from(text) {
            Ok(text) => Self::Short(text),
            Err(_) => Self::Long(Box::from(text)),
        }
    }

    /// The parts, one behind the other.
    #[inline]
    pub(super) fn joined(parts: [&str; 3]) -> Self {
        let len = parts.iter().map(|part| part.len()).sum();
        if len <= SHORT {
            let mut text = ArrayString::new();
            for part in parts {
                // It fits.
                let _ = text.try_push_str(part);
            }
            Self::Short(text)
        } else {
            let mut text = String::with_capacity(len);
            for part in parts {
                text.push_str(part);
            }
            Self::Long(text.into_boxed_str())
        }
    }

    #[inline]
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Short(text) => text,
            Self::Long(text) => text,
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Short(text) => Bytes::copy_from_slice(text.as_bytes()),
            Self::Long(text) => Bytes::from(text.into_boxed_bytes()),
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn text_is_kept_whole_and_in_place_up_to_a_length() {
        for len in 0..2 * SHORT {
            let text = "é".repeat(len / 2) + &"x".repeat(len % 2);
            let kept = Text::new(&text);
            assert_eq!(kept.as_str(), text);
            assert_eq!(matches!(kept, Text::Short(_)), len <= SHORT, "{len}");
            assert_eq!(kept.into_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn it_makes_no_difference_in_how_many_parts_it_came() {
        for len in 0..2 * SHORT {
            let text = "x".repeat(len);
            let (first, rest) = text.split_at(len / 3);
            let (second, third) = rest.split_at(len / 3);
            let joined = Text::joined([first, second, third]);
            assert_eq!(joined, Text::new(&text));
            assert_eq!(joined.as_str(), text);
            assert_ne!(joined, Text::new(&(text.to_string() + "x")));
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn an_event_fits_a_cache_line() {
        assert_eq!(size_of::<crate::ReceivedEvent>(), 64);
    }
}
