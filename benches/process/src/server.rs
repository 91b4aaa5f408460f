//! What a server process is before it is one server or another: where it runs, its sockets, its
//! runtime; and what those that are written by hand know of HTTP. [`Process`](crate::Process) is
//! its other half, in the load generator.

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

/// Makes this process a server: keeps it on its core, opens its sockets, and tells the load
/// generator where they are. One is for the clients, the other for what the server is told.
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

/// Tells the load generator where this server listens, and ends this process when the load
/// generator is done, or gone.
fn announce([port, order_port]: [u16; 2]) -> io::Result<()> {
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mut output = io::stdout();
    writeln!(output, "{port} {order_port}")?;
    output.flush()
}

/// What `#[tokio::main]` makes: a worker for each core, so here it is one.
///
/// # Errors
///
/// When the kernel has no thread for it.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build()
}

/// Reads a request up to its blank line; nothing must follow it. There is none if the client has
/// closed the connection before.
///
/// # Errors
///
/// When the connection fails.
pub async fn read_request(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    // On the heap and freed after: it must not be part of what an open stream costs.
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
