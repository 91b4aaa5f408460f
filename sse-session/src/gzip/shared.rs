//! Pieces of a text that many streams are sent.

use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;

use super::compressor::{Level, deflate};
use super::history::{HISTORY, last};

/// A piece of a text that many streams are sent, such as a topic of a hub, which is compressed once for all of them.
///
/// There are two forms of it: *alone*, which a receiver can decode whatever it had before, and *primed*, for one that
/// has had what is before it in the text. Each is made when it is first needed, and dropped with the piece.
pub struct SharedPiece {
    text: u64,
    from: u128,
    to: u128,
    before: Bytes,
    plain: Bytes,
    alone: OnceLock<Bytes>,
    primed: OnceLock<Bytes>,
}

impl SharedPiece {
    /// Creates the piece between two places of a text, which `text` identifies in this process. What is between two
    /// places must always be the same. `before` is the end of what precedes it, as much as there is or as is
    /// [used](super::HISTORY).
    #[must_use]
    pub fn new(text: u64, from: u128, to: u128, before: Bytes, plain: Bytes) -> Self {
        let used = last(&before).len();
        Self {
            text,
            from,
            to,
            before: before.slice(before.len() - used..),
            plain,
            alone: OnceLock::new(),
            primed: OnceLock::new(),
        }
    }

    /// Returns the text of it.
    #[must_use]
    pub fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// Whether it is of this memory, and not only of the same text.
    pub(crate) fn is_of(&self, plain: &Bytes) -> bool {
        self.plain.as_ptr() == plain.as_ptr() && self.plain.len() == plain.len()
    }

    fn compressed(&self, is_primed: bool) -> Bytes {
        let (form, history) = if is_primed {
            (&self.primed, &self.before)
        } else {
            (&self.alone, &Bytes::new())
        };
        let made = form.get_or_init(|| {
            let mut to = Vec::new();
            deflate(history, &self.plain, Level::Small, &mut to);
            to.into()
        });
        made.clone()
    }
}

impl fmt::Debug for SharedPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPiece")
            .field("plain", &self.plain.len())
            .field("alone", &self.alone.get().map(Bytes::len))
            .field("primed", &self.primed.get().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

/// The end of a stream, as far as it is a stretch of one text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    text: u64,
    to: u128,
    /// At most as much as is used.
    len: usize,
}

impl Run {
    /// Returns the piece for a stream that ends with a run, or with something else, and the run that it ends with
    /// then.
    pub(super) fn extend(run: Option<Self>, piece: &SharedPiece) -> (Bytes, Self) {
        let before = run.filter(|run| run.text == piece.text && run.to == piece.from);
        let len = before.map_or(0, |run| run.len);
        let is_primed = !piece.before.is_empty() && len >= piece.before.len();
        let run = Self {
            text: piece.text,
            to: piece.to,
            len: (len + piece.plain.len()).min(HISTORY),
        };
        (piece.compressed(is_primed), run)
    }
}
