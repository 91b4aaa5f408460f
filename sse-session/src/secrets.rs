//! Where secret events are in the buffer of a stream, for those that compress it.

use std::mem;
use std::ops::Range;

/// The places of secret events, in order and apart from each other.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    in_buffer: Vec<Range<usize>>,
    /// Those of the piece that was taken last.
    taken: Vec<Range<usize>>,
}

impl Secrets {
    /// Notes a secret at the end of the buffer.
    pub(crate) fn push(&mut self, place: Range<usize>) {
        match self.in_buffer.last_mut() {
            Some(last) if last.end == place.start => last.end = place.end,
            _ if place.is_empty() => {}
            _ => self.in_buffer.push(place),
        }
    }

    /// Notes that all of the buffer was taken.
    pub(crate) fn buffer_taken(&mut self) {
        self.taken = mem::take(&mut self.in_buffer);
    }

    /// Returns the places in the piece that was taken last.
    pub(crate) fn take(&mut self) -> Vec<Range<usize>> {
        mem::take(&mut self.taken)
    }
}
