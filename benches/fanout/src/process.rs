//! A server of this benchmark, in a process that publishes on command.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::ops::Deref;
use std::time::Duration;

use crate::events::{Kind, text};
use crate::nginx;
use crate::servers::Server;

/// How long nginx may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Process {
    server: Server,
    process: sse_bench_process::Process,
    address: SocketAddr,
    publisher: Publisher,
    published: u64,
    kind: Kind,
    /// The folder of nginx, which must exist until nginx has ended.
    _folder: Option<tempfile::TempDir>,
}

/// The way to publish: a command to the server, or a request to nginx.
#[derive(Debug)]
enum Publisher {
    Datagrams(UdpSocket),
    Requests {
        connection: TcpStream,
        unanswered: u64,
    },
}

impl Process {
    /// Starts a server on a core of its own.
    pub(crate) fn start(server: Server, core: Option<usize>) -> io::Result<Self> {
        if server == Server::Nchan {
            return Self::start_nginx(core);
        }
        let (process, address, orders) =
            sse_bench_process::Process::start_again(server.name(), core)?;
        Ok(Self {
            server,
            process,
            address,
            publisher: Publisher::Datagrams(orders),
            published: 0,
            kind: Kind::Plain,
            _folder: None,
        })
    }

    fn start_nginx(core: Option<usize>) -> io::Result<Self> {
        let nginx = nginx::start(core)?;
        let connection = TcpStream::connect(nginx.address)?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self {
            server: Server::Nchan,
            process: nginx.process,
            address: nginx.address,
            publisher: Publisher::Requests {
                connection,
                unanswered: 0,
            },
            published: 0,
            kind: Kind::Plain,
            _folder: Some(nginx.folder),
        })
    }

    /// Sets what is published, by a server of this benchmark.
    pub(crate) const fn set_kind(&mut self, kind: Kind) {
        self.kind = kind;
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) const fn server(&self) -> Server {
        self.server
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of the event that was published last.
    pub(crate) const fn published(&self) -> u64 {
        self.published
    }

    /// Makes the server publish `count` events at once. Returns the number of the last one.
    pub(crate) fn publish(&mut self, count: u64) -> io::Result<u64> {
        let first = self.published + 1;
        self.published += count;
        match &mut self.publisher {
            Publisher::Datagrams(orders) => {
                let mut order = count.to_be_bytes();
                let kind = Kind::ALL.iter().position(|kind| *kind == self.kind);
                order[0] = kind.and_then(|it| u8::try_from(it).ok()).unwrap_or(0);
                orders.send(&order)?;
            }
            Publisher::Requests {
                connection,
                unanswered,
            } => {
                let requests: String = (first..=self.published)
                    .map(|number| nginx::publish_request(&text(number)))
                    .collect();
                connection.write_all(requests.as_bytes())?;
                *unanswered += count;
            }
        }
        Ok(self.published)
    }

    /// Reads the answers to the requests that published, if there are any. To be called after the
    /// events have arrived, so that it does not wait.
    pub(crate) fn take_answers(&mut self) -> io::Result<()> {
        let Publisher::Requests {
            connection,
            unanswered,
        } = &mut self.publisher
        else {
            return Ok(());
        };
        let mut answers = Vec::new();
        while *unanswered > 0 {
            let mut buffer = [0; 4096];
            let len = connection.read(&mut buffer).map_err(|error| {
                io::Error::other(format!("{unanswered} answers of nginx: {error}"))
            })?;
            answers.extend_from_slice(&buffer[..len]);
            if len == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            *unanswered -= nginx::take_answers(&mut answers)?;
        }
        Ok(())
    }
}

impl Deref for Process {
    type Target = sse_bench_process::Process;

    fn deref(&self) -> &Self::Target {
        &self.process
    }
}
