//! Parsing of responses in the load generator: cheap enough not to limit a server, and strict enough
//! to notice a missing or additional byte.

use std::io;
use std::net::TcpStream;

use memchr::memmem;
use nix::sys::socket::{setsockopt, sockopt};

/// A receiver of the body of a response.
pub trait Body {
    /// Takes the next bytes, without their framing.
    ///
    /// # Errors
    ///
    /// When they are not as expected.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A response that is being received.
#[derive(Debug)]
pub struct Response<B> {
    state: State,
    body: B,
}

#[derive(Debug)]
enum State {
    Head(Vec<u8>),
    /// In a body that ends with the connection.
    UntilClose,
    /// In the line with the size of a chunk, with the size so far.
    Size(usize),
    /// In the data of a chunk or the line break after it, with the number of bytes left.
    Data(usize),
    /// After the empty last chunk, with the number of bytes left of its line break.
    Last(usize),
    Ended,
}

impl<B: Body> Response<B> {
    /// Creates a response that has received nothing.
    pub const fn new(body: B) -> Self {
        Self {
            state: State::Head(Vec::new()),
            body,
        }
    }

    /// Returns whether the head is complete.
    pub const fn has_head(&self) -> bool {
        !matches!(self.state, State::Head(_))
    }

    /// Returns whether the body is complete.
    pub const fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Returns the receiver of the body.
    pub const fn body(&self) -> &B {
        &self.body
    }

    /// Returns the receiver of the body, mutably.
    pub const fn body_mut(&mut self) -> &mut B {
        &mut self.body
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// When they are no event stream, or the receiver of the body fails.
    pub fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
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
                    self.body.take(rest)?;
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
                        None => return Err(invalid("invalid chunk size")),
                    }
                }
                State::Data(left) => {
                    let data = left.saturating_sub(2).min(rest.len());
                    if data > 0 {
                        self.body.take(&rest[..data])?;
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
                State::Ended => return Err(invalid("bytes after the end")),
            }
        }
        Ok(())
    }

    /// Ends the response with its connection.
    ///
    /// # Errors
    ///
    /// When the body is incomplete.
    pub fn close(&mut self) -> io::Result<()> {
        match self.state {
            State::UntilClose | State::Ended => {
                self.state = State::Ended;
                Ok(())
            }
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Makes dropping a connection a reset, so that its port is not left in TIME-WAIT.
pub fn reset(connection: &TcpStream) {
    let linger = nix::libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    let _ = setsockopt(connection, sockopt::Linger, &linger);
}

fn body_state(head: &[u8]) -> io::Result<State> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200 ") || !head.contains("\r\ncontent-type: text/event-stream") {
        return Err(io::Error::other(format!("not an event stream: {head}")));
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

    impl Body for Vec<u8> {
        fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.extend_from_slice(bytes);
            Ok(())
        }
    }

    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";

    #[test]
    fn chunks_are_taken_apart_however_they_are_cut() {
        let all = format!(
            "{HEAD}transfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
        );
        for size in 1..all.len() {
            let mut response = Response::new(Vec::new());
            for piece in all.as_bytes().chunks(size) {
                assert!(!response.has_ended());
                response.feed(piece).unwrap();
            }
            assert!(response.has_ended());
            assert_eq!(response.body(), b"abcd0123456789abcdef");
        }
    }

    #[test]
    fn without_chunks_the_connection_s_end_is_the_body_s() {
        let mut response = Response::new(Vec::new());
        response.feed(format!("{HEAD}\r\nab").as_bytes()).unwrap();
        response.feed(b"c").unwrap();
        assert!(!response.has_ended());
        response.close().unwrap();
        assert!(response.has_ended());
        assert_eq!(response.body(), b"abc");
    }

    #[test]
    fn a_cut_body_is_an_error() {
        let mut response = Response::new(Vec::new());
        let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n4\r\nab");
        response.feed(head.as_bytes()).unwrap();
        assert!(response.close().is_err());
    }
}
