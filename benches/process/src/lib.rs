//! What the benchmarks of servers share.
//!
//! * [`main`] and [`Arguments`] are the command line.
//! * [`Process`] is a server that runs as a process of its own; [`server`] is its other half, or
//!   [`guard`] if it is a program that others have made.
//! * [`kernel`] is what the kernel keeps books on: who runs where, and what it has used.
//! * [`strace`] counts system calls.
//! * [`Response`] takes a response apart as it comes in, whatever a benchmark looks for in it.
//!
//! What the servers do, and what is asked of them, is the business of the benchmarks.

mod command;
pub mod kernel;
mod process;
mod response;
pub mod server;
pub mod strace;

pub use crate::command::{Arguments, Result, main};
pub use crate::process::{Process, guard};
pub use crate::response::{Body, Response, reset};
