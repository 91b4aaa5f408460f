//! A client over a socket that reads HTTP/1.1 chunk by chunk, or HTTP/1.0 as it arrives, and can stop
//! or vanish at any point.

use std::io;
use std::net::SocketAddr;

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::reader::{Event, Reader};

/// A client over a socket.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    /// What was received and is not decoded yet.
    received: Vec<u8>,
    /// How many bytes of the current chunk are missing, including the line break after it.
    chunk: usize,
    is_chunked: bool,
    /// Reads the events.
    pub reader: Reader,
}

/// What a client receives.
#[derive(Debug)]
pub enum Received {
    /// Some events.
    Events(Vec<Event>),
    /// The response is complete.
    End,
    /// The connection has ended before that.
    Cut,
}

impl Client {
    /// Connects, requests `path`, and reads the head of the response. A status other than 200 is an error.
    pub async fn connect(
        address: SocketAddr,
        path: &str,
        last_event_id: Option<&str>,
    ) -> io::Result<Self> {
        Self::with_receive_buffer(address, path, last_event_id, None).await
    }

    /// As [`connect`](Self::connect), with a receive buffer of so many bytes.
    pub async fn with_receive_buffer(
        address: SocketAddr,
        path: &str,
        last_event_id: Option<&str>,
        bytes: Option<u32>,
    ) -> io::Result<Self> {
        Self::ask(address, path, last_event_id, bytes, true).await
    }

    /// As [`with_receive_buffer`](Self::with_receive_buffer), with HTTP/1.1 if the response may be
    /// chunked, and otherwise with HTTP/1.0.
    pub async fn ask(
        address: SocketAddr,
        path: &str,
        last_event_id: Option<&str>,
        bytes: Option<u32>,
        is_chunked: bool,
    ) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut stream = socket.connect(address).await?;
        let id = last_event_id.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        let request = format!(
            "GET {path} HTTP/1.{}\r\nHost: localhost\r\n{id}\r\n",
            u8::from(is_chunked)
        );
        stream.write_all(request.as_bytes()).await?;

        let mut received = Vec::new();
        let end = loop {
            if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = std::str::from_utf8(&received[..end])
            .expect("a head in ASCII")
            .to_lowercase();
        let status = format!("http/1.{} 200 ", u8::from(is_chunked));
        if !head.starts_with(&status) {
            return Err(io::Error::other(head));
        }
        let has_header = head.contains("\r\ntransfer-encoding: chunked\r\n");
        assert_eq!(has_header, is_chunked, "{head}");
        received.drain(..end);
        Ok(Self {
            stream,
            received,
            chunk: 0,
            is_chunked,
            reader: Reader::after(last_event_id),
        })
    }

    /// Returns the last event ID.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.reader.id.as_deref()
    }

    /// Ends the connection with a reset (RST), as the system does for a process that has crashed.
    ///
    /// # Errors
    ///
    /// If the system refuses; the connection is closed as usual then.
    pub fn reset(self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }

    /// Reads until there are events, or until the end.
    ///
    /// # Cancel safety
    ///
    /// No event is lost if this is dropped.
    pub async fn read(&mut self) -> Received {
        loop {
            match self.decode() {
                Received::Events(events) if events.is_empty() => {}
                received => return received,
            }
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) | Err(_) => return Received::Cut,
                Ok(_) => {}
            }
        }
    }

    /// Decodes the events in what was received.
    fn decode(&mut self) -> Received {
        if !self.is_chunked {
            let events = self.reader.feed(&self.received);
            self.received.clear();
            return Received::Events(events);
        }
        let mut events = Vec::new();
        loop {
            if self.chunk == 0 {
                // The adapters send whole events in each chunk.
                assert!(self.reader.is_whole());
                let Some(end) = memmem::find(&self.received, b"\r\n") else {
                    return Received::Events(events);
                };
                let size = std::str::from_utf8(&self.received[..end]).expect("a size");
                let size = usize::from_str_radix(size, 16).expect("a size in hexadecimal");
                if size == 0 {
                    if !events.is_empty() {
                        return Received::Events(events);
                    }
                    assert!(self.reader.is_whole(), "ended within an event");
                    return Received::End;
                }
                self.received.drain(..end + 2);
                self.chunk = size + 2;
            }
            if self.received.is_empty() {
                return Received::Events(events);
            }
            let taken = self.chunk.min(self.received.len());
            // Without the line break after the chunk.
            let data = taken.min(self.chunk.saturating_sub(2));
            events.extend(self.reader.feed(&self.received[..data]));
            self.received.drain(..taken);
            self.chunk -= taken;
        }
    }

    /// Reads until there are events, and panics at anything else.
    pub async fn events(&mut self) -> Vec<Event> {
        match self.read().await {
            Received::Events(events) => events,
            received => panic!("no more events: {received:?}"),
        }
    }
}
