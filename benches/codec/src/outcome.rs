//! What a decoder hands its events to.

use std::hint::black_box;

/// Takes the events of a decoder.
pub(crate) trait Sink {
    /// An event without a name gives `message` or nothing; one without an id gives nothing.
    fn event(&mut self, event: &str, id: &str, data: &[u8]);
}

/// Makes the compiler believe that every event is looked at, at next to no cost.
#[derive(Default)]
pub(crate) struct Consume;

impl Sink for Consume {
    #[inline]
    fn event(&mut self, event: &str, id: &str, data: &[u8]) {
        black_box((event, id, data));
    }
}

/// What the events were, to be compared: their number, the bytes of their data, and a hash
/// (FNV-1a) over everything that they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) events: u64,
    pub(crate) data_len: u64,
    pub(crate) hash: u32,
}

impl Default for Digest {
    fn default() -> Self {
        Self {
            events: 0,
            data_len: 0,
            hash: 0x811c_9dc5,
        }
    }
}

impl Digest {
    fn hash(&mut self, bytes: &[u8]) {
        // No UTF-8 text holds 0xFF, so it keeps the fields apart.
        for byte in bytes.iter().chain(&[0xFF]) {
            self.hash = (self.hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }
}

impl Sink for Digest {
    fn event(&mut self, event: &str, id: &str, data: &[u8]) {
        self.events += 1;
        self.data_len += data.len() as u64;
        self.hash(name(event).as_bytes());
        self.hash(id.as_bytes());
        self.hash(data);
    }
}

/// Keeps the events, to be shown.
#[derive(Default)]
pub(crate) struct Keep(pub(crate) Vec<(String, String, String)>);

impl Sink for Keep {
    fn event(&mut self, event: &str, id: &str, data: &[u8]) {
        let data = String::from_utf8_lossy(data).into_owned();
        self.0.push((name(event).to_owned(), id.to_owned(), data));
    }
}

/// HTML § 9.2.6: an event without a name is a `message`.
fn name(event: &str) -> &str {
    if event.is_empty() { "message" } else { event }
}
