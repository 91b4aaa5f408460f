//! What the load generator makes of the bytes that it gets: cheap enough not to be what limits a
//! server, thorough enough to notice a byte that is missing or too many.

use std::io;
use std::net::TcpStream;

use memchr::memmem;
use nix::sys::socket::{setsockopt, sockopt};

/// What becomes of a response's body.
pub trait Body {
    /// Takes what comes next of it, without its framing.
    ///
    /// # Errors
    ///
    /// When it is not what it should be.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A response as it comes in.
#[derive(Debug)]
pub struct Response<B> {
    state: State,
    body: B,
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

impl<B: Body> Response<B> {
    /// A response of which nothing has come.
    pub const fn new(body: B) -> Self {
        Self {
            state: State::Head(Vec::new()),
            body,
        }
    }

    /// Whether all of the head has come.
    pub const fn has_head(&self) -> bool {
        !matches!(self.state, State::Head(_))
    }

    /// Whether all of the body has come.
    pub const fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// What has become of the body so far.
    pub const fn body(&self) -> &B {
        &self.body
    }

    /// What has become of the body so far, to be changed.
    pub const fn body_mut(&mut self) -> &mut B {
        &mut self.body
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// When they are not those of an event stream, or the body does not take them.
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
                        None => return Err(invalid("a chunk's size")),
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
                State::Ended => return Err(invalid("bytes behind the end")),
            }
        }
        Ok(())
    }

    /// Notes that the connection has ended.
    ///
    /// # Errors
    ///
    /// When the body has not.
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

/// Makes dropping a connection a reset, which leaves no port behind that waits to be used again.
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
