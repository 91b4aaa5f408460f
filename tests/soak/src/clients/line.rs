//! How a client gets its stream: over a connection of its own, or one of HTTP/2 that it shares.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use sse_hub_testing::client::{Client, Received};
use sse_hub_testing::reader::Event;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::http2::{self, Shared};

/// Where the clients connect.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// To one of these nodes, with HTTP/1.1.
    Http1(Arc<[u16]>),
    /// Over this connection.
    Http2(Arc<Shared>),
}

/// An open stream.
#[derive(Debug)]
pub(crate) enum Stream {
    Http1(Box<Client>),
    Http2(Box<http2::Stream>),
}

/// The end of a stream that the client itself has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The shared connection was reset by one of its clients.
    Shared,
    /// The response was complete, or cut by the server.
    Server,
}

impl Line {
    /// Opens a stream of these topics. A connection of its own has a receive buffer of so many bytes.
    pub(crate) async fn open(
        &self,
        topics: &str,
        last_event_id: Option<&str>,
        buffer: Option<u32>,
        random: &mut fastrand::Rng,
    ) -> io::Result<Stream> {
        match self {
            Self::Http1(ports) => {
                let address = node(ports, random);
                let path = format!("/?{topics}");
                let client = Client::with_receive_buffer(address, &path, last_event_id, buffer);
                Ok(Stream::Http1(Box::new(client.await?)))
            }
            Self::Http2(shared) => {
                let stream = shared.open(topics, last_event_id).await?;
                Ok(Stream::Http2(Box::new(stream)))
            }
        }
    }

    /// Sends a request, and is gone before the response.
    pub(crate) async fn abort(&self, topics: &str, random: &mut fastrand::Rng) -> io::Result<()> {
        match self {
            Self::Http1(ports) => {
                let mut stream = TcpStream::connect(node(ports, random)).await?;
                if random.bool() {
                    stream.set_zero_linger()?;
                }
                let request = format!("GET /?{topics} HTTP/1.1\r\nHost: localhost\r\n\r\n");
                // Sometimes the request is not complete either.
                let len = random.usize(1..=request.len());
                stream.write_all(&request.as_bytes()[..len]).await
            }
            Self::Http2(shared) => shared.abort(topics).await,
        }
    }

    /// Resets the shared connection. Returns whether there is one.
    pub(crate) fn reset(&self) -> bool {
        match self {
            Self::Http1(_) => false,
            Self::Http2(shared) => shared.reset(),
        }
    }
}

fn node(ports: &[u16], random: &mut fastrand::Rng) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, ports[random.usize(..ports.len())]).into()
}

impl Stream {
    /// Reads until there are events, or until the end.
    ///
    /// # Cancel safety
    ///
    /// No event is lost if this is dropped.
    pub(crate) async fn read(&mut self) -> Result<Vec<Event>, End> {
        match self {
            Self::Http1(client) => match client.read().await {
                Received::Events(events) => Ok(events),
                Received::End | Received::Cut => Err(End::Server),
            },
            Self::Http2(stream) => stream.read().await,
        }
    }

    /// Returns the last event ID.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Http1(client) => client.id(),
            Self::Http2(stream) => stream.id(),
        }
    }

    /// Ends the stream with a reset: of the connection, or of the stream alone if it is shared.
    pub(crate) fn reset(self) -> io::Result<()> {
        match self {
            Self::Http1(client) => client.reset(),
            Self::Http2(stream) => {
                stream.reset();
                Ok(())
            }
        }
    }
}
