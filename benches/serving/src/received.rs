//! The length and the end of a response's body.

use std::io;

use sse_bench_process::Body;

/// A response with the length and end of its body.
pub(crate) type Response = sse_bench_process::Response<Received>;

/// The part of the body that has arrived, without its framing.
#[derive(Debug)]
pub(crate) struct Received {
    /// The number of bytes.
    pub(crate) len: u64,
    /// The last bytes, up to a limit.
    pub(crate) tail: Vec<u8>,
    most: usize,
}

impl Received {
    /// Creates an empty body that will keep the last `most` bytes.
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
