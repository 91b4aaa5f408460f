//! The published events, and the check of those that a subscriber receives.
//!
//! Servers and load generator share this file. Each event has a number, so that a subscriber can
//! check that it received all of them, in order, with every byte.

use std::io;
use std::sync::LazyLock;

use memchr::memmem;
use sse_bench_process::Body;

/// The length of an event's data, in bytes.
const LEN: usize = 200;

/// The length of the number that it begins with.
const DIGITS: usize = 16;

/// What follows the number.
static FILLER: LazyLock<String> = LazyLock::new(|| {
    let words = " events to many".chars().cycle();
    words.take(LEN - DIGITS).collect()
});

/// Returns the data of the event with this number. The first is 1.
pub(crate) fn text(number: u64) -> String {
    format!("{number:016}{}", *FILLER)
}

/// Returns the encoded event, without an id.
pub(crate) fn on_the_wire(text: &str) -> String {
    format!("data: {text}\n\n")
}

/// The events that a subscriber has received.
#[derive(Debug)]
pub(crate) struct Deliveries {
    /// The number of the next event.
    next: u64,
    /// The number of events that were skipped.
    lost: u64,
    /// The number of events named `gap`.
    gaps: u64,
    /// The beginning of an incomplete event.
    partial: Vec<u8>,
}

impl Deliveries {
    /// Creates the state of a subscriber that joined after the event with number `after`.
    pub(crate) const fn after(after: u64) -> Self {
        Self {
            next: after + 1,
            lost: 0,
            gaps: 0,
            partial: Vec::new(),
        }
    }

    /// Returns whether the event with this number, or a later one, has arrived.
    pub(crate) const fn has(&self, number: u64) -> bool {
        self.next > number
    }

    /// Returns the number of the next event.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    pub(crate) const fn lost(&self) -> u64 {
        self.lost
    }

    pub(crate) const fn gaps(&self) -> u64 {
        self.gaps
    }

    /// Takes whole events, and returns the bytes after the last.
    fn take_whole<'a>(&mut self, bytes: &'a [u8]) -> io::Result<&'a [u8]> {
        let mut rest = bytes;
        while let Some(end) = memmem::find(rest, b"\n\n") {
            self.take_event(&rest[..end])?;
            rest = &rest[end + 2..];
        }
        Ok(rest)
    }

    /// Takes the lines of an event. It may have an id and comments, or only those.
    fn take_event(&mut self, lines: &[u8]) -> io::Result<()> {
        for line in lines.split(|byte| *byte == b'\n') {
            if line == b"event: gap" {
                self.gaps += 1;
                return Ok(());
            }
            if let Some(data) = line.strip_prefix(b"data: ") {
                self.take_data(data)?;
            }
        }
        Ok(())
    }

    fn take_data(&mut self, data: &[u8]) -> io::Result<()> {
        let (digits, rest) = data.split_at_checked(DIGITS).unwrap_or_default();
        let number = str::from_utf8(digits).ok();
        let number = number.and_then(|digits| digits.parse::<u64>().ok());
        let Some(number) = number.filter(|number| *number >= self.next) else {
            return Err(unexpected(self.next, data));
        };
        if rest != FILLER.as_bytes() {
            return Err(unexpected(self.next, data));
        }
        self.lost += number - self.next;
        self.next = number + 1;
        Ok(())
    }
}

impl Body for Deliveries {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.partial.is_empty() {
            let rest = self.take_whole(bytes)?;
            self.partial.extend_from_slice(rest);
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(bytes);
        let rest = self.take_whole(&all)?.len();
        all.drain(..all.len() - rest);
        if rest > 0 {
            self.partial = all;
        }
        Ok(())
    }
}

fn unexpected(expected: u64, data: &[u8]) -> io::Error {
    let data = data[..data.len().min(LEN + DIGITS)].escape_ascii();
    io::Error::other(format!("expected event {expected}, found {data}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_however_they_are_cut() {
        let mut stream = b": hi\n\nid: 0\n\n".to_vec();
        for number in [8, 9, 12] {
            stream.extend_from_slice(b"id: x\n");
            stream.extend_from_slice(on_the_wire(&text(number)).as_bytes());
            stream.extend_from_slice(b"event: gap\ndata: {}\n\n");
        }
        for size in 1..stream.len() {
            let mut deliveries = Deliveries::after(7);
            for piece in stream.chunks(size) {
                deliveries.take(piece).unwrap();
            }
            assert!(deliveries.has(12) && !deliveries.has(13));
            assert_eq!((deliveries.lost(), deliveries.gaps()), (2, 3));
        }
    }

    #[test]
    fn an_event_that_is_not_the_right_one_is_an_error() {
        let event = on_the_wire(&text(3));
        assert!(Deliveries::after(3).take(event.as_bytes()).is_err());
        let damaged = event.replace("many", "mamy");
        assert!(Deliveries::after(2).take(damaged.as_bytes()).is_err());
    }
}
