//! What all attackers use: connections to the server, and the counts.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::messages::AttackState;

/// The receive buffer of attackers that do not read.
const SMALL_BUFFER: u32 = 4 * 1024;

/// How much of an answer is read.
const ANSWER: usize = 64;

/// A server of this machine that is attacked.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    port: u16,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    opened: AtomicU64,
    ended: AtomicU64,
    sent: AtomicU64,
    answers: Mutex<BTreeMap<String, u64>>,
}

impl Front {
    /// The server that listens on this port of the loopback address. Nothing else can be attacked.
    pub(crate) fn new(port: u16) -> Self {
        Self {
            port,
            counts: Arc::default(),
        }
    }

    /// Opens a connection. One that is not read from has a small buffer.
    pub(crate) async fn connect(&self, is_read: bool) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if !is_read {
            socket.set_recv_buffer_size(SMALL_BUFFER)?;
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        self.counts.opened.fetch_add(1, Ordering::Relaxed);
        Ok(stream)
    }

    /// Counts what was sent.
    pub(crate) fn sent(&self, number: usize) {
        self.counts.sent.fetch_add(number as u64, Ordering::Relaxed);
    }

    /// Counts a connection that the server has ended.
    pub(crate) fn ended(&self) {
        self.counts.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, answer: &str) {
        let answers = self.counts.answers.lock();
        let mut answers = answers.unwrap_or_else(PoisonError::into_inner);
        *answers.entry(answer.to_owned()).or_default() += 1;
    }

    /// Reads the beginning of an answer of HTTP/1.1, and counts its status. Returns whether there was
    /// one.
    pub(crate) async fn read_status(&self, stream: &mut (impl AsyncRead + Unpin)) -> bool {
        let mut answer = Vec::new();
        while answer.len() < 12 {
            match stream
                .take((ANSWER - answer.len()) as u64)
                .read_buf(&mut answer)
                .await
            {
                Ok(1..) => {}
                Ok(0) | Err(_) => return false,
            }
        }
        let status = String::from_utf8_lossy(&answer[9..12]);
        self.answered(&status);
        true
    }

    /// Reads until the end, and counts it.
    pub(crate) async fn read_to_end(&self, stream: &mut (impl AsyncRead + Unpin)) {
        let _ = tokio::io::copy(stream, &mut tokio::io::sink()).await;
        self.ended();
    }

    /// Returns the counts.
    pub(crate) fn state(&self) -> AttackState {
        let answers = self.counts.answers.lock();
        AttackState {
            opened: self.counts.opened.load(Ordering::Relaxed),
            ended: self.counts.ended.load(Ordering::Relaxed),
            sent: self.counts.sent.load(Ordering::Relaxed),
            answers: answers.unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
