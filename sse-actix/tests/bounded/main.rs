//! `BoundedHttp` over connections in memory, where each byte that it takes from a client is counted.

mod bodies;
mod requests;
mod server;
mod shutdown;
mod streams;
mod write_timeout;
