//! Topics in NATS JetStream, shared by several nodes.
//!
//! One stream has a subject for each topic and is the truth. It republishes what it has stored, each
//! message with the number of the one before it on the same subject, to all nodes that use the
//! topic. What a node may have missed, it reads from the stream.
//!
//! [`NatsOptions::connect_with`] takes types of the crate [`async_nats`], which is re-exported here
//! in the version that it must have.

mod append;
mod batch;
mod check;
mod client;
mod end;
mod engine;
mod entry_id;
mod epoch;
mod error;
mod finished;
mod get;
mod interest;
mod link;
mod live;
mod mark;
mod not_now;
mod options;
mod page;
mod partitions;
mod read;
mod signal;
mod stored;
mod subject;

pub use async_nats;

pub use crate::log::nats::engine::NatsEngine;
pub use crate::log::nats::error::ConnectError;
pub use crate::log::nats::options::NatsOptions;
