//! Running a peer that may panic: its result is then wrong, and the benchmark continues.

use std::panic::{self, UnwindSafe};

/// Returns what `run` returns, unless it panics. The panic is not shown.
pub(crate) fn attempt<T>(run: impl FnOnce() -> T + UnwindSafe) -> Option<T> {
    let shown = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(run);
    panic::set_hook(shown);
    result.ok()
}
