//! The numbers of all clients of a process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::received::{Fault, Was};
use crate::messages::ClientsState;

/// How many faults are described.
const EXAMPLES: usize = 10;

/// A number that all clients count.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn increment(&self) {
        self.add(1);
    }

    /// Increments it until the result is dropped.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.increment();
        Held(self)
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A part of a count that ends with this.
#[derive(Debug)]
pub(crate) struct Held<'a>(&'a Count);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The numbers, as in [`ClientsState`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) open: Count,
    pub(crate) settled: Count,
    pub(crate) complete: Count,
    pub(crate) fresh: Count,
    pub(crate) resumed: Count,
    pub(crate) closed: Count,
    pub(crate) reset: Count,
    pub(crate) connections_reset: Count,
    pub(crate) aborted: Count,
    pub(crate) refused: Count,
    pub(crate) stalled: Count,
    events: Count,
    snapshots: Count,
    gaps: Count,
    missed: Count,
    silent: Count,
    doubled: Count,
    faults: Count,
    examples: Mutex<Vec<String>>,
}

impl Tally {
    /// Counts what a client has received.
    pub(crate) fn record(&self, received: Result<Was, Fault>) {
        match received {
            Ok(Was::Event) => self.events.increment(),
            Ok(Was::Snapshot) => self.snapshots.increment(),
            Ok(Was::Gap { topics, missed }) => {
                self.gaps.add(topics);
                self.missed.add(missed);
            }
            Err(fault) => {
                match fault {
                    Fault::Silent { expected, came, .. } => self.silent.add(came - expected),
                    Fault::Doubled { .. } => self.doubled.increment(),
                    Fault::Needless(_) | Fault::Strange(_) => self.faults.increment(),
                }
                self.describe(fault.to_string());
            }
        }
    }

    /// Counts anything else that must not be.
    pub(crate) fn fault(&self, what: String) {
        self.faults.increment();
        self.describe(what);
    }

    fn describe(&self, what: String) {
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.len() < EXAMPLES {
            examples.push(what);
        }
    }

    /// Returns the numbers.
    pub(crate) fn state(&self) -> ClientsState {
        let examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        ClientsState {
            open: self.open.get(),
            settled: self.settled.get(),
            complete: self.complete.get(),
            fresh: self.fresh.get(),
            resumed: self.resumed.get(),
            closed: self.closed.get(),
            reset: self.reset.get(),
            connections_reset: self.connections_reset.get(),
            aborted: self.aborted.get(),
            refused: self.refused.get(),
            stalled: self.stalled.get(),
            events: self.events.get(),
            snapshots: self.snapshots.get(),
            gaps: self.gaps.get(),
            missed: self.missed.get(),
            silent: self.silent.get(),
            doubled: self.doubled.get(),
            faults: self.faults.get(),
            examples: examples.clone(),
        }
    }
}
