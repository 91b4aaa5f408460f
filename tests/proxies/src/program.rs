//! Where programs are installed.

use std::env;
use std::path::PathBuf;

/// Returns the path of an installed program. On Debian, servers are in a directory that is in the
/// `PATH` of root alone.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}
