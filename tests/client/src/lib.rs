//! Servers for the tests of `sse-eventsource`: scripted down to the bytes, with a certificate of
//! their own for TLS.
//!
//! Failures panic, as they do in a test.

mod server;
mod tls;

pub use crate::server::{CHUNKED, Connection, STREAM, Server, header};
pub use crate::tls::Identity;
