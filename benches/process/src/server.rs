//! The part of a server process that all servers have: its core, sockets and runtime, and the HTTP
//! of those that are written by hand. In the load generator, it is a [`Process`](crate::Process).

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::thread;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::kernel;

/// The head of an event stream that ends with its connection, so that there is no framing.
pub const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\
    content-type: text/event-stream\r\ncache-control: no-cache\r\nconnection: close\r\n\r\n";

/// Makes this process a server: pins it to its core, opens its sockets, and prints their ports for
/// the load generator. One is for clients, the other for commands.
pub(crate) fn start(core: Option<usize>) -> io::Result<(TcpListener, UdpSocket)> {
    if let Some(core) = core {
        kernel::pin_to(core)?;
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let datagrams = UdpSocket::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    announce([
        listener.local_addr()?.port(),
        datagrams.local_addr()?.port(),
    ])?;
    Ok((listener, datagrams))
}

/// Prints the ports for the load generator, and ends this process when the load generator closes
/// its standard input.
fn announce([port, order_port]: [u16; 2]) -> io::Result<()> {
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mut output = io::stdout();
    writeln!(output, "{port} {order_port}")?;
    output.flush()
}

/// Creates the runtime of `#[tokio::main]`: one worker per core, so here it is one.
///
/// # Errors
///
/// When no thread can be created.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build()
}

/// Reads a request up to its blank line; nothing must follow it. Returns `None` if the client closes
/// the connection first.
///
/// # Errors
///
/// When the connection fails.
pub async fn read_request(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    // On the heap and freed afterwards, so that it is no part of the cost of an open stream.
    let mut bytes = vec![0; 1024];
    let mut len = 0;
    while !bytes[..len].ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut bytes[len..]).await?;
        if read == 0 {
            return Ok(None);
        }
        len += read;
    }
    bytes.truncate(len);
    Ok(Some(bytes))
}
