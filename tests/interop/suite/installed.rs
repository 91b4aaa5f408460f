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
    if std::env::var_os(SKIP).is_some_and(|value| value == "1") {
        eprintln!("skipped: this test needs clients from npm and PyPI, and {SKIP}=1");
        return true;
    }
    let missing = [node(), python(), packages()];
    if let Some(missing) = missing.iter().find(|path| !path.exists()) {
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

/// Returns the Python that has the clients from its registry.
pub(crate) fn python() -> PathBuf {
    target().join("pypi/interop/bin/python")
}

fn target() -> &'static Path {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    folder.parent().expect("a folder in the target folder")
}
