//! What the benchmarks of servers share.
//!
//! * [`Process`] is a server that runs as a process of its own; [`announce`] is its other half,
//!   or [`guard`] if it is a program that others have made.
//! * [`kernel`] is what the kernel keeps books on: who runs where, and what it has used.
//! * [`strace`] counts system calls.
//! * [`Response`] takes a response apart as it comes in, whatever a benchmark looks for in it.
//!
//! What the servers do, and what is asked of them, is the business of the benchmarks.

pub mod kernel;
mod process;
mod response;
pub mod strace;

pub use crate::process::{Process, announce, guard};
pub use crate::response::{Body, Response, reset};
