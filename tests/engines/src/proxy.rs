//! A connection that can be cut or held, and an address that can be switched to another server: a TCP
//! proxy before a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};

/// Forwards connections to a port, and cuts or holds them all on demand.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
    task: AbortHandle,
}

#[derive(Debug)]
struct State {
    /// The port of the server to which new connections go.
    to: AtomicU16,
    /// Whether nothing of the server's is let through for now.
    holds: watch::Sender<bool>,
    /// How many more bytes of the server's are let through before the cut; no cut if negative.
    left: AtomicI64,
    is_armed: AtomicBool,
    refuses: AtomicBool,
    cuts: AtomicUsize,
    cut: Notify,
}

impl Proxy {
    /// Listens, and forwards to a port of this machine.
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let state = Arc::new(State {
            to: AtomicU16::new(to),
            holds: watch::Sender::new(false),
            left: AtomicI64::new(0),
            is_armed: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            cuts: AtomicUsize::new(0),
            cut: Notify::new(),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&state))).abort_handle();
        Self { port, state, task }
    }

    /// The port on which it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections when the server has sent so many more bytes, likely in the midst of a
    /// message.
    pub fn cut_after(&self, bytes: i64) {
        self.state.left.store(bytes, Ordering::SeqCst);
        self.state.is_armed.store(true, Ordering::SeqCst);
    }

    /// Cuts all connections now.
    pub fn cut(&self) {
        self.state.cuts.fetch_add(1, Ordering::SeqCst);
        self.state.cut.notify_waiters();
    }

    /// Forwards new connections to another port; those that are open stay as they are.
    pub fn forward_to(&self, port: u16) {
        self.state.to.store(port, Ordering::SeqCst);
    }

    /// Whether new connections are closed at once.
    pub fn refuse(&self, refuses: bool) {
        self.state.refuses.store(refuses, Ordering::SeqCst);
    }

    /// Whether nothing that the server sends is forwarded for now, while all stays open.
    pub fn hold(&self, holds: bool) {
        self.state.holds.send_replace(holds);
    }

    /// How many cuts there were.
    #[must_use]
    pub fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if state.refuses.load(Ordering::SeqCst) {
            continue;
        }
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let to = state.to.load(Ordering::SeqCst);
            let to = SocketAddr::from(([127, 0, 0, 1], to));
            let Ok(server) = TcpStream::connect(to).await else {
                return;
            };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let cut = state.cut.notified();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            // The halves are dropped together, which closes both connections.
            tokio::select! {
                () = cut => {}
                () = forward(from_client, to_server) => {}
                () = forward_counted(from_server, to_client, &state) => {}
            }
        });
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

/// Forwards what the server sends up to the byte after which the connections are cut.
async fn forward_counted(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) {
    let mut buffer = vec![0; 16 * 1024];
    let mut holds = state.holds.subscribe();
    loop {
        let Ok(len @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        // The state has the sender.
        let _ = holds.wait_for(|holds| !*holds).await;
        let mut piece = &buffer[..len];
        let mut is_last = false;
        if state.is_armed.load(Ordering::SeqCst) {
            let count = i64::try_from(len).expect("a short buffer");
            let left = state.left.fetch_sub(count, Ordering::SeqCst);
            if left <= count {
                piece = &piece[..usize::try_from(left.max(0)).expect("not negative")];
                is_last = true;
            }
        }
        if to.write_all(piece).await.is_err() {
            return;
        }
        if is_last {
            // Only the first one to get there; others of the same moment are cut by it.
            if state.is_armed.swap(false, Ordering::SeqCst) {
                state.cuts.fetch_add(1, Ordering::SeqCst);
                state.cut.notify_waiters();
            }
            return;
        }
    }
}
