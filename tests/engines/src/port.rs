//! A port for a server that is ended and started again, which nothing else gets meanwhile.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port of this machine's loopback address, kept until this is dropped.
///
/// A port that was merely free a moment ago may be given to another process before the server has
/// it, and a client then finds a server that is not its own.
#[derive(Debug)]
pub struct Port {
    /// Bound to the port, but not listening. So the kernel gives it to nothing else, while a server that
    /// asks for it by its number, and lets its address be reused as servers do, gets it.
    socket: TcpSocket,
}

impl Port {
    /// Takes a free port.
    #[must_use]
    pub fn take() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("set");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(any).expect("a free port");
        Self { socket }
    }

    /// Takes a free port for Redis in a cluster, which also listens 10,000 ports higher. There is no
    /// port that the kernel gives to others.
    ///
    /// # Panics
    ///
    /// If none is left.
    #[must_use]
    pub fn with_bus() -> Self {
        // The kernel's end at 60,999.
        const PORTS: std::ops::Range<u16> = 51_000..55_536;
        // Tests of several processes begin at different ones.
        let begin = usize::from(std::process::id() as u16);
        let ports = PORTS.cycle().skip(begin % PORTS.len()).take(PORTS.len());
        for port in ports {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_reuseaddr(true).expect("set");
            let bound = socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            if bound.is_ok() {
                return Self { socket };
            }
        }
        panic!("no port is left");
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("its address")
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.address().port()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_belongs_to_nothing_else_and_a_server_can_have_it_again_and_again() {
        let ports: Vec<_> = (0..500).map(|_| Port::take()).collect();
        let numbers: HashSet<_> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len());
        for _ in 0..500 {
            let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let other = other.local_addr().expect("its address").port();
            assert!(!numbers.contains(&other), "{other}");
        }
        for _ in 0..2 {
            let server = TcpListener::bind(("127.0.0.1", ports[0].number())).expect("the port");
            let second = TcpListener::bind(("127.0.0.1", ports[0].number()));
            assert!(second.is_err(), "only one at a time");
            drop(server);
        }
    }
}
