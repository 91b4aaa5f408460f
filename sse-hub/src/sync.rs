//! The primitives by which publishers and subscribers meet: those of the standard library or, with
//! `--cfg sse_model`, those of loom, with which `tests/model` tries all interleavings.
//!
//! A lock that is held while one of these is used must be one of these too, as loom runs all threads
//! of a model on one.

#[cfg(sse_model)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
#[cfg(not(sse_model))]
pub(crate) use std::sync::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
