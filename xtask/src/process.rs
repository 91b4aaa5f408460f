//! Running other programs. Each command is printed before it runs, and named in errors.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::result::Result;

/// Returns the folder of the product's workspace.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Returns the cargo that runs this program.
///
/// The variables that describe this package are removed: the build scripts of some dependencies
/// depend on them, and would run again after each change between `cargo` and `cargo xtask`.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in env::vars_os() {
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b"CARGO_PKG_") || bytes.starts_with(b"CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Runs `command` in the workspace's folder. Its output is shown.
pub(crate) fn run(command: &mut Command) -> Result {
    command.current_dir(root());
    eprintln!("$ {}", shown(command));
    let status = command
        .status()
        .map_err(|error| format!("cannot run {}: {error}", shown(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("failed ({status}): {}", shown(command)).into())
    }
}

/// Runs `command` in the workspace's folder and returns what it writes to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", shown(command)))?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("failed ({}): {}", output.status, shown(command)).into())
    }
}

/// Returns the path of `program`, if it is installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        // Servers are here on Debian, and only root has it in PATH.
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Returns the command as it is typed, with the name of the program instead of its path.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let set = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={:?} ", name.display(), value?)));
    let words = command
        .get_args()
        .map(|word| format!(" {}", word.display()));
    let name = program.file_name().unwrap_or(program.as_os_str());
    set.chain([name.display().to_string()])
        .chain(words)
        .collect()
}
