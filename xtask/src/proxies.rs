//! `cargo xtask proxies`: the adapters behind reverse proxies.

use std::process::Command;

use crate::process::{cargo, run};
use crate::result::Result;
use crate::{debian, pypi};

/// The environment variable that skips the tests of proxies, if it is `1`.
pub(crate) const SKIP: &str = "SSE_SKIP_PROXIES";

/// The proxies whose programs are in wheels of `PyPI`.
const FROM_PYPI: &[&str] = &["caddy", "envoy", "traefik"];

/// The proxies in `cargo xtask test`: those that are installed in a moment.
pub(crate) const QUICK: &[&str] = &["nginx", "haproxy", "h2o", "caddy"];

/// The folder with the version and the hashes of each wheel.
const WHEELS: &str = "tests/proxies/wheels";

/// The number of tests at once. They mostly wait.
const THREADS: &str = "4";

/// `cargo xtask proxies`: tests all proxies, or those that are named.
pub(crate) fn command(names: &[String]) -> Result {
    let all: Vec<_> = debian::proxies().chain(FROM_PYPI.iter().copied()).collect();
    let mut test = cargo();
    test.args(["test", "--package", "sse-proxies"]);
    if names.is_empty() {
        return test_proxies(&all, &mut test);
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(format!("there is no proxy {unknown}; there are {}", all.join(", ")).into());
    }
    test_proxies(&names, &mut test)
}

/// Tests the proxies that are quick. `test` is a command that has built the tests, as it also builds all
/// others.
pub(crate) fn check(test: &mut Command) -> Result {
    test_proxies(QUICK, test)
}

fn test_proxies(names: &[&str], test: &mut Command) -> Result {
    debian::install_proxies(names)?;
    for name in FROM_PYPI.iter().filter(|name| names.contains(name)) {
        pypi::install(name, &format!("{WHEELS}/{name}.txt"))?;
    }
    let modules = names.iter().map(|name| format!("{name}::"));
    run(test
        .args(["--test", "proxies", "--", "--test-threads", THREADS])
        .arg("chapter::")
        .args(modules))
}
