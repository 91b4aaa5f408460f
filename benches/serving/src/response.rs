//! What the load generator makes of the bytes that it gets: cheap enough not to be what limits a
//! server, thorough enough to notice a byte that is missing or too many.

use std::io;

use memchr::memmem;

/// A response as it comes in.
#[derive(Debug)]
pub(crate) struct Response {
    state: State,
    received: Received,
}

#[derive(Debug)]
enum State {
    Head(Vec<u8>),
    /// The body goes on until the end of the connection.
    UntilClose,
    /// In the line with a chunk's size, with what was read of it.
    Size(usize),
    /// In a chunk's data, or in the line break behind it, with what is left of both.
    Data(usize),
    /// Behind the empty last chunk, with what is left of its line break.
    Last(usize),
    Ended,
}

/// What has come of the body, without its framing.
#[derive(Debug)]
pub(crate) struct Received {
    /// How many bytes.
    pub(crate) len: u64,
    /// The last of them, up to a limit.
    pub(crate) tail: Vec<u8>,
    most: usize,
}

impl Response {
    /// A response of which the last `most` bytes of the body are kept.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            state: State::Head(Vec::new()),
            received: Received {
                len: 0,
                tail: Vec::new(),
                most,
            },
        }
    }

    pub(crate) const fn has_head(&self) -> bool {
        !matches!(self.state, State::Head(_))
    }

    pub(crate) const fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    pub(crate) const fn received(&self) -> &Received {
        &self.received
    }

    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match &mut self.state {
                State::Head(head) => {
                    head.extend_from_slice(rest);
                    let Some(end) = memmem::find(head, b"\r\n\r\n") else {
                        return Ok(());
                    };
                    let next = body_state(&head[..end])?;
                    rest = &rest[rest.len() - (head.len() - end - 4)..];
                    self.state = next;
                }
                State::UntilClose => {
                    self.received.take(rest);
                    return Ok(());
                }
                State::Size(size) => {
                    let byte = rest[0];
                    rest = &rest[1..];
                    match (byte as char).to_digit(16) {
                        Some(digit) => *size = *size * 16 + digit as usize,
                        None if byte == b'\r' => {}
                        None if byte == b'\n' && *size == 0 => self.state = State::Last(2),
                        None if byte == b'\n' => self.state = State::Data(*size + 2),
                        None => return Err(invalid("a chunk's size")),
                    }
                }
                State::Data(left) => {
                    let data = left.saturating_sub(2).min(rest.len());
                    if data > 0 {
                        self.received.take(&rest[..data]);
                    }
                    let taken = (*left).min(rest.len());
                    rest = &rest[taken..];
                    *left -= taken;
                    if *left == 0 {
                        self.state = State::Size(0);
                    }
                }
                State::Last(left) => {
                    *left = left.saturating_sub(rest.len());
                    if *left == 0 {
                        self.state = State::Ended;
                    }
                    return Ok(());
                }
                State::Ended => return Err(invalid("bytes behind the end")),
            }
        }
        Ok(())
    }

    /// Notes that the connection has ended.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        match self.state {
            State::UntilClose | State::Ended => {
                self.state = State::Ended;
                Ok(())
            }
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Received {
    fn take(&mut self, bytes: &[u8]) {
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
    }
}

fn body_state(head: &[u8]) -> io::Result<State> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200 ") || !head.contains("\r\ncontent-type: text/event-stream") {
        return Err(io::Error::other(format!("no event stream: {head}")));
    }
    Ok(if head.contains("\r\ntransfer-encoding: chunked") {
        State::Size(0)
    } else {
        State::UntilClose
    })
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";

    #[test]
    fn chunks_are_taken_apart_however_they_are_cut() {
        let all = format!(
            "{HEAD}transfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
        );
        for size in 1..all.len() {
            let mut response = Response::new(6);
            for piece in all.as_bytes().chunks(size) {
                assert!(!response.has_ended());
                response.feed(piece).unwrap();
            }
            assert!(response.has_ended());
            assert_eq!(response.received().len, 20);
            assert_eq!(response.received().tail, b"abcdef");
        }
    }

    #[test]
    fn without_chunks_the_connection_s_end_is_the_body_s() {
        let mut response = Response::new(usize::MAX);
        response.feed(format!("{HEAD}\r\nab").as_bytes()).unwrap();
        response.feed(b"c").unwrap();
        assert!(!response.has_ended());
        response.close().unwrap();
        assert!(response.has_ended());
        assert_eq!(response.received().tail, b"abc");
    }

    #[test]
    fn a_cut_body_is_an_error() {
        let mut response = Response::new(6);
        let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n4\r\nab");
        response.feed(head.as_bytes()).unwrap();
        assert!(response.close().is_err());
    }
}
