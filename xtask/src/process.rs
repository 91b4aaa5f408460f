//! Running other programs, so that people see what is run and what came of it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::result::Result;

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// The cargo that runs this program.
///
/// Without what it says about this package: some build scripts look at that, and would run again
/// whenever cargo is called directly and then from here.
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

/// Runs `command` in the workspace's folder and shows its output.
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

/// Where `program` is found, if it is installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        // Where Debian puts servers, and only root looks.
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The command as one would type it, without the paths of programs.
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
