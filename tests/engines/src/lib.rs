//! Engines for tests: real servers as child processes, and a proxy that cuts the connections to them.
//!
//! The servers are those of Debian's packages, or those that `SSE_REDIS_SERVER` and `SSE_NATS_SERVER`
//! name: the path of a `redis-server` or `valkey-server`, and of a `nats-server`.
//!
//! Programs of other packages may be built without TLS, or linked statically, so that no clock can be shown to
//! them. So the name of a test that needs TLS contains `tls`, and that of one that needs a [`Clock`]
//! contains `clock`, be it in a module's name: `cargo xtask engines` leaves these out where they cannot pass.
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
//!
//! A server is started by a command that is made for its port and its folder. Functions take such a command
//! and return another one:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use sse_engines::{Certificate, Clock, Server, redis};
//!
//! # async fn test() {
//! let certificate = Certificate::new();
//! let primary = Server::start(redis::with_tls(redis::durable, &certificate)).await;
//! println!("{}", redis::tls_url(primary.port()));
//!
//! let primary = Server::start(redis::in_memory).await;
//! let clock = Clock::new();
//! clock.put_back(Duration::from_secs(1));
//! let replica = Server::start(clock.shown_to(redis::replica_of(primary.port()))).await;
//! # }
//! ```

#![cfg(unix)]

mod certificate;
mod clock;
mod command;
pub mod nats;
mod port;
mod proxy;
pub mod redis;
mod server;

pub use crate::certificate::Certificate;
pub use crate::clock::Clock;
pub use crate::command::MakeCommand;
pub use crate::port::Port;
pub use crate::proxy::Proxy;
pub use crate::server::{Files, Server};
