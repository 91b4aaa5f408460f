//! How the load generator tells a server that it is time for an event: by a datagram with a
//! number, which every server passes on to its streams in the same way.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use tokio::sync::watch;

/// Ticks of a server process, from which each stream takes its own [`Ticks`].
#[derive(Clone, Debug)]
pub(crate) struct Ticker(Arc<watch::Sender<u64>>);

impl Ticker {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Passes on what arrives at `socket`, for ever.
    pub(crate) async fn run(self, socket: UdpSocket) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        loop {
            let mut number = [0; 8];
            if socket.recv(&mut number).await? == number.len() {
                self.0.send_replace(u64::from_be_bytes(number));
            }
        }
    }

    /// The ticks from now on.
    pub(crate) fn subscribe(&self) -> Ticks {
        Ticks(self.0.subscribe())
    }
}

/// The ticks as one stream sees them. The load generator waits for the events of one tick before
/// it gives the next, so none is missed.
#[derive(Debug)]
pub(crate) struct Ticks(watch::Receiver<u64>);

impl Ticks {
    pub(crate) async fn next(&mut self) -> u64 {
        if self.0.changed().await.is_err() {
            // The server is coming down.
            std::future::pending::<()>().await;
        }
        *self.0.borrow_and_update()
    }
}
