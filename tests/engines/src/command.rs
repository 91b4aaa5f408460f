//! The commands that start servers.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes the command that starts a server on a port, with its files in a folder.
pub trait MakeCommand: Fn(u16, &Path) -> Command + Send + Sync + 'static {}

impl<F: Fn(u16, &Path) -> Command + Send + Sync + 'static> MakeCommand for F {}

/// Returns the command of a program, whose path may be in a variable of the environment.
pub(crate) fn program(variable: &str, name: &str) -> Command {
    Command::new(env::var_os(variable).unwrap_or_else(|| name.into()))
}

/// Writes a file that the server reads, and returns its path. It is written at each start, as the folder
/// may have been emptied.
pub(crate) fn write(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).expect("written");
    path
}
