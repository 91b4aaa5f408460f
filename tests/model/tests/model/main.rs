//! What threads share, in all interleavings.
//!
//! loom runs each model again and again, with another order of the threads' accesses each time. A
//! wake that is lost leaves all threads blocked, which loom reports as a deadlock.

mod disconnecting;
mod hub;
mod session;
mod task;
