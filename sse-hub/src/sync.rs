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
#[cfg(sse_model)]
pub(crate) use sse_model_paths::reach;
#[cfg(not(sse_model))]
pub(crate) use std::sync::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// Notes that a path was taken on which threads meet: a model fails if none of its runs takes it.
#[cfg(not(sse_model))]
#[inline(always)]
pub(crate) fn reach(_path: &'static str) {}
