//! Topics in Redis or Valkey, shared by several nodes.
//!
//! One stream for each topic is the truth, and each of its entries names its predecessor. One script
//! appends an entry and publishes it, so all nodes that use the topic get it at once, over one
//! connection each. If that connection fails, they read the stream. Under load, many entries share a call of
//! the script.

mod address;
mod append;
mod channels;
mod commands;
mod engine;
mod entry_id;
mod error;
mod expected_note;
mod heads;
mod hello;
mod inbox;
mod keys;
mod link;
mod loss;
mod message;
mod options;
mod permissions;
mod queue;
mod read;
mod script;
mod shard_note;
mod shards;
mod subscribing;
mod supervisor;
mod time_limits;

pub use crate::log::redis::engine::RedisEngine;
pub use crate::log::redis::error::ConnectError;
pub use crate::log::redis::options::RedisOptions;
pub use crate::log::redis::shards::RedisShard;
