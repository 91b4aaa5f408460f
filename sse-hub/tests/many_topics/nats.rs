//! Many topics in NATS JetStream.

use sse_engines::{Port, Server, nats};
use sse_hub::nats::NatsOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cases::{Calls, Engine, Node};

/// A server, and the port at which it says what it has counted.
struct Nats {
    server: Server,
    counts: Port,
}
