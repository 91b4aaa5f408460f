//! The event source through its public API: over a scripted HTTP stack in memory, where tokio's
//! paused time makes every wait exact, and over real sockets.

mod adapters;
#[cfg(feature = "compression")]
mod compression;
mod connection;
mod ends;
mod faults;
mod incomplete;
mod not_resumed;
mod reconnecting;
mod requests;
mod resuming;
mod spawned;
mod stack;
mod standard;
mod stream_types;
mod timeouts;
mod uploads;
