//! Counts the paths that the runs of a model have taken, so that a model which never reaches what it is
//! about fails.

use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    /// Of one model: loom runs all threads of a model on the thread of its test.
    static REACHED: RefCell<BTreeMap<&'static str, u64>> = RefCell::default();
}

/// Counts that a path was taken.
pub fn reach(path: &'static str) {
    REACHED.with_borrow_mut(|reached| *reached.entry(path).or_default() += 1);
}

/// Returns how often each path was taken on this thread since the last call.
pub fn take() -> BTreeMap<&'static str, u64> {
    REACHED.take()
}
