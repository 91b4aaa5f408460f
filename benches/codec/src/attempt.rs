//! Running a peer that may panic: it is then wrong, and the benchmark goes on.

use std::panic::{self, UnwindSafe};

/// What `run` returns, unless it panics; the panic is not shown.
pub(crate) fn attempt<T>(run: impl FnOnce() -> T + UnwindSafe) -> Option<T> {
    let shown = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(run);
    panic::set_hook(shown);
    result.ok()
}
