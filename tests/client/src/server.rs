//! A server that does what a test scripts, down to the bytes. It runs in a thread of its own, so
//! that none of its tasks are in the client's runtime.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

/// The head of an event stream that ends with its connection.
pub const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

/// The head of an event stream in chunks, whose end differs from a cut.
pub const CHUNKED: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\n\r\n";

/// A server on the loopback interface. It stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server that runs `handler` for each connection, numbered from 0.
    pub fn start<F, R>(handler: F) -> Self
    where
        F: Fn(usize, Connection) -> R + Send + 'static,
        R: Future<Output = ()> + 'static,
    {
        let (stop, stopped) = oneshot::channel::<()>();
        let (started, address) = std::sync::mpsc::channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let serve = async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let address = listener.local_addr().expect("an address");
                started.send(address).expect("the test waits");
                loop {
                    let (io, _) = listener.accept().await.expect("a connection");
                    io.set_nodelay(true).expect("a socket option");
                    let number = counter.fetch_add(1, Ordering::Relaxed);
                    tokio::task::spawn_local(handler(number, Connection { io }));
                }
            };
            LocalSet::new().block_on(&runtime, async {
                tokio::select! {
                    () = serve => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address: address.recv().expect("it started"),
            connections,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Returns the address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of its root.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Returns how many connections were accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A connection of a client.
#[derive(Debug)]
pub struct Connection {
    /// The socket.
    pub io: TcpStream,
}

impl Connection {
    /// Reads the head of the request.
    pub async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.io.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).expect("UTF-8")
    }

    /// Reads `length` bytes of the request's body.
    pub async fn exactly(&mut self, length: usize) -> String {
        let mut body = vec![0; length];
        if self.io.read_exact(&mut body).await.is_err() {
            body.clear();
        }
        String::from_utf8(body).expect("UTF-8")
    }

    /// Reads the request's body, which is in chunks.
    pub async fn chunks(&mut self) -> String {
        let mut body = String::new();
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                match self.io.read_u8().await {
                    Ok(byte) => line.push(byte),
                    Err(_) => return body,
                }
            }
            let line = String::from_utf8(line).expect("UTF-8");
            let length = usize::from_str_radix(line.trim_end(), 16).expect("a length");
            let chunk = self.exactly(length + 2).await;
            if length == 0 {
                return body;
            }
            body.push_str(chunk.trim_end_matches("\r\n"));
        }
    }

    /// Sends some text. Returns `false` if the client has closed the connection.
    pub async fn send(&mut self, text: impl AsRef<[u8]>) -> bool {
        self.io.write_all(text.as_ref()).await.is_ok()
    }

    /// Reads the head of the request, and answers with this text.
    pub async fn answer(&mut self, text: impl AsRef<[u8]>) {
        self.head().await;
        self.send(text).await;
    }

    /// Sends a chunk. Returns `false` if the client has closed the connection.
    pub async fn chunk(&mut self, text: &str) -> bool {
        self.send(format!("{:x}\r\n{text}\r\n", text.len())).await
    }

    /// Resets the connection.
    pub fn reset(self) {
        self.io.set_zero_linger().expect("a socket option");
    }

    /// Waits until the client has closed the connection.
    pub async fn closed(&mut self) {
        while let Ok(1..) = self.io.read(&mut [0; 1024]).await {}
    }
}

/// Returns the value of a header in the head of a request.
#[must_use]
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
