//! Decodes a compressed body as far as it has arrived.

use flate2::{Decompress, FlushDecompress, Status};

use crate::client::{End, Response};

/// A decoder of gzip, and the text that it has decoded.
pub(crate) struct Gunzip {
    decoder: Decompress,
    pub(crate) text: String,
    /// Whether the trailer has come, with the right checksum.
    pub(crate) has_ended: bool,
}

impl Gunzip {
    pub(crate) fn new() -> Self {
        Self {
            decoder: Decompress::new_gzip(15),
            text: String::new(),
            has_ended: false,
        }
    }

    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        let mut plain = Vec::new();
        while !bytes.is_empty() {
            assert!(!self.has_ended, "nothing follows the trailer");
            plain.reserve(64 * 1024);
            let before = self.decoder.total_in();
            let flush = FlushDecompress::Sync;
            let status = self.decoder.decompress_vec(bytes, &mut plain, flush);
            self.has_ended = status.expect("gzip") == Status::StreamEnd;
            let read = self.decoder.total_in() - before;
            bytes = &bytes[usize::try_from(read).expect("a short body")..];
        }
        self.text += str::from_utf8(&plain).expect("an event stream is UTF-8");
    }

    /// Reads from a response until the text contains `text`.
    pub(crate) async fn read_until(&mut self, response: &mut Response, text: &str) {
        self.feed(&response.body.split());
        while !self.text.contains(text) {
            if let Err(end) = response.more().await {
                panic!("{end:?} before {text:?}, after {:?}", self.text);
            }
            self.feed(&response.body.split());
        }
    }

    /// Reads a response to its end.
    pub(crate) async fn rest(&mut self, response: &mut Response) -> End {
        loop {
            self.feed(&response.body.split());
            if let Err(end) = response.more().await {
                return end;
            }
        }
    }
}
