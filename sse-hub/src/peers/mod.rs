//! What the nodes of an engine tell each other: who is a member of a watched topic, and which members are to
//! be disconnected.
//!
//! Messages are events of topics of the hub's own, so they come in one order for all nodes, and a node that
//! was cut off gets what it has missed. One topic has what concerns all nodes; each topic whose members are
//! watched has another one for its members:
//!
//! ```text
//!                  all nodes                     members of "room"
//!  watcher   "I watch room" -------->  other     read by the watcher alone:
//!            every 5 seconds           nodes     "3 here: Ada 1, Bob 2"  <---- those with members,
//!                                                "Bob 1 now"                   at most every 100 ms
//! ```
//!
//! A node that nobody hears of is gone, with its members. What measures that is not a clock, but the node's own
//! messages, as they come back in the common order: four of them without one of the other node. So nothing
//! expires while the engine is down. A node sees in the same order that others may take it for gone, and
//! then tells all its members again.

mod disconnect;
mod leases;
mod message;
mod nodes;
mod reader;
mod reports;
mod shared;

pub(crate) use disconnect::disconnect_here;
pub(crate) use nodes::Nodes;
pub(crate) use shared::Peers;

use crate::topic_name::reserved;

/// Returns the name of the topic with what concerns all nodes.
fn topic_of_nodes() -> String {
    reserved("nodes", "")
}

/// Returns the name of the topic with the members of a topic.
fn topic_of_members(topic: &str) -> String {
    reserved("members:", topic)
}
