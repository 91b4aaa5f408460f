//! Receivers of decoded events.

use std::hint::black_box;

/// Receives the events of a decoder.
pub(crate) trait Sink {
    /// Receives an event. Without a name, `event` is `message` or empty; without an id, `id` is empty.
    fn event(&mut self, event: &str, id: &str, data: &[u8]);
}

/// Keeps the compiler from leaving events out, at almost no cost.
#[derive(Default)]
pub(crate) struct Consume;

impl Sink for Consume {
    #[inline]
    fn event(&mut self, event: &str, id: &str, data: &[u8]) {
        black_box((event, id, data));
    }
}

/// A summary of events, for comparing them: their number, the bytes of their data, and a hash
/// (FNV-1a) of their contents.
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
        // UTF-8 text has no 0xFF, so it separates the fields.
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

/// Keeps the events, for comparing them one by one.
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
