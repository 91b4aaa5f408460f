//! TLS with rustls: the handshake is a matter of its own connection alone.

mod beside;
mod clients;
mod handshake;
mod log;
