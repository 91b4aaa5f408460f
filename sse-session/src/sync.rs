//! The primitives that threads meet at: those of the standard library, or loom's in a build with
//! `--cfg sse_model`, in which `tests/model.rs` tries all their interleavings.

#[cfg(sse_model)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU8, Ordering},
};
#[cfg(not(sse_model))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU8, Ordering},
};
