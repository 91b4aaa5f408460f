//! The published events, and the check of those that a subscriber receives.
//!
//! Servers and load generator share this file. Each event has a number, so that a subscriber can
//! check that it received all of them, in order, with every byte.

use std::io;
use std::sync::LazyLock;

use flate2::{Decompress, FlushDecompress};
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
    Kind::Plain.text(number)
}

/// What the data of events is, after the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The same words each time.
    #[default]
    Plain,
    /// A piece of a language model's answer, as JSON of some 200 bytes.
    Llm,
    /// A price, as JSON of some 260 bytes.
    Tick,
    /// A part of a page, of some 1,600 bytes.
    Html,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Llm, Self::Tick, Self::Html];

    /// Returns the data of the event with this number.
    pub(crate) fn text(self, number: u64) -> String {
        format!("{number:016}{}", self.rest(number))
    }

    /// Returns what follows the number.
    fn rest(self, number: u64) -> String {
        let words = Words(number);
        match self {
            Self::Plain => FILLER.clone(),
            Self::Llm => format!(
                r#"{{"id":"chatcmpl-9f2c51a7","object":"chat.completion.chunk","created":1764547200,"model":"large-2026-11","choices":[{{"index":0,"delta":{{"content":" {}"}},"finish_reason":null}}]}}"#,
                words.word(0)
            ),
            Self::Tick => format!(
                r#"{{"symbol":"{}","venue":"XETR","currency":"EUR","bid":{},"ask":{},"bidSize":{},"askSize":{},"last":{},"volume":{},"time":"2026-12-01T10:{:02}:{:02}.{:06}Z","trades":{}}}"#,
                words.word(0).to_uppercase(),
                words.number(1, 1_000_000),
                words.number(2, 1_000_000),
                words.number(3, 10_000),
                words.number(4, 10_000),
                words.number(5, 1_000_000),
                words.number(6, 100_000_000),
                number / 60 % 60,
                number % 60,
                words.number(7, 1_000_000),
                words.number(8, 1_000),
            ),
            Self::Html => {
                let mut page =
                    String::from(r#"elements <table id="orders" class="table striped">"#);
                for row in 0..8 {
                    let [id, price] = [words.number(row, 100_000), words.number(row + 90, 10_000)];
                    let (item, state) = (words.word(row + 30), words.word(row + 60));
                    page += &format!(
                        r#"<tr id="row-{id}" class="order row"><td class="id">{id}</td><td class="item">{item}</td><td class="price">{price}.00 EUR</td><td class="state {state}">{state}</td><td><button data-on-click="@post('/orders/{id}')">open</button></td></tr>"#
                    );
                }
                page + "</table>"
            }
        }
    }
}

/// Words and numbers that depend on the number of an event.
#[derive(Clone, Copy)]
struct Words(u64);

impl Words {
    const ALL: [&str; 16] = [
        "stream", "event", "paid", "open", "river", "token", "answer", "model", "closed", "market",
        "city", "water", "light", "window", "garden", "letter",
    ];

    fn number(self, place: u64, limit: u64) -> u64 {
        // The finalizer of SplitMix64.
        let mut mixed = self
            .0
            .wrapping_add(place << 40)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn word(self, place: u64) -> &'static str {
        let index = self.number(place, Self::ALL.len() as u64);
        Self::ALL[usize::try_from(index).unwrap_or_default()]
    }
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
    kind: Kind,
    /// What follows the number of the next event.
    rest: Option<(u64, String)>,
    /// Decodes the stream, if it is compressed.
    decoder: Option<Decompress>,
    /// How many bytes of the stream have come, compressed or not.
    received: u64,
}

impl Deliveries {
    /// Creates the state of a subscriber that joined after the event with number `after`.
    pub(crate) fn after(after: u64) -> Self {
        Self {
            next: after + 1,
            lost: 0,
            gaps: 0,
            partial: Vec::new(),
            kind: Kind::Plain,
            rest: None,
            decoder: None,
            received: 0,
        }
    }

    /// Sets what the events are, and whether the stream is compressed.
    pub(crate) fn of(mut self, kind: Kind, is_compressed: bool) -> Self {
        self.kind = kind;
        self.decoder = is_compressed.then(|| Decompress::new_gzip(15));
        self
    }

    /// Returns how many bytes of the stream have come.
    pub(crate) const fn received(&self) -> u64 {
        self.received
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
        let is_right = match self.kind {
            Kind::Plain => rest == FILLER.as_bytes(),
            kind => {
                if self.rest.as_ref().is_none_or(|(known, _)| *known != number) {
                    self.rest = Some((number, kind.rest(number)));
                }
                self.rest
                    .as_ref()
                    .is_some_and(|(_, known)| rest == known.as_bytes())
            }
        };
        if !is_right {
            return Err(unexpected(self.next, data));
        }
        self.lost += number - self.next;
        self.next = number + 1;
        Ok(())
    }
}

impl Body for Deliveries {
    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.received += bytes.len() as u64;
        let Some(mut decoder) = self.decoder.take() else {
            return self.take_plain(bytes);
        };
        let mut room = [0; 16 * 1024];
        loop {
            let (read, written) = (decoder.total_in(), decoder.total_out());
            decoder.decompress(bytes, &mut room, FlushDecompress::Sync)?;
            bytes = &bytes[(decoder.total_in() - read) as usize..];
            let written = (decoder.total_out() - written) as usize;
            self.take_plain(&room[..written])?;
            if bytes.is_empty() && written < room.len() {
                break;
            }
        }
        self.decoder = Some(decoder);
        Ok(())
    }
}

impl Deliveries {
    fn take_plain(&mut self, bytes: &[u8]) -> io::Result<()> {
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
