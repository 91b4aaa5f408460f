//! Thousands of clients that come, go, stall, reset and resume, on each transport and on hubs over
//! engines: each event is delivered once or counted in a gap, and nothing is left when they are gone.
//!
//! Servers and clients are processes of this program, as each may have so many descriptors only. They
//! listen on the loopback address, and connect to no other.

#![cfg(unix)]

mod allocator;
mod attack;
mod child;
mod clients;
mod figures;
mod histogram;
mod kernel;
mod messages;
mod processes;
pub mod report;
mod server;
mod siege;
mod soak;
mod subject;
mod topics;

pub use crate::allocator::Allocator;
pub use crate::attack::{ATTACKS, Attack};
pub use crate::messages::ClientsState;
pub use crate::processes::run_if_named;
pub use crate::siege::{SiegeOutcome, SiegePlan, besiege};
pub use crate::soak::{Outcome, Plan, Progress, Resources, run};
pub use crate::subject::{Engine, Protocol, SUBJECTS, Subject, Transport};
