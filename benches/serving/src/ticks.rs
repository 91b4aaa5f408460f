//! Ticks: datagrams of the load generator with a number, at which each stream sends an event. All
//! servers pass them on to their streams in the same way. A second number selects a group of streams.

use std::io;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The number of streams in a group, in the order of their requests.
pub(crate) const GROUP: usize = 100;

/// Ticks of a server process, from which each stream takes its own [`Ticks`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticker(Arc<Mutex<Groups>>);

#[derive(Debug, Default)]
struct Groups {
    streams: usize,
    senders: Vec<watch::Sender<u64>>,
}

impl Ticker {
    /// Passes on the datagrams from `socket` without end.
    pub(crate) async fn run(self, socket: UdpSocket) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        loop {
            let mut numbers = [[0; 8]; 2];
            let len = socket.recv(numbers.as_flattened_mut()).await?;
            let [tick, group] = numbers.map(u64::from_be_bytes);
            let groups = self.groups();
            match len {
                8 => groups.senders.iter().for_each(|sender| {
                    sender.send_replace(tick);
                }),
                16 => {
                    let group = usize::try_from(group).unwrap_or(usize::MAX);
                    if let Some(sender) = groups.senders.get(group) {
                        sender.send_replace(tick);
                    }
                }
                _ => {}
            }
        }
    }

    /// Returns the ticks from now on.
    pub(crate) fn subscribe(&self) -> Ticks {
        let mut groups = self.groups();
        let group = groups.streams / GROUP;
        groups.streams += 1;
        if groups.senders.len() <= group {
            groups.senders.push(watch::Sender::new(0));
        }
        Ticks(groups.senders[group].subscribe())
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ticks of one stream. The load generator waits for the events of a tick before it sends the
/// next, so none is missed.
#[derive(Debug)]
pub(crate) struct Ticks(watch::Receiver<u64>);

impl Ticks {
    pub(crate) async fn next(&mut self) -> u64 {
        if self.0.changed().await.is_err() {
            // The server is shutting down.
            std::future::pending::<()>().await;
        }
        *self.0.borrow_and_update()
    }
}
