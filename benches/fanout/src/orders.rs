//! The orders to publish: datagrams with a number of events, whose first byte says of which kind they are. Each server reads them here and
//! publishes in its own way.

use std::io;
use std::net::UdpSocket;

use crate::events::Kind;

/// The orders of a server process.
#[derive(Debug)]
pub(crate) struct Orders {
    socket: tokio::net::UdpSocket,
    published: u64,
}

impl Orders {
    pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: tokio::net::UdpSocket::from_std(socket)?,
            published: 0,
        })
    }

    /// Returns the texts of the events to publish now.
    pub(crate) async fn next(&mut self) -> io::Result<impl Iterator<Item = String>> {
        let mut count = [0; 8];
        while self.socket.recv(&mut count).await? != count.len() {}
        let [kind, ..] = count;
        count[0] = 0;
        let kind = Kind::ALL
            .get(usize::from(kind))
            .copied()
            .unwrap_or_default();
        let first = self.published + 1;
        self.published += u64::from_be_bytes(count);
        Ok((first..=self.published).map(move |number| kind.text(number)))
    }
}
