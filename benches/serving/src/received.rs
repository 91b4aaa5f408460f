//! What is kept of a response's body: how much of it came, and its end.

use std::io;

use sse_bench_process::Body;

/// A response of which that is kept.
pub(crate) type Response = sse_bench_process::Response<Received>;

/// What has come of the body, without its framing.
#[derive(Debug)]
pub(crate) struct Received {
    /// How many bytes.
    pub(crate) len: u64,
    /// The last of them, up to a limit.
    pub(crate) tail: Vec<u8>,
    most: usize,
}

impl Received {
    /// Nothing yet; the last `most` bytes will be kept.
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            len: 0,
            tail: Vec::new(),
            most,
        }
    }
}

impl Body for Received {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.len += bytes.len() as u64;
        if bytes.len() >= self.most {
            self.tail.clear();
            self.tail
                .extend_from_slice(&bytes[bytes.len() - self.most..]);
        } else {
            let excess = (self.tail.len() + bytes.len()).saturating_sub(self.most);
            self.tail.drain(..excess);
            self.tail.extend_from_slice(bytes);
        }
        Ok(())
    }
}
