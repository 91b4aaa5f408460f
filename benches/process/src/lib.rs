//! Shared code of the benchmarks of servers.
//!
//! * [`main`] and [`Arguments`] are the command line.
//! * [`Process`] is a server in a process of its own; [`server`] is the code of that process, or
//!   [`guard`] if the server is another program.
//! * [`kernel`] reads what the kernel knows about a process: its core, CPU time, memory and files.
//! * [`strace`] counts system calls.
//! * [`Response`] parses a response as it arrives, and passes on its body.

mod command;
pub mod kernel;
mod process;
mod response;
pub mod server;
pub mod strace;

pub use crate::command::{Arguments, Result, main};
pub use crate::process::{Process, guard};
pub use crate::response::{Body, Response, reset};
