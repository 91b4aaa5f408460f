//! A hand-written TCP server that does nothing but what must be done: the floor.
//!
//! It has its connections in a list, and a loop over them: one `write` each, of bytes that are the
//! same for all, no task and no waker. What is published together is written together. The end of
//! the body is the end of the connection, so there is no framing either. A client that has not
//! taken all of a write is cut off, for keeping the rest would be a buffer for each.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use sse_bench_process::server::{HEAD, read_request};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::events::on_the_wire;
use crate::orders::Orders;

type Connections = Arc<Mutex<Vec<TcpStream>>>;

pub(super) async fn run(listener: TcpListener, orders: Orders) -> io::Result<()> {
    let connections = Connections::default();
    tokio::spawn(publish(Arc::clone(&connections), orders));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connections = Arc::clone(&connections);
        tokio::spawn(async move {
            if let Ok(Some(stream)) = answer(stream).await {
                let mut connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
                connections.push(stream);
            }
        });
    }
}

async fn publish(connections: Connections, mut orders: Orders) -> io::Result<()> {
    loop {
        let events: String = orders.next().await?.map(|it| on_the_wire(&it)).collect();
        let mut connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|stream| {
            let written = stream.try_write(events.as_bytes());
            written.is_ok_and(|written| written == events.len())
        });
    }
}

/// Reads a request, and writes the response's head.
pub(super) async fn answer(mut stream: TcpStream) -> io::Result<Option<TcpStream>> {
    if read_request(&mut stream).await?.is_none() {
        return Ok(None);
    }
    stream.write_all(HEAD).await?;
    Ok(Some(stream))
}
