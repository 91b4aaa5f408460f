//! Engines for tests: real servers from Debian's packages as child processes, and a proxy that cuts
//! the connections to them.
//!
//! Whatever goes wrong here panics, as a test without its server can only fail.
//!
//! ```no_run
//! use sse_engines::{Server, redis};
//!
//! # async fn test() {
//! let mut server = Server::start(redis::durable).await;
//! println!("{}", redis::url(server.port()));
//! server.kill();
//! server.restart().await;
//! # }
//! ```

#![cfg(unix)]

pub mod nats;
mod port;
mod proxy;
pub mod redis;
mod server;

pub use crate::port::Port;
pub use crate::proxy::Proxy;
pub use crate::server::Server;
