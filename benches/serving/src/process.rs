//! A server of this benchmark, in a process that gets ticks.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::ops::{Deref, DerefMut};

use crate::servers::Server;

#[derive(Debug)]
pub(crate) struct Process {
    server: Server,
    process: sse_bench_process::Process,
    address: SocketAddr,
    ticks: UdpSocket,
    tick: u64,
}

impl Process {
    /// Starts this program again, as a server on a core of its own.
    pub(crate) fn start(server: Server, core: Option<usize>) -> io::Result<Self> {
        let (process, address, ticks) =
            sse_bench_process::Process::start_again(server.name(), core)?;
        Ok(Self {
            server,
            process,
            address,
            ticks,
            tick: 0,
        })
    }

    pub(crate) const fn server(&self) -> Server {
        self.server
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends the next tick. Returns its number.
    pub(crate) fn tick(&mut self) -> io::Result<u64> {
        self.tick += 1;
        self.ticks.send(&self.tick.to_be_bytes())?;
        Ok(self.tick)
    }

    /// As [`tick`](Self::tick), for the streams of one group only.
    pub(crate) fn tick_group(&mut self, group: usize) -> io::Result<u64> {
        self.tick += 1;
        let numbers = [self.tick, group as u64].map(u64::to_be_bytes);
        self.ticks.send(numbers.as_flattened())?;
        Ok(self.tick)
    }
}

impl Deref for Process {
    type Target = sse_bench_process::Process;

    fn deref(&self) -> &Self::Target {
        &self.process
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.process
    }
}
