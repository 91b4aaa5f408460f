//! Where `cargo xtask interop` installs the clients and what runs them.

use std::path::{Path, PathBuf};

/// The environment variable that skips the tests of clients, if it is `1`.
const SKIP: &str = "SSE_SKIP_INTEROP";

/// Whether to skip the tests of clients. If so, prints that to standard error.
///
/// # Panics
///
/// When the tests are not skipped and the clients are not installed.
pub(crate) fn skipped() -> bool {
    skipped_or_there(&[node(), python(), packages()])
}

/// Does the same for the tests of development servers and runtimes.
pub(crate) fn runtimes_skipped() -> bool {
    skipped_or_there(&[node(), runtimes()])
}

fn skipped_or_there(needed: &[PathBuf]) -> bool {
    if std::env::var_os(SKIP).is_some_and(|value| value == "1") {
        eprintln!("skipped: this test needs clients from npm and PyPI, and {SKIP}=1");
        return true;
    }
    if let Some(missing) = needed.iter().find(|path| !path.exists()) {
        panic!(
            "{} does not exist: install the clients with `cargo xtask interop`, or set {SKIP}=1 to \
             skip the tests that need them",
            missing.display()
        );
    }
    false
}

/// Returns the Node.js that runs the clients from npm.
pub(crate) fn node() -> PathBuf {
    target().join("pypi/node/bin/node")
}

/// Returns the folder with the packages from npm.
pub(crate) fn packages() -> PathBuf {
    target().join("npm/interop")
}

/// Returns the folder with the development servers and the runtimes, from npm too.
pub(crate) fn runtimes() -> PathBuf {
    target().join("npm/runtimes")
}

/// Returns the Python that has the clients from its registry.
pub(crate) fn python() -> PathBuf {
    target().join("pypi/interop/bin/python")
}

fn target() -> &'static Path {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    folder.parent().expect("a folder in the target folder")
}
